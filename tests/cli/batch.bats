#!/usr/bin/env bats
# imgtool batch: many jobs. Tools that behave badly are shell scripts beside a copy of imgtool.

load helpers

setup() {
    setup_tools
    export IMGTOOL_RECIPE_DIR=$IMGTOOL_SOURCE/data/recipes
}

# fakes: ./fake/imgtool with an imgcrop that does what its words say. What takes a while waits for
# what the test does: no order of events hangs on how long something takes.
fakes() {
    export -f in_time lines
    export NAP=4242.$BASHPID$RANDOM # nobody else sleeps as long
    mkdir fake
    cp "$(command -v imgtool)" fake/
    cat > fake/imgcrop << 'SCRIPT'
#!/bin/bash
for word; do
    case $word in
    quick) exit 0 ;;
    fail) exit 65 ;;
    no) exit 1 ;;
    busy) exit 75 ;;
    sleep=*) sleep "${word#*=}" ;;
    note=*) echo $$ >> "${word#*=}" ;;
    lines=*) word=${word#*=} && in_time lines "${word%:*}" "${word#*:}" ;;
    hang) sleep $NAP ;;
    stubborn) trap '' TERM; echo >> stubborn; while :; do sleep $NAP; done ;;
    escape) setsid sleep $NAP & setsid setsid sleep $NAP & sleep $NAP ;;
    leave) setsid sleep $NAP & ;;
    die-once=*) mkdir "${word#*=}" 2> /dev/null && kill -9 $$ ;;
    say=*) printf '%b\n' "${word#*=}" >&2 ;;
    threads) echo "threads $IMGTOOL_THREADS" >&2 ;;
    count=*) echo + >> count; in_time lines count "${word#*=}"; sleep 0.1; echo - >> count ;;
    esac
done
exit 0
SCRIPT
    chmod +x fake/imgcrop
}

# job ID WORD...: a job for the fake, as a line.
job() {
    local id=$1
    shift
    printf '{"id":"%s","argv":["crop","--print-box"' "$id"
    [ $# -eq 0 ] || printf ',"%s"' "$@"
    printf ']}\n'
}

# answer ID FILTER: what FILTER finds in the answer to ID in ./answers.
answer() {
    jq -s -e -r --arg id "$1" ".[] | select(.id == \$id) | $2" answers
}

# none_left: no process that a fake started is there any more.
none_left() {
    ! pgrep -f "sleep $NAP\$" > /dev/null
}

# all_are_read: waits until the batch has read what went to descriptor 8.
all_are_read() {
    echo '{"id":"read","ping":true}' >&8
    in_time grep -q '"read"' answers
}

some_left() {
    ! none_left
}

@test "good: recipes, stages, single commands and pings are answered, one line each" {
    cutout in.png
    cat > jobs << 'JOBS'
{"id":"a1","recipe":"product","input":"in.png","output_dir":"out"}
{"id":"a2","input":"in.png","output":"b.webp","stages":[["crop","--padding","5%"],["resize","--width","80"]],"timeout":"10s"}
{"id":"a3","argv":["info","in.png"]}
{"id":4,"argv":["resize","in.png","--width","50","-o","four.png"],"request_id":"r4"}
{"id":"p","ping":true}
JOBS
    imgtool batch < jobs > answers
    [ "$(wc -l < answers)" -eq 5 ]
    [ "$(jq -c .id answers | sort | tr '\n' ' ')" = '"a1" "a2" "a3" "p" 4 ' ]
    [ "$(ls out)" = "$(printf 'in-detail.png\nin-grid.png\nin-processed.png')" ]
    imgtool pipe -i in.png -o same.webp crop --padding 5% : resize --width 80
    cmp b.webp same.webp
    answer a1 '.ok and .passed and .attempts == 1 and .cached == false and .max_rss_kib > 0 and
        .elapsed_ms > 0 and (.outputs | length) == 3 and .metadata.has_shadow and
        .metadata.original_size == [320, 180] and (.stages | length) == 3 and .stages[0].box.width > 0'
    answer a2 '.ok and .outputs[0].path == "b.webp" and .outputs[0].format == "webp"'
    answer a3 '.ok and .result.width == 320 and .outputs == []'
    jq -s -e '.[] | select(.id == 4) | .ok and .request_id == "r4" and .outputs[0].path == "four.png"' answers
    [ "$(grep ping jobs | imgtool batch 2> /dev/null)" = '{"id":"p","ok":true,"pong":true}' ]
}

@test "good: the summary and the exit status say what came of it" {
    fakes
    run --separate-stderr -0 fake/imgtool batch < <(job a quick; job b quick)
    stderr_has "2 jobs: 2 done, 0 failed"
    run --separate-stderr -1 fake/imgtool batch < <(job a quick; job b fail)
    stderr_has "2 jobs: 1 done, 1 failed; 1 internal"
    run --separate-stderr -1 fake/imgtool batch < <(job a no)
    jq -e '.ok and .passed == false' <<< "$output"
    run --separate-stderr -0 fake/imgtool batch -q < <(job a quick)
    [ -z "$stderr" ]
    run --separate-stderr -0 fake/imgtool batch < /dev/null
    [ -z "$output" ]
}

@test "good: --report-fd gets the counts" {
    fakes
    (job a quick; job b fail) | run -1 fake/imgtool batch -q --report-fd 5 5> report > answers
    jq -e '.ok and .result.jobs == 2 and .result.failed == 1' report
}

@test "bad: lines that make no sense are answered with what is wrong, and the batch goes on" {
    fakes
    {
        echo 'nonsense'
        echo '{"id":"cut","argv":'
        echo '[1]'
        echo '{"argv":["crop"]}'
        echo '{"id":{},"argv":["crop"]}'
        echo '{"id":"field","argvs":["crop"]}'
        echo '{"id":"stage","stages":[["corp"]]}'
        echo '{"id":"own","stages":[["pipe"]]}'
        echo '{"id":"word","stages":[["crop",5]]}'
        echo '{"id":"empty","stages":[]}'
        echo '{"id":"two","stages":[["crop"]],"argv":["crop"]}'
        echo '{"id":"none"}'
        echo '{"id":"where","input":"a.png","stages":[["crop"]]}'
        echo '{"id":"stdin","input":"-","output":"a.png","stages":[["crop"]]}'
        echo '{"id":"recipe","recipe":"prodct","input":"a.png"}'
        echo '{"id":"time","argv":["info","a"],"timeout":"soon"}'
        echo '{"id":"twice","id":"twice","argv":["info","a"]}'
        echo '{"id":"nul\u0000","argv":["info","a"]}'
        echo '{"id":"pong","ping":true,"argv":["info"]}'
        printf '{"id":"utf8","argv":["info","\xff"]}\n'
        printf '{"id":"\xff","argv":["info","a"]}\n'
        printf '\n  \r\n'
        printf '{"id":"long","argv":["info","'
        head -c 1100000 /dev/zero | tr '\0' a
        printf '"]}\n'
        job last quick | tr -d '\n'
    } > jobs
    run -1 fake/imgtool batch -q < jobs
    grep '^{' <<< "$output" > answers
    [ "$(wc -l < answers)" -eq 23 ]
    [ "$(jq -s '[.[] | select(.id == null)] | length' answers)" -eq 6 ]
    answer cut '.error.kind == "usage"'
    answer field '.error.hint | contains("argv")'
    answer stage '.error.code == 127 and (.error.hint | contains("crop"))'
    answer own '.error.code == 127'
    answer word '.error.message | contains("word 2 of stage 1")'
    answer where '.error.hint | contains("output")'
    answer recipe '.error.hint | contains("product")'
    answer time '.error.message | contains("soon")'
    answer utf8 '.error.kind == "usage"'
    answer long '.error.kind == "limit"'
    for id in empty two none stdin twice pong; do
        answer $id '.error.code == 64 and .error.retryable == false and .ok == false'
    done
    answer last .ok
}

@test "bad: the error of a stage is told whole" {
    cutout in.png
    head -c 3000 in.png > cut.png
    cat > jobs << 'JOBS'
{"id":"a","input":"cut.png","output":"a.png","stages":[["resize","--width","9"],["crop"]]}
{"id":"b","input":"missing.png","output":"b.png","stages":[["crop"],["resize","--width","9"]]}
{"id":"c","input":"in.png","output":"c.png","stages":[["crop"],["resize","--widht","9"]]}
JOBS
    run --separate-stderr -1 imgtool batch < jobs
    echo "$output" > answers
    answer a '.error | .code == 65 and .kind == "truncated" and .stage == 1 and
        .tool == "imgresize" and .retryable == false'
    answer b '.error | .code == 66 and .stage == 1 and .tool == "imgcrop" and .file == "missing.png"'
    answer c '.error | .code == 64 and .stage == 2'
    stderr_has "[b] imgcrop: missing.png:"
    [ "$(find . -name '?.png')" = "" ]
}

@test "bad: a stage that has told why it fails is to blame, however slow it is to end" {
    fakes
    cat > fake/imgcrop << 'SCRIPT'
#!/bin/bash
echo '{"ok":false,"error":{"code":77,"kind":"limit","message":"too large"}}' >&3
exec sleep "$NAP" >&-
SCRIPT
    printf '#!/bin/bash\ncat > /dev/null\nexit 65\n' > fake/imgresize
    chmod +x fake/imgresize
    echo '{"id":"a","input":"i","output":"o.png","stages":[["crop"],["resize"]]}' > jobs
    run -1 fake/imgtool batch -q < jobs
    jq -e '.error | .code == 77 and .stage == 1 and .message == "too large"' <<< "$output"
    in_time none_left
}

@test "good: --ordered answers in order, else as they end" {
    fakes
    (job slow lines=answers:21; for i in {1..20}; do job $i quick; done; echo '{"id":"bad"}') > jobs
    fake/imgtool batch -q -j 2 < jobs > answers || true
    [ "$(jq -r .id answers | tail -n 1)" = slow ]
    (job slow lines=notes:20; for i in {1..20}; do job $i note=notes; done; echo '{"id":"bad"}') > jobs
    fake/imgtool batch -q -j 2 --ordered < jobs > answers || true
    [ "$(jq -r .id answers | tr '\n' ' ')" = "slow $(seq -s ' ' 20) bad " ]
}

@test "good: never more than -j at once, and --memory-total admits fewer" {
    fakes
    most() { awk '/\+/ { n++ } /-/ { n-- } n > most { most = n } END { print most }' count; }
    for i in {1..12}; do job $i count=3; done > jobs
    fake/imgtool batch -q -j 3 < jobs > answers
    [ "$(wc -l < answers)" -eq 12 ]
    [ "$(most)" -eq 3 ]
    rm count
    for i in {1..6}; do job $i count=1; done > jobs
    fake/imgtool batch -q -j 3 --memory-total 32M < jobs > answers
    # Until the first peak is known only one fits, then as many as did.
    [ "$(head -n 2 count | tr -d '\n')" = +- ]
    [ "$(wc -l < answers)" -eq 6 ]
}

@test "good: --slots holds for jobs, whoever else takes slots" {
    fakes
    mkdir -m 700 slots
    for i in {1..8}; do job $i count=2; done > jobs
    fake/imgtool batch -q -j 4 --slots 2 --slots-dir slots < jobs > answers
    [ "$(wc -l < answers)" -eq 8 ]
    [ "$(awk '/\+/ { n++ } /-/ { n-- } n > most { most = n } END { print most }' count)" -eq 2 ]
    job a hang > jobs
    fake/imgtool batch -q --slots 1 --slots-dir slots --grace 0 < jobs > answers1 3>&- &
    in_time some_left
    job b quick > jobs
    IMGTOOL_SLOTS=1 IMGTOOL_SLOTS_DIR=slots run -1 fake/imgtool batch -q --slot-wait 100ms < jobs
    echo "$output" > answers
    answer b '.error | .kind == "busy" and .code == 75 and .retryable'
    kill %1
    wait %1 || true
    IMGTOOL_SLOTS=1 IMGTOOL_SLOTS_DIR=slots fake/imgtool batch -q < jobs > answers
    answer b .ok
    wait
}

@test "bad: a job that hangs, ignores SIGTERM or forks away is gone in time" {
    fakes
    # Time is counted in whole milliseconds; only who ignores SIGTERM needs the grace.
    (job hang hang; job escape escape) |
        fake/imgtool batch -q -j 3 --timeout 300ms --grace 60s > one || true
    in_time none_left
    # SIGTERM must not come before it is ignored.
    local timeout
    for timeout in 300ms 3s 30s; do
        job stubborn stubborn | fake/imgtool batch -q --timeout $timeout --grace 400ms > two || true
        in_time none_left
        [ ! -e stubborn ] || break
    done
    cat one two > answers
    for id in hang stubborn escape; do
        answer $id '.error | .kind == "timeout" and .code == 124 and .retryable == false'
    done
    answer stubborn '.elapsed_ms > 699 and .elapsed_ms < 59000'
    answer hang '.elapsed_ms > 299 and .elapsed_ms < 59000'
    answer escape '.elapsed_ms > 299 and .elapsed_ms < 59000'
}

@test "good: the job's own timeout counts, and who forked away is gone while the batch goes on" {
    fakes
    {
        echo '{"id":"a","argv":["crop","--print-box","hang"],"timeout":0.1}'
        job b leave
        in_time grep -q '"b"' answers
        in_time none_left && echo none > left
        echo '{"id":"p","ping":true}'
    } | fake/imgtool batch -q --timeout 60s > answers || true
    answer a '.error.kind == "timeout" and .elapsed_ms < 59000'
    answer b .ok
    [ -s left ]
}

@test "good: children from before exec are left alone" {
    fakes
    (job a leave; job b quick) > jobs
    bash -c 'sleep 424.2 & echo $! > before; exec fake/imgtool batch -q < jobs' > answers 3>&-
    kill "$(cat before)"
    in_time none_left
}

@test "good: what may pass next time is tried again, nothing else" {
    fakes
    (job a die-once=a; job b fail; job c busy) | fake/imgtool batch -q > answers || true
    answer a '.attempts == 1 and .error.retryable and (.error.message | contains("signal 9"))'
    rmdir a
    (job a die-once=a; job b fail; job c busy) | fake/imgtool batch -q --retries 3 > answers || true
    answer a '.ok and .attempts == 2'
    answer b '.attempts == 1 and (.error.retryable | not)'
    job t hang | fake/imgtool batch -q --retries 3 --timeout 100ms > answers || true
    answer t '.attempts == 1 and .error.kind == "timeout"'
}

@test "good: --fail-fast begins nothing more" {
    fakes
    (job bad lines=begun:1 fail; job good note=begun lines=answers:1; for i in {1..9}; do job $i; done) > jobs
    run -1 bash -c 'fake/imgtool batch -q -j 2 --fail-fast < jobs > answers'
    answer good .ok
    [ "$(jq -s 'length' answers)" -eq 11 ]
    [ "$(jq -s '[.[] | select(.error.kind == "cancelled" and .error.code == 75 and .error.retryable)] | length' answers)" -eq 9 ]
}

@test "good: SIGTERM answers every accepted id and ends by that signal" {
    fakes
    mkfifo in
    fake/imgtool batch -q -j 2 --grace 3s < in > answers 3>&- &
    pid=$!
    exec 8> in
    (job slow note=begun lines=go:1; job hang hang; for i in {1..9}; do job $i quick; done) >&8
    in_time some_left
    in_time [ -e begun ]
    all_are_read
    kill -TERM $pid
    in_time grep -q '"9".*cancelled' answers
    echo > go
    status=0
    wait $pid || status=$?
    exec 8>&-
    [ "$status" -eq 143 ]
    # Unless the machine stood still for the whole grace.
    answer slow '.ok or .elapsed_ms > 3000'
    answer hang '.error.kind == "cancelled" and .elapsed_ms > 3000 and .elapsed_ms < 59000'
    for id in {1..9}; do
        answer $id '.error.kind == "cancelled" and .error.retryable'
    done
    [ "$(wc -l < answers)" -eq 12 ]
    in_time none_left
}

@test "good: a second signal ends the batch at once, unless it is the same one sent twice" {
    fakes
    mkfifo in
    fake/imgtool batch -q -j 3 --grace 60s < in > answers 3>&- &
    pid=$!
    exec 8> in
    (job slow note=begun lines=go:1; job hang hang; job stubborn stubborn; for i in {1..9}; do job $i quick; done) >&8
    in_time some_left
    in_time [ -e begun ]
    in_time [ -e stubborn ]
    all_are_read
    # As `timeout` does: to the process, and to its group, however long that may take here.
    kill -STOP $pid
    kill -TERM $pid
    kill -HUP $pid
    kill -CONT $pid
    in_time grep -q '"9".*cancelled' answers
    echo > go
    in_time grep -q '"slow"' answers
    some_left
    answer slow .ok
    sleep 0.3
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    exec 8>&-
    [ "$status" -ge 129 ]
    for id in hang stubborn {1..9}; do
        answer $id '.error.kind == "cancelled" and .attempts < 2'
    done
    answer hang '.elapsed_ms < 59000'
    [ "$(wc -l < answers)" -eq 13 ]
    in_time none_left
}

@test "good: kept open it is a pool of workers" {
    fakes
    coproc POOL { exec fake/imgtool batch -q 2> messages; }
    pool=$POOL_PID
    for i in 1 2 3; do
        job $i quick >&"${POOL[1]}"
        read -r -t 60 line <&"${POOL[0]}"
        jq -e --arg id $i '.id == $id and .ok' <<< "$line"
        echo '{"id":"p","ping":true}' >&"${POOL[1]}"
        read -r -t 60 line <&"${POOL[0]}"
        [ "$line" = '{"id":"p","ok":true,"pong":true}' ]
    done
    eval "exec ${POOL[1]}>&-"
    wait $pool
}

@test "good: a ping is answered while jobs wait in front of it" {
    fakes
    coproc POOL { exec fake/imgtool batch -q -j 1 --max-queue 2 --grace 0 2> messages; }
    pool=$POOL_PID
    exec 7<&"${POOL[0]}" # the shell closes its own when the pool ends
    {
        for i in {1..9}; do job $i hang; done
        echo '{"id":"ping","argv":["crop","ping"]}'
        echo '{"id":"p1","ping":true}'
        job 10 hang
    } >&"${POOL[1]}"
    read -r -t 60 line <&"${POOL[0]}"
    [ "$line" = '{"id":"p1","ok":true,"pong":true}' ]
    printf '{"id":"p2","pi' >&"${POOL[1]}"
    sleep 0.1
    echo 'ng":true}' >&"${POOL[1]}"
    read -r -t 60 line <&"${POOL[0]}"
    [ "$line" = '{"id":"p2","ok":true,"pong":true}' ]
    kill -TERM $pool
    cat <&7 > answers
    # Every job that was read is answered, and no ping twice.
    [ "$(jq -r .id answers | sort -n | tr '\n' ' ')" = "ping 1 2 3 4 5 6 7 8 9 10 " ]
}

@test "good: what takes long to hash does not keep anybody waiting" {
    fakes
    truncate -s 200G large.png # minutes
    mkfifo in out
    fake/imgtool batch -q -j 40 --journal journal < in > out 3>&- &
    pid=$!
    exec 8> in 7< out
    for i in {1..40}; do job $i large.png; done >&8
    hashes() { ls -l /proc/$pid/fd 2> /dev/null | grep -q large.png; }
    in_time hashes
    echo '{"id":"p","ping":true}' >&8
    read -r -t 60 line <&7
    [ "$line" = '{"id":"p","ok":true,"pong":true}' ]
    kill -9 $pid
    wait $pid || true
    exec 8>&- 7<&-
}

@test "bad: nobody reads the answers: everything stops, by SIGPIPE" {
    fakes
    mkfifo out
    (job a quick; job b hang; sleep 3) 3>&- | fake/imgtool batch -q -j 2 > out 3>&- &
    pid=$!
    head -n 1 < out > /dev/null
    status=0
    wait $pid || status=$?
    [ "$status" -eq 141 ]
    in_time none_left
    job a quick > jobs
    run --separate-stderr -74 bash -c 'fake/imgtool batch < jobs > /dev/full'
    stderr_has "stdout"
}

@test "good: a reader that is slow does not keep jobs from being ended in time" {
    fakes
    mkfifo out
    (job h note=begun hang; for i in {1..3000}; do printf '{"id":"%s%0200d","ping":true}\n' $i 0; done) > jobs
    fake/imgtool batch -q --timeout 3s < jobs > out 3>&- &
    pid=$!
    exec 7< out
    in_time [ -s begun ]
    in_time gone "$(cat begun)"
    in_time none_left
    cat <&7 > answers
    wait $pid || true
    [ "$(wc -l < answers)" -eq 3001 ]
}

@test "good: input is read only while there is room" {
    need_oracle
    fakes
    ! under_sanitizers || export SANITIZED=1
    "$ORACLE_PYTHON" - << 'PYTHON'
import json, os, subprocess, threading, time
def offer(line, most, *options, seconds=0.7):
    batch = subprocess.Popen(["fake/imgtool", "batch", "-q", "--grace", "0", *options],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    sent = 0
    def feed():
        nonlocal sent
        try:
            while True:
                sent += os.write(batch.stdin.fileno(), line % sent)
        except OSError:
            pass
    threading.Thread(target=feed, daemon=True).start()
    begun = time.monotonic()
    while sent < 70000 and time.monotonic() - begun < 60:  # more than a pipe holds: it reads
        time.sleep(0.02)
    time.sleep(seconds)
    taken = sent
    with open("/proc/%d/status" % batch.pid) as status:
        peak = [int(l.split()[1]) for l in status if l.startswith("VmHWM")][0]
    assert "SANITIZED" in os.environ or peak < 150000, peak
    batch.terminate()
    ids = [json.loads(answer)["id"] for answer in batch.stdout]
    assert taken < most, taken
    assert ids and len(ids) == len(set(ids))
    assert batch.wait() == -15
# No room in the queue.
offer(b'{"id":"%d","argv":["crop","--print-box","hang","' + b"x" * 900 + b'"]}\n', 300000,
      "-j1", "--max-queue", "3")
# Lines that take much more memory than they have bytes.
offer(b'{"id":"%d","argv":["crop","--print-box","hang"' + b',""' * 100000 + b"]}\n", 6000000, seconds=3)
# Nobody reads the answers.
offer(b'{"id":"%d' + b"x" * 900 + b'","ping":true}\n', 1500000)
offer(b'{"id":"%d' + b"x" * 900 + b'","argv":["crop","quick"]}\n', 1500000, "--ordered")
PYTHON
}

@test "good: stderr of jobs comes line by line behind [id], masked; jobs share the processors" {
    fakes
    job $'x' 'say=one\\ntwo\\033[31m' | run --separate-stderr -0 fake/imgtool batch
    (job x 'say=one\\ntwo\\033[31m') > jobs
    run --separate-stderr -0 fake/imgtool batch < jobs
    stderr_has "[x] one"
    stderr_has "[x] two?[31m"
    job z 'say=a\\0000b\\nc' > jobs
    run --separate-stderr -0 fake/imgtool batch < jobs
    stderr_has "[z] a?b"
    stderr_has "[z] c"
    job t threads > jobs
    run --separate-stderr -0 fake/imgtool batch -j 64 < jobs
    stderr_has "[t] threads 1"
    IMGTOOL_THREADS=7 run --separate-stderr -0 fake/imgtool batch -j 64 < jobs
    stderr_has "[t] threads 7"
}

@test "good: stderr of a job comes while it runs, but not what only tells of a failure elsewhere" {
    fakes
    mkfifo in messages
    fake/imgtool batch --grace 0 < in > answers 2> messages 3>&- &
    pid=$!
    exec 8> in 7< messages
    job x say=here hang >&8
    read -r -t 60 line <&7
    [ "$line" = "[x] here" ]
    in_time some_left
    kill -TERM $pid
    wait $pid || true
    exec 8>&- 7<&-
    cutout in.png
    head -c 3000 in.png > cut.png
    echo '{"id":"a","input":"cut.png","output":"a.png","stages":[["crop"],["shadow"],["resize"]]}' > jobs
    # A message is held back for half a second: where a run takes that long it may be any number.
    local start
    for i in {1..10}; do
        start=${EPOCHREALTIME/./}
        run --separate-stderr -1 imgtool batch < jobs
        [ "$(grep -c '^\[a\]' <<< "$stderr")" -eq 1 ] || [ $((${EPOCHREALTIME/./} - start)) -gt 500000 ]
    done
}

@test "bad: a job for the output of one that is not done yet is refused" {
    fakes
    mkdir d
    ln -s d e
    {
        echo '{"id":"a","input":"i","output":"d/x.png","stages":[["crop","lines=go:1"]]}'
        echo '{"id":"b","input":"j","output":"./e/../e/x.png","stages":[["crop"]]}'
        echo '{"id":"c","input":"k","stages":[["crop","--output-template","d/{stem}.png"]]}'
        echo '{"id":"d","input":"x/k","stages":[["crop","--output-template=d/{stem}.png"]]}'
        echo '{"id":"e","argv":["crop","-od/y.png","i"]}'
        echo '{"id":"f","argv":["crop","--output","d/y.png","j"]}'
        in_time lines answers 3 && echo > go
        in_time grep -q '"a"' answers
        echo '{"id":"g","input":"j","output":"d/x.png","stages":[["crop"]]}'
    } | fake/imgtool batch -q -j 1 > answers || true
    for id in a c e g; do answer $id .ok; done
    for id in b d f; do answer $id '.error.kind == "usage" and (.error.message | contains("d/"))'; done
}

@test "good: files instead of JSON" {
    cutout one.png
    cp one.png 'two {x} *.png'
    cp one.png three.png
    imgtool batch -q --files one.png 'two {x} *.png' --mkdir --output-template 'out/{stem}.webp' \
        crop : resize --width 80 > answers
    [ "$(ls out)" = "$(printf 'one.webp\ntwo {x} *.webp')" ]
    answer 'two {x} *.png' .ok
    imgtool pipe -i one.png -o same.webp crop : resize --width 80
    cmp out/one.webp same.webp
    printf '%s\n' one.png three.png > list
    imgtool batch -q --files-from list --output-template '{stem}-{name}-{ext}.jpg' resize --width 9 > answers
    [ -e one-one.png-png.jpg ] && [ -e three-three.png-png.jpg ]
    printf '%s\0' one.png $'new\nline.png' > list
    cp one.png $'new\nline.png'
    imgtool batch -q --files-from - -0 --output-template '{stem}.pam' resize --width 9 < list > answers
    [ -e $'new\nline.pam' ]
    # Stages that name their outputs themselves, tools that make none, and recipes.
    imgtool batch -q --files one.png three.png -- resize --size s=9x --mkdir \
        --output-template 'own/{stem}-{name}.png' > answers
    [ "$(ls own)" = "$(printf 'one-s.png\nthree-s.png')" ]
    imgtool batch -q --files=one.png three.png -- info > answers
    answer three.png '.result.width == 320'
    imgtool batch -q --files one.png --recipe product --output-dir 'p{q}' > answers
    [ -e 'p{q}/one-grid.png' ]
    printf 'crop' > plain.recipe
    imgtool batch -q --files one.png three.png --recipe ./plain.recipe --output-dir plain > answers
    [ "$(ls plain)" = "$(printf 'one.png\nthree.png')" ]
}

@test "bad: files that would write one output, and plans that make no sense, before anything starts" {
    cutout a.png
    mkdir b
    cp a.png b/
    cp a.png a.PNG
    fails 64 imgtool batch --files a.png b/a.png --output-template 'x-{stem}.webp' crop
    stderr_has "both write"
    fails 64 imgtool batch --files a.png a.png --output-template 'x-{name}' crop
    fails 64 imgtool batch --files a.png a.PNG -- resize --size s=9x --output-template 'x-{stem}{name}.png'
    fails 64 imgtool batch --files a.png --output-template 'x-{w}.png' crop
    fails 64 imgtool batch --files a.png --output-template 'x-{stm}.png' crop
    stderr_has "{stem}"
    fails 64 imgtool batch --files a.png -- crop
    fails 127 imgtool batch --files a.png --output-template x.png corp
    fails 64 imgtool batch --files a.png --output-template x.png
    fails 64 imgtool batch --files a.png
    fails 64 imgtool batch --files a.png crop : resize --width 5
    stderr_has "unknown option '--width'; the words behind --files are its own; -- ends them"
    fails 64 imgtool batch crop < /dev/null
    fails 64 imgtool batch --files a.png --files b/a.png -- info
    fails 64 imgtool batch --files a.png --files-from list -- info
    fails 66 imgtool batch --files-from missing -- info
    fails 64 imgtool batch --resume < /dev/null
    fails 64 imgtool batch --shard 3/2 < /dev/null
    fails 64 imgtool batch -j 0 < /dev/null
    [ "$(ls | grep -v separate-stderr)" = "$(printf 'a.PNG\na.png\nb')" ]
}

@test "good: the shards of a batch together do every job once" {
    fakes
    for i in {1..60}; do job $i quick; done > jobs
    for i in 1 2 3; do fake/imgtool batch -q --shard $i/3 < jobs; done > answers
    [ "$(jq -r .id answers | sort -n)" = "$(seq 60)" ]
    fake/imgtool batch --shard 1/3 < jobs 2> messages > answers
    [ "$(wc -l < answers)" -gt 5 ] && [ "$(wc -l < answers)" -lt 40 ]
    grep -q 'left to other shards' messages
}

@test "good: what the journal or the cache knows is answered from there" {
    cutout a.png
    imgresize -q a.png --width 99 -o b.png
    run_batch() { imgtool batch "$@" --files a.png b.png --mkdir --output-template "$out/{stem}.png" crop; }
    out=one run_batch -q --journal j > answers
    out=one run_batch --journal j --resume > again 2> messages
    [ "$(jq -s -c 'map([.ok, .cached, .attempts])' again)" = '[[true,true,0],[true,true,0]]' ]
    grep -q '2 known before' messages
    rm one/a.png
    out=one run_batch -q --journal j --resume > answers
    answer a.png '.cached == false'
    answer b.png '.cached and .outputs[0].path == "one/b.png"'
    out=two run_batch -q --cache c > answers
    answer a.png '.cached == false'
    out=three run_batch -q --cache c --journal k > answers
    answer a.png '.ok and .cached and .outputs[0].path == "three/a.png" and .elapsed_ms > 0'
    diff -r one three
    out=three run_batch -q --journal k --resume > answers
    answer a.png .cached
}

@test "bad: a journal that cannot be written is exit 74, a cache a warning; jobs are done all the same" {
    fakes
    for i in {1..40}; do job $i work-$i; done > jobs
    run --separate-stderr -74 bash -c 'ulimit -f 1; fake/imgtool batch --journal j < jobs'
    [ "$(grep -c '"ok":true' <<< "$output")" -eq 40 ]
    stderr_has "j: the journal cannot be written"
    stderr_has "--resume"
    # What it does have is whole.
    run --separate-stderr -0 fake/imgtool batch --journal j --resume < jobs
    stderr_has " known before"
    (ulimit -f 0 && exec fake/imgtool batch --cache c < jobs 2>&1) | cat > both
    [ "$(grep -c '"ok":true' both)" -eq 40 ]
    [ "$(grep -c ' c: the cache cannot be written' both)" -eq 1 ]
}

@test "good: signals go to the thread that waits for them, whatever was written before" {
    fakes
    mkfifo in
    fake/imgtool batch -q --metrics m.prom < in > answers 3>&- &
    pid=$!
    exec 8> in
    in_time [ -s m.prom ]
    heeds() { # TASK: SIGTERM, bit 14, is not blocked there
        (( !(0x$(awk '/^SigBlk/ { print $2 }' "/proc/$pid/task/$1/status") & 1 << 14) ))
    }
    in_time heeds $pid # whenever it has nothing to do
    local task others=0
    for task in $(ls /proc/$pid/task); do
        [ "$task" -eq $pid ] && continue
        ! heeds "$task" || false
        others=$((others + 1))
    done
    kill -TERM $pid
    exec 8>&-
    wait $pid || true
    [ $others -eq 1 ]
}

@test "good: the same job twice in one batch is done once with a cache" {
    fakes
    for i in {1..6}; do job $i say=done; done > jobs
    fake/imgtool batch -q -j 1 --cache c < jobs > answers 2> messages
    [ "$(jq -r .cached answers | tr '\n' ' ')" = "false true true true true true " ]
    [ "$(cat messages)" = "[1] done" ]
}

@test "good: --progress json and --metrics say how far it is" {
    fakes
    {
        job a quick
        job b fail
        echo '{"id":"c","argv":["crop","--print-box","hang"],"timeout":"200ms"}'
        job d no
    } > jobs
    fake/imgtool batch -j 1 --progress json --metrics m.prom < jobs > answers \
        2> messages || true
    grep '^{' messages | tail -n 1 |
        jq -e '.progress | .answered == 4 and .failed == 2 and .total == 4 and .running == 0'
    grep -qx 'imgtool_batch_jobs_total{result="ok",kind=""} 1' m.prom
    grep -qx 'imgtool_batch_jobs_total{result="no",kind=""} 1' m.prom
    grep -qx 'imgtool_batch_jobs_total{result="failed",kind="timeout"} 1' m.prom
    grep -qx 'imgtool_batch_job_duration_seconds_bucket{le="+Inf"} 4' m.prom
    grep -qx 'imgtool_batch_job_duration_seconds_count 4' m.prom
    grep -qx 'imgtool_batch_running 0' m.prom
    # Every line is a comment or a sample, and no sample comes twice.
    [ "$(grep -vcE '^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.]+)$' m.prom)" -eq 0 ]
    [ "$(grep -v '^#' m.prom | sed 's/ [^ ]*$//' | sort | uniq -d)" = "" ]
    fake/imgtool batch --progress bar < jobs 2> messages > answers || true
    grep -q '4/4' messages
}

@test "good: 2000 jobs: memory and descriptors stay what they were" {
    need_oracle
    fakes
    ln -sf "$(type -P true)" fake/imgcrop
    ! under_sanitizers || export SANITIZED=1
    "$ORACLE_PYTHON" - << 'PYTHON'
import json, os, subprocess, threading
batch = subprocess.Popen(["fake/imgtool", "batch", "-q"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def look():
    with open("/proc/%d/status" % batch.pid) as status:
        rss = [int(l.split()[1]) for l in status if l.startswith("VmRSS")][0]
    return rss, len(os.listdir("/proc/%d/fd" % batch.pid))
def feed():
    for i in range(2000):
        batch.stdin.write(b'{"id":%d,"argv":["crop","--print-box"]}\n' % i)
        batch.stdin.flush()
threading.Thread(target=feed).start()
seen, looks = set(), []
for i in range(2000):
    answer = json.loads(batch.stdout.readline())
    assert answer["ok"] and answer["id"] not in seen
    seen.add(answer["id"])
    if i % 100 == 99:
        looks.append(look())
final = look()
batch.stdin.close()
assert batch.wait() == 0
early, late = looks[1][0], max(l[0] for l in looks[-5:])
if "SANITIZED" not in os.environ:  # which keep what was freed
    assert late < early + 600, looks
    assert late < 16384, looks
assert final[1] <= 12, final
PYTHON
}

@test "good: a storm of kills leaves no process, no partial output, no temporary" {
    # By hand with 500 and 0.2 seconds, not a minute, on a machine with nothing else to do.
    need_oracle
    under_sanitizers && skip "too slow under sanitizers"
    render_png in.png cutout --width 960 --height 540
    "$ORACLE_PYTHON" "$IMGTOOL_SOURCE/tests/cli/storm.py" "$IMGTOOL_BUILD" in.png 50 60
}

@test "good: two shards under GNU parallel, one journal folder, one killed and resumed" {
    need parallel
    fakes
    mkdir journal
    cat > fake/imgcrop << 'SCRIPT'
#!/bin/bash
echo >> done
! lines done 8 || in_time [ -e go ]
SCRIPT
    for i in {1..60}; do job $i own-work-$i; done > jobs
    fake/imgtool batch -q -j 1 --shard 1/2 --journal journal --resume < jobs > first 3>&- &
    pid=$!
    in_time lines first 7
    kill -9 $pid
    wait $pid || true
    [ "$(wc -l < first)" -eq 7 ]
    echo > go
    parallel --will-cite -j 2 "fake/imgtool batch -q -j 1 --shard {}/2 --journal journal --resume \
        < jobs" ::: 1 2 > answers
    [ "$(jq -r .id answers | sort -n)" = "$(seq 60)" ]
    [ "$(jq -r .ok answers | sort -u)" = true ]
    # What the killed one had done was not done again.
    [ "$(jq -r 'select(.cached) | .id' answers | wc -l)" -ge 7 ]
}
