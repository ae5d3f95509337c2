# SPDX-License-Identifier: MIT
"""The nearest RAL colours the slow way: own conversion, own CIEDE2000, the tables of data/.

    oracle_ral.py match DATA SET FINISH TOP < colours   lines as ralmatch prints them for a list
    oracle_ral.py random COUNT SEED                     that many colours, a line each
    oracle_ral.py ase FILE                              swatches as Adobe's programs write them
"""

import csv
import math
import random
import struct
import sys


def lab_of_hex(text):
    rgb = [int(text[1 + 2 * i : 3 + 2 * i], 16) / 255 for i in range(3)]
    light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    # IEC 61966-2-1, to the digits that CSS Color 4 gives.
    matrix = [
        [0.41239079926595934, 0.357584339383878, 0.1804807884018343],
        [0.21263900587151027, 0.715168678767756, 0.07219231536073371],
        [0.01933081871559182, 0.11919477979462598, 0.9505321522496607],
    ]
    white = [0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290]
    f = []
    for row, w in zip(matrix, white):
        t = sum(m * c for m, c in zip(row, light)) / w
        f.append(t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116)
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def ciede2000(one, two):
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    dh = h2 - h1
    hue = (h1 + h2) / 2
    if c1 * c2 == 0:
        dh, hue = 0, h1 + h2
    elif abs(dh) > 180 + 1e-9:
        dh += -360 if dh > 0 else 360
        hue += 180 if h1 + h2 < 360 else -180
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2))
    l, c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * math.cos(math.radians(hue - 30))
        + 0.24 * math.cos(math.radians(2 * hue))
        + 0.32 * math.cos(math.radians(3 * hue + 6))
        - 0.20 * math.cos(math.radians(4 * hue - 63))
    )
    sl = 1 + 0.015 * (l - 50) ** 2 / math.sqrt(20 + (l - 50) ** 2)
    sc, sh = 1 + 0.045 * c, 1 + 0.015 * c * t
    rt = -math.sin(math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2))))
    rt *= 2 * math.sqrt(c**7 / (c**7 + 25**7))
    dl, dc, dh = (l2 - l1) / sl, (c2 - c1) / sc, dh / sh
    return math.sqrt(max(dl * dl + dc * dc + dh * dh + rt * dc * dh, 0))


def load(data, wanted, finish):
    for name in ("classic", "design", "effect"):
        if wanted not in (name, "all"):
            continue
        with open(f"{data}/ral-{name}.csv", encoding="utf-8") as file:
            for row in csv.DictReader(line for line in file if not line.startswith("#")):
                if finish != "all" and row.get("finish", "solid") != "solid":
                    continue
                lab = [float(row.get(f"lab_{c}", "nan")) for c in "lab"]
                if name == "effect":
                    lab = lab_of_hex(row["srgb_hex"])
                code = row.get("number") or row["code"]
                yield f"RAL {code}\t{row.get('name_en', '')}\t{row['srgb_hex']}", lab


def match(data, wanted, finish, top):
    shades = list(load(data, wanted, finish))
    for line in sys.stdin:
        lab = lab_of_hex(line)
        near = sorted((ciede2000(lab, other), i) for i, (_, other) in enumerate(shades))
        for de, i in near[: int(top)]:
            print(f"{line.strip()}\t{shades[i][0]}\t{de:.2f}")


def write_ase(name):
    def block(kind, text, rest=b""):
        coded = (text + "\0").encode("utf-16-be")
        data = struct.pack(">H", len(text) + 1) + coded + rest
        return struct.pack(">HI", kind, len(data)) + data

    blocks = [
        block(0xC001, "Paints"),
        block(1, "Warm Äpfel", b"RGB " + struct.pack(">fffH", 1, 0.25, 0, 0)),
        block(1, "Sea", b"LAB " + struct.pack(">fffH", 0.5, -10, -40, 0)),
        block(1, "Ink", b"CMYK" + struct.pack(">ffffH", 0, 0, 0, 1, 1)),
        block(1, "Mid", b"Gray" + struct.pack(">fH", 0.5, 2)),
        struct.pack(">HI", 0xC002, 0),
    ]
    with open(name, "wb") as file:
        file.write(b"ASEF" + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks))


if __name__ == "__main__":
    command, *args = sys.argv[1:]
    if command == "match":
        match(*args)
    elif command == "random":
        random.seed(int(args[1]))
        for _ in range(int(args[0])):
            print(f"#{random.randrange(1 << 24):06x}")
    else:
        write_ase(*args)
