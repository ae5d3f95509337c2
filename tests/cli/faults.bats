#!/usr/bin/env bats
# Every row of the table of exit codes, and that nothing is lost whatever goes wrong.

load helpers

@test "bad: a missing file is exit 66 and named" {
    fails 66 imgcrop -o out.png missing.png
    stderr_has "imgcrop: missing.png: cannot be opened: No such file or directory"
    [ ! -e out.png ]
}

@test "bad: a directory as input is exit 66" {
    mkdir folder
    for tool in imgcrop imgshadow imgresize imginfo; do fails 66 $tool folder; done
    stderr_has "is a directory"
}

@test "bad: an empty file is exit 65 and says so" {
    : > empty.png
    for tool in imgcrop imgshadow imgresize imginfo; do fails 65 $tool empty.png; done
    stderr_has "is empty"
}

@test "bad: a text file is exit 65 and says what it looks like" {
    echo "hello" > text.png
    fails 65 imgresize text.png
    stderr_has "text, not a PNG, JPEG, WebP or PAM image"
    printf 'GIF89a......' > a.gif
    fails 65 imginfo a.gif
    stderr_has "a GIF image"
}

@test "bad: truncated images of each format are exit 65, kind truncated, and leave no output" {
    cutout whole.png
    for format in png jpeg webp pam; do
        imgresize -q -f $format whole.png > all.$format
        size=$(stat -c %s all.$format)
        for share in 10 50 90 99; do
            head -c $((size * share / 100)) all.$format > cut.$format
            fails 65 imgresize -q --width 50 --report-fd 3 -o out.png cut.$format 3> report
            [ ! -e out.png ]
            jq -e '.error.kind == "truncated" or .error.kind == "corrupt"' report
        done
        jq -e '.error.kind == "truncated"' report
    done
}

@test "bad: flipped bits never crash, and a PNG always notices" {
    cutout whole.png
    size=$(stat -c %s whole.png)
    for at in 20 40 60 100 200 $((size / 2)) $((size - 20)); do
        cp whole.png bad.png
        printf '\xa5' | dd of=bad.png bs=1 seek="$at" conv=notrunc status=none
        cmp -s whole.png bad.png && continue
        run imgcrop -o out.png bad.png
        [ "$status" -eq 65 ] || [ "$status" -eq 77 ]
        [ ! -e out.png ]
    done
}

@test "good: --lenient takes what is there of a truncated image and warns" {
    render_png whole.png photo --width 200 --height 150
    for format in png jpeg pam; do
        imgresize -q -f $format whole.png > all.$format
        head -c $(($(stat -c %s all.$format) * 6 / 10)) all.$format > cut.$format
        run --separate-stderr imgresize --lenient -o out.png cut.$format
        [ "$status" -eq 0 ]
        stderr_has "truncated"
        [ "$(imginfo --json out.png | jq -c '[.result.width,.result.height]')" = "[200,150]" ]
    done
}

@test "bad: an animated WebP is refused, naming --frame, and --frame takes one" {
    oracle make animated moving.webp
    fails 65 imgcrop -o out.png moving.webp
    stderr_has "3 frames"
    stderr_has "--frame N"
    imgresize --frame 1 -o one.png moving.webp
    imgresize --frame 3 -o three.png moving.webp
    run cmp -s one.png three.png
    [ "$status" -ne 0 ]
    fails 65 imgresize --frame 4 -o four.png moving.webp
    [ "$(imginfo --json moving.webp | jq .result.frames)" = 3 ]
}

@test "bad: a wrong option, value or operand is exit 64 with a second line" {
    fails 64 imgcrop --pading 5
    stderr_has "unknown option '--pading', did you mean '--padding'?"
    [ "$(wc -l <<< "$stderr")" -eq 2 ]
    stderr_has "Try 'imgcrop --help'."
    fails 64 imgcrop --padding 12abc a.png
    stderr_has "12abc"
    fails 64 imgresize --quality 101 a.png
    stderr_has "--quality: '101' is not a whole number from 1 to 100"
    fails 64 imgresize --quality 12abc a.png
    fails 64 imgresize --fit insid a.png
    stderr_has "did you mean 'inside'?"
    fails 64 imgresize --width
    stderr_has "needs a value"
    fails 64 imgresize --upscale=yes
    stderr_has "takes no value"
    fails 64 imgcrop a.png b.png
    stderr_has "unexpected operand 'b.png': 'a.png' is the input, imgcrop takes one; -o names"
    fails 64 imgresize -q 80 a.png
    stderr_has "'80' is the input"
    fails 64 imgshadow --opacity 40 a.png
    stderr_has "did you mean '40%', which is 0.4?"
    fails 64 imgshadow --opacity 140 a.png
    [[ $stderr != *"did you mean"* ]]
    fails 64 deltae red blue --formula ciede2000
    stderr_has "did you mean '2000'?"
    fails 64 deltae red blue --formula dE94t
    stderr_has "did you mean '94t'?"
    fails 64 imgresize --verb a.png
    fails 64 imgshadow --color blakc a.png
    stderr_has "did you mean 'black'?"
}

@test "bad: an unknown subcommand is exit 127 with a suggestion" {
    fails 127 imgtool crup a.png
    stderr_has "did you mean 'crop'?"
    fails 127 imgtool ../imgcrop
    fails 127 imgtool /bin/true
    run --separate-stderr imgtool nothing --json
    [ "$status" -eq 127 ]
    jq -e '.ok == false and .error.code == 127' <<< "$output"
}

@test "bad: a missing directory of the output is exit 73, and --mkdir makes it" {
    cutout
    fails 73 imgcrop -o new/deep/out.png cutout.png
    stderr_has "--mkdir"
    imgcrop --mkdir -o new/deep/out.png cutout.png
    [ -s new/deep/out.png ]
    fails 73 imgcrop -o . cutout.png
    fails 73 imgcrop -o new/ cutout.png
}

@test "bad: an image is not written to a terminal" {
    need script
    cutout
    run script -qec "$IMGTOOL_BUILD/imgcrop cutout.png" /dev/null
    [ "$status" -eq 64 ]
    [[ $output == *"-o FILE"* ]]
}

@test "bad: nor is it mixed with JSON, whatever the name of stdout" {
    cutout
    for name in - /dev/stdout /dev/fd/1 /proc/self/fd/1; do
        fails 64 imgcrop --json -o $name cutout.png
        [[ $output != *PNG* ]]
        imgcrop --json -o $name cutout.png > mixed.json || [ $? -eq 64 ]
        jq -e '.error.kind == "usage"' mixed.json
        fails 64 sh -c 'imgcrop --report-fd 9 -o "$0" cutout.png 9>&1' $name
    done
    imgcrop --json -o /dev/fd/9 cutout.png 9> nine.png > nine.json
    imginfo --check nine.png && jq -e .ok nine.json
    need script
    for name in /dev/stdout /dev/tty; do
        run script -qec "imgcrop -o $name cutout.png" /dev/null
        [ "$status" -eq 64 ] && [[ $output == *"not written to a terminal"* ]]
    done
}

@test "bad: a name that is too long is found before anything is decoded" {
    cutout
    head -c 2000 cutout.png > short.png
    name=$(printf 'a%.0s' $(seq 256))
    fails 73 imgcrop -f png -o "$name" short.png
    imgcrop -f png -o "${name:1}" cutout.png
    imgcrop -f png -o "${name:1}" cutout.png
    [ "$(find . -name 'a*' | wc -l)" -eq 1 ]
}

@test "bad: no operand and a terminal as input is a short help and exit 64" {
    need script
    run script -qec "$IMGTOOL_BUILD/imgcrop" /dev/null
    [ "$status" -eq 64 ]
    [[ $output == *"Examples:"* ]]
}

@test "bad: output equal to input is refused whatever its name, --in-place allows it" {
    cutout
    ln cutout.png hard.png
    ln -s cutout.png soft.png
    cp cutout.png before.png
    for name in cutout.png ./cutout.png hard.png soft.png; do
        fails 64 imgcrop -o $name cutout.png
        stderr_has "--in-place"
    done
    fails 64 imgcrop -o cutout.png < cutout.png
    cmp cutout.png before.png
    imgcrop --in-place cutout.png
    run cmp -s cutout.png before.png
    [ "$status" -ne 0 ]
    [ "$(imginfo --json cutout.png | jq .ok)" = true ]
}

@test "good: replacing a symbolic link replaces what it leads to" {
    cutout
    echo old > target.png
    ln -s target.png link.png
    imgcrop -o link.png cutout.png
    [ -L link.png ]
    imginfo target.png
    ln -s nowhere/at/all dangling.png
    fails 73 imgcrop -o dangling.png cutout.png
}

@test "good: --no-clobber keeps an existing file, exit 73" {
    cutout
    echo old > out.png
    fails 73 imgcrop --no-clobber -o out.png cutout.png
    [ "$(cat out.png)" = old ]
    imgcrop --no-clobber -o new.png cutout.png
}

@test "good: the mode of a replaced file is kept" {
    cutout
    echo old > out.png
    chmod 600 out.png
    imgcrop -o out.png cutout.png
    [ "$(stat -c %a out.png)" = 600 ]
}

# replace MODE OWNER COMMAND...: mode and group of a file of MODE, OWNER and group 4711 once COMMAND
# has run imgcrop over it.
replace() {
    echo old > open/out.png
    chown "$2:4711" open/out.png
    chmod "$1" open/out.png
    "${@:3}" imgcrop -q -o open/out.png cutout.png && stat -c '%a %g' open/out.png
}

@test "good: the group of a replaced file is kept, or loses what others do not have" {
    need setpriv
    [ "$(id -u)" -eq 0 ] || skip "only root can become somebody else"
    cutout
    mkdir -m 777 open
    chmod 755 "$BATS_TEST_TMPDIR"
    as() {
        setpriv --reuid 65534 --regid 65534 "$@"
    }
    as --clear-groups test -x "$(command -v imgcrop)" -a -r cutout.png ||
        skip "the built tools lie where only root can reach them"
    for mode in 660 664 604 777; do
        [ "$(replace $mode 0 env)" = "$mode 4711" ]
        [ "$(replace $mode 65534 as --groups 4711)" = "$mode 4711" ]
    done
    [ "$(replace 660 65534 as --clear-groups)" = "600 65534" ]
    [ "$(replace 640 65534 as --clear-groups)" = "600 65534" ]
    [ "$(replace 664 65534 as --clear-groups)" = "644 65534" ]
    [ "$(replace 604 65534 as --clear-groups)" = "600 65534" ]
    [ "$(replace 755 65534 as --clear-groups)" = "755 65534" ]
}

@test "bad: stdin closed is exit 66, stdout closed and /dev/full are exit 74" {
    cutout
    run --separate-stderr bash -c 'imgcrop <&-'
    [ "$status" -eq 66 ]
    run --separate-stderr bash -c 'imgcrop cutout.png >&-'
    [ "$status" -eq 74 ]
    run --separate-stderr bash -c 'imgcrop cutout.png > /dev/full'
    [ "$status" -eq 74 ]
    stderr_has "No space left on device"
    fails 74 imgcrop -o /dev/full cutout.png
    run --separate-stderr bash -c 'imginfo cutout.png > /dev/full'
    [ "$status" -eq 74 ]
    run --separate-stderr bash -c 'imgcrop --help > /dev/full'
    [ "$status" -eq 74 ]
}

@test "bad: JSON to a closed stdout is exit 74 and keeps the old file" {
    cutout
    echo old > out.png
    run --separate-stderr bash -c 'imgcrop --json -o out.png cutout.png >&-'
    [ "$status" -eq 74 ]
    [ "$(cat out.png)" = old ]
}

@test "bad: a full disk is exit 74, keeps the old file and leaves no temporary" {
    [ "$(id -u)" -eq 0 ] || skip "only root may mount a small file system"
    mkdir disk
    mount -t tmpfs -o size=64k tmpfs disk 2> /dev/null || skip "mounting is not allowed here"
    render_png big.png noise --width 300 --height 200
    echo old > disk/out.png
    run --separate-stderr imgresize -o disk/out.png big.png
    files=$(ls -A disk)
    content=$(cat disk/out.png)
    umount disk
    [ "$status" -eq 74 ]
    [ "$files" = out.png ]
    [ "$content" = old ]
}

@test "good: a reader that goes away ends the tool by SIGPIPE, silently" {
    render_png big.png noise --width 800 --height 600
    run --separate-stderr bash -c 'imgresize big.png -f pam | head -c 10 > /dev/null; exit ${PIPESTATUS[0]}'
    [ "$status" -eq 141 ]
    [ -z "$stderr" ]
}

@test "good: 200 kills at random moments leave the old or the new file, and no temporary" {
    render_png big.png photo --width 1200 --height 800
    imgresize -o old.png --width 700 big.png
    imgresize -o new.png --width 710 big.png
    cp old.png out.png
    for i in $(seq 200); do
        imgresize -o out.png --width $((i % 2 ? 710 : 700)) big.png &
        pid=$!
        sleep 0.0$((RANDOM % 60 + 10))
        kill -9 $pid 2> /dev/null || true
        wait $pid 2> /dev/null || true
        cmp -s out.png old.png || cmp -s out.png new.png
    done
    # What a kill in the one moment between linking and renaming leaves, the next output clears.
    imgresize -o out.png --width 700 big.png
    [ "$(ls -A | sort | tr '\n' ' ')" = "big.png new.png old.png out.png " ]
}

@test "good: SIGTERM, SIGINT and SIGHUP end a tool that waits by that signal, leaving nothing" {
    cutout
    mkfifo pipe
    is_read() { ! read -t 0 -u 7; }
    for signal in TERM INT HUP; do
        echo old > out.png
        (
            trap - INT HUP TERM
            exec imgcrop -o out.png < pipe
        ) &
        pid=$!
        exec 7<> pipe
        head -c 20 cutout.png >&7
        in_time is_read
        kill -$signal $pid
        code=0
        # Its input is still open: nothing but the signal ends it.
        wait $pid || code=$?
        exec 7>&-
        # A background job of a script has SIGINT ignored, and a tool must leave it so.
        [ $signal = INT ] && [ $code -eq 66 -o $code -eq 65 ] && continue
        [ $code -eq $((128 + $(kill -l $signal))) ]
        [ "$(cat out.png)" = old ]
        [ "$(ls -A)" = "cutout.png
out.png
pipe" ]
    done
}

@test "good: a temporary with a name is removed by a signal too" {
    # A file system without unnamed files: the stand-in refuses O_TMPFILE.
    need cc
    under_sanitizers && skip "the sanitizer must come first"
    cat > refuse.c << 'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
int openat64(int dir, const char *path, int flags, ...) __attribute__((alias("openat")));
int openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    int mode = va_arg(args, int);
    va_end(args);
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, "openat");
    return real(dir, path, flags, mode);
}
C
    cc -shared -fPIC -o refuse.so refuse.c
    mkdir out
    echo old > out/out.png
    mkfifo pipe
    LD_PRELOAD=$PWD/refuse.so imgcrop -o out/out.png < pipe &
    pid=$!
    cutout
    exec 7<> pipe
    head -c 100 cutout.png >&7
    in_time compgen -G 'out/.imgtool-*'
    kill -TERM $pid
    wait $pid || code=$?
    exec 7>&-
    [ "$code" -eq 143 ]
    [ "$(ls -A out)" = out.png ]
    LD_PRELOAD=$PWD/refuse.so imgcrop -o out/out.png cutout.png
    imginfo out/out.png
    [ "$(ls -A out)" = out.png ]
}

@test "bad: limits are exit 77 and name their option" {
    cutout
    fails 77 imgcrop --max-pixels 1000 cutout.png
    stderr_has "--max-pixels"
    fails 77 imgcrop --max-dimension 100 cutout.png
    stderr_has "--max-dimension"
    fails 77 imgcrop --max-input-bytes 100 cutout.png
    stderr_has "--max-input-bytes"
    IMGTOOL_MAX_PIXELS=1000 fails 77 imginfo cutout.png
    IMGTOOL_MAX_PIXELS=rubbish run --separate-stderr imginfo cutout.png
    [ "$status" -eq 0 ]
    stderr_has "IMGTOOL_MAX_PIXELS: 'rubbish' is not"
    fails 77 imgshadow --sigma 200 --max-dimension 600 cutout.png
}

@test "bad: too little memory is exit 71, not a crash" {
    under_sanitizers && skip "the sanitizers need all address space"
    render_png big.png photo --width 4000 --height 3000
    fails 71 imgcrop --memory 48M -o out.png big.png
    stderr_has "--memory"
    [ ! -e out.png ]
}

@test "good: where memory is short, many threads do what one does" {
    under_sanitizers && skip "the sanitizers need all address space"
    render_png one.png photo --width 3000 --height 2400 --seed 1
    render_png two.png photo --width 3000 --height 2400 --seed 2
    for command in "deltae --memory 48M one.png two.png" "imgpalette --memory 48M one.png" \
        "ralmatch --memory 48M one.png" "colorxfer --memory 64M --ref two.png one.png"; do
        $command --threads 1 > alone || return
        for threads in 2 4 16; do
            $command --threads "$threads" > together || return
            cmp alone together
        done
    done
    # What the system grants counts as well.
    (ulimit -v 49152 && deltae --threads 4 one.png two.png) > together
    deltae --threads 1 one.png two.png | cmp - together
}

@test "bad: --timeout is exit 124, with the JSON object" {
    mkfifo pipe
    sleep 300 > pipe 3>&- &
    run --separate-stderr imgcrop --timeout 200ms --json -o out.png -i pipe
    kill %1
    [ "$status" -eq 124 ]
    jq -e '.error.kind == "timeout" and .error.code == 124' <<< "$output"
    stderr_has "--timeout"
    [ ! -e out.png ]
}

@test "good: a caller that still writes on a usage error gets no EPIPE" {
    # It is waited for a moment only; a caller that does not run in it gets what it gets.
    for _ in {1..50}; do
        run bash -c 'head -c 3000000 /dev/zero | imgcrop --nonsense; echo "${PIPESTATUS[@]}"'
        [ "${lines[-1]}" != "0 64" ] || return 0
        [ "${lines[-1]}" = "141 64" ]
    done
    false
}

@test "good: names with blanks, quotes, newlines and leading dashes are only names" {
    cutout
    for name in "a b.png" "it's \"q\".png" $'new\nline.png' "-dash.png" '$(touch hacked).png' \
        ';x.png' '%d[0].png' '@list.png' 'png:x.png'; do
        cp cutout.png "./$name"
        imgcrop -i "$name" -o "out-$name" --json | jq -e .ok
        [ -s "out-$name" ]
        imgtool pipe -i "$name" crop : resize --width 20 --output-template '{stem}-s.webp'
        rm "./$name" "out-$name"
    done
    [ ! -e hacked ]
    imgcrop -o out.png -- ./cutout.png
    cp cutout.png ./--json
    imgcrop -o out2.png -- --json
    cmp out.png out2.png
}

@test "good: a name that would drive the terminal is masked in messages" {
    fails 66 imginfo $'bad\e[31m\nname.png'
    [[ $stderr != *$'\e'* ]]
    stderr_has "bad?[31m?name.png"
}

@test "bad: an orientation that comes behind the pixels of a PNG turns nothing" {
    need_oracle
    "$ORACLE_PYTHON" - << 'PYTHON'
import struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
exif = b"II*\0" + struct.pack("<IHHHII", 8, 1, 274, 3, 1, 6) + b"\0\0\0\0"
raw = b"".join(b"\0" + bytes(range(100)) * 9 for _ in range(10))
for name, kind in (("late", b"eXIf"), ("other", b"fiTX")):
    open(name + ".png", "wb").write(b"\x89PNG\r\n\x1a\n" +
        chunk(b"IHDR", struct.pack(">IIBBBBB", 300, 10, 8, 2, 0, 0, 0)) +
        chunk(b"IDAT", zlib.compress(raw)) + chunk(kind, exif) + chunk(b"IEND", b""))
PYTHON
    for file in late other; do
        imgshadow --sigma 1 --metadata keep -o out.png $file.png
        imgresize -o same.png $file.png
        [ "$(imginfo --json same.png | jq -c '[.result.width,.result.height]')" = '[300,10]' ]
    done
}

@test "good: many at once on one target: all succeed, one whole file stays, long names too" {
    cutout
    imgresize -o a.png --width 100 cutout.png
    imgresize -o b.png --width 120 cutout.png
    long=$(printf 'x%.0s' {1..245})
    for target in out.png "${long}1.png"; do
        for i in {1..12}; do
            imgresize -o "$target" --width $((i % 2 ? 100 : 120)) cutout.png &
        done
        for job in $(jobs -p); do wait "$job"; done
        cmp -s "$target" a.png || cmp -s "$target" b.png
    done
    imgresize -o "${long}1.png" --width 100 cutout.png &
    imgresize -o "${long}2.png" --width 120 cutout.png &
    wait
    cmp "${long}1.png" a.png
    cmp "${long}2.png" b.png
    [ "$(ls -A | wc -l)" -eq 6 ]
}

@test "bad: text output follows the rules of files too" {
    cutout
    cp cutout.png before.png
    fails 64 imginfo -o cutout.png cutout.png
    fails 64 imgcrop --print-box -o cutout.png cutout.png
    cmp cutout.png before.png
    echo old > box
    fails 73 imgcrop --print-box --no-clobber -o box cutout.png
    imgcrop --print-box --dry-run -o box cutout.png
    [ "$(cat box)" = old ]
    imginfo --mkdir -o deep/down.txt cutout.png
    [ -s deep/down.txt ]
    fails 64 imginfo --json -o x.json cutout.png
}

@test "good: /dev/stdout and process substitution are written to" {
    cutout
    imgresize --width 50 -o direct.png cutout.png
    imgresize --width 50 -f png -o /dev/stdout cutout.png | cmp - direct.png
    imgresize --width 50 -f png -o >(cat > through.png) cutout.png
    in_time cmp -s through.png direct.png
    imgresize --width 50 -f png -o /dev/stdout cutout.png > redirected.png
    cmp redirected.png direct.png
}

@test "bad: a report on the descriptor of the image, --in-place on stdin, dry runs that would fail" {
    cutout
    fails 64 imgcrop --report-fd 1 cutout.png
    fails 64 imgcrop --in-place - < cutout.png
    echo old > old.png
    fails 73 imgcrop --dry-run --no-clobber -o old.png cutout.png
    fails 73 imgcrop --dry-run -o nowhere/x.png cutout.png
    fails 64 imgcrop --dry-run -o cutout.png cutout.png
}

@test "bad: a file over the limit of the process is exit 74" {
    render_png big.png noise --width 300 --height 300 --channels 3
    run --separate-stderr bash -c 'ulimit -f 50; imgresize -o out.png big.png'
    [ "$status" -eq 74 ]
    stderr_has "File too large"
    [ ! -e out.png ]
}

@test "bad: ids and output names cannot make up lines or drive the terminal" {
    cutout
    fails 66 imgcrop --request-id $'a\nimgcrop: fake' missing.png
    [ "$(wc -l <<< "$stderr")" -eq 1 ]
    render_png flat.png flat --width 30 --height 30
    cp flat.png $'bl\e[31mank.png'
    run --separate-stderr imgcrop -o out.png $'bl\e[31mank.png'
    [ "$status" -eq 0 ]
    [[ $stderr != *$'\e'* ]]
    cp flat.png $'\xc3\xa4\xff.png'
    [ "$(imginfo --json $'\xc3\xa4\xff.png' | jq -r .input.path)" = $'\xc3\xa4\xef\xbf\xbd.png' ]
}

@test "good: a sanitizer's look for leaks passes while threads wait for work" {
    under_sanitizers || skip "the tools were built without sanitizers"
    cutout a.png
    imgresize -q -f jpeg -o a.jpg a.png
    for _ in $(seq 10); do deltae --threads 4 a.jpg a.jpg; done
}
