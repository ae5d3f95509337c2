#!/usr/bin/env bats
# imgtool cache: what is in a cache, and making room in it.

load helpers

setup() {
    setup_tools
    cutout car.png
}

# fill N: a cache of N jobs.
fill() {
    local i
    for i in $(seq "$1"); do
        printf '{"id":"%s","input":"car.png","output":"out-%s.png","stages":[["resize","--width","%s"]]}\n' \
            "$i" "$i" $((20 + i))
    done | imgtool batch -q -j 1 --cache cache > results.ndjson
}

# entries: how many the cache has.
entries() {
    imgtool cache stats --cache cache --json | jq .result.entries
}

@test "good: stats, as text and JSON" {
    fill 3
    run -0 imgtool cache stats --cache cache
    [ "${lines[0]}" = "$(printf 'entries\t3')" ]
    [[ ${lines[1]} == bytes* && ${lines[2]} == "oldest use"* && ${lines[3]} == "newest use"* ]]
    run -0 imgtool cache stats --cache cache --json
    [ "$(jq -c '[.ok, .tool, .result.entries]' <<< "$output")" = '[true,"imgtool",3]' ]
    [ "$(jq .result.bytes <<< "$output")" = "$(find cache -type f ! -name CACHEDIR.TAG -printf '%s\n' |
        awk '{ sum += $1 } END { print sum }')" ]
}

@test "good: prune keeps what was used last" {
    fill 4
    local size
    size=$(imgtool cache stats --cache cache --json | jq .result.bytes)
    fill 1
    [ "$(jq .cached results.ndjson)" = true ]
    # Room for two: entries differ by some bytes, with the time that each job took.
    run -0 imgtool cache prune --cache cache --cache-size "$((size * 5 / 8))" --json
    [ "$(jq -c '[.result.removed, .result.entries]' <<< "$output")" = '[2,2]' ]
    fill 4
    [ "$(jq -s -c 'sort_by(.id) | map(.cached)' results.ndjson)" = '[true,false,false,true]' ]
}

@test "good: clear removes entries and nothing else" {
    fill 3
    echo mine > cache/notes
    run -0 imgtool cache clear --cache cache
    [ "${lines[0]}" = "$(printf 'removed\t3')" ]
    [ "$(entries)" = 0 ]
    [ "$(cat cache/notes)" = mine ]
    fill 3
    [ "$(jq -s -c 'map(.cached)' results.ndjson)" = '[false,false,false]' ]
}

@test "good: a cache is for its owner, and known to programs that make backups" {
    fill 1
    [ "$(stat -c %a cache)" = 700 ]
    head -c 43 cache/imgtool-cache-1/CACHEDIR.TAG > tag
    [ "$(cat tag)" = 'Signature: 8a477f597d28d172789f06886806bc55' ]
}

@test "good: a damaged entry is made anew, and is never an answer" {
    fill 1
    cp out-1.png expected.png
    local entry
    entry=$(find cache -type f ! -name CACHEDIR.TAG)
    chmod u+w "$entry"
    printf X | dd of="$entry" bs=1 seek=100 conv=notrunc status=none
    rm out-1.png
    fill 1
    [ "$(jq .cached results.ndjson)" = false ]
    cmp out-1.png expected.png
    rm out-1.png
    fill 1
    [ "$(jq .cached results.ndjson)" = true ]
    cmp out-1.png expected.png
}

@test "bad: usage" {
    fails 64 imgtool cache
    fails 64 imgtool cache stats
    stderr_has "no --cache DIR"
    fails 64 imgtool cache stat --cache cache
    stderr_has "did you mean 'stats'?"
    fails 64 imgtool cache stats prune --cache cache
    fails 64 imgtool cache prune --cache cache
    stderr_has "prune needs --cache-size SIZE"
    fails 64 imgtool cache clear --cache cache --cache-size 1M
    fails 64 imgtool cache prune --cache cache --cache-size 12abc
    [ ! -e cache ]
}

@test "bad: no cache there is exit 66, and none is made" {
    for action in stats clear 'prune --cache-size 1M'; do
        # shellcheck disable=SC2086
        fails 66 imgtool cache $action --cache cache
        stderr_has "there is no cache in 'cache'"
    done
    mkdir empty
    fails 66 imgtool cache clear --cache empty
    [ -z "$(ls -A empty)" ]
}
