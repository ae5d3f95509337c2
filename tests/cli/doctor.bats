#!/usr/bin/env bats
# imgtool doctor: an installation in which one thing at a time is broken.

load helpers

setup_file() {
    "${CC:-cc}" -O1 -o "$BATS_FILE_TMPDIR/without" "$IMGTOOL_SOURCE/tests/cli/sandbox_without.c" ||
        true
}

setup() {
    setup_tools
    unset IMGTOOL_RECIPE_DIR
    export TMPDIR=$BATS_TEST_TMPDIR/tmp IMGTOOL_SLOTS_DIR=$BATS_TEST_TMPDIR/slots
    mkdir bin slots tmp
    local tool
    for tool in $(installed); do
        cp -l "$IMGTOOL_BUILD/$tool" bin/ 2> /dev/null || cp "$IMGTOOL_BUILD/$tool" bin/
    done
    mkdir -p bin/share/imgtool
    cp -R "$IMGTOOL_SOURCE/data/recipes" "$IMGTOOL_SOURCE/data/schema" bin/share/imgtool/
}

# The programs of the suite.
installed() {
    echo imgtool imgcrop imgshadow imgresize imginfo colorxfer deltae ralmatch imgpalette
}

# fake TOOL: a shell script, from stdin, in the place of TOOL. $REAL is the tool itself.
fake() {
    rm "bin/$1"
    { printf '#!/bin/sh\nREAL=%s\n' "$IMGTOOL_BUILD/$1"; cat; } > "bin/$1"
    chmod +x "bin/$1"
}

# The default of 5 s is for a machine that does something for its tools.
doctor() {
    bin/imgtool doctor --timeout 60s "$@"
}

# sick LEVEL CHECK TEXT: the last doctor said LEVEL of CHECK, with TEXT, and how to mend it.
sick() {
    awk -F'\t' -v level="$1" -v check="$2" -v text="$3" '
        before { found = $0 ~ /^\tto mend\t./; exit }
        $1 == level && $2 == check && index($3, text) { before = 1 }
        END { exit !found }' <<< "$output" || {
        printf 'no %s of %s with "%s" and how to mend it:\n%s\n' "$1" "$2" "$3" "$output" >&2
        return 1
    }
}

# only NAME...: nothing else failed.
only() {
    diff <(awk -F'\t' '$1 == "FAILED" { print $2 }' <<< "$output") <(printf '%s\n' "$@")
}

@test "good: an installation as it was built is healthy" {
    run -0 --separate-stderr doctor
    [ -z "$stderr" ]
    # Level, check and what was found.
    ! awk -F'\t' 'NF != 3 || $2 == "" || $3 == ""' <<< "$output" | grep -v $'^\tto mend\t.'
    ! grep -E '^(FAILED|skipped)' <<< "$output"
    local tool
    for tool in $(installed); do
        grep -q "^ok	tool $tool	[0-9]" <<< "$output"
    done
    [ "$(grep -c '^ok	codec ' <<< "$output")" = 6 ]
    grep -q '^ok	CIEDE2000	68 of 68' <<< "$output"
    grep -q '^ok	RAL tables	216 Classic, 1825 Design, 490 Effect' <<< "$output"
    grep -q '^ok	recipes	1 in .*/bin/share/imgtool/recipes$' <<< "$output"
    # It leaves nothing.
    [ -z "$(ls -A tmp)" ]
}

@test "good: the JSON says the same" {
    doctor > text
    doctor --json > json
    jq -e '.ok and .result.healthy and ([.result.checks[].level] | inside(["ok", "warning"]))' json
    jq -e '[.result.checks[] | keys == ["expected","found","level","mend","name","ok"]] | all' json
    diff <(jq -r '.result.checks[] | .level + "\t" + .name' json) <(grep -v '^	' text | cut -f1,2)
}

@test "good: directories of one's own are checked too" {
    mkdir out
    run -69 --separate-stderr doctor out $'no\nsuch'
    grep -q '^ok	directory out	out: writable' <<< "$output"
    sick FAILED 'directory no?such' 'No such file or directory'
    [ -z "$(ls -A out)" ]
}

@test "good: colour only on a terminal" {
    need script
    TERM=xterm script -qec 'bin/imgtool doctor' /dev/null > seen
    grep -q $'^\033\\[32mok\033\\[0m\ttool imgtool' seen
    NO_COLOR=1 TERM=xterm script -qec 'bin/imgtool doctor' /dev/null > seen
    grep -q $'^ok\ttool imgtool' seen
}

@test "bad: a missing tool" {
    rm bin/imgcrop
    fails 69 doctor
    stderr_has '1 of'
    sick FAILED 'tool imgcrop' missing
    only 'tool imgcrop'
    run -69 --separate-stderr doctor --json
    jq -e '(.ok | not) and .error.code == 69 and .error.kind == "unavailable" and
        (.result.healthy | not)' <<< "$output"
    jq -e '[.result.checks[] | select(.level == "failed")] | length == 1 and
        .[0].name == "tool imgcrop" and (.[0].mend | contains("install imgcrop"))' <<< "$output"
}

@test "bad: what depends on a missing tool is skipped and not failed" {
    rm bin/imgresize bin/ralmatch bin/deltae
    fails 69 doctor
    only 'tool imgresize' 'tool deltae' 'tool ralmatch'
    [ "$(grep -c '^skipped	' <<< "$output")" -ge 8 ]
    rm bin/img[a-s]* bin/colorxfer
    fails 69 doctor
}

@test "bad: a tool of another version, or another program" {
    fake imgcrop << 'SH'
echo '{"tool":"imgcrop","version":"0.0.9","libraries":{}}'
SH
    fails 69 doctor
    sick FAILED 'tool imgcrop' '0.0.9'
    only 'tool imgcrop'
    fake imgcrop << 'SH'
printf 'imgcrop \033[31m7\n'
SH
    fails 69 doctor
    sick FAILED 'tool imgcrop' "it says 'imgcrop ?[31m7'"
    cp bin/imgshadow bin/imgcrop
    fails 69 doctor
    sick FAILED 'tool imgcrop' imgshadow
}

@test "bad: a tool that cannot be executed, fails, crashes or lacks a library" {
    rm bin/imgcrop
    touch bin/imgcrop
    fails 69 doctor
    sick FAILED 'tool imgcrop' 'Permission denied'
    printf 'not a program' > bin/imgcrop
    chmod +x bin/imgcrop
    fails 69 doctor
    sick FAILED 'tool imgcrop' ''
    fake imgcrop << 'SH'
kill -SEGV $$
SH
    fails 69 doctor
    sick FAILED 'tool imgcrop' 'ended by signal 11'
    fake imgcrop << 'SH'
echo 'imgcrop: error while loading shared libraries: libwebp.so.7' >&2
exit 127
SH
    fails 69 doctor
    sick FAILED 'tool imgcrop' 'libwebp.so.7'
    grep -q "^	to mend	.*ldd" <<< "$output"
    only 'tool imgcrop'
}

@test "bad: a tool that hangs, or never stops talking, does not hold it up" {
    fake imgcrop << 'SH'
trap '' TERM
sleep 300 &
echo $! >> sleepers
echo $$ >> sleepers
wait
SH
    fake imginfo << 'SH'
yes
SH
    local pid
    fails 69 doctor --timeout 3s
    sick FAILED 'tool imgcrop' 'no answer in 3 s'
    grep -q "imgcrop --version' should answer at once; --timeout gives it longer" <<< "$output"
    sick FAILED 'tool imginfo' ''
    # Where a healthy one takes as long, it is the machine.
    [[ $(grep -c 'no answer in' <<< "$output") -gt 1 ]] || only 'tool imgcrop' 'tool imginfo'
    for pid in $(cat sleepers); do
        in_time gone "$pid"
    done
}

@test "bad: ended by a signal it leaves no tool behind" {
    fake imgcrop << 'SH'
sleep 300 &
echo $! $$ > sleepers
wait
SH
    bin/imgtool doctor --timeout 1m > /dev/null 3>&- &
    local doctor=$! i status=0
    in_time [ -s sleepers ]
    kill -TERM $doctor
    wait $doctor || status=$?
    [ $status = 143 ]
    for i in $(cat sleepers); do
        in_time gone "$i"
    done
}

@test "bad: a damaged RAL table" {
    local name
    # In the program itself: a name, and a colour that is listed otherwise.
    for name in 'Reseda green' 'Resedagr'; do
        rm bin/ralmatch
        LC_ALL=C sed "s/$name/${name%?}x/" "$IMGTOOL_BUILD/ralmatch" > bin/ralmatch
        chmod +x bin/ralmatch
        ! cmp -s bin/ralmatch "$IMGTOOL_BUILD/ralmatch"
        fails 69 doctor
        sick FAILED 'RAL tables' 'not as published'
        only 'RAL tables'
    done
    fake ralmatch << 'SH'
"$REAL" "$@" | sed 's/#6B7C59/#6B7C58/'
SH
    fails 69 doctor
    sick FAILED 'RAL tables' 'not as published'
    fake ralmatch << 'SH'
"$REAL" "$@" | sed 's/49\.931/49.932/'
SH
    fails 69 doctor
    sick FAILED 'RAL tables' 'not as published'
    fake ralmatch << 'SH'
[ "$1" != --list ] || set -- --list --set design --json
exec "$REAL" "$@"
SH
    fails 69 doctor
    sick FAILED 'RAL tables' 'missing: 0 Classic, 1825 Design, 0 Effect'
    fake ralmatch << 'SH'
[ "$1" != --list ] || exec echo nonsense
exec "$REAL" "$@"
SH
    fails 69 doctor
    sick FAILED 'RAL tables' 'missing: 0'
}

@test "bad: a deltae that computes something else" {
    fake deltae << 'SH'
[ "$1" != --pairs ] || set -- --kl 1.001 "$@"
exec "$REAL" "$@"
SH
    fails 69 doctor
    sick FAILED CIEDE2000 'of 68'
    only CIEDE2000
}

@test "bad: codecs that give another picture back" {
    # One that loses, one that shrinks, one that writes another format, one that refuses, and one
    # that writes black.
    fake imgresize << 'SH'
case "$*" in
*--lossless*) exec "$REAL" -f webp ;;
'-f png') exec "$REAL" -f png --size 50% ;;
'-f jpeg') exec "$REAL" -f png ;;
'-f pam') exec "$REAL" -f pam --max-pixels 10 ;;
'-f webp')
    { printf 'P7\nWIDTH 48\nHEIGHT 32\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n'
      head -c 4608 /dev/zero; } | exec "$REAL" -f webp
    exit ;;
esac
exec "$REAL" "$@"
SH
    fails 69 doctor
    sick FAILED 'codec lossless WebP' 'another picture came back, up to'
    sick FAILED 'codec PNG' 'another shape'
    sick FAILED 'codec PNG of 16 bits' 'another shape'
    sick FAILED 'codec JPEG' 'something else was written'
    sick FAILED 'codec PAM' '10'
    sick FAILED 'codec lossy WebP' 'another picture came back'
}

@test "bad: an unwritable directory" {
    TMPDIR=/proc fails 69 doctor
    sick FAILED 'temporary directory' '/proc'
    only 'temporary directory'
    TMPDIR=$PWD/nowhere fails 69 doctor
    sick FAILED 'temporary directory' 'No such file or directory'
    TMPDIR=$PWD/bin/imgtool fails 69 doctor
    only 'temporary directory'
    if [ "$(id -u)" != 0 ]; then
        mkdir -m 500 closed
        fails 69 doctor closed
        sick FAILED 'directory closed' 'Permission denied'
    fi
}

@test "bad: a full directory" {
    [ "$(id -u)" = 0 ] || skip "only root can mount"
    mkdir full
    mount -t tmpfs -o size=64k tmpfs full 2> /dev/null || skip "no tmpfs can be mounted"
    run -0 doctor full
    sick warning 'directory full' 'MiB free'
    head -c 1M /dev/zero > full/zeros 2> /dev/null || true
    fails 69 doctor full || { umount full; return 1; }
    umount full
    sick FAILED 'directory full' 'No space left'
}

@test "bad: a kernel without Landlock or seccomp" {
    [ -x "$BATS_FILE_TMPDIR/without" ] || skip "no C compiler to build the helper with"
    ! under_sanitizers || skip "no sandbox under sanitizers"
    local without=$BATS_FILE_TMPDIR/without
    run -0 "$without" landlock bin/imgtool doctor --timeout 60s
    sick warning 'sandbox Landlock' 'not in this kernel'
    sick warning 'sandbox of a tool' 'no Landlock'
    ! grep 'warning	sandbox seccomp' <<< "$output"
    fails 69 "$without" landlock bin/imgtool doctor --timeout 60s --require-sandbox
    sick FAILED 'sandbox Landlock' 'not in this kernel'
    only 'sandbox Landlock' 'sandbox of a tool'
    run -0 "$without" seccomp bin/imgtool doctor --timeout 60s --json
    jq -e '.result.checks[] | select(.name == "sandbox seccomp") |
        .level == "warning" and (.ok | not) and (.mend | length > 0)' <<< "$output"
}

@test "bad: limits that are not what was meant" {
    IMGTOOL_MAX_PIXELS=1000000 IMGTOOL_MEMORY=2G run -0 doctor
    grep -q '^ok	limit --max-pixels	1000000, from IMGTOOL_MAX_PIXELS$' <<< "$output"
    grep -q '^ok	limit --memory	2G, from IMGTOOL_MEMORY$' <<< "$output"
    grep -q '^ok	limit --max-dimension	16384, the default$' <<< "$output"
    IMGTOOL_MAX_PIXELS=12abc IMGTOOL_TIMEOUT=soon IMGTOOL_MAX_DIMENSIONS=5 run -0 doctor
    sick warning 'limit --max-pixels' "50000000, the default, as IMGTOOL_MAX_PIXELS is '12abc'"
    sick warning 'limit --timeout' "'soon'"
    sick warning 'variable IMGTOOL_MAX_DIMENSIONS' 'no tool reads it'
    # A limit that stops all work is found by its effect.
    IMGTOOL_MAX_PIXELS=10 fails 69 doctor
    sick FAILED 'codec PNG' 'limit'
    run -0 bash -c 'ulimit -n 40; bin/imgtool doctor --timeout 60s'
    sick warning 'limits of the system' 'open files 40'
}

@test "bad: known-bad and mixed libraries" {
    fake imgcrop << 'SH'
cat << 'JSON'
{"tool":"imgcrop","version":"VERSION","libraries":{"libwebp":"1.3.1","libpng":"1.6.9",
"libjpeg-turbo":"2.0.90","zlib":"1.2.11","jansson":"2.10"}}
JSON
SH
    sed -i "s/VERSION/$(imgtool --version --json | jq -r .version)/" bin/imgcrop
    run -0 doctor
    sick warning 'library libwebp in imgcrop' '1.3.1, known bad unless the distribution has mended it'
    sick warning 'library libwebp in imgcrop' CVE-2023-4863
    sick warning 'library libpng in imgcrop' '1.6.9, known bad'
    sick warning 'library libjpeg-turbo in imgcrop' CVE-2021-29390
    sick warning 'library zlib in imgcrop' CVE-2018-25032
    grep -q '^ok	library jansson in imgcrop	2.10$' <<< "$output"
    sick warning 'library libpng' '1.6.9 in imgcrop, 1.'
}

@test "bad: recipes and slots that cannot be used" {
    mv bin/share kept
    if [ ! -d "$(dirname "$(realpath bin)")/share" ] && [ ! -d /usr/local/share/imgtool/recipes ]; then
        fails 69 doctor
        sick FAILED recipes missing
        sick FAILED 'JSON Schema' protocol.json
    fi
    mv kept bin/share
    mkdir recipes
    echo 'resize "--width' > recipes/broken.recipe
    IMGTOOL_RECIPE_DIR=recipes fails 69 doctor
    sick FAILED recipes 'broken'
    only recipes
    IMGTOOL_RECIPE_DIR=recipes IMGTOOL_SLOTS_DIR=/proc/none fails 69 doctor
    sick FAILED slots '/proc/none'
    rm recipes/broken.recipe
    echo 'resize --width 10' > recipes/fine.recipe
    # Slots of the caller are neither waited for nor taken.
    IMGTOOL_RECIPE_DIR=recipes IMGTOOL_SLOTS=1 run -0 flock slots/slot-0 bin/imgtool doctor --timeout 60s
}

@test "bad: tools that everybody may replace" {
    rm bin/imgcrop
    cp "$IMGTOOL_BUILD/imgcrop" bin/
    chmod o+w bin/imgcrop bin
    run -0 doctor
    sick warning 'tool imgcrop is safe' 'everybody may write'
    sick warning 'directory of the tools is safe' 'everybody may write'
}
