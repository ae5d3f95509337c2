/* SPDX-License-Identifier: MIT */
/* ralmatch: lists of colours, a line each. */
#include <ctype.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "cli/input.h"
#include "color/color.h"
#include "tools/ralmatch.h"

/* What has arrived is matched at once, as far as it fits: BATCH_BYTES, LINES_MOST lines and as many
 * matches. Threads take a piece of PIECE lines at a time. */
enum {
    LINE_BYTES = 4096,
    BATCH_BYTES = 1 << 17,
    LINES_MOST = 1 << 13,
    PIECE = 128,
    PIECES_MOST = LINES_MOST / PIECE,
    LONG_LIST = 1000 /* colours that may follow where so many have come */
};

/* A line that is no comment. */
struct line {
    const char *text;
    size_t number;
    bool is_color;
    struct match *match;
    size_t found;
};

/* What the thread that matched a piece wrote for it, where that is all there is to say: every line
 * was a colour, and no JSON is wanted. */
struct piece {
    struct text text;
    bool whole, none; /* NONE: some colour had no match */
};

struct list {
    struct session *session;
    struct source *source;
    size_t number, colors; /* lines, and those that are no comments, so far */
    char *bytes;           /* BATCH_BYTES */
    size_t used;
    struct line *lines;    /* lines_most */
    size_t count, most;
    struct match *matches; /* session->wanted for each line */
    struct piece pieces[PIECES_MOST];
};

/* Where the next bytes are: a whole line at least, unless it is the last or too long. NULL at the
 * end, with ERROR set where that came by a failure. What was answered goes out before waiting for
 * more, so that a program may send a colour and wait for its match. */
static const char *list_bytes(struct list *list, size_t *got, bool *last, struct error *error)
{
    struct source *source = list->source;
    for (size_t wanted = 1;; wanted = *got + 1) {
        struct pollfd input = {.fd = source->fd, .events = POLLIN};
        bool buffered = source->block_end - source->block_start >= wanted;
        if (!buffered && poll(&input, 1, 0) == 0 && !session_flush(list->session, error))
            return NULL;
        const char *data = (const char *)source_peek(source, wanted, got, error);
        if (data == NULL || *got == 0)
            return NULL;
        *last = *got < wanted;
        if (*last || *got >= LINE_BYTES || memchr(data, '\n', *got) != NULL)
            return data;
    }
}

/* Puts a line of LENGTH bytes on the list, unless it is a comment. */
static void list_add(struct list *list, const char *data, size_t length)
{
    char *text = list->bytes + list->used;
    memcpy(text, data, length);
    text[length] = '\0';
    list->used += length + 1;
    if (list->number++ == 0 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    text += strspn(text, " \t\r");
    if (text[0] == '\0' || (text[0] == '#' && !isalnum((unsigned char)text[1])))
        return;
    list->lines[list->count] =
        (struct line){.text = text,
                      .number = list->number,
                      .match = list->matches + list->count * list->session->wanted};
    list->count++;
    list->colors++;
}

/* Takes the lines that have arrived. False where the list ends behind them, with ERROR set where
 * that is a failure. */
static bool list_fill(struct list *list, struct error *error)
{
    size_t got = 0, at = 0;
    bool last = false;
    const char *data = list_bytes(list, &got, &last, error);
    if (data == NULL)
        return false;
    list->used = list->count = 0;
    while (at < got && list->count < list->most) {
        const char *end = memchr(data + at, '\n', got - at);
        size_t length = end == NULL ? got - at : (size_t)(end - (data + at));
        if ((end == NULL && !last && at > 0) || list->used + length >= BATCH_BYTES)
            break;
        if (length >= LINE_BYTES)
            return error_set(error, ERROR_UNSUPPORTED,
                             "is not a list of colours: a line is longer than %d bytes",
                             LINE_BYTES - 1);
        if (memchr(data + at, '\0', length) != NULL)
            return error_set(error, ERROR_UNSUPPORTED, "is not text");
        list_add(list, data + at, length);
        at += length + (end != NULL);
    }
    source_take(list->source, at);
    return true;
}

static size_t piece_end(const struct list *list, size_t first)
{
    return first + PIECE < list->count ? first + PIECE : list->count;
}

static struct query line_query(const struct line *line)
{
    return (struct query){.text = line->text, .share = -1, .line = line->number};
}

static void match_piece(void *context, size_t number)
{
    struct list *list = context;
    struct piece *piece = &list->pieces[number];
    const struct session *session = list->session;
    size_t first = number * PIECE, end = piece_end(list, first);
    piece->whole = !session_wants_json(session);
    piece->none = false;
    piece->text.length = 0;
    for (size_t i = first; i < end; i++) {
        struct line *line = &list->lines[i];
        const struct query query = line_query(line);
        struct color color;
        line->is_color = color_parse_plain(line->text, color.lab) ||
                         color_parse(line->text, &color, NULL);
        piece->whole = piece->whole && line->is_color;
        if (line->is_color)
            line->found =
                matcher_find(session->matcher, color.lab, session->wanted, line->match);
        if (piece->whole && !session_text(session, &query, line->match, line->found, &piece->text))
            piece->none = true;
    }
    piece->whole = piece->whole && !piece->text.failed;
}

static bool line_failed(struct session *session, const struct line *line, struct error *error)
{
    struct error reason = {0}, failure = {0};
    struct color color;
    color_parse(line->text, &color, &reason);
    error_set(&failure, ERROR_CORRUPT, "line %zu: %s", line->number, reason.message);
    if (reason.hint[0] != '\0')
        error_hint(&failure, "%s", reason.hint);
    return session_report(session, &failure, error);
}

static bool line_answer(struct session *session, const struct line *line, struct error *error)
{
    const struct query query = line_query(line);
    if (!line->is_color)
        return line_failed(session, line, error);
    session_answer(session, &query, line->match, line->found, &session->run->result);
    return session_report(session, NULL, error);
}

static bool piece_answer(struct list *list, size_t number, struct error *error)
{
    struct session *session = list->session;
    const struct piece *piece = &list->pieces[number];
    size_t first = number * PIECE, end = piece_end(list, first);
    if (piece->whole) {
        session->none = session->none || piece->none;
        if (piece->text.length > 0)
            text_add_bytes(&session->run->answer, piece->text.data, piece->text.length);
        return session_report(session, NULL, error);
    }
    for (size_t i = first; i < end; i++)
        if (!line_answer(session, &list->lines[i], error))
            return false;
    return true;
}

/* Every line of the list. */
static bool list_run(struct list *list, struct error *error)
{
    struct error failure = {0};
    unsigned threads = cli_threads(&list->session->fields->common);
    bool more = true;
    while (more) {
        list->count = 0;
        more = list_fill(list, &failure);
        size_t pieces = (list->count + PIECE - 1) / PIECE;
        if (list->colors >= LONG_LIST && list->session->shown_ends == NULL &&
            !session_write_shades(list->session, error))
            return false;
        threads_for(threads, pieces, match_piece, list);
        for (size_t i = 0; i < pieces; i++)
            if (!piece_answer(list, i, error))
                return false;
    }
    if (failure.kind == ERROR_NONE && list->colors == 0)
        error_set(&failure, ERROR_TRUNCATED, "has no colours");
    return failure.kind == ERROR_NONE || session_report(list->session, &failure, error);
}

bool session_list(struct session *session, struct source *source, struct error *error)
{
    struct list list = {.session = session, .source = source};
    list.most = session->wanted < LINES_MOST ? LINES_MOST / session->wanted : 1;
    list.bytes = memory_array(BATCH_BYTES, 1, error);
    list.lines = memory_array(list.most, sizeof *list.lines, error);
    list.matches = memory_array(list.most * session->wanted, sizeof *list.matches, error);
    bool done = list.bytes != NULL && list.lines != NULL && list.matches != NULL &&
                list_run(&list, error);
    for (size_t i = 0; i < PIECES_MOST; i++)
        text_free(&list.pieces[i].text);
    free(list.bytes);
    free(list.lines);
    free(list.matches);
    return done;
}
