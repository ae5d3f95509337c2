#!/usr/bin/env bats
# imginfo: what the header says.

load helpers

field() { # FILE EXPRESSION
    imginfo --json "$1" | jq -c "$2"
}

@test "good: size, depth, colour, alpha of PNG of every kind" {
    oracle make png16 d.png 4
    [ "$(field d.png '.result | [.width,.height,.depth,.color,.alpha]')" = '[96,64,16,"rgb",true]' ]
    oracle make palette p.png
    [ "$(field p.png '.result | [.depth,.color,.alpha]')" = '[8,"palette",false]' ]
    oracle make grey g.png
    [ "$(field g.png '.result.color')" = '"grey"' ]
}

@test "good: orientation, displayed and stored size" {
    oracle make oriented o.jpg 6
    [ "$(field o.jpg '.result | [.orientation,.width,.height,.stored_width,.stored_height]')" = '[6,96,64,64,96]' ]
    [ "$(field o.jpg '.input | [.width,.height]')" = '[96,64]' ]
}

@test "good: JPEG quality, progressive, CMYK" {
    need_oracle
    "$ORACLE_PYTHON" - << 'PYTHON'
from PIL import Image
image = Image.radial_gradient("L").convert("RGB")
for q in (10, 50, 75, 90, 95):
    image.save(f"q{q}.jpg", quality=q)
image.save("p.jpg", progressive=True)
image.convert("CMYK").save("c.jpg")
PYTHON
    for q in 10 50 75 90 95; do [ "$(field q$q.jpg .result.quality)" = $q ]; done
    [ "$(field p.jpg .result.progressive)" = true ]
    [ "$(field q75.jpg .result.progressive)" = false ]
    [ "$(field c.jpg .result.color)" = '"cmyk"' ]
}

@test "good: the profile's name, and frames of an animation" {
    oracle make profiled w.png
    [ "$(field w.png .result.profile)" = '"wide"' ]
    oracle make animated a.webp
    [ "$(field a.webp .result.frames)" = 3 ]
}

@test "good: only the header is read: a file cut behind it is described, --check finds out" {
    render_png big.png photo --width 800 --height 600
    head -c 2000 big.png > cut.png
    [ "$(field cut.png '[.result.width,.result.height]')" = '[800,600]' ]
    fails 65 imginfo --check cut.png
    imginfo --check big.png
    imginfo --check --json big.png | jq -e .result.checked
}

@test "good: text is one line with tabs, for awk" {
    cutout
    [ "$(imginfo cutout.png | awk -F'\t' '{print $2, $3}')" = "png 320x180" ]
    imginfo - < cutout.png | grep -q '^stdin	png'
}
