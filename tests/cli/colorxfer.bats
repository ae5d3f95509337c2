#!/usr/bin/env bats
# colorxfer: transfers, tables and masks against numpy, the interface of all three ways to use it.

load helpers

# transfer COMMAND...: see tests/cli/oracle_transfer.py.
transfer() {
    need_oracle
    "$ORACLE_PYTHON" "$IMGTOOL_SOURCE/tests/cli/oracle_transfer.py" "$@"
}

# pictures KIND...: KIND.png each, made once.
pictures() {
    for kind in "$@"; do
        [ -e "$BATS_FILE_TMPDIR/$kind.png" ] || transfer make "$BATS_FILE_TMPDIR/$kind.png" $kind
        cp "$BATS_FILE_TMPDIR/$kind.png" .
    done
}

# less A B: numbers.
less() {
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }' || {
        echo "$1 is not below $2" >&2
        return 1
    }
}

methods=(mkl reinhard hm hm-mkl-hm idt sliced)

@test "good: every method, the same bytes on every run and with any number of threads" {
    pictures src ref
    for method in "${methods[@]}"; do
        colorxfer --ref ref.png --method $method --threads 1 -o one.png src.png
        colorxfer --ref ref.png --method $method --threads 2 -o two.png src.png
        colorxfer --ref ref.png --method $method --threads 7 -o seven.png src.png
        cmp one.png two.png
        cmp one.png seven.png
        [ "$(imginfo --json one.png | jq -c '.input | [.width, .height]')" = "[160,120]" ]
        # and the palette has moved to that of the reference
        less "$(transfer distance one.png ref.png)" 9
    done
    less 20 "$(transfer distance src.png ref.png)"
    colorxfer --ref ref.png --method idt --regrain --threads 1 -o one.png src.png
    colorxfer --ref ref.png --method idt --regrain --threads 2 -o two.png src.png
    cmp one.png two.png
}

@test "good: every space that a method can work in" {
    pictures src ref
    for space in auto srgb linear lab oklab lalphabeta; do
        colorxfer --ref ref.png --space $space --json -o $space.png src.png |
            jq -e '.result.ref_distance | .after < 9 and .before > 15'
        colorxfer --ref ref.png --method reinhard --space $space -o out.png src.png
    done
    cmp auto.png srgb.png
    [ "$(md5sum srgb.png linear.png lab.png oklab.png \
        lalphabeta.png | cut -c1-32 | sort -u | wc -l)" -eq 5 ]
    fails 64 colorxfer --ref ref.png --space cmyk src.png
    fails 64 colorxfer --ref ref.png --method idtt src.png
    stderr_has "idt"
}

@test "good: mkl on the scotland pair is its authors' image" {
    need_shared photos
    colorxfer --ref "$SHARED/photos/scotland_plain.png" -o out.png "$SHARED/photos/scotland_house.png"
    less "$(oracle difference out.png "$SHARED/photos/scotland_pitie.png" | jq .mean)" 0.5
}

@test "good: idt with regrain is nearer to the reference than mkl, and as like the source" {
    need_shared photos
    source=$SHARED/photos/scotland_house.png reference=$SHARED/photos/scotland_plain.png
    colorxfer --ref "$reference" -o mkl.png "$source"
    colorxfer --ref "$reference" --method idt --regrain --json -o idt.png "$source" > report
    less "$(transfer distance idt.png "$reference")" "$(transfer distance mkl.png "$reference")"
    less "$(transfer ssim mkl.png "$source")" "$(transfer ssim idt.png "$source")"
    # the tool's own measure agrees with numpy's
    transfer distance idt.png "$reference" > after
    transfer distance "$source" "$reference" > before
    jq -e --slurpfile a after --slurpfile b before '.result.ref_distance |
        (.after - $a[0] | fabs) < 0.3 and (.before - $b[0] | fabs) < 0.3' report
}

@test "good: a saved table gives the direct result within 0.5, here and in another program" {
    need_shared photos
    source=source.png reference=reference.png
    imgresize --width 240 -o $source "$SHARED/photos/scotland_house.png"
    imgresize --width 240 -o $reference "$SHARED/photos/scotland_plain.png"
    for method in "${methods[@]}"; do
        colorxfer -q --ref "$reference" --method $method --save-lut $method.cube -o direct.png \
            "$source"
        colorxfer --lut $method.cube -o table.png "$source"
        less "$(oracle difference direct.png table.png | jq .mean)" 0.5
        # as numpy reads it: the same as ours, and near to the direct result
        transfer cube $method.cube "$source" table.png direct.png > means
        less "$(sed -n 1p means)" 0.3
        less "$(sed -n 2p means)" 0.5
    done
    colorxfer --ref "$reference" -o direct.png "$source"
    less "$(transfer cube mkl.cube "$source" direct.png trilinear)" 0.5
    [ "$(sed -n 2p mkl.cube)" = "LUT_3D_SIZE 33" ]
}

@test "good: a table has the strength in it, is the same every time, and goes anywhere" {
    pictures src ref
    colorxfer --ref ref.png --strength 40% --save-lut a.cube -o direct.png src.png
    colorxfer --ref ref.png --strength 40% --save-lut b.cube --threads 1 -o other.png src.png
    cmp a.cube b.cube
    colorxfer --lut a.cube -o table.png src.png
    transfer expect "de(a, b).mean() < 0.5" a=direct.png b=table.png
    colorxfer --ref ref.png --strength 40% --save-lut - -o third.png src.png > c.cube
    cmp a.cube c.cube
    cmp direct.png third.png
    [ "$(grep -c . a.cube)" -eq 35939 ]
    ! grep -q -e src -e ref a.cube
}

@test "good: without -o, to a terminal or with --json, only the table is made" {
    pictures src ref
    colorxfer --json --ref ref.png --save-lut a.cube src.png > report
    jq -e '.ok and .output == null and .result.lut == "a.cube"' report
    colorxfer --ref ref.png --save-lut - src.png > b.cube
    cmp a.cube b.cube
    colorxfer --ref ref.png --save-lut c.cube src.png > image.png
    imginfo image.png
    cmp a.cube c.cube
    colorxfer --ref ref.png --save-lut e.cube -o /dev/null src.png > nothing
    cmp a.cube e.cube
    [ ! -s nothing ] && [ -c /dev/null ]
    need script
    script -qec "colorxfer --ref ref.png --save-lut d.cube src.png" /dev/null < /dev/null > said
    cmp a.cube d.cube
    [ ! -s said ]
}

@test "good: tables of other programs: curves, a domain, CR LF, both interpolations exact" {
    pictures src
    printf 'TITLE "inverse"\r\nLUT_1D_SIZE 2\r\n1 1 1\r\n0 0 0\r\n' > inverse.cube
    colorxfer --lut inverse.cube -o out.png src.png
    transfer expect "(np.round(a * 255) == 255 - np.round(b * 255)).all()" a=out.png b=src.png
    # r, g, b become b, r, g; a domain twice as wide halves nothing, as the points say so
    printf 'LUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 2 2 2\n' > turn.cube
    for b in 0 2; do for g in 0 2; do for r in 0 2; do echo "$b $r $g"; done; done; done >> turn.cube
    colorxfer --lut turn.cube -o out.png src.png
    transfer expect "(a == b[..., [2, 0, 1]]).all()" a=out.png b=src.png
    colorxfer --lut turn.cube --strength 0.5 -o out.png src.png
    transfer expect "np.abs(a - (b + b[..., [2, 0, 1]]) / 2).max() <= 0.51 / 255" a=out.png b=src.png
}

@test "good: an identical reference, or an identity, changes nothing" {
    pictures src
    colorxfer --ref src.png -o out.png src.png
    transfer expect "np.abs(a - b).max() <= 1 / 255" a=out.png b=src.png
    printf 'LUT_3D_SIZE 2\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n' > same.cube
    colorxfer --lut same.cube -o out.png src.png
    oracle same out.png src.png
    oracle make png16 wide.png 4
    colorxfer --exact --lut same.cube -o out.png wide.png
    oracle same out.png wide.png
}

@test "good: strength is a share of the way in encoded values, 0 leaves every byte" {
    pictures src ref
    colorxfer --ref ref.png -o full.png src.png
    for method in mkl idt; do
        colorxfer --ref ref.png --method $method --strength 0 -o none.png src.png
        oracle same none.png src.png
    done
    colorxfer --ref ref.png --method idt --regrain --strength 0 -o none.png src.png
    oracle same none.png src.png
    for strength in 0.25 70%; do
        colorxfer --ref ref.png --strength $strength -o part.png src.png
        [ $strength = 70% ] && share=0.7 || share=$strength
        transfer expect "np.abs(c - (a + (b - a) * $share)).max() <= 1.1 / 255" a=src.png b=full.png \
            c=part.png
    done
}

@test "good: a mask says what counts and what changes" {
    pictures src ref left half
    imgcrop --box 80x120+0+0 -o part.png src.png
    colorxfer --ref ref.png -o part-out.png part.png
    colorxfer --ref ref.png --mask left.png -o out.png src.png
    transfer expect "(a[:, 80:] == b[:, 80:]).all() and np.abs(a[:, :80] - c).max() <= 1 / 255 and
        np.abs(a - b).max() > 0.1" a=out.png b=src.png c=part-out.png
    # grey is half of the way
    colorxfer --ref ref.png -o full.png src.png
    colorxfer --ref ref.png --mask half.png -o soft.png src.png
    transfer expect "np.abs(c - (a + (b - a) * 128 / 255)).max() <= 1.1 / 255" a=src.png b=full.png \
        c=soft.png
    # of the reference
    imgcrop --box 80x120+0+0 -o ref-part.png ref.png
    colorxfer --ref ref-part.png -o one.png src.png
    colorxfer --ref ref.png --ref-mask left.png -o two.png src.png
    transfer expect "np.abs(a - b).max() <= 1 / 255" a=one.png b=two.png
    # with regrain and with a table, too
    colorxfer --ref ref.png --method idt --regrain --mask left.png --save-lut a.cube -o out.png src.png
    transfer expect "(a[:, 80:] == b[:, 80:]).all() and np.abs(a - b).max() > 0.1" a=out.png b=src.png
    colorxfer --lut a.cube --mask left.png -o out.png src.png
    transfer expect "(a[:, 80:] == b[:, 80:]).all() and np.abs(a - b).max() > 0.1" a=out.png b=src.png
}

@test "good: transparent pixels do not count and keep their bytes" {
    pictures src ref cutout
    # what is under alpha 0 does not matter for the rest
    imgresize --exact -o kept.png cutout.png
    imgresize -o cleared.png cutout.png
    colorxfer --exact --ref ref.png -o a.png kept.png
    colorxfer --exact --ref ref.png -o b.png cleared.png
    transfer expect "(a[..., 3] > 0).any() and (a[a[..., 3] > 0] == b[a[..., 3] > 0]).all() and
        (a[a[..., 3] == 0] == c[a[..., 3] == 0]).all() and (a[..., 3] == c[..., 3]).all()" \
        a=a.png b=b.png c=kept.png
    colorxfer --exact --regrain --ref ref.png -o a.png kept.png
    transfer expect "(a[a[..., 3] == 0] == c[a[..., 3] == 0]).all()" a=a.png c=kept.png
    # on the side of the reference
    colorxfer --ref cutout.png -o a.png src.png
    colorxfer --ref cleared.png -o b.png src.png
    cmp a.png b.png
}

@test "good: 16 bits stay 16 bits, and say the same as 8" {
    pictures ref
    oracle make png16 wide.png
    imgresize -f jpeg --quality 100 wide.png > narrow.jpg
    colorxfer --ref ref.png -o out.png wide.png
    [ "$(imginfo --json out.png | jq .result.depth)" = 16 ]
    transfer expect "len(np.unique(np.round(a * 65535))) > 3000" a=out.png
    colorxfer --ref ref.png --strength 0 -o same.png wide.png
    oracle same same.png wide.png
    colorxfer --ref narrow.jpg -o near.png wide.png
    transfer expect "de(a, b).mean() < 0.5" a=near.png b=wide.png
    oracle make png16 alpha.png 4
    colorxfer --to 'RAL 3020' -q -o out.png alpha.png
    transfer expect "(a[..., 3] == b[..., 3]).all() and np.abs(a - b).max() > 0.1" a=out.png b=alpha.png
}

@test "good: the profile is applied and dropped: the result is sRGB" {
    pictures ref
    oracle make profiled tagged.png
    oracle make rgb plain.png
    colorxfer --ref ref.png --strength 0 -o same.png tagged.png
    need_oracle
    "$ORACLE_PYTHON" - "$IMGTOOL_SOURCE/tests/cli" << 'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, oracle
array, profile = oracle.read("same.png")
assert profile is None
right = oracle.to_srgb(*oracle.read("tagged.png"))
inside = ((right > 0.02) & (right < 0.98)).all(axis=2)
assert inside.sum() > 500
assert np.abs(array - right)[inside].max() <= 1.6 / 255, np.abs(array - right)[inside].max() * 255
# elsewhere chroma goes, not lightness: from the profile's own numbers, by way of Bradford (CSS Color 4)
xyz50 = (oracle.read("tagged.png")[0] ** (461 / 256)) @ np.array(
    [[0.7976749, 0.2880402, 0.0], [0.1351917, 0.7118741, 0.0], [0.0313534, 0.0000857, 0.82521]])
linear = xyz50 @ np.array([[0.955473421488075, -0.02309845494876471, 0.06325924320057072],
                           [-0.0283697093338637, 1.0099953980813041, 0.021041441191917323],
                           [0.012314014864481998, -0.020507649298898964, 1.330365926242124]]).T
linear = linear @ np.linalg.inv(np.array([[506752 / 1228815, 87881 / 245763, 12673 / 70218],
                                          [87098 / 409605, 175762 / 245763, 12673 / 175545],
                                          [7918 / 409605, 87881 / 737289, 1001167 / 1053270]])).T
def ok_lightness(rgb):
    lms = rgb @ np.array([[0.41222147, 0.53633254, 0.05144599], [0.2119035, 0.68069955, 0.10739696],
                          [0.08830246, 0.28171884, 0.6299787]]).T
    return np.cbrt(lms) @ np.array([0.21045427, 0.79361777, -0.00407204])
want = ok_lightness(linear)
got = ok_lightness(np.where(array <= 0.04045, array / 12.92, ((array + 0.055) / 1.055) ** 2.4))
assert np.abs(linear).max() > 1.1
usual = (want > 0.1) & (want < 1)
assert np.abs(want - got)[usual].max() < 0.01, np.abs(want - got)[usual].max()
PYTHON
    colorxfer --ref tagged.png -o a.png plain.png
    colorxfer --ref plain.png -o b.png plain.png
    ! cmp -s a.png b.png
    colorxfer --ref tagged.png -o a.png tagged.png
    transfer expect "np.abs(a - b).max() <= 2 / 255" a=a.png b=same.png
    colorxfer -q --to teal -o to.png tagged.png
    imginfo --json tagged.png | jq -e '.result.profile != null'
    imginfo --json to.png | jq -e '.result.profile == null'
}

@test "good: grey pictures on either side" {
    pictures src ref grey
    colorxfer --ref ref.png -o out.png grey.png
    transfer expect "a.shape[2] == 3 and np.abs(a[..., 0] - a[..., 2]).max() > 0.05" a=out.png
    colorxfer --ref grey.png -o out.png src.png
    transfer expect "np.hypot(*np.moveaxis(lab(a)[..., 1:], -1, 0)).mean() < 3" a=out.png
    colorxfer --to 'RAL 6018' -q -o out.png grey.png
    transfer expect "(a[..., 1] - a[..., 2]).mean() > 0.1" a=out.png
}

@test "good: --to: the object that --json gives, and --from" {
    pictures cutout
    colorxfer --to 'RAL 3020' --json -o out.png cutout.png > report
    jq -e '.result | .method == "dichromatic" and .target.color == "RAL 3020" and
        (.target.hex | test("^#[0-9a-f]{6}$")) and (.target.lab | length) == 3 and
        (.from.hex | test("^#")) and (.body.lab | length) == 3 and (.achieved_de | type) == "number" and
        (.limited | type) == "boolean" and (.clipped >= 0 and .clipped <= 1) and .strength == 1 and
        .space == null and .ref_distance == null and .lut == null' report
    colorxfer --to 'RAL 3020' --from '#c81e28' --json -o other.png cutout.png > report
    jq -e '.result.from.hex == "#c81e28"' report
    ! cmp -s out.png other.png
    colorxfer --to 'RAL 3020' --strength 0 -o same.png cutout.png
    oracle same same.png cutout.png || { imgresize -o c.png cutout.png; oracle same same.png c.png; }
}

@test "good: --ref: the object that --json gives" {
    pictures src ref
    colorxfer --ref ref.png --json --method hm --save-lut a.cube -o out.png src.png > report
    jq -e '.result | .method == "hm" and (.space | type) == "string" and .lut == "a.cube" and
        .ref_distance.after < .ref_distance.before and (.clipped >= 0 and .clipped <= 1) and
        .target == null and .achieved_de == null and .limited == null' report
    colorxfer --lut a.cube --json -o out.png src.png > report
    jq -e '.result | .method == "lut" and .lut == "a.cube" and .ref_distance == null' report
    colorxfer --ref ref.png --report-fd 3 src.png 3> report > out.png
    jq -e '.result.ref_distance.after' report
}

@test "good: --max-de is a verdict: exit 1, and nothing is written" {
    pictures cutout
    colorxfer --to 'RAL 3020' --max-de 200 -o out.png cutout.png
    run --separate-stderr colorxfer --to 'RAL 3020' --strength 20% --max-de 1 --json -o no.png cutout.png
    [ "$status" -eq 1 ]
    jq -e '.ok and .output == null and .result.achieved_de > 1' <<< "$output"
    [ ! -e no.png ]
    stderr_has "--max-de"
}

@test "good: an opaque picture without a mask is told about, -q is quiet" {
    pictures src left
    run --separate-stderr colorxfer --to teal -o out.png src.png
    stderr_has "no mask and no transparency"
    run --separate-stderr colorxfer --to teal --mask left.png -o out.png src.png
    [[ $stderr != *"no mask"* ]]
    transfer expect "(a[:, 80:] == b[:, 80:]).all()" a=out.png b=src.png
    run --separate-stderr colorxfer -q --to teal -o out.png src.png
    [ -z "$stderr" ]
}

@test "good: in pipelines and pipes, and as a command of imgtool" {
    cutout chair.png
    imgtool pipe -i chair.png colorxfer --to "RAL 5010" : shadow : resize --width 120 -f webp > a.webp
    colorxfer --to "RAL 5010" < chair.png | imgshadow | imgresize --width 120 -f webp > b.webp
    cmp a.webp b.webp
    pictures ref
    imgtool pipe -i chair.png -o c.png crop : colorxfer --ref ref.png --save-lut c.cube
    imgcrop chair.png | imgtool colorxfer --ref ref.png -o d.png
    cmp c.png d.png
    [ -s c.cube ]
    # the table does not replace what the pipeline reads
    fails 64 imgtool pipe -i chair.png crop : colorxfer --ref ref.png --save-lut chair.png \
        : resize --width 40
    # the reference from stdin
    colorxfer --ref - -o e.png chair.png < ref.png
    colorxfer --ref ref.png -o f.png chair.png
    cmp e.png f.png
}

@test "good: names with blanks, leading dashes and colons" {
    pictures src ref left
    mkdir "a b"
    cp src.png "a b/in put.png"
    cp ref.png -- -ref.png
    cp left.png "m:a*sk.png"
    colorxfer --ref=-ref.png --mask "m:a*sk.png" --save-lut "a b/t.cube" -o "a b/o ut.png" \
        "a b/in put.png"
    colorxfer --ref ref.png --mask left.png -o out.png src.png
    cmp out.png "a b/o ut.png"
    mv "a b/t.cube" -- --t.cube
    colorxfer --lut=--t.cube -i -ref.png -o out.png
    [ -s out.png ]
}

@test "good: --in-place replaces the input, and only with it" {
    pictures src ref
    colorxfer --ref ref.png -o out.png src.png
    cp src.png change.png
    fails 64 colorxfer --ref ref.png -o change.png change.png
    stderr_has "is the input itself"
    cmp src.png change.png
    colorxfer --ref ref.png --in-place change.png
    cmp out.png change.png
}

@test "good: --dry-run writes neither image nor table" {
    pictures src ref
    run --separate-stderr colorxfer --dry-run --ref ref.png --save-lut a.cube -o out.png src.png
    [ "$status" -eq 0 ]
    stderr_has "would write a.cube"
    stderr_has "would write out.png"
    [ ! -e a.cube ] && [ ! -e out.png ]
    touch a.cube
    fails 73 colorxfer --no-clobber --ref ref.png --save-lut a.cube -o out.png src.png
    [ ! -e out.png ]
}

@test "bad: options that do not belong together, both are named" {
    pictures src ref left
    fails 64 colorxfer src.png
    stderr_has "one of --ref, --to and --lut"
    fails 64 colorxfer --ref ref.png --to red src.png
    stderr_has "--ref together with --to"
    fails 64 colorxfer --lut a.cube --to red src.png
    stderr_has "--to together with --lut"
    for option in "--method idt" "--space lab" "--ref-mask left.png" "--regrain" "--save-lut a.cube"; do
        fails 64 colorxfer --to red $option src.png
        stderr_has "${option%% *} together with --to"
    done
    for option in "--from red" "--max-de 3"; do
        fails 64 colorxfer --ref ref.png $option src.png
        stderr_has "${option%% *} together with --ref"
        fails 64 colorxfer --lut a.cube $option src.png
    done
    fails 64 colorxfer --lut a.cube --save-lut b.cube src.png
    fails 64 colorxfer --ref - --mask - src.png
    stderr_has "--ref and --mask would both read stdin"
    fails 64 colorxfer --ref - -o out.png < src.png
    for value in -0.1 1.1 nan inf 50x; do
        fails 64 colorxfer --ref ref.png --strength $value src.png
        fails 64 colorxfer --to red --max-de=$value$value src.png
    done
}

@test "bad: an unknown colour, with a suggestion; one that is not opaque" {
    pictures src
    fails 64 colorxfer --to terquoise src.png
    stderr_has "turquoise"
    fails 64 colorxfer --to 'RAL 5099' src.png
    stderr_has "RAL 5"
    fails 64 colorxfer --to '#ff000080' src.png
    fails 64 colorxfer --to transparent src.png
    fails 64 colorxfer --to red --from nothing src.png
}

@test "bad: a mask of another size, both sizes are named" {
    pictures src ref left
    imgresize --width 40 -o small.png left.png
    fails 65 colorxfer --ref ref.png --mask small.png -o out.png src.png
    stderr_has "small.png: "
    stderr_has "40 x 30"
    stderr_has "160 x 120"
    fails 65 colorxfer --ref ref.png --ref-mask small.png -o out.png src.png
    fails 65 colorxfer --to red --mask small.png -o out.png src.png
    [ ! -e out.png ]
}

@test "bad: nothing that counts: transparent, or masked out" {
    pictures src ref clear none
    fails 65 colorxfer --ref ref.png -o out.png clear.png
    stderr_has "clear.png: nothing counts"
    fails 65 colorxfer --ref clear.png -o out.png src.png
    stderr_has "clear.png: nothing counts"
    fails 65 colorxfer --to red -o out.png clear.png
    fails 65 colorxfer --to red --mask none.png -o out.png src.png
    fails 65 colorxfer --ref ref.png --mask none.png -o out.png src.png
    fails 65 colorxfer --ref ref.png --ref-mask none.png -o out.png src.png
    [ ! -e out.png ]
}

@test "bad: pictures of one colour are fitted as far as that goes, with a warning" {
    pictures src ref blue
    for method in "${methods[@]}"; do
        run --separate-stderr colorxfer --ref blue.png --method $method -o out.png src.png
        [ "$status" -eq 0 ]
        stderr_has "one colour only"
        run --separate-stderr colorxfer --ref ref.png --method $method -o one.png blue.png
        [ "$status" -eq 0 ]
        stderr_has "blue.png: has one colour only"
        colorxfer -q --ref blue.png --method $method -o same.png blue.png
        # one colour has no spread: the mean is what there is
        transfer expect "de(a, d).mean() < 12 and (b == b[0, 0]).all() and
            np.abs(c - d).max() <= 1.1 / 255" a=out.png b=one.png c=same.png d=blue.png
    done
}

@test "bad: a table that is truncated, of a wrong size, or none" {
    pictures src ref
    colorxfer --ref ref.png --save-lut good.cube -o out.png src.png
    rm out.png
    head -n 35002 good.cube > cut.cube
    fails 65 colorxfer --lut cut.cube -o out.png src.png
    stderr_has "cut.cube: found 35000 of 35937 points"
    (cat good.cube; echo "0 0 0") > long.cube
    fails 65 colorxfer --lut long.cube -o out.png src.png
    stderr_has "line 35940: more than 35937 points"
    sed 's/LUT_3D_SIZE 33/LUT_3D_SIZE 32/' good.cube > wrong.cube
    fails 65 colorxfer --lut wrong.cube -o out.png src.png
    sed 's/LUT_3D_SIZE 33/LUT_3D_SIZE 500/' good.cube > huge.cube
    fails 65 colorxfer --lut huge.cube -o out.png src.png
    stderr_has "2 to 129"
    sed '100s/.*/0.1 nan 0.3/' good.cube > nan.cube
    fails 65 colorxfer --lut nan.cube -o out.png src.png
    stderr_has "line 100"
    : > empty.cube
    fails 65 colorxfer --lut empty.cube -o out.png src.png
    fails 65 colorxfer --lut src.png -o out.png src.png
    fails 66 colorxfer --lut missing.cube -o out.png src.png
    stderr_has "missing.cube"
    fails 77 colorxfer --max-input-bytes 100000 --lut good.cube -o out.png src.png
    [ ! -e out.png ]
}

@test "bad: target black or white" {
    pictures cutout
    for color in black white '#fff' 'RAL 9005'; do
        colorxfer -q --to "$color" -o out.png cutout.png
        transfer expect "np.isfinite(a).all() and (a[..., 3] == b[..., 3]).all()" a=out.png b=cutout.png
    done
    colorxfer -q --to black -o black.png cutout.png
    colorxfer -q --to white -o white.png cutout.png
    transfer expect "lab(a[..., :3])[a[..., 3] == 1][:, 0].mean() + 20 <
        lab(b[..., :3])[a[..., 3] == 1][:, 0].mean()" a=black.png b=white.png
}

@test "bad: the other files: missing, damaged, or about to be written over" {
    pictures src ref left
    fails 66 colorxfer --ref missing.png -o out.png src.png
    stderr_has "missing.png: cannot be opened"
    head -c 2000 ref.png > cut.png
    fails 65 colorxfer --ref cut.png -o out.png src.png
    stderr_has "cut.png: truncated"
    fails 66 colorxfer --to red --mask missing.png -o out.png src.png
    stderr_has "missing.png"
    fails 64 colorxfer --ref ref.png -o ref.png src.png
    stderr_has "'ref.png' is what --ref reads"
    fails 64 colorxfer --ref ref.png --mask left.png --save-lut left.png -o out.png src.png
    fails 64 colorxfer --ref ref.png --save-lut src.png -o out.png src.png
    ln -s ref.png link.png
    fails 64 colorxfer --ref ref.png -o link.png src.png
    fails 64 colorxfer --ref ref.png --save-lut both -f png -o both src.png
    stderr_has "where the image goes"
    fails 73 colorxfer --ref ref.png --save-lut none/a.cube -o out.png src.png
    fails 64 colorxfer --json --ref ref.png --save-lut - -o out.png src.png
    [ ! -e out.png ]
    transfer make same.png ref
    cmp ref.png same.png
}

@test "bad: a full disk for the image or for the table" {
    pictures src ref
    fails 74 colorxfer --ref ref.png -f png -o /dev/full src.png
    fails 74 colorxfer --ref ref.png --save-lut /dev/full -o out.png src.png
    stderr_has "/dev/full"
    [ ! -e out.png ]
    run --separate-stderr bash -c 'colorxfer --ref ref.png src.png > /dev/full'
    [ "$status" -eq 74 ]
    [ "$(find . -name '.*imgtool*' | wc -l)" -eq 0 ]
}

@test "good: what is wrong with the picture is said behind what is wrong with the reference" {
    render_png a.png cutout --width 900 --height 600
    head -c -300 a.png > cut-a.png
    cp cut-a.png cut-b.png
    # Whichever of both is read to its end first.
    for _ in $(seq 30); do
        run --separate-stderr colorxfer --lenient --threads 4 --ref cut-b.png -f pam -o out cut-a.png
        [ "$status" -eq 0 ]
        [[ ${stderr_lines[0]} == *cut-b.png:* && ${stderr_lines[1]} == *cut-a.png:* ]]
    done
}
