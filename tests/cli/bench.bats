#!/usr/bin/env bats
# scripts/bench: its tables, its command line, and the programs that measure. No test asks for a
# time.

load helpers

bench() {
    "$IMGTOOL_SOURCE/scripts/bench" "$@"
}

parts() {
    "$IMGTOOL_BUILD/tests/bench/parts" "$@"
}

# names FILE: the lines that parts printed, as `bytes name`; a time must be there.
names() {
    awk '$1 > 0 && $2 >= 0 { $1 = $2 = ""; print substr($0, 3) }' "$1"
}

@test "good: each family has someone who does it, each figure names a job and who takes part" {
    run awk -F ' *[|] *' '
        /^#/ || NF < 5 { next }
        FILENAME ~ /jobs/ { family[$1] = $2; small[$1] = $4 ~ /small=/; next }
        FILENAME ~ /contenders/ { done[$1] = 1; who[$1, $2] = 1; next }
        !($1 in family) { print "no job " $1 }
        {
            list = $2 " or " $3
            count = split(list, each, " or ")
            for (i = 1; i <= count; i++)
                if (!((family[$1], each[i]) in who) && each[i] !~ known &&
                    !(small[$1] && each[i] == "1 MP"))
                    print $1 ": nobody is called " each[i]
        }
        END { for (name in family) if (!(family[name] in done)) print "nobody does " name }
    ' known='^(-|every|fastest peer|decode|plain decode|encode as small|libpng level 6|shadow|decode [+] encode|Pillow, blur of (RGBA|alpha))$' \
        "$IMGTOOL_SOURCE"/scripts/bench.d/{jobs,contenders,figures}.txt
    [ "$status" = 0 ]
    [ "$output" = "" ]
}

@test "good: the list names the jobs, the help its options" {
    bench --list --cutouts /nowhere > list
    grep -q '^growth-listing  *16 MP against 1 MP' list
    [ "$(wc -l < list)" = "$(grep -c '^[^#]' "$IMGTOOL_SOURCE/scripts/bench.d/jobs.txt")" ]
    bench --help | grep -q -- '--limits'
}

@test "bad: options, jobs and rounds that are not there" {
    fails 64 bench --no-such
    fails 64 bench --rounds 0 --limits --quick
    fails 64 bench --limits --job
    fails 64 bench --limits --job no-such
}

@test "good: the parts of a job, encoded to as many bytes as the tool writes" {
    cutout
    imgresize -o same.png cutout.png
    parts -i cutout.png cutout.png > lines
    [ "$(names lines)" = "0 plain decode
0 decode
0 copy of the pixels
$(stat -c %s same.png) encode" ]
    imgresize --background white -q -o photo.jpg cutout.png
    imgresize --width 60 -o small.pam photo.jpg
    imgresize --quality 70 -o small.jpg small.pam
    parts -w 60 -f jpeg -q 70 -i photo.jpg -i photo.jpg small.pam > lines
    [ "$(names lines | tail -n 1)" = "$(stat -c %s small.jpg) encode" ]
}

@test "good: a shadow's operation, and the effort that is as small as libpng's level 6" {
    cutout
    parts -s 5 -i cutout.png > lines
    [ "$(names lines | tail -n 1)" = "0 shadow" ]
    parts -z cutout.png > lines
    names lines > named
    grep -q '^[0-9]* libpng level 6$' named
    awk 'NR == 1 { limit = $1 }
        / as small,/ { found++; if ($1 > limit) exit 1 }
        /encode, effort/ && $1 <= limit { exit 1 }
        END { exit found != 1 }' named
}

@test "bad: parts of what is not there, or is no picture" {
    fails 64 parts -f gif
    fails 1 parts -i missing.png
    echo text > text.png
    fails 1 parts -i text.png
    fails 1 parts text.png
}

@test "good: instructions of functions are their own, not those of what they call" {
    need_oracle
    cat > profile << 'CALLGRIND'
# callgrind format
events: Ir
ob=(1) /usr/bin/tool
fl=(1) tool.c
fn=(1) main
10 100
+2 20
cob=(2) /lib/libz.so.1
cfi=(2) ???
cfn=(2) 0x0000000000000a10
calls=3 0
* 5000
fi=(3) inlined.h
4 7
ob=(2)
fl=(2)
fn=(2)
0 4000
0 1000
ob=(1)
fn=(3) second'2
5 6
CALLGRIND
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$IMGTOOL_SOURCE/scripts/bench.d "$ORACLE_PYTHON" -c '
import callgrind
assert callgrind.profile("profile") == {("main", "tool"): 127, ("second", "tool"): 6,
                                        ("(no name)", "libz.so.1"): 5000}'
}
