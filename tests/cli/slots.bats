#!/usr/bin/env bats
# --slots: never more than N at once, nobody waits for a dead one, and waiting costs nothing.

load helpers

setup() {
    setup_tools
    command -v python3 > /dev/null || skip "Python is not installed"
    cutout car.png
    mkdir slots
    chmod 700 slots
    export IMGTOOL_SLOTS_DIR=$PWD/slots
    # Commands that read a pipe: one has its slot when it has read what is in there, and works until
    # the rest comes.
    cat > crowd.py << 'PYTHON'
import array, fcntl, os, resource, signal, subprocess, sys, termios, time
picture = open("car.png", "rb").read()
class Command:
    def __init__(self, *words, **more):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, **more)
        self.started = self.entered = None
        os.write(self.process.stdin.fileno(), picture[:12])
    def works(self):
        left = array.array("i", [0])
        if not self.process.stdin.closed:
            fcntl.ioctl(self.process.stdin.fileno(), termios.FIONREAD, left)
        return left[0] == 0 and self.process.poll() is None
    def holds(self):
        # What an ending process has open is gone before its locks are.
        try: return self.works() and os.listdir("/proc/%d/fd" % self.process.pid) != []
        except (OSError, ValueError): return False
    def enters(self, seconds):
        until = time.monotonic() + seconds
        while not self.works():
            if time.monotonic() > until: return False
            time.sleep(0.0005)
        return True
    def finish(self):
        try:
            self.process.stdin.write(picture[12:])
            self.process.stdin.close()
        except BrokenPipeError: pass
    def ends(self):
        self.finish()
        return self.process.wait()
PYTHON
}

# hold COMMAND...: a command that has its slot until `release`; its number in $holder.
hold() {
    mkfifo hold
    "$@" < hold > held.out 2> held.err &
    holder=$!
    exec 8> hold
    printf '\x89PNG' >&8
    in_time is_held
}

is_held() {
    compgen -G "slots/slot-*" > /dev/null && ! flock -n -E 9 slots/slot-0 true
}

# looks PID: it has come so far that it looks at the slot again and again.
looks() {
    ls -l "/proc/$1/fd" 2> /dev/null | grep -q 'slots/slot-0$'
}

release() {
    exec 8>&-
    wait "$holder" || true
}

@test "good: 60 commands at once, two slots: never more than two work, and all are done" {
    cat > try.py << 'PYTHON'
from crowd import *
count, slots, work = 60, 2, 0.01
waiting = [Command("imginfo", "--slots", str(slots), "-") for _ in range(count)]
working, done, peak, start = [], [], 0, time.monotonic()
while len(done) < count and time.monotonic() - start < 240:
    for command in [one for one in waiting if one.works()]:
        waiting.remove(command)
        command.entered = time.monotonic()
        working.append(command)
    # Who holds one in both rounds held it between them.
    first = [one for one in working if one.holds()]
    peak = max(peak, sum(one.holds() for one in first))
    for command in working:
        if not command.process.stdin.closed and peak >= slots and time.monotonic() - command.entered > work:
            command.finish()
    for command in [one for one in working if one.process.stdin.closed]:
        if command.process.poll() is not None:
            working.remove(command)
            done.append(command.process.returncode)
    time.sleep(0.001)
assert peak == slots, peak
assert done == [0] * count, done
PYTHON
    python3 try.py
}

@test "good: who is killed leaves its slot, and who waits has it at once" {
    cat > try.py << 'PYTHON'
from crowd import *
words = ["imginfo", "--slots", "1", "-"]
after = []
for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV) * 3:
    first = Command(*words)
    assert first.enters(60)
    second, third = Command(*words), Command(*words)
    assert not second.enters(0.05 + 0.011 * len(after)) and not third.works()
    first.process.send_signal(number)
    start = time.monotonic()
    while not second.works() and not third.works() and time.monotonic() - start < 60: time.sleep(0.0005)
    after.append(time.monotonic() - start)
    next, last = (second, third) if second.works() else (third, second)
    assert not last.enters(0.03)
    assert next.ends() == 0
    assert last.enters(60) and last.ends() == 0
    assert first.process.wait() != 0
assert max(after) < 60, after # a few ms, on a machine with nothing else to do
PYTHON
    python3 try.py
}

@test "bad: no slot in time is exit 75, kind busy" {
    hold imginfo --slots 1 -
    fails 75 imgcrop --slots 1 --slot-wait 200ms -o out.png car.png
    stderr_has "none of 1 slot became free in time: --slot-wait"
    [ ! -e out.png ]
    fails 75 imgcrop --slots 1 --slot-wait 0 -o out.png car.png
    run --separate-stderr imgcrop --slots 1 --slot-wait 50ms --json -o out.png car.png
    [ "$status" -eq 75 ]
    jq -e '.error.kind == "busy" and .error.code == 75 and .elapsed_ms >= 45' <<< "$output"
    imgcrop --slots 2 --slot-wait 0 -o out.png car.png
    imgcrop -o out.png car.png
    release
    imgcrop --slots 1 --slot-wait 0 -o out.png car.png
}

@test "good: every tool that reads a picture takes a slot, and what reads none does not" {
    hold imginfo --slots 1 -
    export IMGTOOL_SLOTS=1
    for tool in imgcrop imgshadow imgresize imginfo imgpalette "colorxfer --to red" \
        "deltae car.png" ralmatch "imgtool crop" "imgtool pipe -o out.png crop"; do
        fails 75 $tool --slot-wait 0 car.png || fails 75 ${tool/pipe/pipe --slot-wait 0} car.png
    done
    deltae red blue
    ralmatch '#c33'
    imgcrop --version
    imgtool list
    fails 64 imgcrop --pading 5 car.png
    fails 64 imgresize --quality 101 car.png
    fails 64 imgtool pipe crop :
    release
}

@test "good: the wait ends by signals and counts for --timeout" {
    hold imginfo --slots 1 -
    fails 124 imgcrop --slots 1 --timeout 150ms -o out.png car.png
    cat > try.py << 'PYTHON'
from crowd import *
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
    waiting = [Command("imgcrop", "--slots", "1", "-") for _ in range(3)]
    time.sleep(0.1)
    for command in waiting:
        start = time.monotonic()
        command.process.send_signal(number)
        assert command.process.wait() == -number
        assert time.monotonic() - start < 60
PYTHON
    python3 try.py
    # Also where the caller blocks and ignores the signal that ends the wait.
    cat > try.py << 'PYTHON'
from crowd import *
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
signal.signal(signal.SIGALRM, signal.SIG_IGN)
head = Command("imgcrop", "--slots", "1", "-")
time.sleep(0.1)
waiting = [Command("imgcrop", "--slots", "1", "--slot-wait", "200ms", "-") for _ in range(4)]
for command in waiting: assert command.process.wait(60) == 75
head.process.kill()
PYTHON
    python3 try.py
    release
}

@test "good: a hundred that wait use no processor time to speak of" {
    hold imginfo --slots 1 -
    cat > try.py << 'PYTHON'
from crowd import *
waiting = [Command("imginfo", "--slots", "1", "-") for _ in range(100)]
def waits(command):
    folder = "/proc/%d/fd/" % command.process.pid
    try: return any(os.readlink(folder + one).endswith("/queue") for one in os.listdir(folder))
    except OSError: return False
until = time.monotonic() + 60
while not all(waits(command) for command in waiting):
    assert time.monotonic() < until
    time.sleep(0.02)
def used():
    total = 0
    for command in waiting:
        fields = open("/proc/%d/stat" % command.process.pid).read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")
# The last ones may still be on their way into the queue.
for _ in range(5):
    before = used()
    time.sleep(1)
    spent = used() - before
    if spent < 0.1: break
for command in waiting: command.process.kill()
assert spent < 0.1, spent
PYTHON
    python3 try.py
    release
}

@test "good: a pipeline is one command, whatever its stages" {
    imgtool pipe --slots 1 --slot-wait 0 -i car.png -o out.png crop : shadow : resize --width 50
    IMGTOOL_SLOTS=1 imgtool pipe --slot-wait 0 -i car.png -o env.png crop : shadow : resize --width 50
    cmp out.png env.png
    mkdir recipes
    printf 'crop\nresize --width 50\n' > recipes/two.recipe
    imgtool run --slots 1 --slot-wait 0 --recipe-dir recipes two car.png -o run.png
    hold imgtool pipe --slots 1 crop : resize --width 50
    fails 75 imgtool pipe --slots 1 --slot-wait 0 -i car.png -o no.png crop : shadow
    fails 75 imgtool run --slots 1 --slot-wait 0 --recipe-dir recipes two car.png -o no.png
    fails 75 imgcrop --slots 1 --slot-wait 0 -o no.png car.png
    run --separate-stderr imgtool pipe --slots 1 --slot-wait 0 --json -i car.png -o no.png crop : shadow
    [ "$status" -eq 75 ]
    jq -e '.error.kind == "busy"' <<< "$output"
    [ ! -e no.png ]
    release
    # A stage that waited for what another stage holds would wait for ever.
    fails 64 imgtool pipe -i car.png -o no.png crop --slots 1 : shadow
    stderr_has "'--slots' in stage 1"
    fails 64 imgtool pipe -i car.png -o no.png crop : shadow --slots=1
}

@test "bad: a variable that was inherited does not make a stage" {
    hold imginfo --slots 1 -
    IMGTOOL_PARENT=$$ fails 75 bash -c 'imgcrop --slots 1 --slot-wait 0 -o out.png car.png; exit $?'
    IMGTOOL_PARENT=1 fails 75 imgcrop --slots 1 --slot-wait 0 -o out.png car.png
    release
}

@test "good: a stopped waiter keeps nobody out for longer than they wait" {
    hold imginfo --slots 1 -
    imgcrop --slots 1 -o out.png car.png 8>&- &
    head=$!
    in_time looks $head
    kill -STOP $head
    release
    imgcrop --slots 1 --slot-wait 200ms -o other.png car.png
    kill -CONT $head
    wait $head
    cmp out.png other.png
}

@test "good: files that somebody clears away are made again" {
    hold imginfo --slots 1 -
    imgcrop --slots 1 -o out.png car.png 8>&- &
    waiter=$!
    in_time looks $waiter
    rm -f slots/*
    sleep 0.1
    [ ! -e out.png ]
    release
    wait $waiter
    [ -e slots/slot-0 ]
    [ -s out.png ]
}

@test "good: the default directory is made for us alone" {
    unset IMGTOOL_SLOTS_DIR
    mkdir runtime
    export XDG_RUNTIME_DIR=$PWD/runtime
    (umask 0 && imgcrop --slots 1 -o out.png car.png)
    [ "$(stat -c %a runtime/imgtool)" = 700 ]
    [ -e runtime/imgtool/slot-0 ]
    chmod 750 runtime/imgtool
    fails 77 imgcrop --slots 1 -o out2.png car.png
    stderr_has "is open to others"
    rm -r runtime/imgtool
    ln -s ../slots runtime/imgtool
    fails 77 imgcrop --slots 1 -o out2.png car.png
    stderr_has "is a symbolic link"
    [ ! -e out2.png ]
}

@test "bad: a directory that cannot be used or trusted" {
    imgcrop --slots 1 --slots-dir made -o out.png car.png
    [ "$(stat -c %a made)" = 700 ]
    fails 73 imgcrop --slots 1 --slots-dir no/where -o no.png car.png
    stderr_has "--slots-dir 'no/where'"
    fails 73 imgcrop --slots 1 --slots-dir car.png -o no.png car.png
    fails 73 imgcrop --slots 1 --slots-dir '' -o no.png car.png
    ln -s slots link
    fails 77 imgcrop --slots 1 --slots-dir link -o no.png car.png
    stderr_has "is a symbolic link"
    chmod 1777 made
    fails 77 imgcrop --slots 1 --slots-dir made -o no.png car.png
    stderr_has "is open to everybody: mode 1777"
    mkdir trap
    ln -s ../car.png trap/slot-0
    cp car.png before.png
    fails 73 imgcrop --slots 1 --slots-dir trap -o no.png car.png
    cmp car.png before.png
    rm trap/slot-0
    mkfifo trap/slot-0
    fails 73 timeout 60 imgcrop --slots 1 --slots-dir trap -o no.png car.png
    [ ! -e no.png ]
}

@test "bad: a directory of somebody else" {
    [ "$(id -u)" -eq 0 ] || skip "only root can give a directory away"
    mkdir theirs
    chown 65534 theirs
    fails 77 imgcrop --slots 1 --slots-dir theirs -o no.png car.png
    stderr_has "belongs to somebody else"
}

@test "bad: numbers that make no sense" {
    for value in 0 -1 257 1.5 two; do
        fails 64 imgcrop --slots "$value" -o out.png car.png
    done
    fails 64 imgcrop --slots 1 --slot-wait soon -o out.png car.png
    run --separate-stderr env IMGTOOL_SLOTS=none imgcrop -o out.png car.png
    [ "$status" -eq 0 ]
    stderr_has "IMGTOOL_SLOTS"
}
