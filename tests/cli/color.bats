#!/usr/bin/env bats
# Colours through the whole pipeline, against references that share nothing with the tools: mean
# CIEDE2000 below 0.5.

load helpers

near() { # LIMIT A B
    oracle difference "$2" "$3" > difference
    jq -e --argjson limit "$1" '.mean < $limit' difference || {
        cat difference >&2
        false
    }
}

# The reference of a reduction by half, made in numpy from what Pillow (or the definition) decodes,
# in linear light: box, which is exact there.
half() { # IN OUT
    need_oracle
    "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" "$1" "$2" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, oracle
from PIL import Image
srgb = oracle.over_white(sys.argv[2])
light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
h, w = (v // 2 for v in light.shape[:2])
light = light[:2 * h, :2 * w].reshape(h, 2, w, 2, 3).mean(axis=(1, 3))
out = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
Image.fromarray(np.round(out * 255).astype(np.uint8)).save(sys.argv[3])
PYTHON
}

@test "good: 16-bit colour" {
    oracle make png16 in.png 3
    half in.png reference.png
    imgresize --filter box --size 50% -o out.png in.png
    [ "$(imginfo --json out.png | jq .result.depth)" = 16 ]
    near 0.2 out.png reference.png
}

@test "good: grey" {
    oracle make grey in.png
    half in.png reference.png
    imgresize --filter box --size 50% -o out.png in.png
    [ "$(imginfo --json out.png | jq -r .result.color)" = grey ]
    near 0.2 out.png reference.png
    imgresize --filter box --size 50% --lossless -o out.webp in.png
    near 0.2 out.webp reference.png
}

@test "good: palette" {
    oracle make palette in.png
    half in.png reference.png
    imgresize --filter box --size 50% -o out.png in.png
    near 0.2 out.png reference.png
}

@test "good: CMYK JPEG, by the Adobe rules" {
    need_oracle
    "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, oracle
from PIL import Image
oracle.make_cmyk("in.jpg")
cmyk = np.asarray(Image.open("in.jpg")).astype(float) / 255
rgb = (1 - cmyk[..., :3]) * (1 - cmyk[..., 3:])
Image.fromarray(np.round(rgb * 255).astype(np.uint8)).save("reference.png")
PYTHON
    imgresize -o out.png in.jpg
    near 0.3 out.png reference.png
}

@test "good: every EXIF orientation" {
    oracle make rgb upright.png
    half upright.png reference.png
    imgresize --size 40x48 --fit cover --gravity northeast -o corner.png upright.png
    imgresize --size 60x80 --fit contain --gravity south -o contained.png upright.png
    imgcrop -q --box 31x20+50+10 -o part.png upright.png
    for orientation in 1 2 3 4 5 6 7 8; do
        oracle make oriented in.jpg $orientation
        imgresize -o out.png in.jpg
        near 0.5 out.png upright.png
        imgresize --filter box --size 50% -o out.png in.jpg
        near 0.5 out.png reference.png
        imgresize --size 40x48 --fit cover --gravity northeast -o out.png in.jpg
        near 0.5 out.png corner.png
        imgresize --size 60x80 --fit contain --gravity south -o out.png in.jpg
        near 0.5 out.png contained.png
        imgcrop -q --box 96x64+0+0 -o out.png in.jpg
        near 0.5 out.png upright.png
        imgcrop -q --box 31x20+50+10 -o out.png in.jpg
        near 0.5 out.png part.png
    done
}

@test "good: a profile is kept, its own curve is used for light, in PNG, JPEG, WebP and PAM" {
    need_oracle
    oracle make profiled in.png
    "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, oracle
from PIL import Image
a, icc = oracle.read("in.png")
light = a ** 1.8
h, w = (v // 2 for v in light.shape[:2])
light = light[:2 * h, :2 * w].reshape(h, 2, w, 2, 3).mean(axis=(1, 3))
out = Image.fromarray(np.round(light ** (1 / 1.8) * 255).astype(np.uint8))
out.save("reference.png", icc_profile=icc)
PYTHON
    imgresize --filter box --size 50% -o out.png in.png
    near 0.2 out.png reference.png
    oracle same out.png reference.png
    imgresize --lossless -o out.webp in.png
    near 0.2 out.webp in.png
    imgresize --quality 98 -o out.jpg in.png
    near 0.9 out.jpg in.png
    imgresize -f pam in.png | imgresize -f png > out.png
    near 0.01 out.png in.png
    [ "$(imginfo --json out.png | jq -r .result.profile)" = wide ]
}

@test "good: gAMA and cHRM of a PNG are honoured as a profile" {
    need_oracle
    # Linear samples with gAMA 1.0: half grey is half the light.
    "$ORACLE_PYTHON" - << 'PYTHON'
import struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
raw = b"".join(b"\0" + bytes([128, 64, 200] * 20) for _ in range(10))
open("in.png", "wb").write(b"\x89PNG\r\n\x1a\n" +
    chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 10, 8, 2, 0, 0, 0)) +
    chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"IDAT", zlib.compress(raw)) +
    chunk(b"IEND", b""))
from PIL import Image
light = [v / 255 for v in (128, 64, 200)]
srgb = [v * 12.92 if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in light]
Image.new("RGB", (20, 10), tuple(round(v * 255) for v in srgb)).save("reference.png")
PYTHON
    imgresize -o out.png in.png
    near 0.5 out.png reference.png
    imgresize -o out.webp --lossless in.png
    near 0.5 out.webp reference.png
}

@test "good: the whole pipeline on each of them has the colours of the plain one" {
    need_oracle
    cutout plain.png
    "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" << 'PYTHON'
import io, sys
sys.path.insert(0, sys.argv[1])
import numpy as np, oracle
from PIL import Image
image = Image.open("plain.png")
a = np.asarray(image).astype(np.uint32)
noise = np.random.RandomState(1).randint(-100, 100, a.shape)
oracle.write_png16("sixteen.png", np.clip(a * 257 + noise * (a[..., 3:] > 0), 0, 65535))
PYTHON
    for name in plain sixteen; do
        imgtool pipe -i $name.png -o $name-out.png crop --padding 5% : shadow --sigma 4 : resize --width 120
    done
    near 0.3 sixteen-out.png plain-out.png
}
