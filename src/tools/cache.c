/* SPDX-License-Identifier: MIT */
/* imgtool cache: looking after the cache of batches. */
#include "tools/cache.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/report.h"
#include "proc/cache.h"

struct cache_fields {
    struct cli_common common;
    const char *cache;
    uint64_t cache_size;
};

#define FIELD(name) offsetof(struct cache_fields, name)

static const struct option_entry entries[] = {
    {"cache", 0, .brief = true, OPTION_DIR, .metavar = "DIR", .offset = FIELD(cache),
     .help = "the cache, as it was named to the batch"},
    {"cache-size", 0, .brief = true, OPTION_BYTES, "SIZE", NULL, 0, 1e15,
     .offset = FIELD(cache_size),
     .help = "prune: remove the least recently used entries until at most SIZE is left"},
};

/* A moment as people and programs read it, "" for none. */
static const char *moment(int64_t seconds, char out[40])
{
    struct tm utc;
    time_t time = (time_t)seconds;
    out[0] = '\0';
    if (seconds > 0 && gmtime_r(&time, &utc) != NULL)
        strftime(out, 40, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return out;
}

static bool print_stats(struct cli_run *run, const struct cache_fields *fields, struct error *error)
{
    struct cache_stats stats;
    char oldest[40], newest[40];
    if (!cache_stat(fields->cache, &stats, error))
        return false;
    moment(stats.oldest, oldest);
    moment(stats.newest, newest);
    text_printf(&run->answer, "entries\t%" PRIu64 "\nbytes\t%" PRIu64 "\n", stats.entries,
                stats.bytes);
    if (stats.entries > 0)
        text_printf(&run->answer, "oldest use\t%s\nnewest use\t%s\n", oldest, newest);
    run->result = json_pack("{s:I, s:I, s:s?, s:s?}", "entries", (json_int_t)stats.entries, "bytes",
                            (json_int_t)stats.bytes, "oldest", stats.entries > 0 ? oldest : NULL,
                            "newest", stats.entries > 0 ? newest : NULL);
    return true;
}

static bool remove_entries(struct cli_run *run, const struct cache_fields *fields,
                           uint64_t max_bytes, struct error *error)
{
    struct cache_stats removed, left;
    if (!cache_prune(fields->cache, max_bytes, &removed, &left, error))
        return false;
    text_printf(&run->answer,
                "removed\t%" PRIu64 "\nfreed bytes\t%" PRIu64 "\nentries\t%" PRIu64
                "\nbytes\t%" PRIu64 "\n",
                removed.entries, removed.bytes, left.entries, left.bytes);
    run->result = json_pack("{s:I, s:I, s:I, s:I}", "removed", (json_int_t)removed.entries,
                            "freed_bytes", (json_int_t)removed.bytes, "entries",
                            (json_int_t)left.entries, "bytes", (json_int_t)left.bytes);
    return true;
}

static bool unknown_action(const char *word, struct error *error)
{
    static const char *const actions[] = {"stats", "prune", "clear"};
    const char *near = text_nearest(word, actions, CLI_COUNT(actions));
    error_set(error, ERROR_USAGE, "'%s' is not stats, prune or clear", word);
    return near != NULL && error_hint(error, "did you mean '%s'?", near);
}

static bool cache_run(struct cli_run *run, void *options, struct error *error)
{
    const struct cache_fields *fields = options;
    bool sized = option_given(&run->set, &run->parsed, "cache-size");
    if (run->parsed.operand_count != 1)
        return error_set(error, ERROR_USAGE, "one of stats, prune and clear is expected");
    const char *action = run->parsed.operands[0];
    bool prune = strcmp(action, "prune") == 0;
    if (!prune && strcmp(action, "stats") != 0 && strcmp(action, "clear") != 0)
        return unknown_action(action, error);
    if (fields->cache == NULL || fields->cache[0] == '\0')
        return error_set(error, ERROR_USAGE, "no --cache DIR");
    if (prune != sized)
        return error_set(error, ERROR_USAGE,
                         prune ? "prune needs --cache-size SIZE" : "--cache-size goes with prune");
    if (strcmp(action, "stats") == 0)
        return print_stats(run, fields, error);
    return remove_entries(run, fields, prune ? fields->cache_size : 0, error);
}

static const struct result_field stats_fields[] = {
    {"entries", .type = RESULT_INTEGER},
    {"bytes", .type = RESULT_INTEGER},
    {"oldest", RESULT_TEXT, .help = "the time of the last use of what was not used for longest",
     .null = true},
    {"newest", RESULT_TEXT, .help = "the time of the last use of any", .null = true},
    {0},
};

static const struct result_field removed_fields[] = {
    {"removed", RESULT_INTEGER, .help = "entries"},
    {"freed_bytes", .type = RESULT_INTEGER},
    {"entries", RESULT_INTEGER, .help = "that are left"},
    {"bytes", RESULT_INTEGER, .help = "that are left"},
    {0},
};

const struct cli_tool cache_tool = {
    .name = "imgtool cache",
    .operands = "stats|prune|clear",
    .description =
        "Looks after a cache of imgtool batch --cache. stats says what is in it. prune removes the "
        "entries that were not used for longest until it is small enough, clear all of them; other "
        "files in DIR are left alone. Batches may go on using the cache meanwhile.\n\n"
        "An entry is the answer to a job and its outputs, known by the SHA-256 of the version, the "
        "stages and the bytes of the inputs. It is checked whenever it is used, and one that is "
        "damaged is removed. Whoever may write to DIR decides what batches answer from it.",
    .results = {{"of stats", stats_fields, .beside = false},
                {"of prune and clear", removed_fields, .beside = false}},
    .options = {"Cache", entries, CLI_COUNT(entries)},
    .examples = {{"imgtool cache stats --cache /var/cache/pictures", "how much is in it"},
                 {"imgtool cache prune --cache /var/cache/pictures --cache-size 2G",
                  "the most recently used 2 GB stay"},
                 {"imgtool cache clear --cache /var/cache/pictures", "everything goes"}},
    .options_size = sizeof(struct cache_fields),
    .max_operands = 1,
    .run = cache_run,
};
