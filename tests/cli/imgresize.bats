#!/usr/bin/env bats
# imgresize: sizes, fits, light, formats.

load helpers

size_of() {
    imginfo --json "$1" | jq -r '"\(.result.width)x\(.result.height)"'
}

# The different pixels among the last BYTES of a PAM, PIXEL_BYTES each, in decimal.
pixels() { # BYTES PIXEL_BYTES
    tail -c "$1" | od -An -v -tu1 -w"$2" | sort -u
}

@test "good: sizes are exact, rounded to nearest, at least 1" {
    render ramp --width 101 --height 51 --channels 3 > a.pam
    for spec in 50%=51x26 33x=33x17 x17=34x17 10x10=10x5 1%=1x1 101x=101x51 400x=101x51; do
        imgresize --size ${spec%=*} -o out.png a.pam
        [ "$(size_of out.png)" = "${spec#*=}" ]
    done
    imgresize --upscale --size 202x -o out.png a.pam
    [ "$(size_of out.png)" = 202x102 ]
}

@test "good: fits: inside, cover, contain, fill, outside" {
    render ramp --width 100 --height 50 --channels 3 > a.pam
    for spec in inside=40x20 cover=40x40 contain=40x40 fill=40x40 outside=80x40; do
        imgresize --size 40x40 --fit ${spec%=*} -o out.png a.pam
        [ "$(size_of out.png)" = "${spec#*=}" ]
    done
}

@test "good: light is averaged, not samples: a black and white checker is 188 grey, 128 with gamma" {
    # sRGB of half the light of white: 1.055 * 0.5^(1/2.4) - 0.055 = 0.7354 = 187.5 of 255.
    render checker --size 1 --width 64 --height 64 --channels 1 > a.pam
    [ "$(imgresize --size 25% --filter box -f pam a.pam | pixels 256 1)" = " 188" ]
    [ "$(imgresize --size 25% --filter box --light gamma -f pam a.pam | pixels 256 1)" = " 128" ]
}

@test "good: no colour bleeds out of transparent pixels" {
    # Left half opaque red, right half transparent green: no green may appear.
    {
        printf 'P7\nWIDTH 40\nHEIGHT 4\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n'
        for _ in 1 2 3 4; do
            for _ in {1..20}; do printf '\xff\x00\x00\xff'; done
            for _ in {1..20}; do printf '\x00\xff\x00\x00'; done
        done
    } > a.pam
    imgresize --size 7x1 --fit fill -f pam a.pam | tail -c 28 | od -An -v -tu1 -w4 > pixels
    [ "$(wc -l < pixels)" -eq 7 ]
    awk '$2 > 1 || ($4 > 0 && $1 < 254) { exit 1 }' pixels
}

@test "good: a flat colour stays flat to the bit at any size, by any filter" {
    for filter in lanczos3 lanczos2 mitchell catrom triangle box nearest; do
        for depth in 8 16; do
            render flat --width 67 --height 41 --channels 3 --depth $depth --background '#c81e64' > a.pam
            imgresize --filter $filter --size 23x -f pam a.pam > b.pam
            imgresize --filter $filter --upscale --size 131x -f pam a.pam > c.pam
            for file in b c; do
                [ "$(pixels $((depth / 8 * 3 * 320)) $((depth / 8 * 3)) < $file.pam | wc -l)" -eq 1 ]
            done
        done
    done
}

@test "good: a reduction equals an independent one in numpy: mean CIEDE2000 below 0.1" {
    need_oracle
    render photo --width 400 --height 300 > a.pam
    imgresize a.pam -o a.png
    imgresize --width 100 -o ours.png a.png
    "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, oracle
from PIL import Image
a = oracle.read("a.png")[0]
light = np.where(a <= 0.04045, a / 12.92, ((a + 0.055) / 1.055) ** 2.4)
def weights(n, m):
    scale = n / m
    x = ((np.arange(n) + 0.5)[None, :] - ((np.arange(m) + 0.5) * scale)[:, None]) / scale
    w = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
    return w / w.sum(axis=1, keepdims=True)
out = np.einsum("yi,ijc,xj->yxc", weights(300, 75), light, weights(400, 100), optimize=True).clip(0, 1)
srgb = np.where(out <= 0.0031308, out * 12.92, 1.055 * out ** (1 / 2.4) - 0.055)
Image.fromarray(np.round(srgb * 255).astype(np.uint8)).save("theirs.png")
ours = np.asarray(Image.open("ours.png")).astype(int)
assert np.abs(ours - np.round(srgb * 255)).max() <= 1, np.abs(ours - srgb * 255).max()
PYTHON
    mean=$(oracle difference ours.png theirs.png | jq .mean)
    [ "$(jq -n "$mean < 0.1")" = true ]
}

@test "good: reducing a JPEG while it is decoded cannot be seen: against the full way" {
    render_png big.jpg photo --width 2400 --height 1600
    imgresize big.jpg -o full.png
    imgresize --width 300 big.jpg -o fast.png
    imgresize --width 300 full.png -o slow.png
    oracle difference fast.png slow.png > d
    jq -e '.mean < 0.5 and .p99 < 2' d
}

@test "good: several sizes in one run equal single runs" {
    cutout
    imgresize cutout.png --size a=160x --size b=50% --size c=30x30 --output-template '{name}.png'
    imgresize cutout.png --size 160x -o a1.png
    imgresize cutout.png --size 30x30 -o c1.png
    cmp a.png a1.png
    cmp b.png a1.png
    cmp c.png c1.png
    imgresize --json cutout.png --size a=160x --size c=30x30 --output-template '{stem}-{name}-{w}.{ext}' |
        jq -e '[.result.outputs[] | .name, .path, .width] == ["a","cutout-a-160.png",160,"c","cutout-c-30.png",30]'
}

@test "good: sizes that come to the same picture are the same file, the others are not" {
    render_png a.jpg photo --width 90 --height 60
    imgresize --json a.jpg --size a=200x --size b=30x --size c=100% --size d=300x300 \
        --output-template '{name}.webp' > json
    imgresize --size 200x -o one.webp a.jpg
    cmp a.webp one.webp
    cmp c.webp one.webp
    cmp d.webp one.webp
    ! cmp -s b.webp one.webp
    jq -e --argjson n "$(stat -c %s one.webp)" '[.result.outputs[] | .width, .height, .bytes == $n]
        == [90, 60, true, 30, 20, false, 90, 60, true, 90, 60, true]' json
    imgresize a.jpg --size a=200x --size c=100% --max-bytes 2k --output-template '{name}2.webp'
    [ "$(stat -c %s a2.webp)" -le 2048 ]
    cmp a2.webp c2.webp
    imgresize --dry-run a.jpg --size a=200x --size c=100% --output-template '{name}3.webp'
    [ ! -e a3.webp ] && [ ! -e c3.webp ]
}

@test "good: --max-bytes finds the best quality that fits, or says that none does" {
    render_png photo.png photo --width 300 --height 200
    for format in jpeg webp; do
        imgresize --max-bytes 8000 -f $format photo.png > small
        [ "$(stat -c %s small)" -le 8000 ]
        [ "$(stat -c %s small)" -gt 6000 ]
    done
    fails 77 imgresize --max-bytes 100 -o x.jpg photo.png
    stderr_has "--max-bytes"
    [ ! -e x.jpg ]
}

@test "good: contain pads transparent, or with the background where there is no alpha" {
    cutout
    imgresize --size 50x50 --fit contain -f pam cutout.png | tail -c 10000 | head -c 4 > corner
    [ "$(pixels 4 4 < corner)" = "   0   0   0   0" ]
    render_png a.png flat --width 100 --height 50 --channels 3
    imgresize --size 50x50 --fit contain --background '#102030' -f pam a.png | tail -c 7500 | head -c 3 > corner
    [ "$(pixels 3 3 < corner)" = "  16  32  48" ]
}

@test "good: --background flattens, also where the format has transparency" {
    cutout
    imgresize --size 100x100 --fit contain --background white -o out.webp cutout.png
    [ "$(imginfo --json out.webp | jq .result.alpha)" = false ]
    imgresize --width 100 --background white -o out.png cutout.png
    [ "$(imginfo --json out.png | jq .result.alpha)" = false ]
}

@test "good: sharpening changes edges and leaves flat areas" {
    render_png a.png checker --size 8 --width 64 --height 64 --channels 1
    imgresize a.png --sharpen 0% -o same.png
    oracle same a.png same.png
    render_png f.png flat --width 20 --height 20 --channels 3
    imgresize f.png --sharpen 100% -o g.png
    oracle same f.png g.png
    render_png p.png photo --width 100 --height 80
    imgresize p.png --sharpen 50% -o q.png
    run oracle same p.png q.png
    [ "$status" -ne 0 ]
}

@test "good: what is written row by row is what is written all at once" {
    render_png a.png cutout --width 101 --height 75
    need_oracle
    # The same picture from its last row on: all of it must be there before its first row is.
    "$ORACLE_PYTHON" - << 'PYTHON'
from PIL import Image
exif = Image.Exif()
exif[274] = 4
Image.open("a.png").transpose(Image.Transpose.FLIP_TOP_BOTTOM).save("turned.png", exif=exif)
PYTHON
    # The third has the picture as it is, beside what is filled.
    for size in "-q" "--width 33" "--size 131x75 --fit contain --gravity east" \
        "--size 303x400 --fit contain --gravity northeast"; do
        for options in "--sharpen 80%" "--background #a1b2c3 --exact"; do
            for format in png jpeg webp pam; do
                # Nearest: exact, whatever the direction.
                set -- -q -f $format --upscale --filter nearest $size $options
                imgresize "$@" -o rows a.png
                imgresize "$@" -o whole turned.png
                cmp rows whole
                # Only then the best compression is the usual one.
                [ $format != png ] || imgresize "$@" --effort 9 -o rows a.png
                imgresize "$@" --max-bytes 1G -o whole a.png
                cmp rows whole
            done
        done
    done
    imgresize --size 11x5 --size 400x --size 1x --threads 3 --sharpen 1 --fit contain --upscale \
        --output-template 'many-{w}.png' a.png
    for size in 11x5 400x 1x; do
        imgresize --size $size --threads 1 --sharpen 1 --fit contain --upscale -o one.png a.png
        cmp one.png "many-${size%x*}.png"
    done
}

@test "bad: an input that breaks off behind the picture's part leaves nothing that looks whole" {
    render_png a.png photo --width 300 --height 600
    head -c $(($(stat -c %s a.png) * 4 / 5)) a.png > cut.png
    part="--size 100x20 --fit cover --gravity north"
    for format in png jpeg webp pam; do
        fails 65 imgresize -f $format $part -o out cut.png
        stderr_has "cut.png: truncated"
        [ ! -e out ]
        imgresize -f $format $part cut.png > out-resize.$format || true
        imgcrop -f $format --box 100x20+5+5 cut.png > out-crop.$format || true
        [ $format = pam ] || [ ! -s out-resize.$format ]
        [ $format = pam ] || [ ! -s out-crop.$format ]
    done
    # Only what goes to a later stage leaves before, and it ends before the last row.
    for tool in resize crop; do
        fails 65 imgresize -f png -o out.png out-$tool.pam
    done
}

@test "good: every shape goes through every format: grey, alpha, 8 and 16 bits" {
    for channels in 1 2 3 4; do
        oracle make png16 deep$channels.png $channels
        render ramp --width 60 --height 40 --channels $channels > flat$channels.pam
        for file in deep$channels.png flat$channels.pam; do
            for format in png pam; do
                imgresize -f $format --exact $file -o copy.$format
                oracle same $file copy.$format
            done
            imgresize -q -f webp --lossless $file -o copy.webp
            imgresize -q -f jpeg $file -o copy.jpg
            [ "$(size_of copy.jpg)" = "$(size_of $file)" ]
            imgresize -q --size 50% $file -o half.png
            depth=$(imginfo --json $file | jq .result.depth)
            [ "$(imginfo --json half.png | jq .result.depth)" = "$depth" ]
        done
    done
}

@test "good: a large JPEG is reduced in little memory: progressive, not upright, baseline" {
    render photo --width 6000 --height 4000 | imgresize --effort 7 -f jpeg > progressive.jpg
    { # its first row is on the right: EXIF orientation 6
        head -c 2 progressive.jpg
        printf '\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0'
        tail -c +3 progressive.jpg
    } > turned.jpg
    imgresize -f jpeg progressive.jpg > baseline.jpg
    imgresize --width 700 -o out.png turned.jpg
    [ "$(size_of out.png)" = 700x1050 ]
    under_sanitizers && skip "sanitizers need memory of their own"
    [ "$(peak_kib imgresize --width 700 -o out.png progressive.jpg)" -lt 11500 ]
    [ "$(peak_kib imgresize --width 700 -o out.png turned.jpg)" -lt 30000 ]
    [ "$(peak_kib imgresize --width 700 -o out.png baseline.jpg)" -lt 16000 ]
    # Neither is a large output held: 12 MP and more.
    for format in png jpeg pam; do
        [ "$(peak_kib imgresize --size 71% --sharpen 30% -f $format -o out baseline.jpg)" -lt 18000 ]
        [ "$(peak_kib imgresize --size 4500x4500 --fit contain -f $format -o out baseline.jpg)" -lt 18000 ]
        [ "$(peak_kib imgcrop --box 4500x3000+500+500 -f $format -o out baseline.jpg)" -lt 18000 ]
    done
}

# Of the scans in a script, one a line: components, first and last coefficient, bits.
scan_script() {
    case $1 in
    plain) printf '%s;\n' '0,1,2: 0-0, 0, 0' '0: 1-63, 0, 0' '1: 1-63, 0, 0' '2: 1-63, 0, 0' ;;
    fine) # each component in another way, and luma in bands that later scans divide anew
        printf '%s;\n' '0,1,2: 0-0, 0, 2' '0: 1-2, 0, 3' '0: 3-9, 0, 3' '0,1,2: 0-0, 2, 1' \
            '1: 1-63, 0, 0' '0: 10-63, 0, 2' '0: 1-9, 3, 2' '2: 1-8, 0, 0' '0: 1-20, 2, 1' \
            '0: 21-63, 2, 1' '0,1,2: 0-0, 1, 0' '2: 9-63, 0, 0' '0: 1-63, 1, 0' ;;
    apart) printf '%s;\n' '0: 0-0, 0, 0' '1: 0-0, 0, 0' '2: 0-0, 0, 0' '0: 1-63, 0, 0' \
        '1: 1-63, 0, 0' '2: 1-63, 0, 0' ;;
    esac
}

@test "good: a progressive JPEG of any kind gives what a decoder for all files gives" {
    command -v cjpeg djpeg > /dev/null || skip "cjpeg and djpeg are not installed"
    render photo --width 211 --height 149 | imgresize -q -f png > photo.png
    need_oracle
    "$ORACLE_PYTHON" -c 'from PIL import Image; Image.open("photo.png").convert("RGB").save("a.ppm")'
    for sample in 1x1 2x1 2x2 1x2 4x2 2x2,2x1,1x2; do
        cjpeg -progressive -quality 95 -sample $sample -outfile $sample.jpg a.ppm
    done
    for script in plain fine apart; do
        scan_script $script > script
        cjpeg -scans script -quality 90 -sample 2x2 -outfile $script.jpg a.ppm
    done
    cjpeg -progressive -restart 1 -outfile restart.jpg a.ppm
    cjpeg -progressive -restart 3B -outfile often.jpg a.ppm
    cjpeg -progressive -grayscale -outfile grey.jpg a.ppm
    cjpeg -progressive -rgb -outfile rgb.jpg a.ppm
    for file in *.jpg; do
        djpeg -dct int $file > expected.ppm
        for threads in 1 2 3; do
            imgresize -q --threads $threads -f png $file > out.png
            "$ORACLE_PYTHON" -c '
import sys
from PIL import Image
one, other = (Image.open(name).convert("RGB") for name in ("expected.ppm", "out.png"))
sys.exit(one.tobytes() != other.tobytes())' || {
                echo "$file with $threads threads" >&2
                return 1
            }
        done
    done
}

@test "bad: outputs are judged by the limits too" {
    render_png a.png flat --width 10 --height 1000
    fails 77 imgresize --upscale --width 1000 -o b.png a.png
    stderr_has "--max-dimension"
    fails 77 imgresize --size 9000x9000 --fit contain -o b.png a.png
    stderr_has "--max-pixels"
    fails 64 imgresize --size a=5x --size ./a=6x --output-template '{name}.png' a.png
    [ ! -e a.png ] || [ "$(imginfo --json a.png | jq .result.width)" = 10 ]
}

@test "bad: two outputs do not go into one stream, which would mix their rows" {
    render_png a.png flat --width 300 --height 300
    sizes="--size 8=200x --size 9=100x"
    fails 64 imgresize $sizes -f pam --output-template '/dev/fd/{name}' a.png 8> one 9>&8
    stderr_has "two outputs"
    [ ! -s one ]
    imgresize $sizes -f pam --output-template '/dev/fd/{name}' a.png 8> one 9> two
    [ "$(size_of one) $(size_of two)" = "200x200 100x100" ]
    imgresize $sizes -f pam --output-template '/dev/fd/{name}' a.png 8> /dev/null 9> /dev/null
}

@test "bad: where memory ends while PNG is packed the status is that of memory" {
    under_sanitizers && skip "the sanitizers need all address space"
    render cutout --width 4099 --height 400 > a.pam
    memory=32
    until imgresize --memory ${memory}M --threads 2 --effort 9 --size a=99% --size b=98% \
        --size c=97% --output-template '{name}.png' a.pam 2> error; do
        [ "$?" -eq 71 ] || { cat error; false; }
        memory=$((memory + 1))
        [ "$memory" -lt 64 ]
    done
    [ "$memory" -gt 32 ]
}

@test "bad: damage below all that is wanted leaves no rows that look whole in a pipe" {
    # Of rows that are large enough not to wait in a buffer anyway.
    render_png tall.png photo --width 3000 --height 1200
    head -c -2000 tall.png > short.png
    for options in "" "--sharpen 30%" "--background white"; do
        # shellcheck disable=SC2086
        set -- imgresize --size 3000x400 --fit cover --gravity north -f pam $options
        "$@" tall.png > whole.pam
        status=0
        "$@" short.png > part.pam 2> messages || status=$?
        [ "$status" -eq 65 ]
        grep -q 'truncated' messages
        [ "$(stat -c %s part.pam)" -lt "$(stat -c %s whole.pam)" ]
    done
}
