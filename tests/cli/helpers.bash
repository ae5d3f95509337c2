# What every bats file loads: the built tools first in PATH, a folder of its own for each test,
# pictures from the renderer, and an oracle in Python that shares no code with the tools.

bats_require_minimum_version 1.5.0

setup_tools() {
    export PATH=$IMGTOOL_BUILD:$IMGTOOL_BUILD/tests/gen:$PATH
    export LC_ALL=C
    cd "$BATS_TEST_TMPDIR" || return 1
}

setup() {
    setup_tools
}

# render_png NAME SCENE [OPTION VALUE]...: a picture of the renderer as NAME.
render_png() {
    local name=$1
    shift
    render "$@" | imgresize -q --effort 0 -o "$name"
}

# The usual cutout, small enough to be quick.
cutout() {
    render_png "${1:-cutout.png}" cutout --width 320 --height 180
}

# fails STATUS COMMAND...: the command ends with STATUS, says something on stderr, and is not a
# bug. Its stderr is left in $output.
fails() {
    local expected=$1
    shift
    run --separate-stderr "-$expected" "$@" || {
        echo "expected status $expected, got $status: $*" >&2
        echo "$stderr" >&2
        return 1
    }
    [ -n "$stderr" ] || {
        echo "silent failure: $*" >&2
        return 1
    }
}

# stderr_has TEXT: the last command's stderr contains it.
stderr_has() {
    [[ $stderr == *"$1"* ]] || {
        printf 'stderr has no "%s":\n%s\n' "$1" "$stderr" >&2
        return 1
    }
}

# The python that has Pillow and numpy, or a skip.
need_oracle() {
    local python
    for python in /usr/bin/python3 python3; do
        if "$python" -c 'import PIL, numpy' 2> /dev/null; then
            ORACLE_PYTHON=$python
            return 0
        fi
    done
    skip "Python with Pillow and numpy is not installed"
}

# oracle COMMAND...: see tests/cli/oracle.py.
oracle() {
    need_oracle
    "$ORACLE_PYTHON" "$IMGTOOL_SOURCE/tests/cli/oracle.py" "$@"
}

need() {
    command -v "$1" > /dev/null || skip "$1 is not installed"
}

# The folder of shared test material, or a skip: the project does not ship it.
need_shared() {
    SHARED=${IMGTOOL_SHARED:-$IMGTOOL_SOURCE/../shared}
    [ -d "$SHARED/$1" ] || skip "shared/$1 is not here"
}

# in_time COMMAND...: waits until the command succeeds; false where it does not for a minute, which
# is long for a machine that is busy with something else.
in_time() {
    local end=$((SECONDS + 60))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.02
    done
}

# lines FILE N: the file has N lines.
lines() {
    local have=()
    [ ! -e "$1" ] || mapfile -t have < "$1"
    [ ${#have[@]} -ge "$2" ]
}

# gone PID: the process has ended, whether or not somebody has taken note of it yet.
gone() {
    [ ! -e "/proc/$1" ] || grep -q '^State:.*zombie' "/proc/$1/status"
}

# under_sanitizers: true where the tools were built with them (they use more memory and time).
under_sanitizers() {
    nm -D "$IMGTOOL_BUILD/imginfo" 2> /dev/null | grep -q __asan_
}

# spent COMMAND...: "STATUS KIB MS": its exit status (or minus a signal), peak resident memory and
# processor time, which does not grow while others use the machine. Output is dropped.
spent() {
    need_oracle
    "$ORACLE_PYTHON" - "$@" << 'PYTHON'
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss,
      round(1000 * (usage.ru_utime + usage.ru_stime)))
PYTHON
}

# peak_kib COMMAND...: peak resident memory in KiB; output is dropped.
peak_kib() {
    spent "$@" | cut -d ' ' -f 2
}

# What the tools print as JSON is kept in the folder IMGTOOL_JSON_LOG, for tests/node/schema.test.cjs:
# what goes into jq, and after each test what is in $output and in the files of the test's folder.
jq() {
    if [ -z "${IMGTOOL_JSON_LOG:-}" ] || [ "$1" = -n ] || [ -f "${*: -1}" ]; then
        command jq "$@"
    else
        tee -a "$IMGTOOL_JSON_LOG/jq-$BATS_SUITE_TEST_NUMBER-$$" | command jq "$@"
    fi
}

teardown() {
    [ -n "${IMGTOOL_JSON_LOG:-}" ] || return 0
    {
        printf '%s\n' "${output:-}"
        find "$BATS_TEST_TMPDIR" -type f -size -512k -exec cat {} +
    } 2> /dev/null | grep -a '^{' >> "$IMGTOOL_JSON_LOG/$BATS_SUITE_TEST_NUMBER-$$" || true
}
