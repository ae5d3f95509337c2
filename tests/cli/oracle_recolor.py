#!/usr/bin/env python3
"""Judges recoloured pictures against the rendered truth, with the formulas of oracle.py.

oracle_recolor.py compare OUT TRUTH MASK SOURCE   JSON, CIEDE2000 where the mask is not 0: mean,
    p99, edge (mean where the mask is between 0 and 1, and something can be seen), unclipped (mean
    where neither truth nor source has a component at its upper end)
oracle_recolor.py body SOURCE MASK HEX=OUT...     worst CIEDE2000 of HEX to the median of the body:
    the masked pixels of SOURCE between the 40th and 80th percentile of luminance
oracle_recolor.py untouched OUT SOURCE MASK       exit 1 unless the samples are the same where the
    mask or alpha is 0, and alpha everywhere
oracle_recolor.py strange OUT SOURCE LIMIT        mean CIEDE2000 over the yellow pixels, at most LIMIT
"""
import json
import sys

import numpy as np

import oracle


def samples(name):
    return np.round(oracle.read(name)[0] * 65535) / 65535


def parts(name):
    """(colour, alpha) of a picture"""
    array = samples(name)
    if array.shape[2] == 4:
        return array[:, :, :3], array[:, :, 3]
    return array, np.ones(array.shape[:2])


def mask_of(name):
    return samples(name)[:, :, 0]


def command_compare(out, truth, mask, source):
    (out, _), (truth, alpha), (source, _) = parts(out), parts(truth), parts(source)
    mask = mask_of(mask)
    d = oracle.ciede2000(oracle.lab(out), oracle.lab(truth))
    covered = (mask > 0) & (alpha > 0.04)
    whole = (truth.max(axis=2) < 0.998) & (source.max(axis=2) < 0.998)
    print(json.dumps({"mean": float(d[covered].mean()),
                      "p99": float(np.percentile(d[covered], 99)),
                      "edge": float(d[covered & (mask < 1)].mean()),
                      "unclipped": float(d[covered & whole].mean())}))


def command_body(source, mask, *outs):
    color, alpha = parts(source)
    inside = (mask_of(mask) == 1) & (alpha == 1)
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    y = linear @ np.array([0.2126, 0.7152, 0.0722])
    low, high = np.percentile(y[inside], [40, 80])
    inside &= (y >= low) & (y <= high)
    worst = 0.0
    for pair in outs:
        code, name = pair.split("=", 1)
        target = np.array([int(code[i:i + 2], 16) / 255 for i in (1, 3, 5)])
        median = np.median(parts(name)[0][inside], axis=0)
        worst = max(worst, float(oracle.ciede2000(oracle.lab(median), oracle.lab(target))))
    print(worst)


def command_untouched(out, source, mask):
    out, source, mask = samples(out), samples(source), mask_of(mask)
    if out.shape != source.shape:
        sys.exit(f"shapes {out.shape} and {source.shape}")
    outside = mask == 0
    if out.shape[2] == 4:
        outside |= source[:, :, 3] == 0
        if not np.array_equal(out[:, :, 3], source[:, :, 3]):
            sys.exit("alpha changed")
    changed = (out != source).any(axis=2) & outside
    if changed.any():
        sys.exit(f"{int(changed.sum())} pixels changed without mask or alpha")


def command_strange(out, source, limit):
    (out, _), (source, alpha) = parts(out), parts(source)
    one, two = oracle.lab(source), oracle.lab(out)
    yellow = (one[..., 2] > 45) & (np.abs(one[..., 1]) < one[..., 2] / 2) & (alpha > 0.98)
    if yellow.sum() < 50:
        sys.exit("no yellow pixels")
    mean = float(oracle.ciede2000(one[yellow], two[yellow]).mean())
    print(mean)
    sys.exit(mean > float(limit))


if __name__ == "__main__":
    globals()["command_" + sys.argv[1]](*sys.argv[2:])
