#!/usr/bin/env bats
# PNG both ways, against streams that are made and read here by zlib alone.

load helpers

@test "good: 150 random PNGs, in IDAT chunks of any size, read and written back exactly" {
    need_oracle
    "$ORACLE_PYTHON" - << 'PYTHON'
import random, struct, subprocess, zlib
import numpy as np
random.seed(1)

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

def samples(n, height, bytes_a_row):
    rng = np.random.RandomState(n)
    noise = rng.randint(0, 256, (height, bytes_a_row))
    ramp = (np.arange(bytes_a_row)[None] + np.arange(height)[:, None]) % 256
    return [noise, noise * 0 + n % 256, ramp,
            np.where(rng.rand(height, 1) < 0.5, noise, 7)][n % 4].astype(np.uint8)

def encode(a, width, height, color, depth, step):
    lines, above = [], np.zeros(a.shape[1], np.uint8)
    for row in a:
        kind = random.choice([0, 1, 2])
        line = row.copy()
        if kind == 1:
            line[step:] = row[step:] - row[:-step]
        elif kind == 2:
            line = row - above
        lines.append(bytes([kind]) + line.tobytes())
        above = row
    stream = zlib.compress(b"".join(lines), random.choice([0, 1, 6, 9]))
    png = b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    at = 0
    while at < len(stream):
        size = random.choice([1, 7, 2000, 5000, 65536, 10 ** 6])
        png += chunk(b"IDAT", stream[at:at + size])
        at += size
    return png + chunk(b"IEND", b"")

def convert(form, data):
    run = subprocess.run(["imgresize", "--exact", "-f", form], input=data, capture_output=True)
    assert run.returncode == 0, run.stderr
    return run.stdout

for n in range(150):
    width, height, depth = random.randint(1, 400), random.randint(1, 300), random.choice([8, 16])
    channels, color = random.choice([(1, 0), (2, 4), (3, 2), (4, 6)])
    step = channels * depth // 8
    a = samples(n, height, width * step)
    png = encode(a, width, height, color, depth, step)
    ours = convert("pam", png).split(b"ENDHDR\n", 1)[1]
    assert ours == a.tobytes(), (n, width, height, channels, depth)
    again = convert("pam", convert("png", png)).split(b"ENDHDR\n", 1)[1]
    assert again == a.tobytes(), ("back", n, width, height, channels, depth)
PYTHON
}
