#!/usr/bin/env python3
"""The second opinion on imgpalette: reads what it exports, counts colours with numpy.

oracle_palette.py gpl FILE      hex values of a GIMP palette
oracle_palette.py ase FILE      hex values of Adobe swatches, from the format's description
oracle_palette.py css FILE      hex values of custom properties
oracle_palette.py png FILE      hex value and width of each run in the middle row
oracle_palette.py exact FILE N  hex values of the N most frequent colours
oracle_palette.py make KIND FILE
"""
import re
import struct
import sys

import numpy as np
from PIL import Image


def read_gpl(data):
    lines = data.decode("utf-8").split("\n")
    assert lines[0] == "GIMP Palette"
    for line in lines[1:]:
        match = re.match(r"\s*(\d+)\s+(\d+)\s+(\d+)\s+\S", line)
        if match:
            yield "#%02x%02x%02x" % tuple(int(v) for v in match.groups())


def read_ase(data):
    magic, major, _, blocks = struct.unpack(">4sHHI", data[:12])
    assert magic == b"ASEF" and major == 1
    at = 12
    for _ in range(blocks):
        kind, size = struct.unpack(">HI", data[at:at + 6])
        body = data[at + 6:at + 6 + size]
        assert len(body) == size
        at += 6 + size
        if kind != 1:
            continue
        units, = struct.unpack(">H", body[:2])
        name = body[2:2 + 2 * units].decode("utf-16-be")
        assert name.endswith("\0") and len(name) > 1
        model = body[2 + 2 * units:6 + 2 * units]
        assert model == b"RGB " and len(body) == 2 + 2 * units + 4 + 12 + 2
        rgb = struct.unpack(">3f", body[6 + 2 * units:18 + 2 * units])
        yield "#%02x%02x%02x" % tuple(round(v * 255) for v in rgb)
    assert at == len(data)


def read_css(data):
    text = data.decode("utf-8")
    assert text.startswith(":root {\n") and text.endswith("}\n")
    return re.findall(r"^  --[a-z]+-\d+: (#[0-9a-f]{6});", text, re.M)


def read_png(name):
    row = np.asarray(Image.open(name).convert("RGB"))
    assert (row == row[:1]).all()
    start = 0
    for x in range(1, row.shape[1] + 1):
        if x == row.shape[1] or (row[0, x] != row[0, start]).any():
            yield "#%02x%02x%02x %d" % (*row[0, start], x - start)
            start = x


def exact(name, count):
    pixels = np.asarray(Image.open(name).convert("RGBA")).astype(np.int64).reshape(-1, 4)
    codes = pixels[:, 0] << 16 | pixels[:, 1] << 8 | pixels[:, 2]
    values, inverse = np.unique(codes, return_inverse=True)
    weights = np.bincount(inverse, weights=pixels[:, 3])
    order = sorted(range(len(values)), key=lambda i: (-weights[i], values[i]))
    for i in order[:count]:
        if weights[i] > 0:
            yield "#%06x" % values[i]


def make(kind, name):
    rng = np.random.default_rng(7)
    if kind == "half":
        array = np.full((60, 100, 3), 255, np.uint8)
        array[:, :50] = (0xC8, 0x32, 0x32)
    elif kind == "sixths":
        array = np.zeros((20, 600, 3), np.uint8)
        for i, rgb in enumerate([(0, 0, 0), (255, 255, 255), (220, 20, 20), (20, 160, 40),
                                 (30, 60, 200), (250, 210, 0)]):
            array[:, [0, 200, 350, 450, 530, 570][i]:] = rgb
    elif kind == "clear":
        array = np.zeros((8, 8, 4), np.uint8)
        array[..., :3] = 99
    elif kind == "noise":
        array = rng.integers(0, 6, (90, 130, 4)).astype(np.uint8) * 50
    Image.fromarray(array).save(name)


def main():
    command, name = sys.argv[1:3]
    if command == "make":
        make(name, sys.argv[3])
        return
    if command in ("png", "exact"):
        found = read_png(name) if command == "png" else exact(name, int(sys.argv[3]))
    else:
        with open(name, "rb") as file:
            data = file.read()
        found = {"gpl": read_gpl, "ase": read_ase, "css": read_css}[command](data)
    for line in found:
        print(line)


if __name__ == "__main__":
    main()
