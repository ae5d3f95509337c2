#!/usr/bin/env bats
# colorxfer --to: an object gets another paint, as near as can be to the one that is rendered so.

load helpers

recolor_oracle() {
    need_oracle
    "$ORACLE_PYTHON" "$IMGTOOL_SOURCE/tests/cli/oracle_recolor.py" "$@"
}

# ral_hex CODE: the sRGB value that RAL publishes.
ral_hex() {
    awk -F, -v code="$1" '$1 == code { print $4 }' "$IMGTOOL_SOURCE/data/ral-classic.csv"
}

# kettle NAME CODE SCENE [OPTION VALUE]...: the kettle in that paint.
kettle() {
    local name=$1 code=$2 scene=$3
    shift 3
    render_png "$name" "$scene" --width 320 --height 180 --body "$(ral_hex "$code")" "$@"
}

body_mask() {
    render_png mask.png body-mask --width 320 --height 180
}

# repaint FROM TO SCENE [OPTION VALUE]...: FROM to TO as out.png; the oracle's judgement is left in
# judged.json. The truth has no noise.
repaint() {
    local from=$1 to=$2 scene=$3
    shift 3
    kettle in.png "$from" "$scene" "$@"
    kettle truth.png "$to" "$scene" --noise 0
    colorxfer -q --to "RAL $to" --mask mask.png -o out.png in.png
    recolor_oracle compare out.png truth.png mask.png in.png > judged.json
    echo "$from to $to, $scene $*: $(cat judged.json)" >&2
}

judged() {
    jq -e "$1" judged.json > /dev/null
}

# White clips the highlights of the source: what they are on blue is a guess.
pairs='9010-5010-2.3 5010-9010-0.6 1003-3020-0.8 3020-1003-0.6 7016-6018-1.0 6018-7016-0.8
       8017-9003-1.3 2004-5002-0.6'

@test "truth: eight pairs of RAL paints are what the renderer makes of them" {
    body_mask
    for pair in $pairs; do
        IFS=- read -r from to most <<< "$pair"
        repaint "$from" "$to" cutout
        judged ".mean < $most"
        jq .mean judged.json >> means
    done
    jq -s -e 'add / length < 1' means
}

@test "truth: noise and an opaque background change little" {
    body_mask
    for pair in 9010-5010-2.7 5010-9010-1.1 1003-3020-1.1 3020-1003-0.9 7016-6018-1.2 \
        6018-7016-1.2 8017-9003-1.5 2004-5002-0.9; do
        IFS=- read -r from to most <<< "$pair"
        repaint "$from" "$to" studio --noise 1
        judged ".mean < $most"
    done
}

@test "truth: no old colour is left at the edges" {
    body_mask
    # A plain mix by the mask leaves 4.7, 4.3 and 5.4.
    repaint 5010 9010 studio --noise 0
    judged '.edge < 1.2'
    repaint 3020 1003 studio --noise 0
    judged '.edge < 1.2'
    repaint 7016 6018 studio --noise 0
    judged '.edge < 3.5'
}

@test "good: the body of a grey object hits all 216 Classic colours" {
    local step=1 code pairs=()
    if under_sanitizers; then step=9; fi
    need_oracle
    render_png in.png cutout --width 320 --height 180 --body '#808080'
    body_mask
    while IFS=, read -r code hex; do
        colorxfer -q --to "RAL $code" --mask mask.png -f pam -o "$code.pam" --report-fd 3 in.png \
            3>> reports
        pairs+=("$hex=$code.pam")
    done < <(awk -F, -v step=$step '/^[0-9]/ && n++ % step == 0 { print $1 "," $4 }' \
        "$IMGTOOL_SOURCE/data/ral-classic.csv")
    [ ${#pairs[@]} -ge 24 ]
    jq -s -e "length == ${#pairs[@]} and all(.result.achieved_de < 1)" reports
    worst=$(recolor_oracle body in.png mask.png "${pairs[@]}")
    echo "worst: $worst" >&2
    awk -v worst="$worst" 'BEGIN { exit !(worst < 1) }'
}

@test "good: what is outside mask and object keeps its samples, 8 and 16 bits" {
    body_mask
    for depth in 8 16; do
        for code in 5010 7016; do
            kettle in.png $code cutout --depth $depth
            colorxfer -q --to "RAL 1021" --mask mask.png -o out.png in.png
            recolor_oracle untouched out.png in.png mask.png
        done
    done
}

@test "good: 16 bits are as near, and stay 16 bits" {
    body_mask
    repaint 5010 3020 cutout --depth 16
    judged '.mean < 0.9'
    [ "$(imgresize -q --size 100% -f pam out.png | grep -a -m1 MAXVAL)" = "MAXVAL 65535" ]
}

@test "good: a paint to itself changes next to nothing, highlights included" {
    body_mask
    for code in 1003 9010 5010; do
        kettle in.png $code cutout
        from=$(colorxfer -q --to red --mask mask.png -o red.png --json in.png |
            jq -r .result.from.hex)
        colorxfer -q --to "$from" --mask mask.png -o out.png in.png
        recolor_oracle compare out.png in.png mask.png in.png > judged.json
        cat judged.json >&2
        judged '.mean < 0.4 and .p99 < 1'
    done
}

@test "good: strength 0 changes nothing, the result says how far the object is" {
    body_mask
    kettle in.png 5010 cutout
    colorxfer -q --to "RAL 3020" --strength 0 --mask mask.png -o out.png in.png --json |
        jq -e '.result.achieved_de > 30'
    oracle same in.png out.png
}

@test "good: --from says what the body is" {
    body_mask
    kettle in.png 7016 cutout
    colorxfer -q --to "RAL 6018" --from "RAL 7016" --mask mask.png -o out.png in.png --json |
        jq -e --arg hex "$(ral_hex 7016 | tr A-F a-f)" '.result.from.hex == $hex'
    kettle truth.png 6018 cutout
    recolor_oracle compare out.png truth.png mask.png in.png > judged.json
    judged '.mean < 1.6'
}

@test "limit: black to white is capped, warned about, and honest" {
    body_mask
    kettle in.png 9005 cutout
    run --separate-stderr -0 colorxfer --to "RAL 9010" --mask mask.png -o out.png in.png --json
    jq -e '.result.limited and .result.achieved_de > 10' <<< "$output"
    stderr_has "nearly black"
    fails 1 colorxfer --to "RAL 9010" --max-de 5 --mask mask.png -o none.png in.png
}

@test "bad: a mask that is black everywhere" {
    kettle in.png 5010 cutout
    render_png black.png flat --width 320 --height 180 --channels 1 --background '#000000'
    fails 65 colorxfer --to "RAL 9010" --mask black.png -o out.png in.png
    [ ! -e out.png ]
}

@test "good: the same bytes on one thread and three" {
    body_mask
    for code in 5010 7035; do
        kettle in.png $code studio
        colorxfer -q --threads 1 --to "RAL 1021" --mask mask.png -f pam -o one.pam in.png
        colorxfer -q --threads 3 --to "RAL 1021" --mask mask.png -f pam -o three.pam in.png
        cmp one.pam three.pam
    done
}

@test "photo: other materials keep their colour, even without a mask" {
    need_shared photos
    cp "$SHARED/photos/car-2-cutout.png" car.png
    colorxfer -q --to "RAL 5010" -o out.png car.png --json | jq -e '.result.achieved_de < 1'
    # The brake calipers of a white car are yellow.
    recolor_oracle strange out.png car.png 6
}
