#!/usr/bin/env bats
# What a decoder can do that was taken over: tests/cli/sandbox_preload.c stands in for functions of
# the codec libraries and tries, in the middle of decoding.

load helpers

setup_file() {
    export CC=${CC:-cc}
    command -v "$CC" > /dev/null || return 0
    "$CC" -O1 -shared -fPIC -o "$BATS_FILE_TMPDIR/decoder.so" \
        "$IMGTOOL_SOURCE/tests/cli/sandbox_preload.c" -ldl -pthread &&
        "$CC" -O1 -o "$BATS_FILE_TMPDIR/without" "$IMGTOOL_SOURCE/tests/cli/sandbox_without.c"
}

setup() {
    setup_tools
    ! under_sanitizers || skip "no sandbox under sanitizers"
    [ -e "$BATS_FILE_TMPDIR/without" ] || skip "no C compiler to build the helpers with"
    echo secret > victim
    mkdir folder
    cutout
}

need_layers() {
    cutout probe.png
    imgresize --require-sandbox --width 8 probe.png > /dev/null 2>&1 ||
        skip "this kernel lacks a layer of the sandbox"
    rm probe.png
}

without() {
    "$BATS_FILE_TMPDIR/without" "$@"
}

# decoder PLACE DEED COMMAND...: COMMAND with a decoder that does DEED there. Its status is in
# $status, what the decoder says in $said.
decoder() {
    local place=$1 deed=$2
    shift 2
    status=0
    { LD_PRELOAD=$BATS_FILE_TMPDIR/decoder.so SANDBOX_AT=$place SANDBOX_DOES=$deed \
        "$@" > out.bin 2> said.txt; } 2> /dev/null || status=$?
    said=$(grep "^$deed: " said.txt || true)
}

# killed PLACE DEED COMMAND...: that ends the process by SIGSYS.
killed() {
    decoder "$@"
    [ "$status" -eq 159 ] || {
        echo "$*: status $status: $(cat said.txt)" >&2
        return 1
    }
    untouched "$@"
}

# refused REASON PLACE DEED COMMAND...: that fails with REASON, and the tool does its work.
refused() {
    local reason=$1
    shift
    decoder "$@"
    [ "$status $said" = "0 $2: failed: $reason" ] || {
        echo "$*: status $status: $(cat said.txt)" >&2
        return 1
    }
    untouched "$@"
}

untouched() {
    if [ "$(cat victim)" = secret ] && [ -d folder ] && [ ! -e loot ] &&
        [ "$(stat -c %a victim)" = 644 ]; then
        return 0
    fi
    echo "$*: left a trace" >&2
    ls -la >&2
    return 1
}

creating="write append truncate create old_create unnamed memory mkdir link symlink fifo unlink
    rename rmdir chmod fchmod fchown touch"
reaching="exec execveat fork old_fork kill kill_group tgkill tkill queue ptrace peek session group
    socket local_socket connect send mount chroot unshare setuid personality bpf keyctl io_uring
    perf userfault"

@test "good: the deeds are done where nothing forbids them" {
    # The one header that is read outside: that of an output's name.
    decoder header create imgresize --size 8x --output-template 'small-{w}.png' cutout.png
    [ "$said" = "create: done" ] && [ -e loot ] && [ -e small-8.png ]
    decoder header read imgresize --size 8x --output-template 'small-{w}.png' cutout.png
    [ "$said" = "read: done" ]
}

@test "bad: while headers, profiles and pixels are read, files are neither opened nor made nor changed" {
    need_layers
    need_oracle
    "$ORACLE_PYTHON" - << 'PYTHON'
import struct
from PIL import Image, PngImagePlugin
gamma = PngImagePlugin.PngInfo()
gamma.add(b"gAMA", struct.pack(">I", 100000))
Image.open("cutout.png").save("tagged.png", pnginfo=gamma)
PYTHON
    for deed in $creating; do
        killed header "$deed" imgresize --width 8 cutout.png
        killed pixels "$deed" imgresize --width 8 cutout.png
        killed profile "$deed" imgshadow tagged.png
    done
    for place in header profile pixels; do
        refused EACCES $place read imgshadow tagged.png
        refused EACCES $place list imgshadow tagged.png
        refused ENOSYS $place openat2 imgshadow tagged.png
    done
}

@test "bad: an output whose name is not known or whose directory is not there lets headers in, pixels not" {
    need_layers
    sized=(imgresize --size 8x --output-template)
    for command in "${sized[*]} {w}.png" "${sized[*]} {name}.png" "${sized[*]} {h}/a.png --mkdir" \
        "imgresize --width 8 --mkdir -o new/a.png"; do
        run --separate-stderr $command -v cutout.png
        [ "$status" -eq 0 ] && stderr_has "sandbox: the header is read outside of it" &&
            stderr_has "sandbox: Landlock"
        rm -rf new 8* 5
        for deed in exec fork connect kill; do
            killed header $deed $command cutout.png
        done
        for deed in create exec; do
            killed pixels $deed $command cutout.png
        done
        rm -rf new 8* 5
    done
    # What stands in the name already, or is there already, is no reason.
    mkdir new
    for command in "imgresize --size a=8x --output-template {stem}-{name}.{ext}" \
        "imgresize --size 8x -f png --output-template new/{stem}.{ext}" \
        "imgresize --width 8 --mkdir -o new/a.png" "imgshadow -o new/b.png" \
        "imgcrop --print-box -o new/box.txt" "imgpalette -o new/colors.ase" \
        "deltae --heatmap new/map.png -o new/figures.txt cutout.png" "imgcrop --in-place" \
        "colorxfer --ref cutout.png --save-lut new/t.cube -o new/c.png"; do
        killed header create $command cutout.png
        killed header write $command cutout.png
        refused EACCES header read $command cutout.png
    done
}

@test "good: a bad header leaves no directory, and what waited for it is opened after it" {
    need_layers
    head -c 20 cutout.png > bad.png
    imgresize -q --size 60x40 --fit fill -o small.png cutout.png
    for command in "imgresize -o new/a.png" "imgshadow -o new/a.png" "imgcrop -o new/a.png" \
        "imgcrop --print-box -o new/box.txt" "imgpalette -o new/colors.ase" \
        "imgresize --size 50% --output-template new/{w}/{h}.{ext}" \
        "deltae --heatmap new/map.png -o new/figures.txt small.png" \
        "deltae -o new/figures.txt small.png" \
        "colorxfer --ref small.png --save-lut new/t.cube -o new/c.png"; do
        fails 65 $command --mkdir bad.png
        [ ! -e new ]
        $command --require-sandbox --mkdir small.png > /dev/null
        [ -n "$(find new -type f -size +0)" ]
        rm -r new
    done
    # Names that become the same only with the directory.
    fails 64 imgresize --mkdir -o new/../small.png small.png
    stderr_has "the input itself"
    fails 64 colorxfer --ref small.png --mkdir -o new2/../small.png cutout.png
    stderr_has "what --ref reads"
    fails 64 imgresize --mkdir --size a=8x --size b=9x --output-template 'new3/../x.png' small.png
    stderr_has "two outputs"
}

@test "bad: no program, process, signal, socket, mount or large interface of the kernel, in headers too" {
    need_layers
    for place in header pixels; do
        for deed in $reaching; do
            killed "$place" "$deed" imgresize --width 8 cutout.png
        done
    done
    [ "$(uname -m)" != x86_64 ] || killed pixels other_interface imgresize --width 8 cutout.png
    refused ENOSYS pixels clone3 imgresize --width 8 cutout.png
    refused ENOSYS pixels pidfd imgresize --width 8 cutout.png
    refused EPERM pixels owner imgresize --width 8 cutout.png
    refused ENOTTY pixels type imgresize --width 8 cutout.png
    refused EPERM pixels limit imgresize --width 8 cutout.png
    refused EMFILE pixels descriptor imgresize --width 8 cutout.png
}

@test "bad: 32-bit calls" {
    need_layers
    [ "$(uname -m)" = x86_64 ] || skip "not on this architecture"
    decoder pixels 32_bit imgresize --width 8 cutout.png
    [ "$status" -eq 159 ] || [ "$said" = "32_bit: failed: EFAULT" ] || [ "$status" -eq 139 ]
}

@test "good: a call that nobody knows fails as on an older kernel" {
    refused ENOSYS pixels unknown imgresize --width 8 cutout.png
    refused ENOSYS header unknown imgresize --width 8 cutout.png
}

@test "bad: the same in each tool and each format" {
    need_layers
    imgresize -q -o cutout.jpg cutout.png
    imgresize -q -o cutout.webp cutout.png
    for file in cutout.png cutout.jpg cutout.webp; do
        for tool in imgcrop imgshadow imgresize "imginfo --check"; do
            # shellcheck disable=SC2086
            for deed in create write exec fork connect kill; do
                killed pixels $deed $tool "$file"
                killed header $deed $tool "$file"
            done
        done
        for tool in imgcrop imgshadow imgresize; do
            refused EACCES pixels read "$tool" "$file"
            refused EACCES header read "$tool" "$file"
        done
    done
}

@test "bad: the same in the tools of colours" {
    need_layers
    for command in "deltae cutout.png cutout.png" "deltae cutout.png cutout.png cutout.png" \
        "imgpalette cutout.png" "ralmatch cutout.png" "ralmatch cutout.png cutout.png" \
        "colorxfer --ref cutout.png -o out/new.png cutout.png" \
        "colorxfer --to #208030 cutout.png"; do
        mkdir -p out
        for deed in create write exec fork connect kill; do
            # shellcheck disable=SC2086
            killed pixels $deed $command
            # shellcheck disable=SC2086
            killed header $deed $command
        done
        # shellcheck disable=SC2086
        refused EACCES pixels read $command
        # shellcheck disable=SC2086
        refused EACCES header read $command
    done
}

@test "good: outputs and inputs of every kind in the tools of colours" {
    need_layers
    imgresize -q --size 60x40 --fit fill -o mask.png cutout.png
    imgresize -q --size 60x40 --fit fill -o small.png cutout.png
    deltae --require-sandbox --heatmap map.png --mask mask.png -o figures.txt small.png small.png
    deltae --require-sandbox --mask mask.png small.png mask.png small.png > /dev/null
    deltae --require-sandbox --json - small.png < mask.png > /dev/null
    printf '#fff #eee\n' | deltae --require-sandbox --pairs - -o pairs.txt
    imgpalette --require-sandbox -o colors.ase cutout.png
    imgpalette --require-sandbox < cutout.png > /dev/null
    ralmatch --require-sandbox --catalogue colors.ase cutout.png '#f00' > /dev/null
    ralmatch --require-sandbox cutout.png small.png -o named.txt
    imgresize cutout.png | ralmatch --require-sandbox > /dev/null
    ralmatch --require-sandbox small.png <(cat cutout.png) > /dev/null
    echo '#123456' | ralmatch --require-sandbox > /dev/null
    colorxfer --require-sandbox --ref small.png --ref-mask mask.png --save-lut t.cube -o new.png \
        cutout.png
    cp cutout.png own.png
    colorxfer --require-sandbox --lut t.cube --mask cutout.png --in-place own.png
    colorxfer --require-sandbox --to '#208030' -o green.png cutout.png
    imginfo --check map.png new.png green.png > /dev/null
    [ -s figures.txt ] && [ -s pairs.txt ] && [ -s named.txt ] && [ -s t.cube ]
    [ -z "$(find . -name '.*imgtool*')" ]
}

@test "bad: on a thread of the decoder" {
    need_layers
    export SANDBOX_ON=thread
    for deed in create write fork exec kill socket; do
        killed pixels "$deed" imgresize --threads 2 --width 8 cutout.png
    done
    refused EACCES pixels read imgresize --threads 2 --width 8 cutout.png
}

@test "bad: on the thread of --timeout, by each layer alone" {
    need_layers
    decoder deadline read imgresize --timeout 20s --width 8 cutout.png
    [ "$said" = "read: failed: EACCES" ] || [ "$said" = "read: failed: EMFILE" ]
    decoder deadline read without seccomp imgresize --timeout 20s --width 8 cutout.png
    [ "$said" = "read: failed: EACCES" ] || [ "$said" = "read: failed: EMFILE" ]
    for deed in create write fork socket; do
        killed late "$deed" imgresize --timeout 20s --width 8 cutout.png
    done
    refused EACCES late read imgresize --timeout 20s --width 8 cutout.png
    decoder deadline create without seccomp imgresize --timeout 20s --width 8 cutout.png
    [[ $said == "create: failed: "* ]]
    untouched
}

@test "good: Landlock comes before any thread but that of --timeout" {
    need_layers
    imgresize -q -o cutout.jpg cutout.png
    imgresize -q -o cutout.webp cutout.png
    export SANDBOX_COUNTS=1
    for file in cutout.png cutout.jpg cutout.webp; do
        for command in imgcrop imgshadow imgresize imginfo "imginfo --check" "deltae $file" \
            imgpalette ralmatch "colorxfer --ref $file" "colorxfer --to #208030"; do
            # shellcheck disable=SC2086
            decoder nowhere nothing $command --threads 2 "$file"
            [ "$(grep -c '^threads: 1$' said.txt)" -eq 1 ]
        done
        decoder nowhere nothing imgcrop --threads 2 --timeout 20s "$file"
        [ "$(grep -c '^threads: 2$' said.txt)" -eq 1 ]
    done
}

@test "bad: with a named output, nothing outside its directory" {
    need_layers
    mkdir out
    for deed in create write exec fork kill; do
        killed pixels "$deed" imgresize --width 8 -o out/small.png cutout.png
        [ -z "$(ls -A out)" ]
    done
    # The filter cannot tell names apart, Landlock can.
    for deed in unlink rename link; do
        refused EACCES pixels "$deed" imgresize --width 8 -o out/small.png cutout.png
    done
    # In it Landlock leaves no more than files.
    for deed in mkdir symlink fifo rmdir; do
        refused EACCES pixels "$deed" without seccomp imgresize --width 8 -o small.png cutout.png
    done
    killed pixels rmdir imgresize --width 8 -o out/small.png cutout.png
    for deed in create write unnamed; do
        killed header "$deed" imgresize --width 8 -o out/small.png cutout.png
    done
    refused EACCES header unlink imgresize --width 8 -o out/small.png cutout.png
    rm out/small.png
    # A new file under --no-clobber needs no name but its own.
    rm -r out && mkdir out
    for deed in unlink rename; do
        killed pixels "$deed" imgresize --no-clobber --width 8 -o out/small.png cutout.png
    done
    [ -z "$(ls -A out)" ]
}

@test "bad: imginfo of many files reads these and nothing else" {
    need_layers
    cp cutout.png second.png
    for place in header pixels; do
        refused EACCES "$place" read imginfo --check cutout.png second.png
        grep -q second.png out.bin
        for deed in $creating exec fork kill connect; do
            killed "$place" "$deed" imginfo --check cutout.png second.png
        done
    done
}

@test "good: signals to oneself, the signal handler's work" {
    decoder pixels raise imgresize --width 8 -o small.png cutout.png
    [ "$status" -eq 143 ] && [ ! -e small.png ]
    [ -z "$(find . -name '.*imgtool*')" ]
}

@test "bad: without Landlock the filter holds alone" {
    for deed in create write unlink exec fork connect kill; do
        killed pixels "$deed" without landlock imgresize --width 8 cutout.png
    done
    refused EACCES pixels read without landlock imgresize --width 8 cutout.png
}

@test "bad: without seccomp Landlock and the limits hold alone" {
    need_layers
    for deed in read write create mkdir unlink rename symlink fifo; do
        decoder pixels "$deed" without seccomp imgresize --width 8 cutout.png
        [[ $said == "$deed: failed: "* ]] || {
            echo "$deed: $said" >&2
            return 1
        }
        untouched
    done
}

@test "good: -v says which layers hold" {
    run --separate-stderr imgresize -v --width 8 -o a.png cutout.png
    [ "$status" -eq 0 ] && stderr_has "sandbox: "
    run --separate-stderr without landlock imgresize -v --width 8 -o a.png cutout.png
    [ "$status" -eq 0 ] && stderr_has "sandbox: no Landlock (the kernel does not have it), seccomp"
    run --separate-stderr without seccomp imgresize -v --width 8 -o a.png cutout.png
    [ "$status" -eq 0 ] && stderr_has "no seccomp"
    run --separate-stderr without seccomp,landlock imgcrop -v -o b.png cutout.png
    [ "$status" -eq 0 ] && stderr_has "no Landlock" && stderr_has "no seccomp"
}

@test "bad: --require-sandbox where a layer is missing" {
    for layer in landlock seccomp; do
        for tool in imgresize imgcrop imgshadow imginfo; do
            fails 69 without $layer $tool --require-sandbox cutout.png
            stderr_has "--require-sandbox"
        done
        run -69 without $layer imgresize --require-sandbox --json -o a.png cutout.png
        [[ $output == *'"kind":"unavailable"'* ]]
        [ ! -e a.png ]
    done
}

@test "good: outputs of every kind under --require-sandbox" {
    need_layers
    imgresize --require-sandbox --width 20 -o a.png cutout.png
    imgresize --require-sandbox --width 20 -o a.png cutout.png
    imgresize --require-sandbox --width 20 --mkdir -o deep/er/a.webp cutout.png
    imgresize --require-sandbox --width 20 cutout.png > stdout.png
    imgresize --require-sandbox --width 20 cutout.png | imgcrop --require-sandbox -o piped.png
    imgresize --require-sandbox --width 20 -o /dev/fd/7 cutout.png 7> seven.png
    imgresize --require-sandbox --width 20 --report-fd 8 -o b.png cutout.png 8> report.json
    imgresize --require-sandbox --size a=10x --size b=50% --size c=30x \
        --output-template 'many/{name}/{stem}-{w}.webp' --mkdir cutout.png
    cp cutout.png own.png
    ln -s own.png link.png
    imgcrop --require-sandbox --in-place own.png
    imgcrop --require-sandbox --in-place link.png
    imgshadow --require-sandbox --timeout 20s --threads 2 -o c.webp cutout.png
    imgcrop --require-sandbox --print-box -o box.txt cutout.png
    imginfo --require-sandbox -o info.txt a.png deep/er/a.webp - < stdout.png
    imginfo --require-sandbox --check a.png stdout.png piped.png seven.png b.png own.png c.webp \
        many/a/cutout-10.webp many/b/*.webp many/c/*.webp > /dev/null
    cmp a.png stdout.png
    cmp a.png seven.png
    [ "$(wc -l < info.txt)" -eq 3 ] && [ -s report.json ] && [ -s box.txt ] && [ -L link.png ]
    [ -z "$(find . -name '.*imgtool*')" ]
}

@test "good: as somebody else than root" {
    need setpriv
    [ "$(id -u)" -eq 0 ] || skip "only root can become somebody else"
    need_layers
    mkdir open
    chmod 777 open "$BATS_TEST_TMPDIR"
    cp cutout.png open/
    as_nobody() {
        setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    }
    as_nobody test -x "$(command -v imgresize)" -a -r cutout.png ||
        skip "the built tools lie where only root can reach them"
    as_nobody imgresize --require-sandbox --width 20 -o open/new.png cutout.png
    as_nobody imgresize --require-sandbox --width 30 -o open/new.png cutout.png
    as_nobody imginfo --require-sandbox --check open/new.png
    [ -z "$(find open -name '.*imgtool*')" ]
}

@test "good: where there are no unnamed files, named ones, of which none is left" {
    need_layers
    imgresize --width 20 -o expected.png cutout.png
    head -c 20 cutout.png > bad.png
    head -c 2000 cutout.png > short.png
    mkdir out
    for at in 1 2; do
        without unnamed imgresize --require-sandbox --width 20 -o out/a.png cutout.png
        cmp out/a.png expected.png
    done
    fails 73 without unnamed imgresize --require-sandbox --no-clobber --width 9 -o out/a.png cutout.png
    without unnamed imgresize --require-sandbox --no-clobber --width 20 -o out/b.png cutout.png
    without unnamed imgresize --require-sandbox --mkdir --size 20x --size 30x \
        --output-template 'out/{w}/{stem}.png' cutout.png
    without unnamed imgcrop --require-sandbox --print-box -o out/box.txt cutout.png
    cmp out/b.png expected.png && cmp out/20/cutout.png expected.png
    [ -s out/box.txt ] && [ -s out/30/cutout.png ]
    for file in bad.png short.png; do
        fails 65 without unnamed imgresize --require-sandbox --width 9 -o out/a.png $file
        fails 65 without unnamed imgresize --require-sandbox --width 9 -o out/c.png $file
    done
    cmp out/a.png expected.png
    [ ! -e out/c.png ]
    # Somebody takes the place meanwhile.
    mkfifo pipe
    without unnamed imgresize --no-clobber --width 9 -o out/d.png pipe 2> said.txt &
    exec 7> pipe
    head -c 1000 cutout.png >&7
    in_time compgen -G 'out/.imgtool-*'
    echo mine > out/d.png
    tail -c +1001 cutout.png >&7
    exec 7>&-
    status=0
    wait $! || status=$?
    [ "$status" -eq 73 ] && [ "$(cat out/d.png)" = mine ]
    # By a signal, in the header: the pipe stays open.
    "$BATS_FILE_TMPDIR/without" unnamed imgresize --width 9 -o out/e.png pipe &
    exec 7> pipe
    head -c 40 cutout.png >&7
    in_time compgen -G 'out/.imgtool-*'
    kill -TERM $!
    status=0
    wait $! || status=$?
    exec 7>&-
    [ "$status" -eq 143 ]
    [ -z "$(find . -name '.*imgtool*')" ]
    # What a decoder does, too, is confined.
    LD_PRELOAD=$BATS_FILE_TMPDIR/decoder.so SANDBOX_AT=header SANDBOX_DOES=unlink \
        without unnamed imgresize --width 9 -o out/f.png cutout.png 2> said.txt
    grep -q '^unlink: failed: EACCES' said.txt && [ -e victim ]
}

@test "good: a directory without unnamed files" {
    need_layers
    # overlayfs and friends have them today; what still lacks them is rarely there to be mounted.
    [ "$(id -u)" -eq 0 ] || skip "only root can mount"
    mkdir disk
    truncate -s 256K disk.img
    mkfs.vfat disk.img > /dev/null 2>&1 && mount -o loop disk.img disk 2> /dev/null ||
        skip "no file system without unnamed files can be mounted"
    failed=0
    {
        imgresize --require-sandbox --width 20 -o disk/a.png cutout.png &&
            imgresize --require-sandbox --width 30 -o disk/a.png cutout.png &&
            imginfo --check disk/a.png > /dev/null && [ "$(ls -A disk)" = a.png ]
    } || failed=1
    umount disk
    [ "$failed" -eq 0 ]
}

@test "good: the same in every locale, time zone and number of threads" {
    need_layers
    imgresize --width 100 -o expected.png cutout.png
    for locale in C C.UTF-8 de_DE.UTF-8 ja_JP.eucJP; do
        for zone in UTC Asia/Tokyo :/etc/localtime /nowhere; do
            for threads in 1 2; do
                LC_ALL=$locale TZ=$zone imgresize --require-sandbox --threads $threads --width 100 \
                    -o got.png cutout.png
                cmp expected.png got.png
            done
        done
    done
}

# results FILE COMMAND...: what the tools make of FILE, by way of COMMAND.
results() {
    local file=$1 status
    shift
    for tool in "imginfo --check" "imgresize --width 40 -f pam" "imgcrop -f pam"; do
        status=0
        # shellcheck disable=SC2086
        "$@" $tool "$file" > out.bin 2> err.txt || status=$?
        echo "$tool $file: $status $(cksum < out.bin) $(cksum < err.txt)"
    done
}

@test "good: every file of the corpora gives the same with and without" {
    need_layers
    need_shared corpus
    for file in "$SHARED"/corpus/pngsuite/*.png "$SHARED"/corpus/bombs/*; do
        results "$file" >> with.txt
        results "$file" without landlock,seccomp >> without.txt
    done
    [ "$(wc -l < with.txt)" -gt 500 ]
    diff with.txt without.txt
}
