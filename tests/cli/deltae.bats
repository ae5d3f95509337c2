#!/usr/bin/env bats
# deltae of colours and lists. Published values: Sharma, Wu, Dalal 2005; CSS Color 4.

load helpers

# The 34 pairs of Sharma, Wu, Dalal 2005, table 1, with the published difference as last field.
sharma() {
    cat << 'ROWS'
50.0000,2.6772,-79.7751,50.0000,0.0000,-82.7485,2.0425
50.0000,3.1571,-77.2803,50.0000,0.0000,-82.7485,2.8615
50.0000,2.8361,-74.0200,50.0000,0.0000,-82.7485,3.4412
50.0000,-1.3802,-84.2814,50.0000,0.0000,-82.7485,1.0000
50.0000,-1.1848,-84.8006,50.0000,0.0000,-82.7485,1.0000
50.0000,-0.9009,-85.5211,50.0000,0.0000,-82.7485,1.0000
50.0000,0.0000,0.0000,50.0000,-1.0000,2.0000,2.3669
50.0000,-1.0000,2.0000,50.0000,0.0000,0.0000,2.3669
50.0000,2.4900,-0.0010,50.0000,-2.4900,0.0009,7.1792
50.0000,2.4900,-0.0010,50.0000,-2.4900,0.0010,7.1792
50.0000,2.4900,-0.0010,50.0000,-2.4900,0.0011,7.2195
50.0000,2.4900,-0.0010,50.0000,-2.4900,0.0012,7.2195
50.0000,-0.0010,2.4900,50.0000,0.0009,-2.4900,4.8045
50.0000,-0.0010,2.4900,50.0000,0.0010,-2.4900,4.8045
50.0000,-0.0010,2.4900,50.0000,0.0011,-2.4900,4.7461
50.0000,2.5000,0.0000,50.0000,0.0000,-2.5000,4.3065
50.0000,2.5000,0.0000,73.0000,25.0000,-18.0000,27.1492
50.0000,2.5000,0.0000,61.0000,-5.0000,29.0000,22.8977
50.0000,2.5000,0.0000,56.0000,-27.0000,-3.0000,31.9030
50.0000,2.5000,0.0000,58.0000,24.0000,15.0000,19.4535
50.0000,2.5000,0.0000,50.0000,3.1736,0.5854,1.0000
50.0000,2.5000,0.0000,50.0000,3.2972,0.0000,1.0000
50.0000,2.5000,0.0000,50.0000,1.8634,0.5757,1.0000
50.0000,2.5000,0.0000,50.0000,3.2592,0.3350,1.0000
60.2574,-34.0099,36.2677,60.4626,-34.1751,39.4387,1.2644
63.0109,-31.0961,-5.8663,62.8187,-29.7946,-4.0864,1.2630
61.2901,3.7196,-5.3901,61.4292,2.2480,-4.9620,1.8731
35.0831,-44.1164,3.7933,35.0232,-40.0716,1.5901,1.8645
22.7233,20.0904,-46.6940,23.0331,14.9730,-42.5619,2.0373
36.4612,47.8580,18.3852,36.2715,50.5065,21.2231,1.4146
90.8027,-2.0831,1.4410,91.1528,-1.6435,0.0447,1.4441
90.9257,-0.5406,-0.9208,88.6381,-0.8985,-0.7239,1.5381
6.7747,-0.2908,-2.4247,5.8714,-0.0985,-2.2286,0.6377
2.0776,0.0795,-1.1350,0.9033,-0.0636,-0.5514,0.9082
ROWS
}

is() { # EXPECTED COMMAND...
    local expected=$1 found
    shift
    found=$("$@") || return 1
    [ "$found" = "$expected" ] || {
        printf 'expected %s, found %s: %s\n' "$expected" "$found" "$*" >&2
        return 1
    }
}

@test "colours: one number with four decimals, one for each of several" {
    is 72.1805 deltae red green
    is 0.0000 deltae RED '#f00'
    is 2.0425 deltae 'lab-d65(50 2.6772 -79.7751)' 'lab-d65(50 0 -82.7485)'
    is $'72.1805\n52.8782\n0.0000' deltae red green blue 'rgb(100% 0% 0%)'
    is 0.0000 deltae ral3020 'RAL 3020'
}

@test "colours: formulas, factors and white" {
    # culori 4.0.2 and colorjs.io 0.7.1.
    while read -r formula expected; do
        is "$expected" deltae --formula "$formula" '#ff0000' '#e25304'
    done << 'ROWS'
2000 9.4984
76 27.2566
94 7.5648
94t 7.6368
cmc 12.0945
din99o 8.8664
ok 0.0807
hyab 28.4080
itp 62.8656
cam16 13.5575
ROWS
    # colour-science: Lab pairs, textiles.
    is 1.1772 deltae --formula din99 'lab-d65(60.2574 -34.0099 36.2677)' 'lab-d65(60.4626 -34.1751 39.4387)'
    is 1.2157 deltae --formula din99 --kl 2 --kc 0.5 'lab-d65(60.2574 -34.0099 36.2677)' \
        'lab-d65(60.4626 -34.1751 39.4387)'
    is 95.7921 deltae --kl 2 'lab-d65(100 21.57210357 272.2281935)' 'lab-d65(50 426.67945353 72.39590835)'
    is 20.5973 deltae --formula cmc --cmc 1:1 'lab-d65(100 21.57210357 272.22819350)' \
        'lab-d65(100 74.05216981 276.45318193)'
    # CSS lab() is D50, so that its numbers count as they are only under that white.
    is 2.0425 deltae --white d50 'lab(50 2.6772 -79.7751)' 'lab(50 0 -82.7485)'
    [ "$(deltae 'lab(50 2.6772 -79.7751)' 'lab(50 0 -82.7485)')" != 2.0425 ]
}

@test "colours: the first is the reference" {
    forth=$(deltae --formula 94 'lab-d65(50 60 0)' 'lab-d65(50 10 0)')
    back=$(deltae --formula 94 'lab-d65(50 10 0)' 'lab-d65(50 60 0)')
    # 50 / (1 + 0.045 * 60) and 50 / (1 + 0.045 * 10)
    [ "$forth" = 13.5135 ]
    [ "$back" = 34.4828 ]
}

@test "colours: translucent ones over white and black, the larger difference" {
    # Half of white over black is #808080, to half a step.
    over_black=$(deltae '#808080' white)
    is "$over_black" deltae '#ffffff80' white
    over_white=$(deltae '#7f7f7f' black)
    is "$over_white" deltae '#00000080' black
    is 100.0000 deltae transparent white
    is 0.0000 deltae '#00000000' '#ffffff00'
}

@test "colours: JSON says what was compared" {
    deltae --json red '#008000' > out
    [ "$(wc -l < out)" = 1 ]
    jq -e '.ok and .tool == "deltae" and .result.formula == "2000" and .result.white == "d65" and
           (.result.de * 10000 | round) == 721805 and .result.passed == null and
           .result.a.color == "red" and .result.a.hex == "#ff0000" and
           (.result.a.lab[0] * 1e6 | round) == 53237116 and .result.b.hex == "#008000"' out
    deltae --json --white d50 '#f008' white | jq -e '(.result.a.lab[0] * 1e6 | round) == 54290541 and
           .result.a.hex == "#ff000088" and .result.white == "d50"'
    deltae --json --max 60 red green blue > out || [ $? = 1 ]
    [ "$(jq -c .result.passed out | xargs)" = "false true" ]
    [ "$(deltae --json 'color(display-p3 0 1 0)' lime | jq .result.a.in_gamut)" = false ]
}

@test "colours: verdicts" {
    deltae --max 73 red green
    run -1 --separate-stderr deltae --max 72 red green
    [ "$output" = 72.1805 ]
    stderr_has "max 72.1805 exceeds --max 72"
    run -1 --separate-stderr deltae --max 60 red green blue
    stderr_has "deltae: green: max 72.1805"
    run -1 deltae --max 60 red blue green
    run -1 deltae --max-mean 1 red green
    run -1 deltae --max-fraction 0 red green
    deltae --tolerance 73 --max-fraction 0 red green
}

@test "bad: colours say what is wrong and where" {
    fails 64 deltae '#12x456' red
    stderr_has "'#12x456': 'x' at position 4 is not a hexadecimal digit"
    fails 64 deltae red rebecapurple
    stderr_has "did you mean 'rebeccapurple'?"
    fails 64 deltae 'RAL 3021' red
    stderr_has "did you mean 'RAL 3020'?"
    fails 64 deltae 'rbg(1 2 3)' red
    stderr_has "did you mean 'rgb()'?"
    fails 64 deltae 'rgb(1, 2 3)' red
    stderr_has "'3' at position 10 is not a comma"
    fails 64 deltae 'lab-d65(101 0 0)' red
    stderr_has "L of 101 at position 9 is out of range 0 to 100"
    fails 64 deltae '' red
    fails 64 deltae red
    fails 64 deltae
    fails 66 deltae nosuch.png red
    stderr_has "nosuch.png: cannot be opened"
    fails 66 deltae ./red red
    fails 66 deltae qwertz red
    stderr_has "qwertz: is no colour and cannot be opened"
    touch red qwertz
    is 0.0000 deltae red red
    fails 64 deltae ./red red
    stderr_has "'./red' is an image and 'red' is a colour"
    fails 64 deltae red qwertz
}

@test "bad: options that mean nothing here" {
    fails 64 deltae --kl 2 --formula 76 red blue
    fails 64 deltae --kh 2 --formula din99 red blue
    fails 64 deltae --cmc 2:1 red blue
    fails 64 deltae --formula cmc --cmc 2 red blue
    fails 64 deltae --formula cmc --cmc 0:1 red blue
    fails 64 deltae --formula 2001 red blue
    fails 64 deltae --max nan red blue
    fails 64 deltae --tolerance inf red blue
    fails 64 deltae --max=-1 red blue
    fails 64 deltae --mask x.png red blue
    fails 64 deltae --heatmap x.png red blue
    fails 64 deltae --ignore 1x1+0+0 red blue
    fails 64 deltae --ignore 1x1 red blue
    fails 64 deltae --pairs x.csv red
    fails 64 deltae --json -o x red blue
    [ ! -e x ]
}

@test "list: every published pair, both ways" {
    sharma | cut -d, -f1-6 > forth.csv
    awk -F, -v OFS=, '{ print $4, $5, $6, $1, $2, $3 }' forth.csv > back.csv
    for name in forth back; do
        deltae --pairs $name.csv | cut -d, -f7 > $name.out
        diff $name.out <(sharma | cut -d, -f7)
    done
    # Nothing but the new field is changed.
    deltae --pairs forth.csv | cut -d, -f1-6 | cmp - forth.csv
}

@test "list: the published values of the other formulas" {
    need_shared reference
    need_oracle
    "$ORACLE_PYTHON" - "$SHARED/reference/deltae-published.csv" << 'PYTHON'
import csv, subprocess, sys
names = {"CIE94": "94", "CIEDE2000": "2000", "CMC": "cmc", "DIN99": "din99"}
rows = [r for r in csv.DictReader(l for l in open(sys.argv[1]) if l[0] != "#") if r["method"] in names]
assert len(rows) == 24
for r in rows:
    command = ["deltae", "--formula", names[r["method"]], "--pairs", "-", "--json"]
    if r["option"].startswith("textiles"):
        command += {"CIE94": ["--formula", "94t"], "CIEDE2000": ["--kl", "2"],
                    "DIN99": ["--kl", "2", "--kc", "0.5"]}[r["method"]]
    if r["option"] == "l=1":
        command += ["--cmc", "1:1"]
    row = ",".join(r[k] for k in ("x1", "y1", "z1", "x2", "y2", "z2"))
    import json
    out = json.loads(subprocess.run(command, input=row, capture_output=True, text=True).stdout)
    assert abs(out["result"]["max"] - float(r["expected"])) < 1e-8, (r, out)
PYTHON
}

@test "list: colours in any notation, quoted or not" {
    cat > in.csv << 'ROWS'
red,green
#ff0000,#008000
"rgb(255, 0, 0)",green
rgb(255, 0, 0),rgb(0, 128, 0)
 RAL 3020 , ral3020
ROWS
    deltae --pairs in.csv > out.csv
    [ "$(head -3 out.csv | awk -F, '{ print $NF }' | sort -u)" = 72.1805 ]
    [ "$(sed -n 3p out.csv)" = '"rgb(255, 0, 0)",green,72.1805' ]
    [ "$(sed -n 4p out.csv)" = 'rgb(255, 0, 0),rgb(0, 128, 0),72.1805' ]
    [ "$(sed -n 5p out.csv)" = ' RAL 3020 , ral3020,0.0000' ]
    # The short way for hex colours and the general one agree.
    deltae --white d50 --formula cmc --pairs <(printf '#012345,#AbCdEf\n#012345,#AbCdEf\n#012345, #abcdef\n') > out
    [ "$(awk -F, '{ print $NF }' out | sort -u | wc -l)" = 1 ]
    is "$(deltae --white d50 --formula cmc '#012345' '#abcdef')" awk -F, 'NR == 2 { print $NF }' out
}

@test "list: separators, line ends, heading, comments, blank lines" {
    printf 'red\tgreen\r\n\r\n' | deltae --pairs - > out
    printf 'red\tgreen\t72.1805\r\n\r\n' | cmp - out
    printf '\xef\xbb\xbfone;two\nred;green\n# red;green\n\nred;rgb(0, 128, 0)' | deltae --pairs - > out
    printf '\xef\xbb\xbfone;two;de\nred;green;72.1805\n# red;green\n\nred;rgb(0, 128, 0);72.1805\n' |
        cmp - out
    # Columns by name.
    printf 'id,b2,a2,L2,b1,a1,L1\nx,-82.7485,0,50,-79.7751,2.6772,50\n' | deltae --pairs - > out
    [ "$(tail -1 out)" = 'x,-82.7485,0,50,-79.7751,2.6772,50,2.0425' ]
    printf 'sample,note,Reference\ngreen,x,red\n' | deltae --formula cmc --pairs - > out
    [ "$(tail -1 out)" = "green,x,red,$(deltae --formula cmc red green)" ]
    : | deltae --pairs - > out
    [ ! -s out ]
}

@test "list: a bad row is named, keeps its line, and does not end the run" {
    printf 'red,blue\nred,blu\n#12x456,#fff\n50,1,2,60,1\n150,0,0,1,1,1\n50,0,0,x,1,1\n50,0,0,50,0,5000\nred\0,blue\n"red,blue\nrgb(1,2 3),red\n1e2,0,0,+1.0e+2,0,0\n' > in.csv
    run -65 --separate-stderr deltae --pairs in.csv -o out.csv
    [ "$(wc -l < out.csv)" = 11 ]
    [ "$(tail -1 out.csv)" = '1e2,0,0,+1.0e+2,0,0,0.0000' ]
    [ "$(sed -n 2p out.csv)" = 'red,blu,' ]
    stderr_has "deltae: in.csv:2: 'blu': no such colour (did you mean 'blue'?)"
    stderr_has "in.csv:3: '#12x456': 'x' at position 4 is not a hexadecimal digit"
    stderr_has "in.csv:4: 5 fields, two colours or six Lab numbers are expected"
    stderr_has "in.csv:5: L1 is 150, out of range 0 to 100"
    stderr_has "in.csv:6: L2 is 'x', not a number"
    stderr_has "in.csv:7: b2 is 5000, out of range -1000 to 1000"
    stderr_has "in.csv:8: a NUL byte"
    stderr_has "in.csv:9: a quote is not closed"
    stderr_has "in.csv:10: 'rgb(1,2 3)': '3' at position 9 is not a comma"
    stderr_has "deltae: in.csv: 9 bad rows"
    run -65 --separate-stderr deltae --json --pairs in.csv
    jq -e '.ok == false and .error.code == 65 and .result.rows == 2 and .result.bad == 9' <<< "$output"
    # A mistyped first row is no heading.
    printf '#12x456,#fff\n' | fails 65 deltae --pairs -
    printf 'rgb(1 2),#fff\n' | fails 65 deltae --pairs -
}

@test "list: figures and verdicts" {
    seq 0 100 | awk '{ printf "0,0,0,%s,0,0\n", $1 }' > in.csv
    deltae --formula 76 --json --pairs in.csv > out
    jq -e '.ok and (.result | .rows == 101 and .bad == 0 and .mean == 50 and .median == 50 and
           .p95 == 95 and .p99 == 99 and .max == 100 and .passed == null) and
           (.result.over * 101 | round) == 98' out
    deltae --formula 76 --json --pairs in.csv --max 100 --max-mean 50 --max-p95 95 \
        --tolerance 50 --max-fraction 0.5 | jq -e '.result.passed and .result.tolerance == 50'
    for limit in "--max 99.9" "--max-mean 49.9" "--max-p95 94.9" "--max-fraction 97%"; do
        run -1 --separate-stderr deltae --formula 76 --pairs in.csv $limit
        [ "${#lines[@]}" = 101 ]
        stderr_has "exceeds ${limit% *}"
    done
    # Beyond what is kept exactly: 200001 rows.
    awk 'BEGIN { for (i = 0; i <= 200000; i++) printf "0,0,0,%.4f,0,0\n", i / 2000 }' > large.csv
    deltae --formula 76 --json --pairs large.csv | jq -e '.result | .rows == 200001 and
        (.p95 - 95 | fabs) < 0.02 and (.median - 50 | fabs) < 0.01 and (.mean - 50 | fabs) < 1e-6'
    yes 0,0,0,1,0,0 | head -100000 | deltae --formula 76 --max-p95 1 --pairs - > out
    [ "$(wc -l < out)" = 100000 ]
}

@test "list: one without rows is no silent pass" {
    printf 'color1,color2\n' > in.csv
    run --separate-stderr -0 deltae --pairs in.csv --max 1
    stderr_has "in.csv: has no rows to compare"
}

@test "list: JSON has stdout for itself, the rows go to -o" {
    printf 'red,green\n' > in.csv
    deltae --json --pairs in.csv | jq -e .ok
    deltae --json --pairs in.csv -o out.csv | jq -e '.result.rows == 1'
    [ "$(cat out.csv)" = red,green,72.1805 ]
    deltae --pairs in.csv --report-fd 3 3> report | cmp - out.csv
    jq -e '.result.rows == 1' report
}

@test "list: decimal commas where tabs or semicolons separate, and then in the answer too" {
    list='L1,a1,b1,L2,a2,b2|50,2.6772,-79.7751,50,0,-82.7485|60.5,1.25,-3,58.75,0,0|50,0,0,50.0,0,0'
    tr '|' '\n' <<< "$list" > points.csv
    deltae --pairs points.csv > expected.csv
    [ "$(sed -n '2s/.*,//p' expected.csv)" = 2.0425 ]
    for separator in ';' '\t'; do
        tr ',.' "$separator," < points.csv > commas.csv
        deltae --pairs commas.csv > out.csv
        tr ',.' "$separator," < expected.csv | cmp - out.csv
        # Without the heading the first row shows it, and fields may be quoted.
        sed -i -e 1d -e 's/-3/"-3,0"/' commas.csv
        deltae --pairs commas.csv | sed 's/"-3,0"/-3/' > out.csv
        tr ',.' "$separator," < expected.csv | tail -n +2 | cmp - out.csv
        tr , "$separator" < points.csv > points.tsv
        deltae --pairs points.tsv > out.csv
        tr , "$separator" < expected.csv | cmp - out.csv
    done
    # More rows than are looked at ahead, by one thread and several.
    { printf 'L1;a1;b1;L2;a2;b2\n'; yes '60,5;1,25;-3;58,75;0;0' | head -5000 || true; } > many.csv
    deltae --threads 1 --pairs many.csv > one.csv
    deltae --threads 4 --pairs many.csv | cmp - one.csv
    difference=$(sed -n '3s/.*,//p' expected.csv)
    [ "$(tail -n +2 one.csv | sort -u)" = "60,5;1,25;-3;58,75;0;0;${difference/./,}" ]
}

@test "bad: numbers of lists with two points, and commas that separate and more" {
    printf '60,5;1,2,3;0;50;0;0\n1.234,5;0;0;50;0;0\n60,5;0;0;50;0;0x\n150,5;0;0;50;0;0\n' > in.csv
    run -65 --separate-stderr deltae --pairs in.csv -o out.csv
    stderr_has "in.csv:1: a1 is '1,2,3', not a number"
    stderr_has "in.csv:2: L1 is '1.234,5', not a number"
    stderr_has "in.csv:3: b2 is '0x', not a number"
    stderr_has "in.csv:4: L1 is 150.5, out of range"
    printf '"60,5",1,2,50,0,0\n' > in.csv
    run -65 --separate-stderr deltae --pairs in.csv -o out.csv
    stderr_has "in.csv:1: L1 is '60,5', not a number"
}

@test "list: answers as soon as the input pauses" {
    coproc LIST { deltae --pairs -; }
    pid=$LIST_PID
    echo 'red,green' >&"${LIST[1]}"
    read -r -t 60 -u "${LIST[0]}" line
    [ "$line" = red,green,72.1805 ]
    echo '50,2.6772,-79.7751,50,0,-82.7485' >&"${LIST[1]}"
    read -r -t 60 -u "${LIST[0]}" line
    [ "${line##*,}" = 2.0425 ]
    exec {LIST[1]}>&-
    wait "$pid"
}

@test "list: constant memory" {
    under_sanitizers && skip "sanitizers use more memory"
    yes 50,2.6772,-79.7751,50,0,-82.7485 | head -1000000 > in.csv || true
    [ "$(peak_kib deltae --pairs in.csv)" -lt 20000 ]
}

@test "bad: lists" {
    fails 66 deltae --pairs nosuch.csv
    fails 66 deltae --pairs .
    stderr_has "is a directory, a list is expected"
    head -c 3000000 /dev/zero > zero
    fails 65 deltae --pairs zero -o out.csv
    stderr_has "line 1 is longer than 1 MiB"
    [ ! -e out.csv ]
    printf 'red,green\n' > in.csv
    fails 64 deltae --pairs in.csv -o in.csv
    [ "$(cat in.csv)" = red,green ]
    fails 74 deltae --pairs in.csv -o /dev/full
    fails 64 deltae --pairs in.csv --mask x.png
    fails 77 deltae --pairs in.csv --max-input-bytes 5
    touch old
    fails 73 deltae --pairs in.csv --no-clobber -o old
    # A row of nearly a MiB is a row.
    { printf 'red,"'; head -c 1000000 /dev/zero | tr '\0' x; printf '"\n'; } > long.csv
    fails 65 deltae --pairs long.csv
    stderr_has "long.csv:1:"
}
