#!/usr/bin/env python3
"""The second opinion on colour transfer: numpy only, shares nothing with the tools.

oracle_transfer.py ssim A B            structural similarity of the lightness of two images
oracle_transfer.py distance A B        how far two palettes are apart: sliced Wasserstein of order 2, Lab
oracle_transfer.py cube FILE SOURCE RESULT... [trilinear]
                                       mean CIEDE2000 of SOURCE through the table to each RESULT
oracle_transfer.py make FILE KIND      a picture: src, ref (8-bit), plus what make() below says
oracle_transfer.py expect CONDITION NAME=FILE...
                                       exit 1 unless the numpy expression is true; arrays 0..1
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import numpy as np

import oracle


def srgb(name):
    """Encoded sRGB, height x width x 3, and alpha or None."""
    array, profile = oracle.read(name)
    alpha = array[..., -1] if array.shape[2] in (2, 4) else None
    color = array[..., :-1] if alpha is not None else array
    return oracle.to_srgb(color, profile), alpha


def blur(plane, sigma=1.5, radius=5):
    k = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    k /= k.sum()
    wide, high = plane.shape[1] - 2 * radius, plane.shape[0] - 2 * radius
    plane = sum(share * plane[:, i:i + wide] for i, share in enumerate(k))
    return sum(share * plane[i:i + high] for i, share in enumerate(k))


def ssim(one, two):
    """Wang, Bovik, Sheikh, Simoncelli 2004: Gaussian window of sigma 1.5, K1 0.01, K2 0.03; on L*."""
    a, b = (oracle.lab(srgb(n)[0])[..., 0] / 100 for n in (one, two))
    ma, mb = blur(a), blur(b)
    va, vb, cov = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    return float((((2 * ma * mb + c1) * (2 * cov + c2)) /
                  ((ma * ma + mb * mb + c1) * (va + vb + c2))).mean())


def distance(one, two, directions=32, most=40000):
    turn = np.random.default_rng(1).normal(size=(directions, 3))
    turn /= np.linalg.norm(turn, axis=1, keepdims=True)
    at = (np.arange(2048) + 0.5) / 2048
    spread = []
    for name in (one, two):
        color, alpha = srgb(name)
        color = color.reshape(-1, 3)
        if alpha is not None:
            color = color[alpha.reshape(-1) > 0]
        lab = oracle.lab(color[::len(color) // most + 1])
        spread.append(np.quantile(lab @ turn.T, at, axis=0))
    return float(np.sqrt(((spread[0] - spread[1]) ** 2).mean()))


def read_cube(name):
    """The points as an array [blue, green, red, channel], and the domain."""
    size, low, high = None, np.zeros(3), np.ones(3)
    with open(name) as file:
        lines = [line for line in file.read().split("\n") if line and line[0] != "#"]
    first = 0
    while lines[first][0].isalpha():
        words = lines[first].split()
        if words[0] == "LUT_3D_SIZE":
            size = int(words[1])
        elif words[0] == "DOMAIN_MIN":
            low = np.array([float(w) for w in words[1:]])
        elif words[0] == "DOMAIN_MAX":
            high = np.array([float(w) for w in words[1:]])
        first += 1
    points = np.array(" ".join(lines[first:]).split(), float)
    assert len(lines) - first == size ** 3 and len(points) == 3 * size ** 3
    return points.reshape(size, size, size, 3), low, high


def through_cube(color, cube, trilinear=False):
    points, low, high = cube
    size = points.shape[0]
    at = np.clip((color - low) / (high - low), 0, 1) * (size - 1)
    below = np.minimum(at.astype(int), size - 2)
    f = at - below

    def corner(r, g, b):
        return points[below[..., 2] + b, below[..., 1] + g, below[..., 0] + r]

    if trilinear:
        total = 0
        for r in (0, 1):
            for g in (0, 1):
                for b in (0, 1):
                    share = np.ones(color.shape[:-1])
                    for i, bit in enumerate((r, g, b)):
                        share = share * (f[..., i] if bit else 1 - f[..., i])
                    total = total + share[..., None] * corner(r, g, b)
        return total
    # Tetrahedral: from the corner below to the opposite one, the longest distance first.
    order = np.argsort(-f, axis=-1, kind="stable")
    sorted_f = np.take_along_axis(f, order, axis=-1)
    step = np.zeros(color.shape, int)
    result = corner(step[..., 0], step[..., 1], step[..., 2])
    for i in range(3):
        before = corner(step[..., 0], step[..., 1], step[..., 2])
        np.put_along_axis(step, order[..., i:i + 1], 1, axis=-1)
        after = corner(step[..., 0], step[..., 1], step[..., 2])
        result = result + sorted_f[..., i:i + 1] * (after - before)
    return result


def command_ssim(one, two):
    print(ssim(one, two))


def command_distance(one, two):
    print(distance(one, two))


def command_cube(name, source, *results):
    trilinear = results[-1] == "trilinear"
    mapped = through_cube(srgb(source)[0], read_cube(name), trilinear)
    lab = oracle.lab(np.clip(mapped, 0, 1))
    for result in results[:-1] if trilinear else results:
        print(float(oracle.ciede2000(lab, oracle.lab(srgb(result)[0])).mean()))


def make(kind):
    """8-bit RGB or RGBA."""
    if kind == "src":
        return oracle.picture(160, 120)
    y, x = np.mgrid[0:120, 0:160]
    if kind == "ref":  # warm, brighter, less contrast
        return np.clip(np.stack([150 + 60 * np.sin(x / 20), 110 + 50 * np.cos(y / 15 + x / 40),
                                 70 + 40 * np.sin((x + y) / 25)], axis=-1), 0, 255).astype(np.uint8)
    if kind == "clear":
        return np.dstack([oracle.picture(160, 120), np.zeros((120, 160), np.uint8)])
    if kind == "cutout":  # a disc with a soft edge
        disc = np.clip((50 - np.hypot(x - 80, y - 60)) / 6 + 0.5, 0, 1)
        return np.dstack([oracle.picture(160, 120), np.round(disc * 255).astype(np.uint8)])
    if kind == "left":  # masks
        return np.where(x < 80, 255, 0).astype(np.uint8)
    if kind == "half":
        return np.full((120, 160), 128, np.uint8)
    if kind == "none":
        return np.zeros((120, 160), np.uint8)
    if kind == "grey":
        return np.clip(100 + x // 2 + y // 4, 0, 255).astype(np.uint8)
    if kind == "blue":  # one colour
        return np.full((120, 160, 3), (30, 60, 160), np.uint8)
    sys.exit(f"no picture {kind}")


def command_make(name, kind):
    from PIL import Image
    Image.fromarray(make(kind)).save(name)


def command_expect(condition, *files):
    names = dict(f.split("=", 1) for f in files)
    values = {key: oracle.read(name)[0] for key, name in names.items()}
    de = lambda a, b: oracle.ciede2000(oracle.lab(a[..., :3]), oracle.lab(b[..., :3]))
    if not eval(f"({condition})", {"np": np, "de": de, "lab": oracle.lab, **values}):
        sys.exit(f"not so: {condition}")


if __name__ == "__main__":
    globals()["command_" + sys.argv[1]](*sys.argv[2:])
