#!/usr/bin/env bats
# What holds for all tools together: help, versions, option letters, documentation, JSON.

load helpers

tools=(imgcrop imgshadow imgresize imginfo colorxfer deltae ralmatch imgpalette imgtool)
images=(imgcrop imgshadow imgresize "colorxfer --to blue")
own=("imgtool pipe" "imgtool run" "imgtool batch" "imgtool cache" "imgtool doctor" "imgtool schema")

@test "good: -h is at most 25 lines of 80 columns with three examples" {
    for tool in "${tools[@]}" "${own[@]}"; do
        run $tool -h
        [ "$status" -eq 0 ]
        [ "${#lines[@]}" -le 25 ]
        [ "$(sed -n '/^Examples:/,$p' <<< "$output" | grep -c '^  ')" -eq 3 ]
        [ "$(awk 'length > 100' <<< "$output")" = "" ]
    done
}

@test "good: --help is complete: every long option that the parser takes is in it" {
    for tool in "${tools[@]}"; do
        help=$($tool --help)
        for option in $($tool --completion bash | sed -n "/^_$tool()/,\$p" |
            grep -o -- '--[a-z-]*' | sort -u); do
            [ "$option" = --completion ] || grep -q -- "$option" <<< "$help"
        done
        [ "$(awk 'length > 80' <<< "$help" | grep -vc '^  img')" -eq 0 ]
    done
}

@test "good: every option is in the manual page, and the pages are well formed" {
    need mandoc
    for tool in "${tools[@]}" "${own[@]}"; do
        page=$($tool --manual)
        for option in $($tool --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
            grep -qF -- "\\-\\-$(sed 's/^--//; s/-/\\-/g' <<< "$option")" <<< "$page"
        done
        run mandoc -T lint -W error <(echo "$page")
        [ "$status" -eq 0 ]
    done
}

@test "good: the pages and completions in the tree are what the tools print" {
    "$IMGTOOL_SOURCE/scripts/print-docs" "$IMGTOOL_BUILD" fresh
    cp "$IMGTOOL_SOURCE/man/imgtool-node.7" fresh/man/ # written by hand
    for folder in man completions; do
        diff -r "fresh/$folder" "$IMGTOOL_SOURCE/$folder"
    done
}

@test "good: completions are valid in their shells" {
    for tool in "${tools[@]}"; do
        $tool --completion bash > c.bash
        bash -n c.bash
        if command -v zsh; then $tool --completion zsh > c.zsh && zsh -n c.zsh; fi
        if command -v fish; then $tool --completion fish > c.fish && fish -n c.fish; fi
    done
    fails 64 imgcrop --completion tcsh
}

@test "good: bash completes options, choices and commands" {
    imgresize --completion bash > c.bash
    imgtool --completion bash >> c.bash
    run bash -c 'source ./c.bash; COMP_WORDS=(imgresize --fit co); COMP_CWORD=2; _imgresize
        echo "${COMPREPLY[*]}"; COMP_WORDS=(imgresize --wid); COMP_CWORD=1; _imgresize
        echo "${COMPREPLY[*]}"; COMP_WORDS=(imgtool sh); COMP_CWORD=1; _imgtool
        echo "${COMPREPLY[*]}"' 2> /dev/null
    [[ $output == *"cover contain"* ]]
    [[ $output == *"--width"* ]]
    [[ $output == *"shadow"* ]]
}

# complete_bash WORD... => ANSWER...: what bash has for the last WORD where only imgtool's completion
# is loaded.
complete_bash() {
    local words=()
    while [ $# -gt 0 ] && [ "$1" != '=>' ]; do
        words+=("$1")
        shift
    done
    shift
    run --separate-stderr bash --norc -c 'source ./c.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _imgtool
        echo "${COMPREPLY[*]}"' bash "${words[@]}"
    [ "$output" = "$*" ] || {
        echo "${words[*]}: '$output' is not '$*'" >&2
        return 1
    }
}

@test "good: bash completes what stands behind imgtool as the command's own completion does" {
    imgtool --completion bash > c.bash
    touch a.png
    complete_bash imgtool --vers '=>' --version
    complete_bash imgtool crop --paddi '=>' --padding
    complete_bash "$IMGTOOL_BUILD/imgtool" imgresize --fit co '=>' cover contain
    complete_bash imgtool shadow a '=>' a.png
    complete_bash imgtool help sha '=>' shadow
    complete_bash imgtool cache pr '=>' prune
    complete_bash imgtool run --rec '=>' --recipe-dir
    complete_bash imgtool nosuch --pad '=>' ''
    # Stages: commands at their front, options of the command behind it.
    complete_bash imgtool pipe --in-p '=>' --in-place
    complete_bash imgtool pipe -i a '=>' a.png
    complete_bash imgtool pipe -i crop res '=>' resize
    complete_bash imgtool pipe --input = crop res '=>' resize
    complete_bash imgtool pipe -i a.png crop --in-p '=>' --in-place
    complete_bash imgtool pipe -i a.png crop --padding 5 : sha '=>' shadow
    complete_bash imgtool pipe crop : resize --fit cov '=>' cover
    complete_bash imgtool pipe crop : resize --fit = cov '=>' cover
    complete_bash imgtool crop --blank = '=>' pass fail
    complete_bash imgtool pipe crop : pi '=>' ''
    complete_bash imgtool batch --files a '=>' a.png
    complete_bash imgtool batch --files a.png crop a '=>' a.png
    complete_bash imgtool batch --files a.png --jobs 2 res '=>' resize
    complete_bash imgtool batch --files a.png -- crop : shadow --canvas g '=>' grow
}

@test "good: fish completes them as well" {
    need fish
    export HOME=$PWD
    { imgtool --completion fish; imgcrop --completion fish; imgresize --completion fish; } > c.fish
    while IFS='|' read -r line answer; do
        [ "$(fish -c 'source c.fish; complete -C $argv[1]' "$line" | cut -f1)" = "$answer" ]
    done << 'LINES'
imgtool --vers|--version
imgtool crop --paddi|--padding
imgtool cache pr|prune
imgtool pipe --in-p|--in-place
imgtool pipe -i x res|resize
imgtool pipe -i x crop --padding 5 : sha|shadow
imgtool pipe crop : resize --fit cov|cover
LINES
}

@test "good: no letter has two meanings" {
    for tool in "${tools[@]}" "${own[@]}"; do
        $tool --help | grep -oE '^  -[a-zA-Z](, --[a-z-]+)?'
    done | sort -u > letters
    # -n is how many answers, whatever they are.
    [ "$(grep -v '^  -n' letters | awk '{print substr($1, 1, 2)}' | sort | uniq -d)" = "" ]
}

@test "good: --version prints name and version, with --json also the libraries" {
    for tool in "${tools[@]}"; do
        [ "$($tool --version)" = "$tool (imgtool) 0.1.0" ]
        [ "$($tool -V)" = "$tool (imgtool) 0.1.0" ]
        $tool --version --json | jq -e '.version == "0.1.0" and (.libraries | type == "object")'
    done
    imgcrop --version --json | jq -e '.libraries | .libpng and .libwebp and .lcms2 and .jansson'
}

@test "good: options come in any order, with blank or =, also with POSIXLY_CORRECT" {
    cutout
    imgcrop cutout.png -o a.png --padding 10% --min-padding 0
    imgcrop --min-padding=0 -ob.png --padding=10% cutout.png
    cmp a.png b.png
    POSIXLY_CORRECT=1 imgcrop cutout.png -o c.png --padding 10% --min-padding 0
    cmp a.png c.png
}

@test "bad: long options are not abbreviated" {
    fails 64 imgcrop --paddin 5% a.png
    fails 64 imgcrop --print a.png
    fails 64 imgcrop --qual 5 a.png
}

@test "bad: what somebody new types in a command's place gets a hint" {
    fails 127 imgtool completion bash
    stderr_has "no command is called 'completion' (did you mean '--completion'?)"
    fails 127 imgtool version
    stderr_has "did you mean '--version'?"
    cutout
    fails 127 imgtool cutout.png
    stderr_has "it is a file: a command comes first, as in 'imgtool info FILE'"
    fails 127 imgtool pipe cutout.png -o a.webp crop : shadow
    stderr_has "no command is called 'cutout.png' (it is a file: -i names the input)"
    fails 64 imgtool pipe --format webp -i cutout.png crop : shadow
    stderr_has "unknown option '--format'; options of a command stand behind its name"
    cp cutout.png -- -cut.png
    fails 64 imgcrop -o a.png -cut.png
    stderr_has "unknown option '-c'; the file of that name is './-cut.png'"
    fails 64 imgtool run product a.png b.png c.png
    stderr_has "unexpected operand 'b.png', one input is expected; 'imgtool batch --recipe"
    fails 64 deltae --max 0,3 red blue
    stderr_has "'0,3' is not a number from 0 to 10000; did you mean '0.3'?"
    fails 64 imgshadow --opacity 101% cutout.png
    ! grep -q 'did you mean' <<< "$stderr"
    fails 64 imgcrop --memory 1M cutout.png
    stderr_has "(K, M, G allowed) from 32M to"
    fails 64 imgresize --size 9x --size 8x cutout.png
    stderr_has "several sizes need --output-template; imgresize's own"
    fails 64 ralmatch 200,16,46
    stderr_has "did you mean 'rgb(200,16,46)'?"
    fails 64 imgtool pipe --completion zsh
    stderr_has "'imgtool --completion zsh' prints that of all its commands"
}

@test "good: numbers use a point in every locale" {
    cutout
    imgcrop cutout.png --min-area 0.001 -o a.png
    LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 imgcrop cutout.png --min-area 0.001 -o b.png
    cmp a.png b.png
    fails 64 imgcrop --min-area 0,001 cutout.png
}

@test "good: --json is one object with the promised fields, on success and on failure" {
    cutout
    for tool in "${images[@]}"; do
        $tool --json -o out.png cutout.png > object
        [ "$(wc -l < object)" -eq 1 ]
        jq -e --arg tool "${tool%% *}" '.ok == true and .tool == $tool and .version == "0.1.0" and
            has("request_id") and (.elapsed_ms | type == "number") and
            .input.path == "cutout.png" and .input.format == "png" and .input.width == 320 and
            .input.height == 180 and (.input.bytes > 0) and .output.path == "out.png" and
            .output.format == "png" and (.output.width > 0) and (.output.height > 0) and
            (.output.bytes > 0) and (.result | type == "object")' object
        [ "$(jq .output.bytes object)" = "$(stat -c %s out.png)" ]
        run --separate-stderr $tool --json -o out.png missing.png
        [ "$status" -eq 66 ]
        jq -e '.ok == false and .error.code == 66 and .error.kind == "no-input" and
            .error.file == "missing.png" and (.error.message | length > 0) and
            (.error | has("hint")) and (.error.time | test("^[0-9]{4}-.*Z$"))' <<< "$output"
        run --separate-stderr $tool --json --nonsense
        [ "$status" -eq 64 ]
        jq -e '.ok == false and .error.kind == "usage"' <<< "$output"
    done
}

@test "good: --report-fd gets the object while the image goes to stdout" {
    cutout
    imgcrop cutout.png --report-fd 3 3> report > out.png
    jq -e '.ok and .output.path == "-"' report
    imginfo out.png
    fails 64 imgcrop cutout.png --json
    stderr_has "--report-fd"
    fails 64 imgcrop cutout.png -o x.png --report-fd 77
}

@test "good: the request id is in the object and in messages" {
    cutout
    [ "$(imgcrop --json --request-id r7 -o a.png cutout.png | jq -r .request_id)" = r7 ]
    [ "$(IMGTOOL_REQUEST_ID=e8 imgcrop --json -o a.png cutout.png | jq -r .request_id)" = e8 ]
    fails 66 imgcrop --request-id r7 missing.png
    stderr_has "[r7]"
}

@test "good: imginfo gives one line or object for each file, failures included" {
    cutout
    echo text > text.txt
    run --separate-stderr imginfo --json cutout.png missing.png text.txt cutout.png
    [ "$status" -eq 66 ]
    [ "${#lines[@]}" -eq 4 ]
    [ "$(jq -c .ok <<< "$output" | tr '\n' ' ')" = "true false false true " ]
    run --separate-stderr imginfo cutout.png missing.png
    [ "${#lines[@]}" -eq 1 ]
}

@test "good: formats are chosen by -f, then the extension, then the input" {
    cutout
    imgresize cutout.png -o a.webp
    [ "$(imginfo --json a.webp | jq -r .input.format)" = webp ]
    imgresize cutout.png -f pam -o a.webp
    [ "$(imginfo --json a.webp | jq -r .input.format)" = pam ]
    imgresize -q cutout.png -o a.JPG
    [ "$(imginfo --json a.JPG | jq -r .input.format)" = jpeg ]
    imgresize a.webp > b
    [ "$(imginfo --json b | jq -r .input.format)" = pam ]
    imgresize cutout.png -o noextension
    [ "$(imginfo --json noextension | jq -r .input.format)" = png ]
    fails 64 imgresize cutout.png -o a.gif
    stderr_has "no output format is called 'gif'"
}

@test "good: a transparent image as JPEG is flattened on --background, with one line on stderr" {
    cutout
    run --separate-stderr imgresize cutout.png -o a.jpg
    [ "$status" -eq 0 ]
    [ "$(wc -l <<< "$stderr")" -eq 1 ]
    stderr_has "--background"
    imgresize -q cutout.png -o red.jpg --background 'rgb(255 0 0)'
    imgresize -f pam red.jpg > red.pam
    # The corner is background.
    corner=$(tail -c $((320 * 180 * 3)) red.pam | head -c 3 | od -An -tu1)
    read -r r g b <<< "$corner"
    [ "$r" -gt 245 ] && [ "$g" -lt 12 ] && [ "$b" -lt 12 ]
    run --separate-stderr imgresize -q cutout.png -o a.jpg
    [ -z "$stderr" ]
}

@test "good: the same input and options give the same bytes, with 1 thread or 2" {
    cutout
    render_png photo.jpg photo --width 900 --height 700
    for format in png jpeg webp pam; do
        for file in cutout.png photo.jpg; do
            imgresize -q --width 150 --threads 1 -f $format $file > a
            TZ=Asia/Tokyo imgresize -q --width 150 --threads 2 -f $format $file > b
            cmp a b
        done
    done
    imgshadow --threads 1 cutout.png > a
    imgshadow --threads 2 cutout.png > b
    cmp a b
}

@test "good: RGB under alpha 0 is written as 0, unless --exact" {
    printf 'P7\nWIDTH 2\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n\x01\x02\x03\x00\x04\x05\x06\xff' > a.pam
    for format in png webp pam; do
        imgresize --lossless -f $format a.pam | imgresize -f pam --exact | tail -c 8 | od -An -tx1 > cleared
        imgresize --lossless -f $format --exact a.pam | imgresize -f pam --exact | tail -c 8 | od -An -tx1 > exact
        [ "$(cat cleared)" = " 00 00 00 00 04 05 06 ff" ]
        [ "$(cat exact)" = " 01 02 03 00 04 05 06 ff" ]
    done
}

@test "good: --dry-run says what would be written and writes nothing" {
    cutout
    run --separate-stderr imgcrop --dry-run -o out.webp cutout.png
    [ "$status" -eq 0 ]
    stderr_has "would write out.webp: webp"
    [ ! -e out.webp ]
}

@test "good: metadata is dropped, and kept on request for upright pixels" {
    oracle make oriented turned.jpg 6
    imgresize turned.jpg -o dropped.jpg
    imgresize --metadata keep turned.jpg -o kept.jpg
    [ "$(imginfo --json kept.jpg | jq .result.orientation)" = 1 ]
    run grep -c Exif dropped.jpg
    [ "$output" = 0 ]
    grep -q Exif kept.jpg
}

@test "good: everything survives no arguments, long arguments and an empty environment" {
    cutout
    long=$(head -c 100000 /dev/zero | tr '\0' x)
    for tool in "${images[@]}"; do
        run --separate-stderr $tool "--$long"
        [ "$status" -eq 64 ]
        run --separate-stderr $tool "$long"
        [ "$status" -eq 66 ]
    done
    env -i "$IMGTOOL_BUILD/imgcrop" cutout.png -o out.png
    [ -s out.png ]
}
