#!/usr/bin/env bats
# ralmatch: the nearest colours of RAL and of catalogues of one's own.

load helpers

tab=$'\t'

ral_oracle() {
    need_oracle
    "$ORACLE_PYTHON" "$IMGTOOL_SOURCE/tests/cli/oracle_ral.py" "$@"
}

# stripes NAME COLOR...: a picture of stripes.
stripes() {
    need_oracle
    "$ORACLE_PYTHON" - "$@" << 'PYTHON'
import sys
from PIL import Image
name, *colors = sys.argv[1:]
image = Image.new("RGBA", (len(colors) * 20, 30))
for i, color in enumerate(colors):
    image.paste(Image.new("RGBA", (20, 30), color), (i * 20, 0))
image.save(name)
PYTHON
}

@test "good: one colour, one line of code, name, hex and difference" {
    [ "$(ralmatch '#5E6E3B')" = "RAL 6025${tab}Fern green${tab}#5E6E3B${tab}0.17" ]
    [ "$(ralmatch 'lab-d65(94.843 -0.921 3.28)')" = "RAL 9016${tab}Traffic white${tab}#F1F1EA${tab}0.00" ]
    [ "$(ralmatch --set effect '#E6E7E6')" = "RAL 110-1${tab}${tab}#E6E7E6${tab}0.00" ]
    [ "$(ralmatch 'ral 3020' | cut -f1)" = "RAL 3020" ]
}

@test "good: as an oracle that compares with every colour, all sets and finishes" {
    ral_oracle random 60 1 > list
    grep -o '#[0-9A-F]\{6\}' "$IMGTOOL_SOURCE/data/ral-classic.csv" | sed -n 2~9p >> list
    for choice in "classic solid 1" "classic all 3" "design solid 2" "effect solid 1" "all all 2"; do
        read -r set finish top <<< "$choice"
        ral_oracle match "$IMGTOOL_SOURCE/data" "$set" "$finish" "$top" < list > expected
        ralmatch --set "$set" --finish "$finish" -n "$top" < list > found
        diff expected found
    done
}

@test "good: --code says what a code looks like, in all sets" {
    [ "$(ralmatch --code 6011)" = "RAL 6011${tab}Reseda green${tab}#6B7C59${tab}solid" ]
    [ "$(ralmatch --code ral3020 | cut -f3)" = "#BB1F11" ]
    [ "$(ralmatch --code ' RAL 010 20 25 ' | cut -f2)" = "Rusty red" ]
    [ "$(ralmatch --code 110-m)" = "RAL 110-M${tab}${tab}#A0A2A4${tab}metallic" ]
    [ "$(ralmatch --code 1026 | cut -f4)" = fluorescent ]
    [ "$(ralmatch --json --code 6011 | jq -c '.result.matches[0] | [.set,.code,.name_de,.hex,.de]')" = \
        '["classic","6011","Resedagrün","#6B7C59",null]' ]
}

@test "good: --list has all 2,531 colours, as the tables have them" {
    [ "$(ralmatch --list | wc -l)" -eq 216 ]
    [ "$(ralmatch --list --finish solid | wc -l)" -eq 193 ]
    ralmatch --list --set all > all
    [ "$(wc -l < all)" -eq 2531 ]
    for set in classic design effect; do
        file=$IMGTOOL_SOURCE/data/ral-$set.csv
        ralmatch --list --set $set | cut -f1,3 | sed 's/^RAL //' > found
        column=4
        [ $set != effect ] || column=2
        grep -v '^#' "$file" | tail -n +2 | cut -d, -f1,$column | tr , "$tab" | diff - found
    done
    for code in $(cut -f1 all | sed -n 's/^RAL //; s/ /_/g; 1~90p'); do
        [ "$(ralmatch --code "${code//_/ }" | cut -f1)" = "RAL ${code//_/ }" ]
    done
    [ "$(ralmatch --list --json --set effect | jq '.result.matches | length')" -eq 490 ]
}

@test "good: several colours: each line starts with what was asked" {
    ralmatch -n 2 '#4d6f39' '  rgb( 1  2   3 ) ' > out
    [ "$(cut -f1 out | uniq -c | tr -s ' ')" = " 2 #4d6f39
 2 rgb( 1 2 3 )" ]
    [ "$(head -1 out | cut -f2-)" = "$(ralmatch '#4d6f39')" ]
    ralmatch --json red blue > out
    [ "$(jq -c '[.ok,.result.query]' out)" = '[true,"red"]
[true,"blue"]' ]
}

@test "good: gap and ambiguity; neighbours are close" {
    [ "$(ralmatch --json 'RAL 3001' | jq -c '.result | [.matches[0].code,.gap,.ambiguous]')" = '["3001",0.3477,true]' ]
    [ "$(ralmatch --json 'RAL 5002' | jq -c '.result | [.gap > 1, .ambiguous]')" = '[true,false]' ]
    ralmatch --json -n 5 red | jq -e '.result | .gap - (.matches[1].de - .matches[0].de) | fabs < 2e-4'
    printf 'name,hex\nonly,red\n' > one.csv
    [ "$(ralmatch --json --catalogue one.csv blue | jq -c '.result | [.gap,.ambiguous,.matches[0].set]')" = '[null,false,null]' ]
}

@test "good: --max-de: nothing near enough is exit 1, and nothing is printed" {
    [ "$(ralmatch --max-de 0.5 'RAL 3020' | wc -l)" -eq 1 ]
    run -1 ralmatch --max-de 0.5 red
    [ -z "$output" ]
    run -1 ralmatch --json --max-de 0.5 red
    [ "$(jq -c '[.ok,.result.matches,.result.gap,.result.ambiguous]' <<< "$output")" = '[true,[],null,false]' ]
    printf 'RAL 3020\nred\nRAL 5010\n' > list
    run -1 ralmatch --max-de 0.5 - < list
    [ "${#lines[@]}" -eq 2 ]
    run -1 ralmatch --max-de 0.5 red 'RAL 3020'
    [ "${#lines[@]}" -eq 1 ]
}

@test "good: other formulas" {
    for formula in 2000 76 94 94t cmc din99 din99o ok hyab itp cam16; do
        ralmatch --formula $formula 'RAL 5010' | grep -q "^RAL 5010.*0.00$"
    done
    [ "$(ralmatch --formula 76 '#808080')" != "$(ralmatch '#808080')" ]
}

@test "good: a list: comments, blank lines, CR LF, a byte order mark, no end of line" {
    printf '\xef\xbb\xbf# colours\r\n\r\n  #fff\r\n\tRAL 3020 \r\nrgb(1, 2, 3)' > list
    ralmatch list > out
    [ "$(cut -f1 out)" = "#fff
RAL 3020
rgb(1, 2, 3)" ]
    ralmatch - < list | diff - out
    ralmatch -i list | diff - out
    cat list | ralmatch | diff - out
    ralmatch -o file list
    diff file out
    [ "$(ralmatch --json < list | jq -c '[.result.line,.result.query]' | tail -1)" = '[5,"rgb(1, 2, 3)"]' ]
}

@test "bad: a line that is no colour is told with its number, the others go on, exit 65" {
    printf 'red\nrde\nblue\n#12345\n' > list
    fails 65 ralmatch list
    stderr_has "ralmatch: list: line 2: 'rde': no such colour (did you mean 'red'?)"
    stderr_has "list: line 4: '#12345': 5 digits"
    [ "${#lines[@]}" -eq 2 ]
    run -65 --separate-stderr ralmatch --json - < list
    [ "$(jq -c '[.ok,.error.code,.result.line]' <<< "$output" | tr '\n' ' ')" = \
        '[true,null,1] [false,65,null] [true,null,3] [false,65,null] ' ]
    run -65 --separate-stderr ralmatch --max-de 0.1 list
    [ -z "$output" ]
}

@test "good: a long list: every line in its place, however many threads write them" {
    seq 3000 | awk '{ printf($1 % 700 == 0 ? "none%d\n" : "#%06x\n", $1 * 5003) }' > list
    for threads in 1 2 5; do
        run -65 --separate-stderr ralmatch --threads "$threads" list
        echo "$output" > "found-$threads"
        [ "$(grep -o 'line [0-9]*' <<< "$stderr" | tr '\n' ' ')" = "line 700 line 1400 line 2100 line 2800 " ]
    done
    cmp found-1 found-2
    cmp found-1 found-5
    cut -f1 found-1 | cmp - <(grep '#' list)
    # In JSON one thread has the say, and few colours at a time go another way, too.
    ralmatch --json list | jq -r '.result.matches[]? | "\(.code)\t\(.name_en)\t\(.hex)"' | sed 's/^/RAL /' > json
    cut -f2-4 found-1 | cmp - json
    for start in 1 1001 2701; do
        tail -n +$start list | head -200 | grep '#' | ralmatch > few
        head -1 few | grep -qxFf - found-1
        [ "$(grep -cxFf few found-1)" -eq "$(wc -l < few)" ]
    done
    [ -z "$(grep '#' list | ralmatch --max-de 0.001 || true)" ]
}

@test "good: a program may send a colour and wait for its match" {
    coproc ralmatch
    pid=$COPROC_PID
    for color in red blue 'RAL 6011'; do
        echo "$color" >&"${COPROC[1]}"
        read -r -t 60 line <&"${COPROC[0]}"
        [ "${line%%"$tab"*}" = "$color" ]
    done
    exec {COPROC[1]}>&-
    wait "$pid"
}

@test "good: long lists cost no memory" {
    under_sanitizers && skip "memory is not our own"
    yes '#123456' | head -300000 > list || true
    [ "$(peak_kib ralmatch list)" -lt 16000 ]
}

@test "good: an image: the dominant colours of its opaque part, with shares" {
    stripes a.png '#bb1f11' '#bb1f11' '#6b7c59' '#00000000'
    ralmatch a.png > out
    [ "$(cut -f1,2,6 out)" = "#BB1F11${tab}RAL 3020${tab}0.667
#6B7C59${tab}RAL 6011${tab}0.333" ]
    cat a.png | ralmatch | diff - out
    ralmatch < a.png | diff - out
    ralmatch <(cat a.png) | diff - out
    ralmatch -i a.png | diff - out
    [ "$(ralmatch --colors 1 a.png | wc -l)" -eq 1 ]
    ralmatch --json a.png > one
    [ "$(jq -c '[.input.path,.input.width,.result.matches[0].code,.result.colors[1].matches[0].code,.result.colors[1].share]' one)" = \
        '["a.png",80,"3020","6011",0.3333]' ]
    [ "$(cat a.png | ralmatch --json | jq -c .input.path)" = '"-"' ]
    for format in jpeg webp pam; do
        imgresize -q -f $format -o a.$format a.png
        cat a.$format | ralmatch --colors 1 | cut -f2 > format.$format
    done
    [ "$(cat format.webp format.pam)" = "RAL 3020
RAL 3020" ]
}

@test "good: colours, images and lists together" {
    stripes a.png '#bb1f11'
    echo blue > list
    ralmatch white a.png list > out
    [ "$(cut -f1,2,6,7 out)" = "white${tab}RAL 9016
#BB1F11${tab}RAL 3020${tab}1.000${tab}a.png
blue${tab}$(ralmatch blue | cut -f1)" ]
    run -66 --separate-stderr ralmatch missing.png white
    [ "${lines[0]}" = "white${tab}$(ralmatch white)" ]
    run -66 --separate-stderr ralmatch --json white missing.png a.png
    [ "$(jq -c .ok <<< "$output" | tr '\n' ' ')" = 'true false true ' ]
}

@test "bad: a fully transparent image, an empty input, what is neither image nor list" {
    stripes t.png '#00000000'
    fails 65 ralmatch t.png
    stderr_has "fully transparent"
    fails 65 ralmatch /dev/null
    stderr_has "is empty"
    printf '# nothing\n\n' > list
    fails 65 ralmatch list
    stderr_has "has no colours"
    printf 'GIF89a......' > a.gif
    fails 65 ralmatch a.gif
    stderr_has "a GIF image"
    head -c 3000 /dev/zero > zeros
    fails 65 ralmatch zeros
    { echo red; head -c 100 /dev/zero; } > half
    fails 65 ralmatch half
    stderr_has "is not text"
    head -c 5000 /dev/zero | tr '\0' a > long
    fails 65 ralmatch long
    stderr_has "longer than"
    stripes a.png '#bb1f11'
    head -c 60 a.png > cut.png
    fails 65 ralmatch cut.png
    fails 66 ralmatch .
}

@test "bad: an unknown colour or code gets a suggestion, never a guess" {
    fails 64 ralmatch rde
    stderr_has "did you mean 'red'?"
    fails 64 ralmatch red 'RAL 3099'
    stderr_has "did you mean 'RAL 3"
    [ -z "$output" ]
    fails 64 ralmatch --code 6023
    stderr_has "did you mean 'RAL 602"
    fails 64 ralmatch --code Verkehrsrot
    fails 66 ralmatch missing.png
    stderr_has "missing.png: cannot be opened"
    fails 66 ralmatch ./rde
    run -64 --separate-stderr ralmatch --json rde
    [ "$(jq -c '[.ok,.error.code]' <<< "$output")" = '[false,64]' ]
    fails 64 ralmatch --code 'Reseda GREEN'
    stderr_has "did you mean 'RAL 6011'?"
    fails 64 ralmatch Enzianblau
    stderr_has "did you mean 'RAL 5010'?"
}

@test "bad: options that do not go together" {
    fails 64 ralmatch --code 6011 red
    fails 64 ralmatch --code 6011 --list
    fails 64 ralmatch --list red
    fails 64 ralmatch -i a.png red
    printf 'name,hex\na,red\n' > c.csv
    fails 64 ralmatch --catalogue c.csv --set all red
    fails 64 ralmatch --catalogue c.csv --finish all red
    fails 64 ralmatch -n 0 red
    fails 64 ralmatch --max-de nan red
    fails 64 ralmatch --max-de -1 red
    fails 64 ralmatch --set clasic red
    stderr_has "did you mean 'classic'?"
    fails 64 ralmatch --json -o out red
}

@test "good: a catalogue in CSV: RAL's own tables give what the sets give" {
    ral_oracle random 60 2 > list
    for set in classic design effect; do
        ralmatch --catalogue "$IMGTOOL_SOURCE/data/ral-$set.csv" < list | cut -f1,2,4- > own
        ralmatch --set $set --finish all < list | cut -f1,2,4- | sed 's/RAL //' | diff - own
    done
    [ "$(ralmatch --catalogue "$IMGTOOL_SOURCE/data/ral-classic.csv" --code 6011)" = "6011${tab}Reseda green${tab}#6B7C59${tab}" ]
    [ "$(ralmatch --catalogue "$IMGTOOL_SOURCE/data/ral-classic.csv" --code 'reseda green' | cut -f1)" = 6011 ]
    fails 64 ralmatch --catalogue "$IMGTOOL_SOURCE/data/ral-classic.csv" --code 'Reseda gren'
    stderr_has "did you mean 'Reseda green'?"
    [ "$(ralmatch --catalogue "$IMGTOOL_SOURCE/data/ral-classic.csv" --list | wc -l)" -eq 216 ]
}

@test "bad: answers must not replace what is read" {
    stripes a.png red
    stripes b.png blue
    echo red > list
    printf 'name,hex\na,red\n' > c.csv
    ln c.csv link
    cksum a.png b.png list c.csv > sums
    for target in a.png b.png list c.csv link; do
        fails 64 ralmatch -o $target --catalogue c.csv a.png list b.png
        cksum a.png b.png list c.csv | cmp - sums
    done
    fails 64 ralmatch -o c.csv --catalogue c.csv --list
    cksum a.png b.png list c.csv | cmp - sums
    ralmatch -o out --catalogue c.csv list
    ralmatch -o out --catalogue c.csv list
    [ "$(cut -f3 out)" = a ]
}

@test "--code with --finish, and a code that is empty" {
    [ "$(ralmatch --code 'ral 3020' --finish solid | cut -f2)" = "Traffic red" ]
    fails 64 ralmatch --code 1026 --finish solid
    stderr_has "RAL 1026 is fluorescent; --finish all has it"
    printf 'GIMP Palette\n1 2 3 a\n' > a.gpl
    fails 64 ralmatch --catalogue a.gpl --code ''
}

@test "good: a catalogue of GIMP or Adobe" {
    printf 'GIMP Palette\nName: Paints\nColumns: 2\n#\n255 64 0\tWarm\n 0 0 0\n' > a.gpl
    [ "$(ralmatch --catalogue a.gpl '#ff4000')" = "${tab}Warm${tab}#FF4000${tab}0.00" ]
    [ "$(ralmatch --catalogue a.gpl black)" = "${tab}${tab}#000000${tab}0.00" ]
    ral_oracle ase a.ase
    [ "$(ralmatch --catalogue a.ase '#ff4000' | cut -f1-3)" = "${tab}Warm Äpfel${tab}#FF4000" ]
    [ "$(ralmatch --catalogue a.ase 'lab(50 -10 -40)' | cut -f2,4)" = "Sea${tab}0.00" ]
    [ "$(ralmatch --catalogue a.ase --list | cut -f2 | tr '\n' ' ')" = "Warm Äpfel Sea Ink Mid " ]
    for size in 0 4 11 12 13 40 100; do
        head -c $size a.ase > cut.ase
        fails 65 ralmatch --catalogue cut.ase red
    done
}

@test "bad: a catalogue with rows that are wrong, duplicates, or nothing in it" {
    printf 'code,hex,lab_l,lab_a,lab_b\nA,red,,,\nB,rde,,,\nC,#fff,120,0,0\nA,blue,,,\nD,blue,,,\n' > c.csv
    run --separate-stderr -65 ralmatch --catalogue c.csv blue
    [ "$output" = "D${tab}${tab}#0000FF${tab}0.00" ]
    stderr_has "c.csv: 3: 'rde': no such colour"
    stderr_has "c.csv: 4: L* is 120, not from 0 to 100"
    stderr_has "c.csv: 5: 'A' is there already, at 2"
    stderr_has "c.csv: 2 rows of the catalogue made no sense"
    run --separate-stderr -65 ralmatch -q --catalogue c.csv blue red
    [ -z "$stderr" ]
    run --separate-stderr -65 ralmatch --json --catalogue c.csv blue
    [ "$(jq -c '[.ok,.error.kind,.result.matches[0].code]' <<< "$output")" = '[false,"corrupt","D"]' ]
    grep -v rde c.csv > one.csv
    run --separate-stderr -65 ralmatch --catalogue one.csv blue
    stderr_has "one.csv: 1 row of the catalogue made no sense"
    grep -v -e rde -e 120 c.csv > twice.csv
    run --separate-stderr -0 ralmatch --catalogue twice.csv blue
    stderr_has "'A' is there already"
    printf 'code,hex\n' > none.csv
    fails 65 ralmatch --catalogue none.csv red
    stderr_has "none.csv: has no colours"
    printf 'code,name\n1,a\n' > none.csv
    fails 65 ralmatch --catalogue none.csv red
    fails 66 ralmatch --catalogue missing.csv red
    fails 65 ralmatch --catalogue "$IMGTOOL_BUILD/ralmatch" red
    head -c 100000 /dev/zero > big.csv
    fails 77 ralmatch --max-input-bytes 1000 --catalogue big.csv red
}

@test "good: names from a file cannot drive a terminal or make up fields" {
    printf 'code,name,hex\nA,"x\x1b[31my\xc2\x9bz\xe2\x80\xaeq",red\n"B\tb",\xff,blue\n' > c.csv
    ralmatch --catalogue c.csv red blue > out
    [ "$(LC_ALL=C tr -d '\n\t -~' < out | LC_ALL=C sed 's/\xef\xbf\xbd//g' | wc -c)" -eq 0 ]
    [ "$(awk -F'\t' '{ print NF }' out | sort -u)" = 5 ]
    ralmatch --catalogue c.csv --json blue | jq -e '.result.matches[0].name_en == "\ufffd"'
}

@test "good: a swatch on a terminal with colour, and only there" {
    need script
    TERM=xterm script -qec 'ralmatch red' /dev/null < /dev/null | grep -q $'\e\[48;2;226;83;4m  \e\[0m RAL 2004'
    for how in NO_COLOR=1 TERM=dumb; do
        env TERM=xterm $how script -qec 'ralmatch red' /dev/null < /dev/null > out
        grep -q '^RAL 2004' out
    done
    TERM=xterm ralmatch red | grep -q '^RAL 2004'
    TERM=xterm script -qec 'ralmatch --json red' /dev/null < /dev/null | jq -e .ok
    TERM=xterm script -qec 'ralmatch -o out red' /dev/null < /dev/null
    grep -q '^RAL 2004' out
}

@test "bad: nothing to match at a terminal: short help, exit 64" {
    need script
    script -qec 'ralmatch; echo "status $?"' /dev/null < /dev/null > out
    grep -q 'status 64' out
    grep -q '^Usage: ralmatch' out
    script -qec 'ralmatch --code 6011' /dev/null < /dev/null | grep -q 6B7C59
}
