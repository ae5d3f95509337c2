#!/usr/bin/env bats
# imgtool run: recipes.

load helpers

setup() {
    setup_tools
    mkdir recipes
    export IMGTOOL_RECIPE_DIR=$IMGTOOL_SOURCE/data/recipes
}

# recipe NAME LINE...: a recipe in ./recipes.
recipe() {
    local name=$1
    shift
    printf '%s\n' "$@" > "recipes/$name.recipe"
}

@test "good: the shipped recipe makes what the same pipeline makes" {
    cutout car.png
    imgtool run product car.png --output-dir out/ --json > report
    [ "$(jq -r '.outputs[0].path' report)" = out/car-processed.png ]
    imgtool pipe -i car.png crop --padding 5% : shadow --sigma 16 --offset 8,12 --opacity 40% : \
        resize --size processed=100% --size detail=1200x --size grid=400x --mkdir \
        --output-template 'same/{stem}-{name}.{ext}'
    [ "$(ls out)" = "$(printf 'car-detail.png\ncar-grid.png\ncar-processed.png')" ]
    diff -r out same
}

@test "good: recipes are found beside the program" {
    mkdir -p here/share/imgtool
    cp "$(command -v imgtool)" here/
    cp -R "$IMGTOOL_SOURCE/data/recipes" here/share/imgtool/
    run -0 env -u IMGTOOL_RECIPE_DIR here/imgtool run --list
    [ "$output" = product ]
    mkdir -p there/bin there/share
    mv here/imgtool there/bin/
    mv here/share/imgtool there/share/
    run -0 env -u IMGTOOL_RECIPE_DIR there/bin/imgtool run --list
    [ "$output" = product ]
}

@test "good: --list and --show, as text and JSON" {
    recipe b 'crop'
    recipe a 'crop # the content' ''
    run -0 imgtool run --recipe-dir recipes --list
    [ "$output" = "$(printf 'a\nb')" ]
    run -0 imgtool run --recipe-dir recipes --list --json
    [ "$(jq -c .result.recipes <<< "$output")" = '["a","b"]' ]
    imgtool run --recipe-dir recipes --show a > shown
    cmp shown recipes/a.recipe
}

@test "good: words are quoted as in a shell and nothing is expanded" {
    cutout car.png
    recipe quoted "crop '--padding' \"5%\" # words" 'resize --width 1\00 --output-template "$(id) {stem} \"a\" '"'\\'"'.png"'
    imgtool run --recipe-dir recipes quoted car.png --output-dir 'dir {with} braces'
    ls "dir {with} braces" > names
    [ "$(cat names)" = '$(id) car "a" '"'\\'.png" ]
}

@test "good: a recipe may run another, but not in a circle" {
    cutout car.png
    recipe inner 'crop --padding 5%'
    recipe outer 'run inner' 'resize --width 50'
    imgtool run --recipe-dir recipes outer car.png -o small.png
    [ "$(imginfo --json small.png | jq .result.width)" = 50 ]
    recipe one 'run two'
    recipe two 'crop' 'run one'
    fails 65 imgtool run --recipe-dir recipes one car.png -o x.png
    stderr_has "line 2: recipes run each other in a circle"
    [ ! -e x.png ]
}

@test "good: without a template the output has the input's name" {
    cutout car.png
    recipe plain 'crop'
    imgtool run --recipe-dir recipes plain car.png --output-dir a/b
    imgcrop car.png -o direct.png
    cmp a/b/car.png direct.png
    imgtool run ./recipes/plain.recipe car.png > piped.png
    cmp piped.png direct.png
}

@test "good: without a template the output has the extension of the last stage's format" {
    cutout car.png
    for format in webp jpeg pam auto; do
        recipe "$format" crop "resize --width 50 -f $format"
        imgtool run -q --recipe-dir recipes "$format" car.png --output-dir "$format"
        imgtool batch -q --recipe-dir recipes --files car.png --recipe "$format" \
            --output-dir "batch-$format" > answer
        diff -r "$format" "batch-$format"
    done
    [ "$(ls webp jpeg pam auto | tr '\n' ' ')" = \
        "auto: car.png  jpeg: car.jpg  pam: car.pam  webp: car.webp " ]
    [ "$(imginfo --json webp/car.webp | jq -r .input.format)" = webp ]
    recipe joined 'resize --width 50 --format=webp'
    imgtool run --recipe-dir recipes joined - --output-dir piped < car.png
    [ "$(ls piped)" = stdin.webp ]
}

@test "bad: a recipe that is not there is exit 66 with a suggestion" {
    fails 66 imgtool run prodct car.png -o x.png
    stderr_has "did you mean 'product'?"
    fails 66 imgtool run ./nothing.recipe car.png -o x.png
    fails 64 imgtool run
    stderr_has "no recipe"
}

@test "bad: recipes that make no sense name file and line" {
    cutout car.png
    recipe open 'crop' 'resize "--width'
    fails 65 imgtool run --recipe-dir recipes open car.png -o x.png
    stderr_has 'recipes/open.recipe: line 2: a " is not closed'
    recipe empty '# nothing'
    fails 65 imgtool run --recipe-dir recipes empty car.png -o x.png
    stderr_has "no stage"
    recipe unknown 'crap'
    fails 127 imgtool run --recipe-dir recipes unknown car.png -o x.png
    stderr_has "did you mean 'crop'?"
    head -c 100 /dev/zero > recipes/zero.recipe
    fails 65 imgtool run --recipe-dir recipes zero car.png -o x.png
    recipe colon 'crop : shadow'
    fails 65 imgtool run --recipe-dir recipes colon car.png -o x.png
    stderr_has "recipes/colon.recipe: line 1: a ':' stands between words"
    yes crop | head -40 > recipes/long.recipe
    fails 65 imgtool run --recipe-dir recipes long car.png -o x.png
    stderr_has "too many stages"
}

@test "bad: outputs of a recipe follow the rules of all outputs" {
    cutout car.png
    recipe plain 'crop'
    fails 64 imgtool run --recipe-dir recipes plain car.png --output-dir .
    stderr_has "is the input itself"
    fails 64 imgtool run --recipe-dir recipes plain car.png -o a.png --output-dir b
    fails 64 imgtool run --recipe-dir recipes plain car.png --json
    fails 64 imgtool run product car.png -o a.png
    stderr_has "the recipe names its outputs, 'a.png' cannot; --output-dir"
}
