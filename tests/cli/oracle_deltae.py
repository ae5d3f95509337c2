#!/usr/bin/env python3
"""deltae on images, again: Pillow decodes, numpy computes in double precision.

oracle_deltae.py check RESULT.json A B [mask=M] [ignore=WxH+X+Y] [p3=b] [formula=76|94]
                          exit 1 unless the JSON of deltae says what numpy says
oracle_deltae.py make KIND FILE...  test inputs; see the functions make_...
"""
import json
import os
import struct
import sys

import numpy as np
from PIL import Image

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402

D50 = np.array([0.9642, 1.0, 0.8249])
# Display P3 against D50, to the precision that profiles have.
P3 = np.round(np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666],
                        [-0.0011, 0.0419, 0.7841]]) * 65536) / 65536


def srgb_against_d50():
    """From sRGB's primaries (IEC 61966-2-1), through the linear Bradford transform."""
    xy = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06], [0.3127, 0.3290]])
    xyz = np.stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(axis=1)) / xy[:, 1]])
    primaries = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    cone = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367],
                     [0.0389, -0.0685, 1.0296]])
    return np.linalg.inv(cone) @ np.diag(cone @ D50 / (cone @ xyz[:, 3])) @ cone @ primaries


def decode(code):
    size = np.abs(code)
    light = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    return np.copysign(light, code)


def encode(light):
    size = np.abs(light)
    code = np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    return np.copysign(code, light)


def load(name, p3):
    """Encoded sRGB, not clipped, and alpha."""
    array, _ = oracle.read(name)
    channels = array.shape[2]
    alpha = array[:, :, -1:] if channels in (2, 4) else np.ones(array.shape[:2] + (1,))
    color = array[:, :, :-1] if channels in (2, 4) else array
    if color.shape[2] == 1:
        color = np.repeat(color, 3, axis=2)
    if p3:
        color = encode((color ** 2.19921875) @ (np.linalg.inv(srgb_against_d50()) @ P3).T)
    return color, alpha


def lab(code):
    """As oracle.lab, but right below 0 as well."""
    matrix = np.array([[506752 / 1228815, 87881 / 245763, 12673 / 70218],
                       [87098 / 409605, 175762 / 245763, 12673 / 175545],
                       [7918 / 409605, 87881 / 737289, 1001167 / 1053270]])
    xyz = decode(code) @ matrix.T / np.array([0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]),
                     200 * (f[..., 1] - f[..., 2])], axis=-1)


def cie76(one, two):
    return np.sqrt(((one - two) ** 2).sum(axis=-1))


def cie94(one, two):
    """Graphic arts; the first is the reference."""
    c1, c2 = np.hypot(one[..., 1], one[..., 2]), np.hypot(two[..., 1], two[..., 2])
    dl, dc = one[..., 0] - two[..., 0], c1 - c2
    dh2 = ((one - two)[..., 1:] ** 2).sum(axis=-1) - dc ** 2
    return np.sqrt(dl ** 2 + (dc / (1 + 0.045 * c1)) ** 2 +
                   np.maximum(dh2, 0) / (1 + 0.015 * c1) ** 2)


FORMULAS = {"2000": oracle.ciede2000, "76": cie76, "94": cie94}


def differences(a, b, formula, p3):
    (color_a, alpha_a), (color_b, alpha_b) = load(a, p3 == "a"), load(b, p3 == "b")
    over = [FORMULAS[formula](lab(color_a * alpha_a + grey * (1 - alpha_a)),
                              lab(color_b * alpha_b + grey * (1 - alpha_b))) for grey in (0, 1)]
    return np.maximum(*over)


def command_check(result, a, b, *options):
    options = dict(option.split("=") for option in options)
    d = differences(a, b, options.get("formula", "2000"), options.get("p3"))
    counts = np.ones(d.shape, bool)
    if "mask" in options:
        counts &= np.asarray(Image.open(options["mask"]).convert("L")) != 0
    if "ignore" in options:
        size, x, y = options["ignore"].split("+")
        width, height = size.split("x")
        counts[int(y):int(y) + int(height), int(x):int(x) + int(width)] = False
    with open(result) as file:
        got = json.load(file)["result"]
    values = d[counts]
    wanted = {"mean": values.mean(), "median": np.percentile(values, 50),
              "p95": np.percentile(values, 95), "p99": np.percentile(values, 99),
              "max": values.max(), "over": (values > got["tolerance"]).mean()}
    allowed = {"mean": 0.0005, "median": 0.001, "p95": 0.001, "p99": 0.001, "max": 0.005,
               "over": 0.0005}
    wrong = [f"{key}: {got[key]} instead of {wanted[key]:.6f}" for key in wanted
             if not abs(got[key] - wanted[key]) <= allowed[key]]
    x, y = got["max_at"]
    if abs(d[y, x] - values.max()) > 0.005 or not counts[y, x]:
        wrong.append(f"max_at {x} {y}, where it is {d[y, x]}")
    if got["pixels"] != values.size:
        wrong.append(f"{got['pixels']} pixels instead of {values.size}")
    sys.exit("\n".join(wrong) or 0)


def command_make(kind, *names):
    globals()["make_" + kind](*names)


def noisy(array, amount, seed=1):
    noise = np.random.default_rng(seed).integers(-amount, amount + 1, array.shape)
    return np.clip(array.astype(int) + noise, 0, 255).astype(np.uint8)


def make_pair(a, b):
    """A picture, and the same with noise."""
    one = oracle.picture(157, 93)
    Image.fromarray(one).save(a)
    Image.fromarray(noisy(one, 9)).save(b)


def make_alpha(a, b):
    """The same with alpha that differs too, 0 and 255 included."""
    one = oracle.picture(157, 93)
    alpha = np.clip(np.linspace(-60, 320, 157), 0, 255).astype(np.uint8)
    alpha = np.repeat(alpha[None, :, None], 93, axis=0)
    Image.fromarray(np.concatenate([one, alpha], axis=2)).save(a)
    Image.fromarray(np.concatenate([noisy(one, 5), noisy(alpha, 9, 2)], axis=2)).save(b)


def make_mask(name, width, height):
    """The left half of it counts, a little or fully."""
    mask = np.zeros((int(height), int(width)), np.uint8)
    mask[:, :int(width) // 2] = 1
    mask[::3, :int(width) // 2] = 255
    Image.fromarray(mask).save(name)


def make_deep(a, b):
    """16 bits."""
    one = oracle.picture(157, 93).astype(np.uint32) * 257
    two = np.clip(one.astype(int) + np.random.default_rng(3).integers(-900, 900, one.shape), 0,
                  65535)
    oracle.write_png16(a, one)
    oracle.write_png16(b, two)


def p3_profile():
    """A matrix profile of Display P3's primaries with a gamma of 563/256."""
    def s15(v):
        return struct.pack(">i", round(v * 65536))

    def xyz(v):
        return b"XYZ \0\0\0\0" + b"".join(s15(x) for x in v)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 563) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"p3\0" + b"\0" * 78
    text += b"\0" * (-len(text) % 4)
    tags = [(b"desc", text), (b"wtpt", xyz((0.9642, 1.0, 0.8249)))]
    tags += [(name, xyz(P3[:, i])) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    tags += [(b"cprt", b"text\0\0\0\0none\0\0\0\0")]
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    header = struct.pack(">I4sI4s4s4s", 128 + len(table) + len(body), b"\0\0\0\0", 0x02400000,
                         b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    header += s15(0.9642) + s15(1.0) + s15(0.8249)
    return header.ljust(128, b"\0") + table + body


def make_p3(a, b):
    """Saturated colours without a profile, and in Display P3, where some leave sRGB."""
    one = oracle.picture(157, 93)
    one[:20] = (0, 255, 0)
    one[20:30] = (255, 0, 0)
    Image.fromarray(one).save(a)
    Image.fromarray(noisy(one, 5)).save(b, icc_profile=p3_profile())


def make_product(a, b):
    """A photo of a thing on 14 % of the picture, and the same 7 away by CIEDE2000, which is what a
    shop takes back; both compressed by their cameras."""
    height, width = 240, 320
    y, x = np.mgrid[0:height, 0:width]
    radius = np.sqrt(0.14 * height * width / np.pi / 1.5)
    inside = ((x - 160) / 1.5) ** 2 + (y - 120) ** 2 < radius ** 2
    shade = 55 + 12 * np.cos((x - 130) / 60) * np.cos((y - 90) / 40)
    ground = np.stack([92 - 0.01 * y, 0 * x + 0.5, 0 * x + 1.0], axis=-1)
    for name, hue in ((a, 30.0), (b, 30.0 + 12.6)):
        thing = np.stack([shade, 42 * np.cos(np.radians(hue)) + 0 * x,
                          42 * np.sin(np.radians(hue)) + 0 * x], axis=-1)
        color = np.where(inside[..., None], thing, ground)
        Image.fromarray(of_lab(color)).save(name, quality=92)


def of_lab(color):
    matrix = np.array([[506752 / 1228815, 87881 / 245763, 12673 / 70218],
                       [87098 / 409605, 175762 / 245763, 12673 / 175545],
                       [7918 / 409605, 87881 / 737289, 1001167 / 1053270]])
    fy = (color[..., 0] + 16) / 116
    f = np.stack([fy + color[..., 1] / 500, fy, fy - color[..., 2] / 200], axis=-1)
    xyz = np.where(f ** 3 > 216 / 24389, f ** 3, (116 * f - 16) * 27 / 24389)
    light = xyz * np.array([0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290])
    return np.clip(np.round(encode(light @ np.linalg.inv(matrix).T) * 255), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    globals()["command_" + sys.argv[1]](*sys.argv[2:])
