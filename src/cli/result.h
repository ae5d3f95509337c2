/* SPDX-License-Identifier: MIT */
/* Result tables: the fields of a tool's JSON result, from which --help, the manual page and the
 * JSON Schema are made. What a tool really prints is held against its table by the tests. */
#ifndef CLI_RESULT_H
#define CLI_RESULT_H

#include <stdbool.h>

#include "base/text.h"

struct json_t;

enum result_type {
    RESULT_TEXT,
    RESULT_FLAG,    /* true or false */
    RESULT_INTEGER,
    RESULT_NUMBER,
    RESULT_SHARE,   /* a number from 0 to 1 */
    RESULT_HEX,     /* "#rrggbb", and the alpha behind it where there is some */
    RESULT_LAB,     /* [L, a, b] */
    RESULT_SIZE,    /* [width, height] */
    RESULT_POINT,   /* [x, y] */
    RESULT_BOX,     /* {x, y, width, height} */
    RESULT_FILE,    /* {path, format, width, height, bytes}: what was written */
    RESULT_OBJECT,  /* of FIELDS */
    RESULT_REPORT   /* the object that another tool printed, or null */
};

/* A field. A table of them ends with an entry without a name. */
struct result_field {
    const char *name;
    enum result_type type;
    const char *help;                  /* a few words, no full stop; NULL where the name says it */
    const struct result_field *fields; /* RESULT_OBJECT; RESULT_FILE: further ones */
    const char *const *choices;        /* RESULT_TEXT: what it can be, ends with NULL; or NULL */
    bool list;                         /* an array of such values */
    bool null;                         /* it may be null */
    bool optional;                     /* it may be missing */
};

/* One of the forms that a result has: most tools have one. */
struct result_form {
    const char *when;                  /* "of images"; NULL where there is only one form */
    const struct result_field *fields; /* NULL behind the last form */
    bool beside; /* the fields are in the report itself, beside its result, which is null */
};

/* What stands behind a field's name in --help: "the padded box ({x, y, width, height})". */
void result_describe(const struct result_field *field, struct text *out);

/* The JSON Schema of an object of FIELDS and nothing else. Files and reports are references to what
 * `imgtool schema` defines. NULL when memory ran out. */
struct json_t *result_schema(const struct result_field *fields);

#endif
