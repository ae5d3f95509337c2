#!/usr/bin/env bats
# Files made to hurt, and PngSuite. The material is shared between projects and not shipped: these
# tests skip where it is not.

load helpers

@test "good: PngSuite: 161 of 161 decode to the pixels that Pillow or the definition gives" {
    need_shared corpus/pngsuite
    need_oracle
    "$ORACLE_PYTHON" - "$SHARED/corpus/pngsuite" << 'PYTHON'
import glob, io, os, subprocess, sys
import numpy as np
from PIL import Image
sys.path.insert(0, os.environ["IMGTOOL_SOURCE"] + "/tests/cli")
import oracle
bad, count = [], 0
for name in sorted(glob.glob(sys.argv[1] + "/*.png")):
    base = os.path.basename(name)
    if base.startswith("x"):
        continue
    count += 1
    run = subprocess.run(["imgresize", "-q", "--exact", "-f", "pam", name], capture_output=True)
    if run.returncode:
        bad.append(f"{base}: {run.stderr.decode()}")
        continue
    ours = oracle.read_pam(run.stdout)
    data = open(name, "rb").read()
    depth, color, interlace = data[24], data[25], data[28]
    if depth == 16 and not interlace:
        theirs = oracle.read_png(data)[0]        # Pillow gives 16-bit colour in 8 bits
        if b"tRNS" in data:
            theirs, ours = theirs[..., :1], ours[..., :1] if color == 0 else ours
            if color == 2:
                theirs = oracle.read_png(data)[0]
                ours = ours[..., :3]
    else:
        image = Image.open(io.BytesIO(data))
        if image.mode in ("I;16", "I"):
            theirs = np.asarray(image).astype(np.float64)[..., None] / 65535
        else:
            mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[ours.shape[2]]
            theirs = np.asarray(image.convert(mode)).astype(np.float64) / 255
            theirs = theirs.reshape(ours.shape)
            if depth == 16:
                ours = np.floor(ours * 65535 / 256) / 255   # what Pillow keeps of 16 bits
    shown = ours[..., -1:] > 0 if ours.shape[2] in (2, 4) and b"tRNS" in data else True
    if ours.shape != theirs.shape or (np.abs(ours - theirs) * shown).max() > 1e-6:
        bad.append(f"{base}: {ours.shape} {theirs.shape} differ")
if bad or count != 161:
    sys.exit(f"{count} files\n" + "\n".join(bad))
PYTHON
}

@test "bad: PngSuite: 14 of 14 corrupt files are refused with exit 65" {
    need_shared corpus/pngsuite
    count=0
    for file in "$SHARED"/corpus/pngsuite/x*.png; do
        fails 65 imgresize -o out.png "$file"
        [ ! -e out.png ]
        count=$((count + 1))
    done
    [ $count -eq 14 ]
}

@test "good: PngSuite goes through crop and shadow without a crash" {
    need_shared corpus/pngsuite
    for file in "$SHARED"/corpus/pngsuite/[!x]*.png; do
        imgtool pipe -q -i "$file" -o out.png crop : shadow --sigma 2 : resize --size 50%
    done
}

@test "bad: every bomb is refused or harmless, in 32 MiB and at once" {
    need_shared corpus/bombs
    need_oracle
    for file in "$SHARED"/corpus/bombs/*.{png,jpg,webp,pam,ppm}; do
        for tool in "imgresize -q --width 10 -f pam" "imginfo --check" "imgcrop -q --print-box"; do
            # shellcheck disable=SC2086
            read -r status kib ms < <(spent $tool "$file")
            case $(basename "$file") in
            # Text that inflates to 500 MB, a profile to 200 MB: never inflated, the picture is fine.
            # s.webp is a picture of 16 x 16.
            png_ztxt_500MB.png | png_iccp_200MB.png | s.webp) [ "$status" -eq 0 ] || [ "$status" -eq 65 ] ;;
            *) [ "$status" -eq 65 ] || [ "$status" -eq 77 ] ;;
            esac || { echo "$tool $file: $status" >&2; false; }
            under_sanitizers || [ "$ms" -lt 1000 ] || { echo "$tool $file: $ms ms" >&2; false; }
            [[ $tool != imgresize* ]] || under_sanitizers || [ "$kib" -lt 32768 ] ||
                { echo "$file: $kib KiB" >&2; false; }
        done
    done
}

@test "bad: more than 100 scans are refused before decoding" {
    need_shared corpus/bombs
    fails 77 imgresize -f pam "$SHARED/corpus/bombs/valid_scanbomb_4000_101.jpg"
    stderr_has "scans"
    run --separate-stderr bash -c "cat '$SHARED/corpus/bombs/valid_scanbomb_4000_883.jpg' | imgresize -f pam"
    [ "$status" -eq 77 ]
}

@test "bad: profiles that are bombs are ignored with a warning" {
    need_shared corpus/bombs
    need_oracle
    for icc in "$SHARED"/corpus/bombs/*.icc; do
        "$ORACLE_PYTHON" - "$icc" << 'PYTHON'
import sys
from PIL import Image
icc = open(sys.argv[1], "rb").read()
mode = "CMYK" if "cmyk" in sys.argv[1] else "RGB"
name = "b.jpg" if mode == "CMYK" else "b.png"
Image.new(mode, (30, 20), (10, 200, 30, 0)[:len(mode)]).save("in." + name, icc_profile=icc)
Image.new("RGB", (30, 20), (10, 200, 30)).save("in.jpg", icc_profile=icc)
PYTHON
        for file in in.*; do
            run --separate-stderr imgresize --width 10 -o out.png "$file"
            [ "$status" -eq 0 ]
            [[ $stderr == *"ICC profile ignored"* || $stderr == *"iCCP: "* ]]
            under_sanitizers || [ "$(peak_kib imgresize -q --width 10 -f pam "$file")" -lt 32768 ]
        done
        rm -f in.*
    done
}

@test "good: memory: crop and shadow take the decoded image twice and 16 MiB at most" {
    need_oracle
    under_sanitizers && skip "the sanitizers take more"
    render_png big.png cutout --width 4000 --height 3000
    render_png big.jpg photo --width 4000 --height 3000
    decoded=$((4000 * 3000 * 4 / 1024))
    [ "$(peak_kib imgcrop -o out.png big.png)" -lt $((2 * decoded + 16384)) ]
    [ "$(peak_kib imgshadow --sigma 60 -o out.png big.png)" -lt $((2 * decoded + 16384)) ]
    decoded=$((4000 * 3000 * 3 / 1024))
    [ "$(peak_kib imgcrop -o out.png big.jpg)" -lt $((2 * decoded + 16384)) ]
}

@test "good: memory: reducing a JPEG takes 40 MiB at most whatever its size" {
    need_oracle
    under_sanitizers && skip "the sanitizers take more"
    render photo --width 8000 --height 6000 | imgresize -q -f jpeg --quality 90 > big.jpg
    [ "$(peak_kib imgresize --width 800 -o out.jpg big.jpg)" -lt 40960 ]
    "$ORACLE_PYTHON" -c '
from PIL import Image
Image.open("big.jpg").save("progressive.jpg", progressive=True, quality=90)'
    [ "$(peak_kib imgresize --width 800 -o out.jpg progressive.jpg)" -lt 40960 ]
}

@test "good: a 50 MP image is fine, one pixel row more is not" {
    render flat --width 10000 --height 5000 --channels 1 > limit.pam
    [ "$(imgresize --width 100 -f pam limit.pam | head -c 50 | sed -n 's/^WIDTH //p')" = 100 ]
    fails 77 imgresize --max-pixels 49999999 --width 100 -f pam limit.pam
    stderr_has "over the 49999999 limit: --max-pixels"
}
