/* SPDX-License-Identifier: MIT */
/* What ralmatch matches: the colours of images and lists. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sink.h"
#include "cli/input.h"
#include "cli/sandbox.h"
#include "color/color.h"
#include "tools/palette_input.h"
#include "tools/ralmatch.h"

/* Colours of an image nearer than this are one, as for imgpalette. */
#define IMAGE_MERGE_DE 5

static json_t *image_json(json_t *colors)
{
    /* The dominant colour's answer is the image's. */
    json_t *result = json_object(), *first = json_array_get(colors, 0);
    static const char *const keys[] = {"matches", "gap", "ambiguous"};
    for (size_t i = 0; i < CLI_COUNT(keys); i++)
        json_object_set(result, keys[i], json_object_get(first, keys[i]));
    json_object_set_new(result, "colors", colors);
    return result;
}

static void image_match(struct session *session, const struct palette *palette)
{
    json_t *colors = session_wants_json(session) ? json_array() : NULL;
    for (size_t i = 0; i < palette->count; i++) {
        const struct palette_entry *entry = &palette->entries[i];
        struct query query = {.share = entry->share,
                              .image = session->several ? session->run->file : NULL};
        unsigned rgb = 0;
        char hex[8];
        json_t *result = NULL;
        for (int c = 0; c < 3; c++)
            rgb = rgb << 8 | (unsigned)lrint(fmin(fmax(entry->srgb[c], 0), 1) * 255);
        snprintf(hex, sizeof hex, "#%06X", rgb & 0xffffff);
        query.text = hex;
        memcpy(query.lab, entry->lab, sizeof query.lab);
        session_match(session, &query, &result);
        if (colors != NULL)
            json_array_append_new(colors, result);
    }
    if (colors != NULL)
        session->run->result = image_json(colors);
}

static bool image_colors(struct session *session, struct cli_input *input, struct error *error)
{
    struct palette palette;
    const struct codec_info *info = input->info;
    const struct palette_options options = {
        .colors = (size_t)session->fields->colors,
        .merge_de = IMAGE_MERGE_DE,
        .lossy = info->format == CODEC_JPEG || (info->format == CODEC_WEBP && !info->lossless),
        .threads = cli_threads(&session->fields->common),
    };
    bool done = palette_input(session->run, input, &options, &palette, error);
    if (done && palette.count == 0)
        return error_set(error, ERROR_UNSUPPORTED, "is fully transparent, there is no colour");
    if (done)
        image_match(session, &palette);
    return done;
}

/* What is left of a pipe into a file in memory, because its start was looked at already. */
static bool pipe_to_file(struct source *source, int *fd, struct error *error)
{
    struct sink sink;
    size_t got = 0;
    const uint8_t *data;
    *fd = memfd_create("input", MFD_CLOEXEC);
    if (*fd < 0)
        return error_errno(error, ERROR_SYSTEM, errno, "no file in memory");
    sink_to_fd(&sink, *fd);
    bool done = true;
    while (done && (done = (data = source_peek(source, 1, &got, error)) != NULL) && got > 0) {
        done = sink_write(&sink, data, got);
        source_take(source, got);
    }
    if (error->kind == ERROR_NONE && !sink_flush(&sink))
        done = error_set(error, sink.error.kind, "%s", sink.error.message);
    sink_free(&sink);
    return done;
}

/* Opens the image that SOURCE was found to be, under its own name. FD is closed with INPUT. */
static bool image_open(struct cli_run *run, struct source *source, int *fd, struct cli_input *input,
                       struct error *error)
{
    const char *name = source->name, *path = name;
    char link[40];
    if (source->regular ? !source_rewind(source, error) : !pipe_to_file(source, fd, error))
        return false;
    if (*fd >= 0 && strcmp(name, "-") == 0) {
        if (lseek(*fd, 0, SEEK_SET) != 0 || dup2(*fd, STDIN_FILENO) < 0)
            return error_errno(error, ERROR_SYSTEM, errno, "no file in memory");
    } else if (*fd >= 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", *fd);
        path = link;
    }
    bool done = cli_input_open(run, path, input, error);
    run->file = input->source.name = name;
    return done && cli_input_header(run, NULL, NULL, input, error);
}

static bool session_image(struct session *session, struct source *source, struct error *error)
{
    struct cli_input input = {.source.fd = -1};
    int fd = -1;
    bool done = image_open(session->run, source, &fd, &input, error) &&
                image_colors(session, &input, error);
    cli_input_close(&input);
    if (fd >= 0)
        close(fd);
    return done;
}

/* Whether SOURCE is an image, or at least no list. No colour starts with these letters, and a list
 * that comes line by line must not be waited for. */
static bool source_is_image(struct source *source, bool *image, struct error *error)
{
    static const char *const starts[] = {"RI", "P1", "P2", "P3", "P4", "P5", "P6",
                                         "P7", "GI", "BM", "II", "MM", "%P", "<?"};
    size_t got = 0;
    const uint8_t *head = source_peek(source, 1, &got, error);
    if (head == NULL)
        return false;
    if (got == 0)
        return error_set(error, ERROR_TRUNCATED,
                         "is empty, an image or a list of colours is expected");
    *image = (head[0] >= 0x7f && head[0] != 0xef) || (head[0] < ' ' && !isspace(head[0]));
    if (!*image && strchr("RPGBIM%<", head[0]) != NULL)
        head = source_peek(source, 2, &got, error);
    if (head == NULL)
        return false;
    for (size_t i = 0; i < CLI_COUNT(starts); i++)
        *image = *image || (got >= 2 && memcmp(head, starts[i], 2) == 0);
    return true;
}

/* *TOLD: it was a list, whose lines have been reported one by one. */
static bool file_match(struct session *session, struct source *source, bool *told,
                       struct error *error)
{
    bool image = false;
    if (!source_is_image(source, &image, error))
        return false;
    if (image)
        return session_image(session, source, error);
    *told = session->run->reported = true;
    /* Lists may be endless, unless somebody says how long they may be. */
    if (!source->limit_fixed)
        source->limit_bytes = UINT64_MAX;
    return sandbox_enter(session->run, error) && session_list(session, source, error);
}

bool session_file(struct session *session, const char *name, struct error *error)
{
    struct cli_run *run = session->run;
    struct source source;
    struct error failure = {0};
    bool told = false;
    run->file = name;
    bool done = source_open(&source, name, session->fields->common.max_input_bytes, &failure);
    if (done) {
        source.limit_fixed = option_given(&run->set, &run->parsed, "max-input-bytes");
        done = file_match(session, &source, &told, &failure);
        source_close(&source);
    }
    if (run->reported && !told)
        return session_report(session, done ? NULL : &failure, error);
    if (!done)
        *error = failure;
    return done;
}
