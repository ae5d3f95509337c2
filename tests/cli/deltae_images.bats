#!/usr/bin/env bats
# deltae of two images: against numpy, verdicts, heat maps, and what it refuses.

load helpers

images() { # see tests/cli/oracle_deltae.py
    need_oracle
    "$ORACLE_PYTHON" "$IMGTOOL_SOURCE/tests/cli/oracle_deltae.py" "$@"
}

# agrees A B [OPTION]... [-- ORACLE-OPTION...]: deltae's JSON is what numpy says.
agrees() {
    local tool=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        tool+=("$1")
        shift
    done
    deltae --json "${tool[@]}" > result.json
    images check result.json "${tool[0]}" "${tool[1]}" "${@:2}"
}

# plain NAME WIDTH HEIGHT SAMPLE...: a picture of one colour, grey, RGB or RGB with alpha.
plain() {
    local name=$1 width=$2 height=$3 pixel tuple=([1]=GRAYSCALE [3]=RGB [4]=RGB_ALPHA)
    shift 3
    printf -v pixel '\\%03o' "$@"
    {
        printf 'P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL 255\nTUPLTYPE %s\nENDHDR\n' \
            "$width" "$height" $# "${tuple[$#]}"
        # shellcheck disable=SC2046,SC2059
        printf "$pixel%.0s" $(seq $((width * height)))
    } > "$name"
}

# spot NAME WIDTH HEIGHT X Y: white on black at one pixel.
spot() {
    local before=$((3 * ($5 * $2 + $4))) all=$((3 * $2 * $3))
    {
        printf 'P6\n%d %d\n255\n' "$2" "$3"
        head -c $before /dev/zero
        printf '\377\377\377'
        head -c $((all - before - 3)) /dev/zero
    } > "$1"
}

# pixel FILE X Y: prints "R G B" of a picture without alpha.
pixel() {
    local width height
    read -r width height < <(imginfo --json "$1" | jq -r '"\(.input.width) \(.input.height)"')
    imgresize -f pam "$1" | tail -c $((3 * (width * height - $3 * width - $2))) | head -c 3 |
        od -An -tu1 | xargs
}

@test "good: as numpy computes it" {
    images make pair a.png b.png
    agrees a.png b.png
    agrees b.png a.png
    agrees a.png b.png --tolerance 1.5
    agrees a.png b.png --formula 76 -- formula=76
    agrees a.png b.png --formula 94 -- formula=94
    agrees b.png a.png --formula 94 -- formula=94
}

@test "good: alpha over white and black" {
    images make alpha a.png b.png
    agrees a.png b.png
    agrees a.png b.png --formula 76 -- formula=76
}

@test "good: 16 bits, and 16 against 8" {
    images make deep a.png b.png
    agrees a.png b.png
    images make pair c.png d.png
    agrees a.png d.png
}

@test "good: a mask and boxes to ignore" {
    images make pair a.png b.png
    images make mask mask.png 157 93
    agrees a.png b.png --mask mask.png -- mask=mask.png
    agrees a.png b.png --ignore 60x40+10+20 -- ignore=60x40+10+20
    agrees a.png b.png --ignore 500x40+100+20 --mask mask.png -- ignore=500x40+100+20 mask=mask.png
}

@test "good: profiles, with colours outside of sRGB" {
    images make p3 a.png b.png
    agrees a.png b.png -- p3=b
    agrees b.png a.png -- p3=a
}

@test "good: text is six lines" {
    plain a.pam 10 10 0 0 0
    spot b.pam 10 10 7 3
    deltae a.pam b.pam > answer
    printf '%s\t%s\n' mean 1.0000 median 0.0000 p95 0.0000 p99 1.0000 max 100.0000 over 0.0100 \
        > expected
    diff expected answer
}

@test "good: JSON says where, and what was compared" {
    plain a.pam 10 10 0 0 0
    spot b.pam 10 10 7 3
    deltae --json a.pam b.pam > answer
    jq -e '.ok and .input.path == "a.pam" and .input.width == 10 and .output == null' answer
    jq -e '.result | .max_at == [7, 3] and .pixels == 100 and .formula == "2000" and
        .white == "d65" and .tolerance == 2.3 and .passed == null and
        .other == {"path": "b.pam", "width": 10, "height": 10} and
        .boxes == [{"x": 7, "y": 3, "width": 1, "height": 1}]' answer
    [ "$(wc -l < answer)" = 1 ]
    deltae --json --max 100.5 a.pam b.pam | jq -e '.ok and .result.passed == true'
    run -1 deltae --json --max 99.5 -q a.pam b.pam
    jq -e '.ok and .result.passed == false' <<< "$output"
}

@test "good: equal images, whatever holds them" {
    images make pair a.png b.png
    imgresize -o a.pam a.png
    imgresize --lossless -o a.webp a.png
    for other in a.png a.pam a.webp; do
        deltae a.png $other > answer
        [ "$(grep -c '0.0000$' answer)" = 6 ]
    done
    plain grey.pam 9 9 128
    plain rgb.pam 9 9 128 128 128
    plain rgba.pam 9 9 128 128 128 255
    [ "$(deltae --max 0 grey.pam rgb.pam | grep max)" = $'max\t0.0000' ]
    [ "$(deltae --max 0 rgba.pam grey.pam | grep max)" = $'max\t0.0000' ]
}

@test "good: what is transparent in both is equal" {
    plain a.pam 8 8 255 0 0 0
    plain b.pam 8 8 0 255 0 0
    [ "$(deltae a.pam b.pam | grep max)" = $'max\t0.0000' ]
    plain white.pam 8 8 255 255 255
    plain black.pam 8 8 0 0 0
    [ "$(deltae a.pam white.pam | grep max)" = $'max\t100.0000' ]
    [ "$(deltae a.pam black.pam | grep max)" = $'max\t100.0000' ]
}

@test "good: the same numbers whatever the threads" {
    images make alpha a.png b.png
    for formula in 2000 cmc; do
        deltae --formula $formula --threads 1 a.png b.png > one
        deltae --formula $formula --threads 2 a.png b.png > two
        deltae --formula $formula --threads 7 a.png b.png > seven
        cmp one two
        cmp one seven
    done
}

@test "good: stdin can be either image" {
    images make pair a.png b.png
    deltae a.png b.png > expected
    deltae - b.png < a.png | diff expected -
    cat b.png | deltae a.png - | diff expected -
    images make mask mask.png 157 93
    deltae --mask mask.png a.png b.png > expected
    cat mask.png | deltae --mask - a.png b.png | diff expected -
}

@test "good: verdicts" {
    plain a.pam 10 10 0 0 0
    spot b.pam 10 10 7 3
    deltae --max 101 --max-mean 1.1 --max-p95 0.1 --max-fraction 0.02 a.pam b.pam > /dev/null
    deltae --max-fraction 2% a.pam b.pam > /dev/null
    fails 1 deltae --max 99 a.pam b.pam
    stderr_has "max 100.0000 exceeds --max 99"
    [ "${#lines[@]}" = 6 ]
    fails 1 deltae --max-mean 0.9 a.pam b.pam
    stderr_has "mean 1.0000 exceeds --max-mean 0.9"
    fails 1 deltae --max-fraction 0.5% a.pam b.pam
    stderr_has "over 0.0100 exceeds --max-fraction 0.005"
    fails 1 deltae --max-p95 5 --ignore 10x3+0+0 --ignore 10x6+0+4 --ignore 5x1+0+3 a.pam b.pam
    stderr_has "--max-p95 5"
    fails 1 deltae --max 99 --max-mean 0.9 a.pam b.pam
    [ "$(wc -l <<< "$stderr")" = 1 ]
    deltae --max 0 a.pam a.pam
}

@test "good: a product that was recoloured is found" {
    images make product a.jpg b.jpg
    deltae --json a.jpg b.jpg > answer
    jq -e '.result | .over > 0.12 and .over < 0.17 and .p95 > 6 and .p95 < 9 and .median < 1' answer
    # One box, around the thing.
    jq -e '.result.boxes[0] | .x > 50 and .y > 40 and .x + .width < 270 and .y + .height < 200' \
        answer
    fails 1 deltae --max-fraction 10% a.jpg b.jpg
    fails 1 deltae --max-p95 5 a.jpg b.jpg
    imgresize --quality 80 -o c.jpg a.jpg
    deltae --max-fraction 10% --max-p95 5 a.jpg c.jpg
}

@test "good: a heat map" {
    plain a.pam 200 50 0 0 0
    spot b.pam 200 50 150 20
    images make mask mask.png 200 50
    deltae --heatmap heat.png a.pam b.pam
    [ "$(imginfo --json heat.png | jq -c '[.input.width, .input.height > 50]')" = '[200,true]' ]
    zero=$(pixel heat.png 3 3)
    most=$(pixel heat.png 150 20)
    [ "$zero" != "$most" ]
    [ "$zero" = "$(pixel heat.png 149 20)" ]
    # Dark is equal, bright is different.
    read -r r g b <<< "$zero"
    [ $((r + g + b)) -lt 100 ]
    read -r r g b <<< "$most"
    [ $((r + g + b)) -gt 550 ]
    deltae --heatmap masked.png --mask mask.png a.pam b.pam
    [ "$(pixel masked.png 150 20)" = "128 128 128" ]
    [ "$(pixel masked.png 3 3)" = "$zero" ]
    plain grey.pam 200 50 100 100 100
    deltae --heatmap end.png --heatmap-max 10 a.pam grey.pam
    [ "$(pixel end.png 3 3)" = "$most" ]
    deltae --json --heatmap map.jpg a.pam b.pam | jq -e '.output.format == "jpeg"'
    deltae --heatmap plain a.pam b.pam
    [ "$(imginfo --json plain | jq -r .input.format)" = png ]
    fails 1 deltae --heatmap verdict.png --max 1 a.pam b.pam
    cmp verdict.png heat.png
}

@test "bad: a heat map must not replace an input" {
    images make pair a.png b.png
    images make mask mask.png 157 93
    cp a.png a.orig
    cp b.png b.orig
    ln -s b.png link.png
    for target in a.png b.png link.png; do
        fails 64 deltae --heatmap $target a.png b.png
    done
    fails 64 deltae --heatmap mask.png --mask mask.png a.png b.png
    fails 64 deltae --heatmap - a.png b.png
    cmp a.png a.orig
    cmp b.png b.orig
    fails 73 deltae --heatmap missing/heat.png a.png b.png
}

@test "bad: a heat map and the figures in one file, whatever it is called" {
    images make pair a.png b.png
    ln -s . here
    for target in out.png ./out.png "$PWD/out.png" here/out.png; do
        fails 64 deltae -o out.png --heatmap $target a.png b.png
        stderr_has "--heatmap and --output are the same file"
        [ ! -e out.png ]
    done
    deltae -o out.txt --heatmap out.png a.png b.png
    [ "$(wc -l < out.txt)" -eq 6 ]
    [ "$(imginfo --json out.png | jq -r .input.format)" = png ]
}

@test "good: - is stdin and stdout, also where a file is called that" {
    images make pair a.png b.png
    cp b.png ./-
    deltae - b.png < a.png > piped
    rm ./-
    mkdir ./-
    deltae a.png b.png | cmp - piped
    [ "$(echo '#fff,#000' | deltae --pairs -)" = '#fff,#000,100.0000' ]
}

@test "bad: no heat map is left where the comparison fails" {
    images make pair a.png b.png
    head -c 300 b.png > cut.png
    fails 65 deltae --heatmap heat.png a.png cut.png
    stderr_has cut.png
    [ ! -e heat.png ]
}

@test "bad: sizes" {
    plain a.pam 10 12 0 0 0
    plain b.pam 11 12 0 0 0
    fails 65 deltae a.pam b.pam
    stderr_has "10 x 12"
    stderr_has "11 x 12"
    stderr_has imgresize
    plain mask.pam 12 10 255
    fails 65 deltae --mask mask.pam a.pam a.pam
    stderr_has mask.pam
    stderr_has "12 x 10"
    fails 65 deltae --json a.pam b.pam
    jq -e '.ok == false and .error.code == 65' <<< "$output"
}

@test "bad: nothing left to compare" {
    plain a.pam 10 12 0 0 0
    plain mask.pam 10 12 0
    fails 65 deltae --mask mask.pam a.pam a.pam
    fails 65 deltae --ignore 10x12+0+0 a.pam a.pam
}

@test "bad: what is not an image" {
    images make pair a.png b.png
    echo nothing > text.png
    head -c 1000 b.png > cut.png
    fails 65 deltae a.png ./text.png
    stderr_has text.png
    fails 65 deltae ./text.png a.png
    fails 65 deltae cut.png a.png
    stderr_has cut.png
    fails 65 deltae a.png cut.png
    stderr_has cut.png
    fails 66 deltae a.png ./missing.png
    stderr_has missing.png
    fails 65 deltae --mask ./text.png a.png b.png
    stderr_has text.png
    fails 64 deltae - - < a.png
    fails 64 deltae --mask - - a.png < a.png
    fails 77 deltae --max-pixels 100 a.png b.png
    # Whichever of both is read to its end first.
    for _ in $(seq 30); do
        fails 65 deltae --json a.png cut.png
        jq -e '.error.file == "cut.png"' <<< "$output" > /dev/null
    done
}

@test "good: what is wrong with either image is said in their order" {
    images make pair a.png b.png
    imgresize --upscale --size 900x600 --fit fill -o large-a.png a.png
    imgresize --upscale --size 900x600 --fit fill -o large-b.png b.png
    head -c -600 large-a.png > cut-a.png
    head -c -600 large-b.png > cut-b.png
    # Whichever of both is read to its end first.
    for _ in $(seq 30); do
        run --separate-stderr deltae --lenient --threads 4 cut-a.png cut-b.png
        [ "$status" -eq 0 ]
        [[ ${stderr_lines[0]} == *cut-a.png:* && ${stderr_lines[1]} == *cut-b.png:* ]]
    done
}
