/* SPDX-License-Identifier: MIT */
/* Lines from a descriptor, read only when somebody asks and never beyond what is there. */
#ifndef PROC_INTAKE_H
#define PROC_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

enum { INTAKE_MOST_BYTES = 1 << 20 }; /* of a line */

enum intake_found {
    INTAKE_NOTHING,  /* no whole line yet: poll and intake_read() */
    INTAKE_LINE,
    INTAKE_TOO_LONG, /* the beginning of a line of which the rest is dropped */
    INTAKE_END
};

struct intake {
    int fd;
    char *data;
    size_t start, end, capacity;
    size_t looked; /* up to here intake_ahead() has seen all lines */
    bool at_end;   /* of the input */
    bool skipping; /* the rest of a line that is too long */
    int failure;   /* errno of a read that failed; 0: none */
};

void intake_begin(struct intake *intake, int fd);
void intake_free(struct intake *intake);

/* Reads once; call it when poll() says that it does not wait. */
void intake_read(struct intake *intake);

/* The next line without its end, valid until the next call of either. A last line need not have an
 * end; blank lines are passed over. */
enum intake_found intake_next(struct intake *intake, const char **line, size_t *length);

/* The next whole line that neither this nor intake_next() has given yet, which still will; NULL
 * where none is there. The line may be changed. */
char *intake_ahead(struct intake *intake, size_t *length);

/* True where intake_read() is still of use although nobody takes the lines: to look ahead. */
bool intake_has_room(const struct intake *intake);

#endif
