/* SPDX-License-Identifier: MIT */
#include "cli/option.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* The longest of the choices that stands in TEXT: "ciede2000" means "2000". */
static const char *choice_within(const char *text, const char *const *choices, size_t count)
{
    const char *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (strlen(choices[i]) > 1 && strcasestr(text, choices[i]) != NULL &&
            (best == NULL || strlen(choices[i]) > strlen(best)))
            best = choices[i];
    return best;
}

static bool value_choice(const struct option_entry *entry, const char *text, int *field,
                         struct error *error)
{
    size_t count = 0;
    for (; entry->choices[count] != NULL; count++)
        if (strcmp(entry->choices[count], text) == 0) {
            *field = (int)count;
            return true;
        }
    char range[200];
    option_describe_range(entry, range, sizeof range);
    const char *near = text_nearest(text, entry->choices, count);
    if (near == NULL)
        near = choice_within(text, entry->choices, count);
    if (near != NULL)
        return error_set(error, ERROR_USAGE, "'%s' is not one of %s; did you mean '%s'?", text,
                         range, near);
    return error_set(error, ERROR_USAGE, "'%s' is not one of %s", text, range);
}

/* Factors of the units that may follow a number; the empty unit is what a bare number means. */
struct unit {
    const char *name;
    double factor;
};

static const struct unit units_none[] = {{"", 1}, {NULL, 0}};
static const struct unit units_pixels[] = {{"", 1}, {"px", 1}, {NULL, 0}};
static const struct unit units_share[] = {{"", 1}, {"%", 0.01}, {NULL, 0}};
static const struct unit units_duration[] = {{"", 1e3},  {"ms", 1}, {"s", 1e3}, {"m", 6e4},
                                             {"min", 6e4}, {"h", 3.6e6}, {NULL, 0}};
static const struct unit units_bytes[] = {
    {"", 1},           {"K", 1024.},       {"M", 1048576.},   {"G", 1073741824.}, {"k", 1024.},
    {"KiB", 1024.},    {"MiB", 1048576.},  {"GiB", 1073741824.}, {"kB", 1e3},     {"MB", 1e6},
    {"GB", 1e9},       {NULL, 0}};

static const struct unit *units_of(enum option_type type)
{
    return type == OPTION_SHARE      ? units_share
           : type == OPTION_DURATION ? units_duration
           : type == OPTION_BYTES    ? units_bytes
           : type == OPTION_PIXELS   ? units_pixels
                                     : units_none;
}

static bool value_number(const struct option_entry *entry, const char *text, double *value)
{
    const char *end = NULL;
    if (!text_to_double(text, &end, value))
        return false;
    for (const struct unit *unit = units_of(entry->type); unit->name != NULL; unit++)
        if (strcmp(end, unit->name) == 0) {
            *value *= unit->factor;
            bool whole = entry->type == OPTION_NUMBER || entry->type == OPTION_SHARE;
            /* 1.005 s is 1005 ms, although 1.005 * 1000 is not. */
            if (!whole && fabs(*value - round(*value)) < 1e-6) {
                *value = round(*value);
                whole = true;
            }
            return whole && *value >= entry->min && *value <= entry->max;
        }
    return false;
}

/* True where TEXT is a number but for its decimal comma; the hint says so. */
static bool value_hint_point(const struct option_entry *entry, const char *text,
                             struct error *error)
{
    char pointed[32];
    double number;
    snprintf(pointed, sizeof pointed, "%s", text);
    char *comma = strchr(pointed, ',');
    if (comma == NULL || (entry->type != OPTION_NUMBER && entry->type != OPTION_SHARE))
        return false;
    *comma = '.';
    if (!value_number(entry, pointed, &number))
        return false;
    error_hint(error, "did you mean '%s'?", pointed);
    return true;
}

bool option_value(const struct option_entry *entry, const char *text, void *field,
                  struct error *error)
{
    double number = 0;
    switch (entry->type) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return true;
    case OPTION_TEXT:
    case OPTION_FILE:
    case OPTION_DIR:
        *(const char **)field = text;
        return true;
    case OPTION_CHOICE:
        return value_choice(entry, text, field, error);
    case OPTION_CUSTOM:
        return entry->parse(text, field, error);
    case OPTION_INTEGER:
    case OPTION_PIXELS:
    case OPTION_NUMBER:
    case OPTION_SHARE:
    case OPTION_BYTES:
    case OPTION_DURATION:
        break;
    }
    if (!value_number(entry, text, &number)) {
        char range[200];
        option_describe_range(entry, range, sizeof range);
        error_set(error, ERROR_USAGE, "'%s' is not %s", text, range);
        if (!value_hint_point(entry, text, error) && entry->type == OPTION_SHARE && number > 1 &&
            number / 100 <= entry->max && strchr(text, '%') == NULL)
            error_hint(error, "did you mean '%g%%', which is %g?", number, number / 100);
        return false;
    }
    if (entry->type == OPTION_NUMBER || entry->type == OPTION_SHARE)
        *(double *)field = number;
    else if (entry->type == OPTION_BYTES)
        *(uint64_t *)field = (uint64_t)number;
    else
        *(int64_t *)field = (int64_t)number;
    return true;
}

void option_describe_range(const struct option_entry *entry, char *out, size_t size)
{
    bool mebi = entry->min > 0 && fmod(entry->min, 1048576) == 0;
    out[0] = '\0';
    size_t used = 0;
    switch (entry->type) {
    case OPTION_CHOICE:
        for (size_t i = 0; entry->choices[i] != NULL && used < size; i++) {
            const char *between = i == 0 ? "" : entry->choices[i + 1] == NULL ? " or " : ", ";
            used += (size_t)snprintf(out + used, size - used, "%s%s", between, entry->choices[i]);
        }
        break;
    case OPTION_INTEGER:
    case OPTION_PIXELS:
        snprintf(out, size, "a whole number from %.0f to %.0f", entry->min, entry->max);
        break;
    case OPTION_NUMBER:
        snprintf(out, size, "a number from %g to %g", entry->min, entry->max);
        break;
    case OPTION_SHARE:
        snprintf(out, size, "a share from %g%% to %g%%", entry->min * 100, entry->max * 100);
        break;
    case OPTION_BYTES:
        snprintf(out, size, "a number of bytes (K, M, G allowed) from %.0f%s to %.0f",
                 mebi ? entry->min / 1048576 : entry->min, mebi ? "M" : "", entry->max);
        break;
    case OPTION_DURATION:
        snprintf(out, size, "a time such as 500ms, 10s or 2m, from %g ms to %g h", entry->min,
                 entry->max / 3.6e6);
        break;
    default:
        break;
    }
}

static void *option_field(const struct option_entry *entry, void *structure)
{
    return (char *)structure + entry->offset;
}

void options_preset(const struct option_set *set, void *structure,
                    void (*warn)(void *context, const char *message), void *context)
{
    OPTION_FOR_EACH(set, table, entry) {
        void *field = option_field(entry, structure);
        if (entry->preset != NULL)
            option_value(entry, entry->preset, field, NULL);
        const char *variable = entry->environment ? getenv(entry->environment) : NULL;
        struct error error = {0};
        if (variable != NULL && *variable != '\0' &&
            !option_value(entry, variable, field, &error)) {
            char message[500];
            snprintf(message, sizeof message, "%s: %s; the default is used", entry->environment,
                     error.message);
            warn(context, message);
            unsetenv(entry->environment); /* or the stages of a pipeline would say it again */
        }
    }
}

/* The entries as getopt_long() wants them. */
struct getopt_tables {
    struct option longs[OPTION_MAX_ENTRIES + 1];
    char shorts[2 * OPTION_MAX_ENTRIES + 3];
    const struct option_entry *entries[OPTION_MAX_ENTRIES];
    size_t count;
    bool stop_at_operand;
    const char *listed; /* the option whose many words were taken; or NULL */
};

static void getopt_tables_fill(struct getopt_tables *tables, const struct option_set *set,
                               bool stop_at_operand)
{
    char *letter = tables->shorts;
    size_t long_count = 0;
    tables->stop_at_operand = stop_at_operand;
    if (stop_at_operand)
        *letter++ = '+';
    *letter++ = ':';
    OPTION_FOR_EACH(set, table, entry) {
        int has_value = entry->type == OPTION_FLAG ? no_argument : required_argument;
        if (entry->name != NULL)
            tables->longs[long_count++] =
                (struct option){entry->name, has_value, NULL, 256 + (int)tables->count};
        tables->entries[tables->count++] = entry;
        if (entry->letter != 0) {
            *letter++ = entry->letter;
            if (has_value == required_argument)
                *letter++ = ':';
        }
    }
    *letter = '\0';
    tables->longs[long_count] = (struct option){0};
}

static bool unknown_option(const struct getopt_tables *tables, const char *given,
                           struct error *error)
{
    const char *names[OPTION_MAX_ENTRIES];
    char word[64];
    if (given[0] != '-' || given[1] != '-')
        return error_set(error, ERROR_USAGE, "unknown option '%s'", given);
    snprintf(word, sizeof word, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    size_t count = 0;
    for (size_t i = 0; i < tables->count; i++)
        if (tables->entries[i]->name != NULL)
            names[count++] = tables->entries[i]->name;
    const char *near = text_nearest(word, names, count);
    if (near != NULL)
        return error_set(error, ERROR_USAGE, "unknown option '--%s', did you mean '--%s'?", word,
                         near);
    error_set(error, ERROR_USAGE, "unknown option '--%s'", word);
    if (tables->stop_at_operand && tables->listed == NULL)
        return error_hint(error, "options of a command stand behind its name");
    return false;
}

/* getopt_long() takes abbreviations; this does not. GIVEN is the word as typed. */
static bool is_abbreviated(const char *given, const struct option_entry *entry)
{
    return strncmp(given, "--", 2) == 0 && strcspn(given + 2, "=") != strlen(entry->name);
}

static bool option_failed(const struct getopt_tables *tables, int code, char **argv,
                          struct error *error)
{
    const char *given = argv[optind - 1];
    char letter[3] = {'-', (char)optopt, '\0'};
    bool is_long = strncmp(given, "--", 2) == 0 && (optopt == 0 || optopt >= 256);
    if (code == ':') {
        if (optopt >= 256)
            return error_set(error, ERROR_USAGE, "option '--%s' needs a value",
                             tables->entries[optopt - 256]->name);
        return error_set(error, ERROR_USAGE, "option '%s' needs a value", letter);
    }
    if (is_long && optopt >= 256)
        return error_set(error, ERROR_USAGE, "option '--%s' takes no value",
                         tables->entries[optopt - 256]->name);
    unknown_option(tables, is_long ? given : letter, error);
    /* getopt_long() is still at the word while more letters of it are to come. */
    for (int i = optind - 1; i <= optind - is_long && argv[i] != NULL; i++)
        if (argv[i][0] == '-' && access(argv[i], F_OK) == 0)
            return error_hint(error, "the file of that name is './%s'", argv[i]);
    return false;
}

static size_t entry_of_code(const struct getopt_tables *tables, int code)
{
    if (code >= 256)
        return (size_t)code - 256;
    for (size_t i = 0; i < tables->count; i++)
        if (tables->entries[i]->letter == code)
            return i;
    return 0;
}

/* VALUE, which getopt_long() has just taken, and the words behind it. */
static bool take_words(const struct option_entry *entry, int argc, char **argv, char *value,
                       struct option_words *words, struct error *error)
{
    if (words->count > 0)
        return error_set(error, ERROR_USAGE, "--%s is given twice", entry->name);
    words->words = argv + optind - 1;
    words->words[0] = value; /* where it was --name=VALUE */
    while (optind < argc && argv[optind][0] != '-')
        optind++;
    words->count = (int)(argv + optind - words->words);
    return true;
}

bool options_parse(const struct option_set *set, int argc, char **argv, bool stop_at_operand,
                   void *structure, struct option_result *result, struct error *error)
{
    struct getopt_tables tables = {0};
    int code, index = 0;
    *result = (struct option_result){0};
    getopt_tables_fill(&tables, set, stop_at_operand);
    optind = 0; /* starts afresh, whoever parsed before */
    opterr = 0;
    while ((code = getopt_long(argc, argv, tables.shorts, tables.longs, &index)) != -1) {
        if (code == '?' || code == ':') {
            option_failed(&tables, code, argv, error);
            return tables.listed != NULL &&
                   error_hint(error, "the words behind --%s are its own; -- ends them",
                              tables.listed);
        }
        size_t i = entry_of_code(&tables, code);
        const struct option_entry *entry = tables.entries[i];
        bool apart = optarg != NULL && optarg == argv[optind - 1];
        const char *given = argv[optind - (apart ? 2 : 1)];
        if (code >= 256 && is_abbreviated(given, entry))
            return unknown_option(&tables, given, error);
        struct error reason = {0};
        if (entry->many && !take_words(entry, argc, argv, optarg, option_field(entry, structure),
                                       error))
            return false;
        if (!entry->many &&
            !option_value(entry, optarg, option_field(entry, structure), &reason)) {
            error_set(error, reason.kind, "--%s: %s", entry->name, reason.message);
            return error_hint(error, "%s", reason.hint);
        }
        if (entry->many)
            tables.listed = entry->name;
        result->given[i / 64] |= 1ull << i % 64;
    }
    result->operands = argv + optind;
    result->operand_count = argc - optind;
    return true;
}

bool option_given(const struct option_set *set, const struct option_result *result,
                  const char *name)
{
    size_t i = 0;
    OPTION_FOR_EACH(set, table, entry) {
        if (entry->name != NULL && strcmp(entry->name, name) == 0)
            return (result->given[i / 64] >> i % 64 & 1) != 0;
        i++;
    }
    return false;
}

void options_release(const struct option_set *set, void *structure)
{
    OPTION_FOR_EACH(set, table, entry)
        if (entry->release != NULL)
            entry->release(option_field(entry, structure));
}
