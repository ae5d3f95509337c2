#!/usr/bin/env bats
# The examples of README.md do what it says, pasted as they stand.

load helpers

# examples HEADING: the indented lines below that heading.
examples() {
    awk -v heading="## $1" '/^## / { there = $0 == heading } there && /^    / { print substr($0, 5) }' \
        "$IMGTOOL_SOURCE/README.md"
}

@test "good: every example of the README works, and exits 1 where it says so" {
    render_png kettle.png cutout --width 640 --height 360
    render_png paint.png body-mask --width 640 --height 360
    render_png truth.png cutout --width 640 --height 360 --body '#004f7c'
    render_png photo.jpg studio --width 640 --height 360
    # A line that ends with "exit 1" is turned round; what goes to other machines is not for here.
    {
        echo 'set -eu'
        examples Use | grep -v '^cd demo$\|^PATH=' | sed 's/^\(.*\)# [^#]*: exit 1$/if \1; then exit 9; fi/'
        examples "Many pictures" | sed '/^parallel/,$d'
    } > examples
    grep -q '^if deltae .*; then exit 9; fi$' examples
    run --separate-stderr bash examples
    [ "$status" -eq 0 ] || {
        printf '%s\n' "$output" "$stderr" >&2
        return 1
    }
    [[ $stderr != *usage* ]]
    [ "$(imginfo --json square.jpg | jq .result.width)" -gt 100 ]
    [ "$(imginfo --json out/kettle.webp | jq -r .input.format)" = webp ]
    for file in kettle-{processed,detail,grid}.webp kettle.webp cropped.jpg sure.jpg blue.png blue.webp \
        where.png kettle.gpl look.png look.cube same.jpg out/kettle-grid.png small/kettle.webp; do
        [ -s "$file" ]
    done
}
