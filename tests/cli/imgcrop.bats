#!/usr/bin/env bats
# imgcrop: finds what the renderer put there, places the box by the rules, knows when it is not sure.

load helpers

# The box of the object depends on nothing but --touch, and takes as long as a picture.
setup_file() {
    local render=$IMGTOOL_BUILD/tests/gen/render
    "$render" studio --width 1280 --height 720 --truth > "$BATS_FILE_TMPDIR/apart"
    "$render" studio --width 1280 --height 720 --touch --truth > "$BATS_FILE_TMPDIR/touching"
}

# found SCENE-OPTIONS QUALITY PIXELS: the content of a studio picture, saved as JPEG of QUALITY
# (100: as PNG), is within PIXELS of the truth on every side, and it is sure.
found() {
    local truth=apart file=scene.png
    [[ $1 != *--touch* ]] || truth=touching
    truth=$(jq -c .box "$BATS_FILE_TMPDIR/$truth")
    # shellcheck disable=SC2086
    render studio --width 1280 --height 720 $1 > scene.pam
    if [ "$2" -lt 100 ]; then
        file=scene.jpg
        imgresize --quality "$2" -o $file scene.pam
    else
        imgresize --effort 0 -o $file scene.pam
    fi
    imgcrop --print-box --json $file > answer
    jq -e --argjson t "$truth" --argjson by "$3" '.result | .confidence >= 0.5 and .cropped and
        (.content | [.x - $t[0], .y - $t[1], .x + .width - $t[0] - $t[2],
         .y + .height - $t[1] - $t[3]] | map(fabs) | max <= $by)' answer > /dev/null || {
        echo "$1, quality $2: truth $truth, answer $(jq -c .result answer)" >&2
        return 1
    }
}

@test "good: a studio with 40 and 80 levels of light fall-off" {
    found "--falloff 40" 100 2
    found "--falloff 80" 100 2
    found "--falloff 0 --noise 0" 100 1
}

@test "good: a vignette" {
    found "--vignette 30" 100 2
    found "--vignette 30 --falloff 40" 90 8
}

@test "good: JPEG of quality 60, with the rings that it makes around the object" {
    found "" 60 9
    found "--falloff 40" 60 9
}

@test "good: one black pixel in a corner, and specks of dust" {
    found "--spot" 100 2
    found "--specks 30" 100 2
    found "--spot" 60 9
}

@test "good: an object that touches a corner" {
    found "--touch" 100 2
    found "--touch --spot --falloff 40" 60 9
}

@test "good: a pale product on white" {
    found "--pale" 100 4
    found "--pale --background #ffffff" 100 4
    found "--pale" 60 8
}

@test "good: much noise, and a dark background" {
    found "--noise 4" 100 4
    found "--background #203040" 100 3
}

@test "good: a photograph without a studio is left alone, and --strict is exit 1" {
    need_shared photos
    for photo in car-1.jpg car-2.jpg scotland_house.png scotland_plain.png; do
        run --separate-stderr imgcrop -f pam "$SHARED/photos/$photo" -o out.pam
        [ "$status" -eq 0 ]
        stderr_has "not sure"
        imgresize -f pam "$SHARED/photos/$photo" > same.pam
        cmp out.pam same.pam
        rm out.pam
        run --separate-stderr imgcrop --strict -o out.pam "$SHARED/photos/$photo"
        [ "$status" -eq 1 ]
        [ ! -e out.pam ]
    done
    imgcrop -q --json --strict --print-box "$SHARED/photos/car-1.jpg" > answer || true
    jq -e '.ok and .result.cropped == false and .result.confidence < 0.5' answer
}

@test "good: real cutouts: the box of their alpha" {
    need_shared photos
    for car in car-1 car-2; do
        read -r x y w h <<< "$(oracle box "$SHARED/photos/$car-cutout.png" 10)"
        imgcrop --json --print-box "$SHARED/photos/$car-cutout.png" |
            jq -e --argjson t "[$x,$y,$w,$h]" '.result |
                (.content | [.x, .y, .width, .height]) == $t and .background.model == "alpha"'
    done
}

@test "good: noise everywhere is not sure, an image of one colour is blank" {
    render_png noise.png noise --width 200 --height 150 --channels 3
    imgcrop -q --json --print-box noise.png | jq -e '.result.cropped == false'
    render_png flat.png flat --width 50 --height 40 --channels 3
    imgcrop -q --json --print-box flat.png | jq -e '.result | .blank and (.cropped == false)'
    imgcrop -q -o out.png flat.png
    [ "$(imginfo --json out.png | jq -c '[.result.width,.result.height]')" = '[50,40]' ]
    run --separate-stderr imgcrop --blank fail -o no.png flat.png
    [ "$status" -eq 1 ]
    [ ! -e no.png ]
    render_png clear.png cutout --width 64 --height 36
    imgcrop -q --json --print-box --alpha-threshold 254 --min-area 100% clear.png | jq -e .result.blank
}

# An opaque 40 x 20 rectangle at 100, 60 in a clear picture of 300 x 200.
rectangle() {
    need_oracle
    "$ORACLE_PYTHON" -c '
from PIL import Image
image = Image.new("RGBA", (300, 200))
image.paste((200, 30, 40, 255), (100, 60, 140, 80))
image.save("r.png")'
}

box() { # OPTION...: the box for the rectangle
    imgcrop -q --print-box "$@" r.png
}

@test "good: padding, by hand: max(min-padding, floor(share of the content's side)), clamped" {
    rectangle
    [ "$(box --padding 0 --min-padding 0 --max-crop 1)" = 40x20+100+60 ]
    # 5 % of 40 is 2, of 20 is 1; the least is 20
    [ "$(box --max-crop 1)" = 80x60+80+40 ]
    [ "$(box --padding 50% --min-padding 0 --max-crop 1)" = 80x40+80+50 ]
    [ "$(box --padding 33% --min-padding 0 --max-crop 1)" = 66x32+87+54 ]
    [ "$(box --padding 1,2px,3,4 --min-padding 0 --max-crop 1)" = 46x24+96+59 ]
    [ "$(box --padding 10,30 --min-padding 0 --max-crop 1)" = 100x40+70+50 ]
    [ "$(box --padding 500 --max-crop 1)" = 300x200+0+0 ]
}

@test "good: max-crop: on neither axis is more removed, around the content's centre" {
    rectangle
    # At most 80 % goes: at least 60 x 40 stay; 80 x 60 is more already.
    [ "$(box)" = 80x60+80+40 ]
    [ "$(box --padding 0 --min-padding 0)" = 60x40+90+50 ]
    [ "$(box --padding 0 --min-padding 0 --max-crop 50%)" = 150x100+45+20 ]
    [ "$(box --max-crop 0)" = 300x200+0+0 ]
}

@test "good: sides, symmetry, aspect, fill, extend, box" {
    rectangle
    none="--padding 0 --min-padding 0 --max-crop 1"
    [ "$(box $none --sides left,top)" = 200x140+100+60 ]
    [ "$(box $none --symmetric x)" = 100x20+100+60 ]
    [ "$(box $none --symmetric xy)" = 100x80+100+60 ]
    [ "$(box $none --aspect 1:1)" = 40x40+100+50 ]
    [ "$(box $none --aspect 4:1)" = 80x20+80+60 ]
    # 40 is half of 80, with the same margin all around
    [ "$(box $none --fill 50%)" = 80x60+80+40 ]
    [ "$(box --padding 150 --min-padding 0 --extend --max-crop 1)" = 340x320-50-90 ]
    imgcrop -o e.png --padding 150 --min-padding 0 --extend --max-crop 1 r.png
    [ "$(oracle shape e.png)" = "340x320 RGBA" ]
    [ "$(oracle box e.png 0)" = "150 150 40 20" ]
    [ "$(box --box 10x20+30+40)" = 10x20+30+40 ]
    [ "$(box --extend --box 340x320-50-90)" = 340x320-50-90 ]
    fails 64 imgcrop --box 10x20+295+40 r.png
    fails 64 imgcrop --box 10x20 r.png
}

@test "good: isolated specks do not count, --min-area 0 counts them" {
    need_oracle
    rectangle
    "$ORACLE_PYTHON" -c '
from PIL import Image
image = Image.open("r.png")
image.putpixel((5, 5), (0, 0, 0, 255))
image.save("r.png")'
    none="--padding 0 --min-padding 0 --max-crop 1"
    [ "$(box $none)" = 40x20+100+60 ]
    [ "$(box $none --min-area 0)" = 135x75+5+5 ]
}

@test "good: pixels are cut, not changed, in 8 and 16 bits, grey and colour" {
    need_oracle
    for channels in 1 3 4; do
        oracle make png16 a.png $channels
        imgcrop --box 30x20+11+7 --exact -o b.png a.png
        "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import oracle
a, b = oracle.read("a.png")[0], oracle.read("b.png")[0]
assert (a[7:27, 11:41] == b).all()
PYTHON
    done
}

@test "good: extending a studio picture continues its background" {
    render_png s.png studio --width 320 --height 180 --noise 0
    imgcrop --aspect 1:1 --extend --padding 100% -o out.png s.png
    imginfo --json out.png | jq -e '.result.width == .result.height and .result.width > 200'
    # Where the canvas grew it is as light as the background, not black, white or clear.
    imgresize --light gamma --filter box --size 1x1 --fit fill -f pam out.png | tail -c 3 | od -An -tu1 > mean
    awk '{ exit !($1 > 120 && $1 < 240 && $2 > 120 && $3 > 120) }' mean
}

@test "good: --background COLOR and --tolerance" {
    need_oracle
    "$ORACLE_PYTHON" -c '
from PIL import Image
image = Image.new("RGB", (300, 200), (10, 120, 60))
image.paste((200, 30, 40), (100, 60, 140, 80))
image.paste((14, 124, 64), (200, 150, 240, 170))
image.save("r.png")'
    none="--padding 0 --min-padding 0 --max-crop 1"
    [ "$(box $none --background 'rgb(10 120 60)' --tolerance 5)" = 40x20+100+60 ]
    [ "$(box $none --background '#0a783c' --tolerance 0.5)" = 140x110+100+60 ]
    fails 64 imgcrop --tolerance -1 r.png
    fails 64 imgcrop --background nocolor r.png
    fails 64 imgcrop --sides upper r.png
    fails 64 imgcrop --aspect 4 r.png
}

@test "good: --box works row by row: any format, little memory, what lies below is checked" {
    render studio --width 1600 --height 1200 > a.png
    imgresize -f pam -o a.pam a.png
    for format in pam png; do
        imgcrop --box 1600x300+0+200 -f $format -o cut.$format a.png
    done
    # A box of whole rows is a part of the file.
    size=$((1600 * 300 * 3))
    tail -c $size cut.pam > cut
    tail -c $((1600 * 1000 * 3)) a.pam | head -c $size | cmp - cut
    imgresize -f pam cut.png | tail -c $size | cmp - cut
    { printf 'P6 4000 3000 255\n'; head -c 36000000 /dev/zero; } > large.pam
    under_sanitizers || [ "$(peak_kib imgcrop --box 400x3000+50+0 -f png large.pam)" -lt 18000 ]
    head -c $(($(stat -c %s a.png) - 3000)) a.png > short.png
    fails 65 imgcrop --box 100x100+0+0 -o out.png short.png
    stderr_has "imgcrop: short.png: truncated"
    [ ! -e out.png ]
    imgcrop --box 100x100+1+1 --dry-run -o out.png a.png
    fails 65 imgcrop --box 100x100+0+0 --dry-run -o out.png short.png
}
