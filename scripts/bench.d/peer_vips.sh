#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The jobs of scripts/bench as a script that uses the commands of libvips would do them:
#
#     peer_vips.sh listing IN OUT_PREFIX FORMAT     crop, shadow, three sizes
#     peer_vips.sh crop IN OUT
#     peer_vips.sh shadow IN OUT SIGMA
#     peer_vips.sh deltae ONE TWO OUT               CIEDE2000: mean and largest
#
# libvips has no shadow and one command does one operation, so the steps pass pixels on in files of
# libvips' own format, in memory where /dev/shm is there. The Gaussian is asked to be as wide as
# three sigma (--min-ampl); libvips' own choice cuts it at less than two. Percentiles of differences
# would take it a histogram more; they are left out.
set -eu

alpha_threshold=10
padding_percent=5
padding_min_px=20
shadow_opacity=0.4
offset_x=8
offset_y=12
quality=80

fast=/dev/shm
[ -w "$fast" ] || fast=${TMPDIR:-/tmp}
steps=$(mktemp -d "$fast/bench-vips.XXXXXX")
trap 'rm -rf "$steps"' EXIT
trap 'exit 1' HUP INT TERM

at_least() { if [ "$1" -gt "$2" ]; then echo "$1"; else echo "$2"; fi; }
at_most() { if [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi; }
# size FILE: width and height
size() { vipsheader "$1" | sed 's/.*: \([0-9]*\)x\([0-9]*\) .*/\1 \2/'; }

# save_options FILE: the file with libvips' save options behind it
save_options() {
    case $1 in
    *.png) echo "$1" ;;
    *) echo "$1[Q=$quality]" ;;
    esac
}

# crop_to_content IN OUT
crop_to_content() {
    vips copy "$1" "$steps/whole.v"
    vips extract_band "$steps/whole.v" "$steps/alpha.v" 3
    # left, top, width, height of the content; width and height of the whole
    # shellcheck disable=SC2046
    set -- "$2" $(vips find_trim "$steps/alpha.v" --threshold "$alpha_threshold" --background 0) \
        $(size "$steps/whole.v")
    pad_x=$(at_least "$padding_min_px" $(($4 * padding_percent / 100)))
    pad_y=$(at_least "$padding_min_px" $(($5 * padding_percent / 100)))
    left=$(at_least 0 $(($2 - pad_x)))
    top=$(at_least 0 $(($3 - pad_y)))
    right=$(at_most "$6" $(($2 + $4 + pad_x)))
    bottom=$(at_most "$7" $(($3 + $5 + pad_y)))
    vips crop "$steps/whole.v" "$1" "$left" "$top" $((right - left)) $((bottom - top))
}

# put_shadow IN OUT SIGMA
put_shadow() {
    grow=$((3 * $3))
    left=$(at_least 0 $((grow - offset_x)))
    top=$(at_least 0 $((grow - offset_y)))
    # shellcheck disable=SC2046
    set -- "$@" $(size "$1")
    width=$(($4 + left + grow + offset_x))
    height=$(($5 + top + grow + offset_y))
    vips extract_band "$1" "$steps/a.v" 3
    vips embed "$steps/a.v" "$steps/moved.v" $((left + offset_x)) $((top + offset_y)) \
        "$width" "$height"
    vips gaussblur "$steps/moved.v" "$steps/blurred.v" "$3" --min-ampl 0.011
    vips linear "$steps/blurred.v" "$steps/weak.v" "$shadow_opacity" 0.5 --uchar
    vips black "$steps/black.v" "$width" "$height" --bands 3
    vips bandjoin "$steps/black.v $steps/weak.v" "$steps/joined.v"
    vips copy "$steps/joined.v" "$steps/shadow.v" --interpretation srgb
    vips composite2 "$steps/shadow.v" "$1" "$2" over --x "$left" --y "$top"
}

listing() {
    crop_to_content "$1" "$steps/content.v"
    put_shadow "$steps/content.v" "$steps/full.v" 16
    vips copy "$steps/full.v" "$(save_options "$2-processed.$3")" &
    vipsthumbnail "$steps/full.v" --size '1200x>' -o "$(save_options "$2-detail.$3")"
    vipsthumbnail "$steps/full.v" --size '400x>' -o "$(save_options "$2-grid.$3")"
    wait
}

# deltae ONE TWO OUT: lines "name value" from the first line of the statistics, that of all bands
deltae() {
    vips colourspace "$1" "$steps/one.v" lab &
    vips colourspace "$2" "$steps/two.v" lab
    wait "$!"
    vips dE00 "$steps/one.v" "$steps/two.v" "$steps/difference.v"
    vips stats "$steps/difference.v" "$steps/stats.csv"
    awk '{ printf "mean %.4f\nmax %.4f\n", $5, $2; exit }' "$steps/stats.csv" >"$3"
}

case $1 in
listing)
    listing "$2" "$3" "$4"
    ;;
crop)
    crop_to_content "$2" "$(save_options "$3")"
    ;;
shadow)
    vips copy "$2" "$steps/whole.v"
    put_shadow "$steps/whole.v" "$(save_options "$3")" "$4"
    ;;
deltae)
    deltae "$2" "$3" "$4"
    ;;
esac
