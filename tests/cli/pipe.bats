#!/usr/bin/env bats
# imgtool: dispatch and pipelines.

load helpers

# both_run PID: that pipeline has two stages, whose numbers are $children.
both_run() {
    children=$(pgrep -P "$1") && [ "$(wc -w <<< "$children")" -eq 2 ]
}

@test "good: imgtool NAME is the tool, arguments untouched" {
    cutout
    imgcrop --padding 3% -o a.png cutout.png
    imgtool crop --padding 3% -o b.png cutout.png
    imgtool imgcrop --padding 3% -o c.png cutout.png
    cmp a.png b.png
    cmp a.png c.png
    [ "$(imgtool crop --version)" = "imgcrop (imgtool) 0.1.0" ]
}

@test "good: imgtool list and help" {
    run imgtool list
    [ "$status" -eq 0 ]
    for command in crop shadow resize info pipe; do
        grep -qP "^$command\t" <<< "$output"
    done
    imgtool list --json | jq -e '.result.commands | length >= 5'
    diff <(imgtool help crop) <(imgcrop --help)
    diff <(imgtool help) <(imgtool --help)
    diff <(imgtool help pipe) <(imgtool pipe --help)
    fails 127 imgtool help nothing
}

@test "good: the listing pipeline gives what the tools give one by one" {
    cutout car.png
    mkdir out
    imgtool pipe -i car.png crop --padding 5% : shadow --sigma 16 --offset 8,12 --opacity 40% \
        : resize --size processed=100% --size detail=120x --size grid=40x \
        --output-template 'out/{stem}-{name}.webp'
    [ "$(ls out | tr '\n' ' ')" = "car-detail.webp car-grid.webp car-processed.webp " ]
    imgcrop --padding 5% car.png > 1.png
    imgshadow --sigma 16 --offset 8,12 --opacity 40% 1.png > 2.png
    imgresize --width 40 -f webp 2.png > 3.webp
    cmp 3.webp out/car-grid.webp
    imgresize -f webp 2.png > 4.webp
    cmp 4.webp out/car-processed.webp
}

@test "good: in a shell pipe the tools join by stdin and stdout" {
    cutout car.png
    imgcrop car.png | imgshadow | imgresize --width 80 -f webp > car.webp
    imgtool pipe -i car.png -o other.webp crop : shadow : resize --width 80
    cmp car.webp other.webp
}

@test "good: reading stdin, {stem} is stdin; the format is that of the input" {
    cutout car.png
    imgtool pipe crop : resize --size s=40x --output-template '{stem}-{name}.png' < car.png
    [ -s stdin-s.png ]
    imgtool pipe -i car.png crop : resize --width 40 > out
    [ "$(imginfo --json out | jq -r .input.format)" = png ]
    imgtool pipe crop : resize --width 40 < car.png > out2
    cmp out out2
}

@test "good: --json is one object with stages, outputs and metadata" {
    cutout car.png
    imgtool pipe --json -i car.png -o out.webp crop : shadow : resize --width 60 > object
    [ "$(wc -l < object)" -eq 1 ]
    jq -e '.ok and .tool == "imgtool" and (.stages | length) == 3 and
        .stages[0].tool == "imgcrop" and .stages[2].tool == "imgresize" and
        .stages[1].result.has_shadow == true and .metadata.original_size == [320,180] and
        .metadata.final_size[0] == 60 and .metadata.has_shadow == true and
        (.metadata.elapsed_ms > 0) and .outputs[0].path == "out.webp" and
        .input.path == "car.png"' object
    fails 64 imgtool pipe --json -i car.png crop : shadow
    imgtool pipe --report-fd 5 -i car.png crop : shadow 5> object > out.png
    jq -e '.ok and .metadata.has_shadow' object
}

@test "bad: a stage that fails in the middle gives its message and status, and no output" {
    cutout car.png
    head -c 3000 car.png > cut.png
    fails 65 imgtool pipe -i cut.png -o out.webp crop : shadow : resize --width 60
    stderr_has "imgcrop: cut.png: truncated"
    [ "$(wc -l <<< "$stderr")" -eq 1 ]
    [ ! -e out.webp ]
    fails 77 imgtool pipe -i car.png -o out.webp crop : shadow --max-pixels 100 : resize --width 60
    stderr_has "imgshadow"
    fails 64 imgtool pipe -i car.png -o out.webp crop : shadow --sigma x : resize
    fails 73 imgtool pipe -i car.png -o no/out.webp crop : shadow
    stderr_has "imgshadow: no/out.webp"
    [ ! -e out.webp ]
    run --separate-stderr imgtool pipe --json -i cut.png -o out.webp crop : shadow
    [ "$status" -eq 65 ]
    jq -e '.ok == false and .error.stage == 1 and .error.tool == "imgcrop" and .error.code == 65 and
        .error.file == "cut.png"' <<< "$output"
}

@test "bad: a stage that does not exist is exit 127 before anything starts" {
    cutout car.png
    fails 127 imgtool pipe -i car.png -o out.png crop : shadwo
    stderr_has "did you mean 'shadow'?"
    [ ! -e out.png ]
    fails 127 imgtool pipe -i car.png -o out.png pipe : crop
}

@test "bad: no stage and empty stages are exit 64" {
    fails 64 imgtool pipe
    fails 64 imgtool pipe crop :
    fails 64 imgtool pipe : crop
    fails 64 imgtool pipe crop : : shadow
}

@test "good: exit 1 of a stage is the pipeline's, and nothing is written" {
    render_png plain.png flat --width 50 --height 50
    run --separate-stderr imgtool pipe -i plain.png -o out.png crop --strict : resize --width 20
    [ "$status" -eq 1 ]
    [ ! -e out.png ]
}

@test "bad: --timeout of a pipeline ends all of it" {
    mkfifo pipe
    sleep 300 > pipe 3>&- &
    fails 124 imgtool pipe --timeout 200ms -i pipe -o out.png crop : shadow
    kill %1
    [ ! -e out.png ]
    run pgrep -P $$ imgcrop
    [ "$status" -ne 0 ]
}

@test "good: SIGTERM ends the pipeline by that signal and leaves no process" {
    mkfifo pipe
    imgtool pipe -i pipe -o out.png crop : shadow &
    pid=$!
    exec 7<> pipe
    in_time both_run $pid
    kill -TERM $pid
    code=0
    wait $pid || code=$?
    [ $code -eq 143 ]
    for child in $children; do gone "$child"; done
    exec 7>&-
    [ ! -e out.png ]
}

@test "good: neither PATH nor the current directory decides what runs" {
    cutout car.png
    printf '#!/bin/sh\ntouch hacked\n' > imgcrop
    chmod +x imgcrop
    PATH=.:$PATH imgtool crop -o out.png car.png
    (PATH=. && exec "$IMGTOOL_BUILD/imgtool" pipe -i car.png -o out.png crop : shadow)
    [ ! -e hacked ]
}

@test "good: no shell is involved" {
    cutout car.png
    need strace
    ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=execve -o trace imgtool pipe -i car.png -o out.png crop : shadow
    [ "$(grep -c 'execve(' trace)" -eq 3 ]
    run grep -E '/(ba|da)?sh"' trace
    [ "$status" -ne 0 ]
}

@test "good: templates refuse what they do not know and two outputs of one name" {
    cutout car.png
    fails 64 imgresize car.png --size 10x --output-template '{stm}.png'
    stderr_has "did you mean '{stem}'?"
    fails 64 imgresize car.png --size 10x --size 20x --output-template 'same.png'
    [ ! -e same.png ]
    fails 64 imgresize car.png --size 10x --size 20x
    stderr_has "--output-template"
    imgresize car.png --size 50% --output-template '{{{w}x{h}}}.{ext}' -f jpeg -q
    [ -s '{160x90}.jpg' ]
}

@test "bad: a pipeline does not replace its input without --in-place" {
    cutout car.png
    cp car.png before.png
    fails 64 imgtool pipe -i car.png -o car.png crop : shadow
    fails 64 imgtool pipe -o car.png crop ./car.png : shadow
    fails 64 imgtool pipe -o car.png crop : shadow < car.png
    cmp car.png before.png
    imgtool pipe --in-place -i car.png crop : shadow
    run cmp -s car.png before.png
    [ "$status" -ne 0 ]
}

@test "good: a pipeline whose reader goes away ends by SIGPIPE, silently" {
    render_png noise.png noise --width 900 --height 700 --channels 3
    run --separate-stderr bash -c 'imgtool pipe -i noise.png resize --width 800 : resize --width 700 -f pam | head -c 10 > /dev/null; exit ${PIPESTATUS[0]}'
    [ "$status" -eq 141 ]
    [ -z "$stderr" ]
}

@test "good: so does a tool alone, whichever of its threads writes" {
    render_png noise.png noise --width 900 --height 700 --channels 3
    for _ in $(seq 20); do
        run --separate-stderr bash -c 'imgresize --threads 4 --width 800 -f pam noise.png | head -c 10 > /dev/null; exit ${PIPESTATUS[0]}'
        [ "$status" -eq 141 ]
        [ -z "$stderr" ]
    done
}

@test "bad: options before the command are refused, not swallowed" {
    cutout car.png
    run -64 --separate-stderr imgtool --json crop -o out.png car.png
    [ ! -e out.png ]
    imgtool -- list > /dev/null
}

@test "good: a pipeline may end in a tool that only says something" {
    cutout car.png
    imgtool pipe --json -i car.png crop : info > object
    jq -e '.ok and .stages[1].result.width > 0' object
}

@test "bad: neither does a template of the last stage replace the pipeline's input" {
    cutout car.png
    cp car.png before.png
    fails 64 imgtool pipe -i car.png crop : resize --size 50% --output-template '{stem}.png'
    cmp car.png before.png
}

@test "good: a stage that needs no more of its input has not failed" {
    render_png noise.png noise --width 900 --height 700 --channels 3
    imgtool pipe -i noise.png resize --width 800 : info > line
    grep -q 800x line
}

@test "bad: only the first stage names an input, only the last an output" {
    cutout car.png
    fails 64 imgtool pipe -i car.png -o out.png crop : resize -i other.png
    fails 64 imgtool pipe -i car.png crop -o mid.png : resize -o out.png
    stderr_has "stage 1"
    [ ! -e mid.png ]
    fails 64 imgtool pipe -i car.png crop : palette : shadow -o x.png
    stderr_has "'palette' in stage 2 makes no image for the next"
    [ ! -e x.png ]
}

@test "good: kill -9 of imgtool ends the stages too" {
    mkfifo pipe
    imgtool pipe -i pipe -o out.png crop : shadow &
    pid=$!
    exec 7<> pipe
    in_time both_run $pid
    kill -9 $pid
    wait $pid || true
    for child in $children; do in_time gone "$child"; done
    exec 7>&-
}

@test "good: a stage that begins when its imgtool is dead already does nothing" {
    cutout car.png
    abandoned() {
        exec 3> >(exit 0)
        wait $!
        IMGTOOL_PARENT=1 imgresize --report-fd=3 -i car.png -o out.png --width 9
    }
    run -143 abandoned
    [ ! -e out.png ]
    # With somebody between the two the stage goes on.
    IMGTOOL_PARENT=1 imgresize --report-fd=3 -i car.png -o out.png --width 9 3> report
    [ -s out.png ] && [ -s report ]
}

@test "good: a bad variable of the environment is said once" {
    cutout car.png
    IMGTOOL_TIMEOUT=12abc run --separate-stderr imgtool pipe -i car.png -o out.png crop : resize
    [ "$status" -eq 0 ]
    [ "$(grep -c IMGTOOL_TIMEOUT <<< "$stderr")" -eq 1 ]
    IMGTOOL_TIMEOUT=12abc run --separate-stderr imgtool pipe -q -i car.png -o out.png crop : resize
    [ -z "$stderr" ]
}

@test "bad: a pipeline does not replace what any of its stages reads" {
    cutout car.png
    cutout ref.png
    cp ref.png kept.png
    fails 64 imgtool pipe -i car.png -o ref.png crop : colorxfer --ref ref.png : resize --width 50
    stderr_has "'ref.png' is what stage 2 reads"
    fails 64 imgtool pipe -i car.png -o ref.png crop : colorxfer --ref=./ref.png
    cmp ref.png kept.png
}

@test "good: imgshadow tells the size of its canvas before it has the picture" {
    cutout car.png
    imgresize -f pam -o car.pam car.png
    imgshadow -f pam -o expected.pam car.pam
    mkfifo picture
    imgshadow -f pam < picture > shadow.pam &
    exec 9> picture
    head -c 1000 car.pam >&9
    in_time grep -aq ENDHDR shadow.pam
    tail -c +1001 car.pam >&9
    exec 9>&-
    wait $!
    cmp expected.pam shadow.pam
}

@test "bad: a stage that fails behind its header is the one that is blamed" {
    cutout car.png
    head -c $(($(stat -c %s car.png) - 100)) car.png > cut.png
    fails 65 imgtool pipe -i cut.png -o out.png shadow : resize --width 50
    stderr_has "imgshadow: cut.png: truncated"
    [[ $stderr != *imgresize* ]]
    [ ! -e out.png ]
}
