#!/usr/bin/env bats
# --root: whatever a name looks like and whatever it leads to, nothing outside is read or written.

load helpers

# In root/: pictures, a folder, links inside. Beside it: a secret of another size, and links to it.
setup() {
    setup_tools
    mkdir -p root/sub outside
    cutout root/car.png
    cp root/car.png root/sub/
    render_png outside/secret.png photo --width 33 --height 22
    cp outside/secret.png before.png
    ln -s sub/car.png root/inside.png
    ln -s ../car.png root/sub/up.png
    ln -s sub root/folder
    ln -s ../outside/secret.png root/leak.png
    ln -s "$PWD/outside/secret.png" root/absolute.png
    ln -s "$PWD/root/car.png" root/absolute-inside.png
    ln -s ../outside root/way
    ln -s /proc/self/root root/proc
}

# After every refusal: nothing outside was changed or made.
untouched() {
    cmp before.png outside/secret.png
    [ "$(ls outside)" = secret.png ]
}

# refused NAME COMMAND...: policy, naming the file and the option.
refused() {
    local name=$1
    shift
    fails 77 "$@"
    stderr_has "$name"
    stderr_has "--root"
}

outside_names() {
    printf '%s\n' ../outside/secret.png sub/../../outside/secret.png "$PWD/outside/secret.png" \
        "$PWD/root/car.png" leak.png absolute.png absolute-inside.png way/secret.png \
        "proc$PWD/outside/secret.png" /dev/stdin /proc/self/root/etc/passwd
}

# A Python without any packages.
need_python() {
    command -v python3 > /dev/null || skip "Python is not installed"
}

@test "good: names below the root are what they are without it" {
    cd root
    for tool in imgcrop imgshadow imgresize; do
        $tool -o ../plain.png car.png
        (cd .. && $tool --root root -o out.png car.png)
        cmp out.png ../plain.png
        rm out.png
    done
    cd ..
    for name in car.png ./car.png sub/car.png sub/../car.png inside.png sub/up.png folder/car.png \
        folder/../sub/car.png; do
        [ "$(imginfo --root root "$name")" = "$(cd root && imginfo "$name")" ]
    done
    (cd root && imgcrop car.png) > plain.png
    imgcrop --root root car.png > piped.png
    imgcrop --root "$PWD/root" < root/car.png > stdin.png
    cmp plain.png piped.png
    cmp plain.png stdin.png
}

@test "good: outputs below the root, in folders that are made" {
    imgcrop --root root -o sub/out.png car.png
    imgcrop --root root -o folder/out2.png car.png
    imgcrop --root root --mkdir -o new/deep/out.png car.png
    imgcrop --root root --mkdir -o folder/more/out.png car.png
    imgcrop --root root --mkdir -o made/../out.png car.png
    cmp root/sub/out.png root/sub/out2.png
    cmp root/sub/out.png root/new/deep/out.png
    cmp root/sub/out.png root/sub/more/out.png
    cmp root/sub/out.png root/out.png
    imgresize --root root car.png --size a=20x --size b=10x --mkdir --output-template 'set/{stem}-{name}.png'
    [ "$(ls root/set | tr '\n' ' ')" = "car-a.png car-b.png " ]
    imgcrop --root root --in-place sub/car.png
    cmp root/sub/out.png root/sub/car.png
    fails 73 imgcrop --root root -o nowhere/out.png car.png
    stderr_has "--mkdir"
    fails 73 imgcrop --root root --no-clobber -o sub/out.png car.png
    fails 64 imgcrop --root root -o ./car.png car.png
    fails 64 imgcrop --root root -o sub/../car.png car.png
    [ -z "$(find root -name '.*imgtool*')" ]
}

@test "good: an output that is a link inside replaces the file behind it" {
    ln -s sub/target.png root/out.png
    cp root/car.png root/sub/target.png
    ln -s out.png root/chain.png
    imgcrop --root root -o chain.png car.png
    [ -L root/chain.png ]
    [ -L root/out.png ]
    imgcrop root/car.png | cmp - root/sub/target.png
    ln -s nothing.png root/dangling.png
    fails 73 imgcrop --root root -o dangling.png car.png
    ln -s round.png root/round.png
    fails 73 imgcrop --root root -o round.png car.png
    fails 66 imgcrop --root root round.png
}

@test "bad: every name that leads out is refused by every tool, as exit 77" {
    outside_names > names
    while read -r name; do
        for tool in imgcrop imgshadow imgresize imginfo imgpalette "colorxfer --to red" \
            "deltae car.png" deltae\ --pairs ralmatch; do
            refused "$name" ${tool%% *} --root root ${tool#"${tool%% *}"} "$name"
        done
    done < names
    untouched
}

@test "bad: files beside the input are under the same rule" {
    while read -r name; do
        refused "$name" colorxfer --root root --ref "$name" -o out.png car.png
        refused "$name" colorxfer --root root --to red --mask "$name" -o out.png car.png
        refused "$name" colorxfer --root root --lut "$name" -o out.png car.png
        refused "$name" deltae --root root --mask "$name" car.png sub/car.png
        refused "$name" ralmatch --root root --catalogue "$name" red
    done < <(outside_names)
    refused ../outside/t.cube colorxfer --root root --ref sub/car.png --save-lut ../outside/t.cube \
        -o out.png car.png
    refused way/map.png deltae --root root --heatmap way/map.png car.png sub/car.png
    refused way/lines deltae --root root -o way/lines car.png sub/car.png
    untouched
    [ ! -e root/out.png ]
}

@test "good: files beside the input below the root" {
    printf 'red,#f00\n' > root/sub/own.csv
    printf 'red,blue\n' > root/sub/pairs.csv
    imgresize -o root/mask.png root/car.png
    colorxfer --root root --ref sub/car.png --save-lut sub/t.cube -o out.png car.png
    colorxfer --root root --lut sub/t.cube -o out2.png car.png
    colorxfer --root root --to red --mask mask.png -o out3.png car.png
    [ -s root/out.png ] && [ -s root/sub/t.cube ] && [ -s root/out2.png ] && [ -s root/out3.png ]
    deltae --root root --pairs sub/pairs.csv -o sub/lines
    [ -s root/sub/lines ]
    deltae --root root --heatmap sub/map.png car.png sub/car.png
    [ -s root/sub/map.png ]
    ralmatch --root root --catalogue sub/own.csv red
    imgpalette --root root -o sub/colours car.png
    [ -s root/sub/colours ]
    fails 64 deltae --root root -o sub/../car.png car.png sub/car.png
    fails 64 colorxfer --root root --ref inside.png -o sub/car.png car.png
}

@test "bad: no output is made outside" {
    ln -s ../outside/new.png root/new.png
    ln -s "$PWD/root/new2.png" root/new2.png
    ln -s way/new.png root/hop.png
    ln -s /dev/null root/null
    for name in ../outside/out.png "$PWD/outside/out.png" "$PWD/root/out.png" way/out.png \
        leak.png absolute.png new.png new2.png hop.png null "proc$PWD/outside/out.png" \
        /dev/fd/1 /dev/stdout /proc/self/fd/1 /dev/null; do
        refused "$name" imgcrop --root root -f png -o "$name" car.png
        refused "$name" imgcrop --root root -f png --mkdir -o "$name" car.png
        refused "$name" imgcrop --root root -f png --mkdir --dry-run -o "$name" car.png
        refused "$name" imginfo --root root -o "$name" car.png
    done
    refused ../outside/made imgcrop --root root --mkdir -o ../outside/made/out.png car.png
    refused way/made imgcrop --root root --mkdir -o way/made/out.png car.png
    refused "way" imgresize --root root car.png --size 20x --output-template 'way/{stem}.png'
    fails 73 imgcrop --root root -o .. -f png car.png
    untouched
    [ -L root/leak.png ]
    [ ! -e root/new2.png ]
}

@test "bad: FIFOs, sockets and devices are refused, and nobody waits" {
    need_python
    mkfifo root/fifo
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("root/socket")'
    for tool in imgcrop imgresize imginfo imgpalette ralmatch "deltae --pairs"; do
        refused fifo timeout 60 ${tool% *} --root root ${tool#"${tool% *}"} fifo
        stderr_has "a FIFO"
        refused socket timeout 60 ${tool% *} --root root ${tool#"${tool% *}"} socket
        stderr_has "a socket"
        refused zero timeout 60 ${tool% *} --root /dev ${tool#"${tool% *}"} zero
        stderr_has "a device"
    done
    refused fifo timeout 60 imgcrop --root root -f png -o fifo car.png
    refused socket timeout 60 imgcrop --root root -f png -o socket car.png
    refused null timeout 60 imgcrop --root /dev -f png -o null < root/car.png
    fails 66 imgcrop --root root sub
    stderr_has "is a directory"
}

@test "bad: the links of /proc are refused even where they lie below the root" {
    for name in proc/self/root/etc/passwd proc/self/cwd/root/car.png proc/self/fd/0; do
        refused "$name" imginfo --root / "$name" < root/car.png
    done
    refused proc/self/fd/1 imgcrop --root / -f png -o proc/self/fd/1 < root/car.png
    imginfo --root / "${PWD#/}/root/car.png"
}

@test "bad: --json says policy and which file" {
    run --separate-stderr imgcrop --root root --json -o out.png leak.png
    [ "$status" -eq 77 ]
    jq -e '.error.kind == "policy" and .error.code == 77 and .error.file == "leak.png" and
        (.error.message | contains("--root"))' <<< "$output"
    run --separate-stderr imgcrop --root root --json -o way/out.png car.png
    [ "$status" -eq 77 ]
    jq -e '.error.kind == "policy" and .error.file == "way/out.png"' <<< "$output"
}

@test "bad: a root that is not there, or no directory, is exit 66" {
    fails 66 imgcrop --root nowhere -o out.png car.png
    stderr_has "--root 'nowhere'"
    fails 66 imgcrop --root root/car.png -o out.png car.png
    fails 66 imgcrop --root '' -o out.png car.png
    fails 64 imgcrop --root
    [ ! -e out.png ]
}

@test "bad: without openat2 it is exit 69, and nothing is read unconfined" {
    need_python
    # A filter of system calls under which openat2 (437 on every machine) is unknown.
    cat > without << 'PYTHON'
import ctypes, os, struct, sys
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 437), (6, 0, 0, 0x50000 | 38), (6, 0, 0, 0x7fff0000)]
filter = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(filter)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0): sys.exit(99)
os.execvp(sys.argv[1], sys.argv[1:])
PYTHON
    run python3 without true
    [ "$status" -ne 99 ] || skip "no filters of system calls"
    fails 69 python3 without imgcrop --root root -o out.png car.png
    stderr_has "--root needs openat2"
    python3 without imgcrop -o out.png root/car.png
}

@test "good: a pipeline hands the root down to its stages" {
    imgtool pipe --root root -i car.png -o sub/out.webp crop : shadow : resize --width 60
    (cd root && imgtool pipe -i car.png -o plain.webp crop : shadow : resize --width 60)
    cmp root/sub/out.webp root/plain.webp
    imgtool pipe --root root --mkdir -i sub/car.png crop : resize --size a=40x \
        --output-template 'made/{stem}-{name}.png'
    [ -s root/made/car-a.png ]
    imgtool pipe --root root -o out.png crop car.png : shadow
    [ -s root/out.png ]
    fails 64 imgtool pipe --root root -i car.png -o sub/../car.png crop : shadow
    fails 64 imgtool pipe --root root -o car.png crop ./car.png : shadow
    fails 64 imgtool pipe --root root -i car.png crop : resize --size 50% --output-template '{stem}.png'
}

@test "bad: no stage leaves the root of its pipeline" {
    while read -r name; do
        refused "$name" imgtool pipe --root root -i "$name" -o out.png crop : shadow
        refused "$name" imgtool pipe --root root -o out.png crop "$name" : shadow
    done < <(outside_names)
    refused way/out.png imgtool pipe --root root -i car.png -o way/out.png crop : shadow
    refused way imgtool pipe --root root -i car.png crop : resize --size 20x \
        --output-template 'way/{name}.png'
    refused leak.png imgtool pipe --root root -i car.png -o out.png colorxfer --ref leak.png : crop
    fails 64 imgtool pipe --root root -i car.png -o out.png crop --root / : shadow
    stderr_has "'--root' in stage 1"
    fails 64 imgtool pipe --root root -i car.png -o out.png crop : shadow --root=..
    untouched
    [ ! -e root/out.png ]
}

@test "good: recipes of the installation are not data, a recipe named by its path is" {
    mkdir recipes
    echo 'crop' > recipes/own.recipe
    echo 'crop' > root/sub/mine.recipe
    ln -s ../recipes/own.recipe root/leak.recipe
    imgtool run --root root --recipe-dir recipes own car.png -o out.png
    imgtool run --root root ./sub/mine.recipe car.png --output-dir made
    cmp root/out.png root/made/car.png
    refused ../recipes/own.recipe imgtool run --root root ../recipes/own.recipe car.png -o out2.png
    refused ./leak.recipe imgtool run --root root ./leak.recipe car.png -o out2.png
    refused ./leak.recipe imgtool run --root root --show ./leak.recipe
    refused leak.png imgtool run --root root --recipe-dir recipes own leak.png -o out2.png
    refused way imgtool run --root root --recipe-dir recipes own car.png --output-dir way
    refused ../outside imgtool run --root root --recipe-dir recipes own car.png --output-dir ../outside
    untouched
    [ ! -e root/out2.png ]
}

# swap WHAT: exchanges WHAT and the link `harmful` in root/ as fast as it can, or makes `target.png`
# a file and a link that leads out in turns, until it is killed.
swap() {
    python3 - "$@" 3>&- << 'PYTHON' &
import ctypes, os, sys, time
what, until = sys.argv[1], time.monotonic() + 120
exchange = ctypes.CDLL(None).renameat2
os.chdir("root")
while time.monotonic() < until:
    if what != "target":
        exchange(-100, what.encode(), -100, b"harmful", 2)
        continue
    for make in lambda: os.symlink("../outside/secret.png", "new"), lambda: os.link("sub/car.png", "new"):
        make()
        os.replace("new", "target.png")
PYTHON
    swapper=$!
    swapped_since=$SECONDS
}

# swaps_on COUNT...: for a second at least, and until no COUNT is 0, which a busy machine may take
# its time for.
swaps_on() {
    local time=$((SECONDS - swapped_since))
    [ $time -lt 2 ] || { [[ " $* " == *" 0 "* ]] && [ $time -lt 60 ]; } && return
    kill $swapper
    return 1
}

@test "good: links that change all the time never lead out on reading" {
    need_python
    cp root/sub/car.png root/moving.png
    ln -s ../outside/secret.png root/harmful
    swap moving.png
    local read=0 refused=0
    while swaps_on $read $refused; do
        if width=$(imginfo --root root --json moving.png 2> /dev/null | jq .result.width); then
            [ "$width" = 320 ] && read=$((read + 1))
            [ "$width" = null ] && refused=$((refused + 1))
            [ "$width" != 33 ]
        fi
    done
    echo "$read read, $refused refused"
    [ $read -gt 0 ]
    [ $refused -gt 0 ]
}

@test "good: links that change all the time never lead out on writing" {
    need_python
    mkdir root/moving
    ln -s ../outside root/harmful
    swap moving
    local written=0 refused=0
    while swaps_on $written $refused; do
        if imgresize --root root --size 10x -o moving/out.png car.png 2> /dev/null; then
            written=$((written + 1))
        else
            refused=$((refused + 1))
        fi
        untouched
    done
    echo "$written written, $refused refused"
    [ $written -gt 0 ]
    [ $refused -gt 0 ]
    swap target
    written=0 refused=0
    while swaps_on $written; do
        if imgresize --root root --size 10x -o target.png car.png 2> /dev/null; then
            written=$((written + 1))
        else
            refused=$((refused + 1))
        fi
        untouched
    done
    echo "$written written, $refused refused"
    [ $written -gt 0 ]
}
