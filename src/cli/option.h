/* SPDX-License-Identifier: MIT */
/* Option tables: one table a tool makes parser, help, manual page and completions.
 *
 * An entry names a field of the tool's option struct by its offset; the type of the field follows
 * from the type of the entry. Defaults are text and go through the same parser as what the user
 * types, so a default outside its range cannot exist. */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum option_type {
    OPTION_FLAG,     /* bool; no value */
    OPTION_TEXT,     /* const char *; verbatim */
    OPTION_FILE,     /* const char *; the same, completed as a file name */
    OPTION_DIR,      /* const char *; completed as a directory */
    OPTION_CHOICE,   /* int: index into CHOICES */
    OPTION_INTEGER,  /* int64_t */
    OPTION_PIXELS,   /* int64_t: "20" or "20px" */
    OPTION_NUMBER,   /* double */
    OPTION_SHARE,    /* double: "40%" or "0.4"; MIN and MAX are shares */
    OPTION_BYTES,    /* uint64_t: "64M", "1GiB", "1000" */
    OPTION_DURATION, /* int64_t milliseconds: "500ms", "10s", "2m"; a bare number is seconds */
    OPTION_CUSTOM    /* whatever PARSE fills */
};

struct option_entry {
    const char *name; /* without the dashes; NULL: only a letter */
    char letter;      /* 0: none */
    bool brief;       /* shown by -h too */
    enum option_type type;
    const char *metavar;        /* NULL for flags */
    const char *preset;         /* the default as text; NULL: the field stays as it is */
    double min, max;            /* for the numeric types, both inclusive */
    const char *const *choices; /* ends with NULL */
    size_t offset;              /* of the field */
    bool (*parse)(const char *text, void *field, struct error *error); /* OPTION_CUSTOM */
    void (*release)(void *field); /* OPTION_CUSTOM that owns memory */
    bool many; /* OPTION_FILE: also the words behind the value, up to one that begins with a dash */
    const char *environment;    /* a variable that stands in for the option */
    const char *help;           /* one sentence, lower case, no full stop */
};

/* The field of an entry that takes many words. */
struct option_words {
    char **words; /* points into argv */
    int count;
};

/* Several tables that are parsed as one. */
struct option_table {
    const char *title; /* heading in --help and the manual */
    const struct option_entry *entries;
    size_t count;
};

enum { OPTION_MAX_TABLES = 16, OPTION_MAX_ENTRIES = 96 };

struct option_set {
    const struct option_table *tables[OPTION_MAX_TABLES];
    size_t table_count;
};

/* What the command line gave beside the fields. */
struct option_result {
    char **operands; /* points into argv */
    int operand_count;
    uint64_t given[2]; /* a bit for each entry, counted through the tables */
};

/* Calls VISIT for each entry of SET in order. */
#define OPTION_FOR_EACH(set, table, entry)                                                         \
    for (size_t table##_i = 0; table##_i < (set)->table_count; table##_i++)                        \
        for (const struct option_table *table = (set)->tables[table##_i]; table != NULL;           \
             table = NULL)                                                                         \
            for (const struct option_entry *entry = table->entries;                                \
                 entry < table->entries + table->count; entry++)

/* Fills the fields of STRUCTURE with the defaults, then from the environment: a bad value there is
 * reported through WARN and left out. */
void options_preset(const struct option_set *set, void *structure,
                    void (*warn)(void *context, const char *message), void *context);

/* Parses ARGV into STRUCTURE. STOP_AT_OPERAND: what follows the first operand is not looked at.
 * ERROR_USAGE names the option, the value and what is allowed. */
bool options_parse(const struct option_set *set, int argc, char **argv, bool stop_at_operand,
                   void *structure, struct option_result *result, struct error *error);

/* True where the command line itself had the option NAME. */
bool option_given(const struct option_set *set, const struct option_result *result,
                  const char *name);

/* Frees what custom fields own. */
void options_release(const struct option_set *set, void *structure);

/* Parses TEXT as the value of ENTRY into FIELD. The message does not name the option. */
bool option_value(const struct option_entry *entry, const char *text, void *field,
                  struct error *error);

/* The allowed values as people read them ("1 to 100", "png, jpeg, webp or pam"); "" for free text. */
void option_describe_range(const struct option_entry *entry, char *out, size_t size);

#endif
