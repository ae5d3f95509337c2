#!/usr/bin/env bats
# imgshadow: geometry, exactness, layers.

load helpers

@test "good: the canvas grows by ceil(3 sigma) + spread, less the offset, and the place is told" {
    cutout
    # r = 36: left 36 - 8, right 36 + 8, above 36 - 12, below 36 + 12
    imgshadow --json --sigma 12 --offset 8,12 -o out.png cutout.png |
        jq -e '.result == {"offset":{"x":28,"y":24},"canvas":[392,252],"has_shadow":true}'
    # r = ceil(3 * 1.5) + 4 = 9, offset beyond it: nothing is added on that side
    imgshadow --json --blur 3 --spread 4 --offset -20,0 -o out.png cutout.png |
        jq -e '.result.offset == {"x":29,"y":9} and .result.canvas == [349,198]'
    imgshadow --json --canvas keep -o out.png cutout.png |
        jq -e '.result.offset == {"x":0,"y":0} and .result.canvas == [320,180]'
}

@test "good: opaque pixels of the original are unchanged to the bit, in 8 and 16 bits" {
    need_oracle
    for depth in 8 16; do
        render_png cut.png cutout --width 200 --height 120 --depth $depth
        imgshadow --sigma 5 --offset 3,4 -o out.png cut.png
        "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, oracle
a, b = oracle.read("cut.png")[0], oracle.read("out.png")[0]
place = b[11:11 + a.shape[0], 12:12 + a.shape[1]]
opaque = a[:, :, 3] == 1
assert opaque.sum() > 1000
assert (a[opaque] == place[opaque]).all()
PYTHON
    done
}

@test "good: the shadow is the exact Gaussian of the alpha, within 1/255" {
    need_oracle
    render_png cut.png cutout --width 240 --height 140
    imgshadow --layer shadow --opacity 100% --no-dither --sigma 9 --offset 0,0 -o out.png cut.png
    "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, oracle
alpha = oracle.read("cut.png")[0][:, :, 3]
out = oracle.read("out.png")[0][:, :, 3]
r, wide = 27, 80
k = np.exp(-0.5 * (np.arange(-wide, wide + 1) / 9.0) ** 2)
k /= k.sum()
padded = np.pad(alpha, r + wide)
rows = np.apply_along_axis(lambda v: np.convolve(v, k, "same"), 0, padded)
exact = np.apply_along_axis(lambda v: np.convolve(v, k, "same"), 1, rows)[wide:-wide, wide:-wide]
assert exact.shape == out.shape, (exact.shape, out.shape)
worst = np.abs(exact - out).max()
# half a level of rounding, and the bound
assert worst <= 1 / 255 + 0.5 / 255, worst * 255
PYTHON
}

@test "good: full is the original over the shadow layer" {
    need_oracle
    render_png cut.png cutout --width 200 --height 120
    options="--sigma 6 --offset 5,7 --color #204080 --opacity 60%"
    imgshadow $options -o full.png cut.png
    imgshadow $options --layer shadow -o shadow.png cut.png
    "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, oracle
cut, full, shadow = (oracle.read(n)[0] for n in ("cut.png", "full.png", "shadow.png"))
top = np.zeros_like(full)
top[18 - 7:18 - 7 + cut.shape[0], 18 - 5:18 - 5 + cut.shape[1]] = cut
a = top[..., 3:] + shadow[..., 3:] * (1 - top[..., 3:])
c = (top[..., :3] * top[..., 3:] + shadow[..., :3] * shadow[..., 3:] * (1 - top[..., 3:])) / np.maximum(a, 1e-9)
# 8-bit layers: a level of dither, and colours where there is enough alpha to tell
assert np.abs(full[..., 3:] - a).max() <= 1.6 / 255
assert np.abs((full[..., :3] - c)[a[..., 0] > 0.2]).max() <= 4 / 255
PYTHON
}

@test "good: dither keeps the mean and shows no bands, and is the same every time" {
    need_oracle
    render_png cut.png cutout --width 400 --height 240
    imgshadow --layer shadow --sigma 30 --opacity 30% -o dithered.png cut.png
    imgshadow --layer shadow --sigma 30 --opacity 30% -o again.png cut.png
    cmp dithered.png again.png
    imgshadow --layer shadow --sigma 30 --opacity 30% --no-dither -o plain.png cut.png
    "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, oracle
a, b = (oracle.read(n)[0][:, :, 3] * 255 for n in ("dithered.png", "plain.png"))
assert np.abs(a - b).max() <= 1.01 and (a != b).mean() > 0.05
h, w = (v // 8 * 8 for v in a.shape)
means = [v[:h, :w].reshape(h // 8, 8, w // 8, 8).mean(axis=(1, 3)) for v in (a, b)]
assert abs(a.mean() - b.mean()) < 0.02, (a.mean(), b.mean())
assert np.abs(means[0] - means[1]).max() < 0.8
PYTHON
}

@test "good: opaque images get the shadow of their rectangle, grey stays grey, colour makes RGB" {
    render_png grey.png ramp --width 40 --height 30 --channels 1
    imgshadow --sigma 3 -o out.png grey.png
    [ "$(imginfo --json out.png | jq -c '.result | [.color,.alpha]')" = '["grey",true]' ]
    imgshadow --sigma 3 --color red -o out.png grey.png
    [ "$(imginfo --json out.png | jq -c '.result | [.color,.alpha]')" = '["rgb",true]' ]
    render_png clear.pam flat --width 20 --height 20 --channels 3
    imgshadow --opacity 0 --json -o out.png clear.pam | jq -e '.result.has_shadow == false'
}

@test "bad: values out of range" {
    cutout
    fails 64 imgshadow --opacity 150% cutout.png
    fails 64 imgshadow --offset 5 cutout.png
    fails 64 imgshadow --offset 5,5,5 cutout.png
    fails 64 imgshadow --sigma -3 cutout.png
    fails 64 imgshadow --spread 1.5 cutout.png
    fails 64 imgshadow --blur 3 --sigma 3 cutout.png
}
