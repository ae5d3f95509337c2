#!/usr/bin/env bats
# imgpalette: the colours that are there, in the forms that other programs read, the same every time.

load helpers

palette_oracle() {
    need_oracle
    "$ORACLE_PYTHON" "$IMGTOOL_SOURCE/tests/cli/oracle_palette.py" "$@"
}

# near FILE HEX SHARE BY [DE]: the lines of FILE have a colour within CIEDE2000 DE (3) of HEX whose
# share is SHARE to within BY.
near() {
    local hex share
    while IFS=$'\t' read -r hex share _; do
        if awk -v a="$share" -v b="$3" -v by="$4" 'BEGIN { exit !(a - b <= by && b - a <= by) }' &&
            [ "$(deltae "$hex" "$2" | awk -v de="${5:-3}" '{ print ($1 <= de) }')" = 1 ]; then
            return 0
        fi
    done < "$1"
    echo "no $2 of $3 in" >&2
    cat "$1" >&2
    return 1
}

@test "good: text is hex, share, RAL code, RAL name and difference, separated by tabs" {
    palette_oracle make half half.png
    imgpalette half.png > lines
    [ "$(wc -l < lines)" -eq 2 ]
    [ "$(cut -f 1,2 lines | tr '\t\n' '  ')" = "#c83232 0.500 #ffffff 0.500 " ]
    [ "$(awk -F '\t' 'NF == 5 && $3 ~ /^RAL [0-9][0-9][0-9][0-9]$/ && $4 ~ /^[A-Z]/ &&
        $5 ~ /^[0-9]+\.[0-9]$/' lines | wc -l)" -eq 2 ]
}

@test "good: the RAL names are those that ralmatch gives" {
    palette_oracle make sixths sixths.png
    imgpalette sixths.png | while IFS=$'\t' read -r hex _ code name _; do
        [ "$(ralmatch "$hex" | awk -F '\t' '{ print $1, $2 }')" = "$code $name" ]
    done
    [ "$(imgpalette --json sixths.png | jq -r '.result.colors[0].ral.code')" = \
        "$(imgpalette sixths.png | head -n 1 | awk -F '\t' '{ print substr($3, 5) }')" ]
}

@test "good: shares are in order, and -n is a maximum" {
    palette_oracle make sixths sixths.png
    imgpalette -f hex sixths.png > hex
    printf '#000000\n#ffffff\n#dc1414\n#14a028\n#1e3cc8\n#fad200\n' | diff - hex
    [ "$(imgpalette -n 4 sixths.png | wc -l)" -eq 4 ]
    [ "$(imgpalette -n 256 sixths.png | wc -l)" -eq 6 ]
    [ "$(imgpalette -n 1 sixths.png | cut -f 2)" = 1.000 ]
}

@test "good: --json is the suite's object, -f json the palette alone" {
    palette_oracle make half half.png
    imgpalette --json half.png > object
    [ "$(wc -l < object)" -eq 1 ]
    jq -e '.ok and .tool == "imgpalette" and .output == null and .input.width == 100 and
        .result.counted == 6000 and .result.ignored == 0 and
        (.result.colors | length) == 2 and (.result.colors[0] | .hex == "#c83232" and
        .share == 0.5 and (.lab | length) == 3 and (.ral | .code and .name_en and .name_de and
        (.hex | test("^#[0-9a-f]{6}$")) and (.de | type == "number")))' object
    imgpalette -f json half.png > own
    jq -S .result object > a
    jq -S . own > b
    cmp a b
    imgpalette half.png --report-fd 3 3> report > lines
    [ "$(wc -l < lines)" -eq 2 ]
    jq -e '.result.colors | length == 2' report
}

@test "good: what is exported reads back: GIMP, Adobe, CSS, a picture" {
    palette_oracle make sixths sixths.png
    imgpalette -f hex sixths.png > expected
    for format in gpl ase css; do
        imgpalette -f $format sixths.png > colors
        palette_oracle $format colors | diff expected -
    done
    imgpalette -f png sixths.png > colors
    palette_oracle png colors > runs
    awk '{ print $1 }' runs | diff expected -
    # In proportion: a third, a quarter, a sixth, … of 1200, each at least 12 wide.
    awk 'BEGIN { split("400 300 200 160 80 60", w) } { if ($2 - w[NR] > 15 || w[NR] - $2 > 15) exit 1 }' runs
    [ "$(imginfo colors | cut -f 2,3)" = "png	1200x200" ]
}

@test "good: ralmatch reads the exported catalogues" {
    palette_oracle make sixths sixths.png
    for format in gpl ase; do
        imgpalette -o colors.$format sixths.png
        ralmatch --catalogue colors.$format '#15a129' | grep -iq '#14a028'
    done
}

@test "good: the format follows the extension of the output, -f overrules it" {
    palette_oracle make half half.png
    for format in gpl ase css png json; do
        imgpalette -f $format half.png > stream
        imgpalette half.png -o "out.$format"
        cmp stream "out.$format"
    done
    imgpalette half.png -o out.CSS
    grep -q -- '--color-1: #c83232;' out.CSS
    imgpalette half.png -o out.txt
    imgpalette half.png -o noextension
    imgpalette half.png | tee >(cmp - out.txt) | cmp - noextension
    imgpalette -f hex half.png -o hex.gpl
    [ "$(head -n 1 hex.gpl)" = "#c83232" ]
    for format in jpg aco csv; do
        fails 64 imgpalette half.png -o "out.$format"
        stderr_has "-f chooses"
        [ ! -e "out.$format" ]
    done
}

@test "good: --exact-colors are the most frequent ones, by an independent count" {
    palette_oracle make noise noise.png
    imgpalette --exact-colors -n 40 -f hex noise.png > hex
    palette_oracle exact noise.png 40 | diff - hex
    render_png photo.png photo --width 300 --height 200
    imgpalette --exact-colors -n 200 -f hex photo.png > hex
    palette_oracle exact photo.png 200 | diff - hex
}

@test "good: --ignore background leaves the colours of the product" {
    render_png studio.png studio --width 800 --height 450 --falloff 40
    render_png cutout.png cutout --width 800 --height 450
    imgpalette -n 8 studio.png > all
    imgpalette -n 8 --ignore background studio.png > product
    imgpalette -n 8 cutout.png > truth
    # The background is most of the picture, and grey.
    [ "$(head -n 1 all | awk -F '\t' '{ print ($2 > 0.8) }')" = 1 ]
    [ "$(awk -F '\t' '$2 > 0.4' product | wc -l)" -eq 1 ]
    near product '#1e3c8c' 0.5 0.15
    # As much counts as is opaque in the cutout, which has none of the background.
    a=$(imgpalette --json --ignore background studio.png | jq .result.counted)
    b=$(imgpalette --json cutout.png | jq .result.counted)
    awk -v a="$a" -v b="$b" 'BEGIN { exit !(a / b > 0.95 && a / b < 1.05) }'
    # The same colours lead; where shades are cut into two differs a little.
    head -n 6 truth | while IFS=$'\t' read -r hex share _; do
        near product "$hex" "$share" 0.12 5
    done
}

@test "good: --ignore background of a photograph without one says so and counts all" {
    render_png photo.png photo --width 400 --height 300
    run --separate-stderr imgpalette --ignore background photo.png
    [ "$status" -eq 0 ]
    stderr_has "not sure what the background is"
    [ "$output" = "$(imgpalette photo.png)" ]
    run --separate-stderr imgpalette -q --ignore background photo.png
    [ -z "$stderr" ]
}

@test "good: --ignore background of a cutout is its transparency" {
    cutout
    [ "$(imgpalette --ignore background cutout.png)" = "$(imgpalette cutout.png)" ]
}

@test "good: --ignore COLOR~DE, with a default, in all notations, also together with background" {
    palette_oracle make half half.png
    for ignored in white '#fff' '#ffffff~2' 'white~0.1' 'rgb(255 255 255)~3' 'RAL 9016~6'; do
        [ "$(imgpalette --ignore "$ignored" half.png | cut -f 1,2)" = "#c83232	1.000" ]
    done
    [ "$(imgpalette --ignore 'RAL 9016~2' half.png | wc -l)" -eq 2 ]
    imgpalette --ignore white --json half.png |
        jq -e '.result.counted == 3000 and .result.ignored == 3000'
    render_png studio.png studio --width 400 --height 225
    imgpalette --ignore background --ignore '#1e3c8c~40' studio.png > rest
    [ "$(grep -c '^#1' rest)" -eq 0 ]
}

@test "good: a JPEG's colours are those before it was compressed" {
    palette_oracle make sixths sixths.png
    imgresize --quality 80 -o sixths.jpg sixths.png
    imgpalette sixths.jpg > lines
    [ "$(wc -l < lines)" -eq 6 ]
    imgpalette sixths.png | while IFS=$'\t' read -r hex share _; do near lines "$hex" "$share" 0.02; done
}

@test "good: the same bytes on every run, with 1 thread or 2" {
    render_png photo.png photo --width 500 --height 400
    render_png studio.png studio --width 500 --height 400
    for file in photo.png studio.png; do
        for options in "" "--exact-colors" "--ignore background" "-n 256 --merge 0"; do
            # Files are made of what JSON says.
            [ -n "$options" ] && formats=json || formats="json ase png"
            for format in $formats; do
                # shellcheck disable=SC2086
                imgpalette -q --threads 1 -f $format $options $file > a
                # shellcheck disable=SC2086
                imgpalette -q --threads 2 -f $format $options $file > b
                cmp a b
            done
        done
    done
}

@test "good: from a pipe, in a pipeline, with odd names" {
    palette_oracle make half half.png
    expected=$(imgpalette half.png)
    [ "$(imgpalette < half.png)" = "$expected" ]
    cat half.png | imgpalette - | diff - <(echo "$expected")
    cp half.png ' two words;$(x)~5.png'
    [ "$(imgpalette ' two words;$(x)~5.png')" = "$expected" ]
    cp half.png -- -dash.png
    [ "$(imgpalette -i -dash.png)" = "$expected" ]
    [ "$(imgpalette -- -dash.png)" = "$expected" ]
    imgpalette half.png -o 'out put.gpl'
    [ "$(imgtool palette half.png)" = "$expected" ]
    imgcrop -f pam half.png | imgpalette | grep -q '#c83232'
}

@test "good: no colour codes in files and pipes, swatches only on a terminal" {
    palette_oracle make half half.png
    [ "$(TERM=xterm imgpalette half.png | grep -c $'\033')" -eq 0 ]
    need script
    TERM=xterm NO_COLOR='' script -qec "imgpalette half.png" /dev/null < /dev/null | grep -q $'\033\[48;2;200;50;50m'
    [ "$(TERM=xterm NO_COLOR=1 script -qec "imgpalette half.png" /dev/null < /dev/null | grep -c $'\033')" -eq 0 ]
}

@test "bad: binary palettes are not written to a terminal" {
    need script
    palette_oracle make half half.png
    for format in ase png; do
        run script -qec "imgpalette -f $format half.png" /dev/null < /dev/null
        [ "$status" -eq 64 ]
        [[ $output == *"-o FILE"* ]]
    done
}

@test "bad: a transparent image, and one of which nothing is left" {
    palette_oracle make clear clear.png
    fails 65 imgpalette clear.png
    stderr_has "no opaque pixel"
    fails 65 imgpalette --exact-colors -o out.gpl clear.png
    [ ! -e out.gpl ]
    palette_oracle make half half.png
    fails 65 imgpalette --ignore 'white~150' half.png
    stderr_has "all of it is ignored"
    run --separate-stderr imgpalette --json clear.png
    [ "$status" -eq 65 ]
    jq -e '.ok == false and .error.kind == "unsupported"' <<< "$output"
}

@test "bad: wrong values name the option and what is allowed" {
    palette_oracle make half half.png
    fails 64 imgpalette -n 0 half.png
    fails 64 imgpalette -n 257 half.png
    fails 64 imgpalette -n 6x half.png
    fails 64 imgpalette --merge nan half.png
    fails 64 imgpalette --merge -1 half.png
    fails 64 imgpalette -f pdf half.png
    fails 64 imgpalette --ignore whit half.png
    stderr_has "did you mean 'white'"
    fails 64 imgpalette --ignore 'white~' half.png
    stderr_has "--ignore"
    fails 64 imgpalette --ignore 'white~3x' half.png
    fails 64 imgpalette --ignore 'white~-3' half.png
    fails 64 imgpalette --ignore '~3' half.png
    fails 64 imgpalette --ignore '#ffffff80' half.png
    fails 64 imgpalette --ignore white --ignore black half.png
    fails 64 imgpalette --json -f gpl half.png
    fails 64 imgpalette half.png half.png
    fails 66 imgpalette missing.png
    echo text > text.png
    fails 65 imgpalette text.png
    head -c 200 half.png > short.png
    fails 65 imgpalette short.png
    fails 64 imgpalette half.png -o half.png
}

@test "good: four bytes a pixel are enough, whatever the colours" {
    under_sanitizers && skip "sanitizers need more"
    render noise --width 4000 --height 3000 > noise.ppm
    [ "$(peak_kib imgpalette noise.ppm)" -lt 65536 ]
}
