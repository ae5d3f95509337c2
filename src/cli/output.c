/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/root.h"
#include "base/signals.h"
#include "cli/report.h"
#include "cli/sandbox.h"

const char *cli_output_path(const struct cli_run *run, const struct cli_input *input)
{
    bool named = option_given(&run->set, &run->parsed, "output");
    if (run->options->in_place && !named && strcmp(input->source.name, "-") != 0)
        return input->source.name;
    return run->options->output;
}

/* The same as people read it. */
static const char *output_name(const struct cli_output *output)
{
    return strcmp(output->path, "-") == 0 ? "stdout" : output->path;
}

bool cli_output_failed(const struct cli_output *output, struct error *error)
{
    if (error->file[0] == '\0')
        snprintf(error->file, sizeof error->file, "%s", output_name(output));
    return false;
}

/* A name that promises a format which we do not write must not get another one silently. */
static bool output_check_extension(const char *path, struct error *error)
{
    static const char *const foreign[] = {"gif", "tif", "tiff", "avif", "heic", "heif", "bmp",
                                          "svg", "pdf", "jxl",  "jp2",  "psd",  "ico",
                                          "ppm", "pgm", "pnm",  "pbm"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < CLI_COUNT(foreign); i++)
        if (strcasecmp(dot + 1, foreign[i]) == 0) {
            error_set(error, ERROR_USAGE, "'%s': no output format is called '%s'", path, dot + 1);
            return error_hint(error, "-f chooses png, jpeg, webp or pam whatever the name");
        }
    return true;
}

/* What is left as CODEC_NONE is the input's. */
static bool output_name_format(const struct cli_run *run, struct cli_output *output,
                               struct error *error)
{
    output->format = (enum codec_format)run->options->format;
    if (output->format != CODEC_NONE || strcmp(output->path, "-") == 0)
        return true;
    output->format = codec_by_path(output->path);
    return output_check_extension(output->path, error);
}

/* FORMAT is the input's, or CODEC_NONE as long as only its header tells. */
static bool output_choose_format(const struct cli_run *run, enum codec_format format,
                                 struct cli_output *output, struct error *error)
{
    if (output->format == CODEC_NONE)
        output->format = format;
    if (output->origin == CODEC_NONE)
        output->origin = format;
    if (run->options->lossless && output->format == CODEC_JPEG)
        return error_set(error, ERROR_USAGE, "--lossless: JPEG is never lossless");
    /* Before the sandbox, where it could not be opened; any may be needed if none is known yet. */
    return codec_load(output->format, error);
}

/* True where both descriptors are one pipe or one regular file. */
static bool same_file(int one, int two)
{
    struct stat a, b;
    return two >= 0 && fstat(one, &a) == 0 && fstat(two, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino && !S_ISCHR(a.st_mode);
}

/* FD is written to as it is: stdout, or what was opened by a name like /dev/stdout. */
static bool output_check_stream(const struct cli_run *run, int fd, struct error *error)
{
    if (isatty(fd)) {
        error_set(error, ERROR_USAGE, "an image is not written to a terminal");
        return error_hint(error, "-o FILE writes it to a file");
    }
    if (run->options->json && (fd == STDOUT_FILENO || same_file(fd, STDOUT_FILENO))) {
        error_set(error, ERROR_USAGE, "--json and the image would both go to stdout");
        return error_hint(error, "-o FILE for the image, or --report-fd N for the JSON");
    }
    if (same_file(fd, (int)run->options->report_fd))
        return error_set(error, ERROR_USAGE,
                         "--report-fd: descriptor %d is where the image goes",
                         (int)run->options->report_fd);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
        error_set(error, ERROR_IO, "is closed");
        snprintf(error->file, sizeof error->file, "stdout");
        return false;
    }
    return true;
}

static bool output_check_input(const struct cli_run *run, const struct cli_input *input,
                               const struct cli_output *output, struct error *error)
{
    struct stat status;
    /* A later stage of a pipeline reads a pipe; what must not be lost is the pipeline's input. */
    const char *pipeline =
        strcmp(input->source.name, "-") == 0 ? getenv("IMGTOOL_INPUT_NAME") : NULL;
    bool own = fstat(input->source.fd, &status) == 0 && S_ISREG(status.st_mode) &&
               outfile_is_same(&output->file, &status);
    if (run->options->in_place || (!own && !outfile_replaces(&output->file, pipeline)))
        return true;
    error_set(error, ERROR_USAGE, "'%s' is the input itself", output->path);
    return error_hint(error, "--in-place allows to replace it");
}

static bool output_open_file(const struct cli_run *run, const struct cli_input *input,
                             struct cli_output *output, struct error *error)
{
    const struct cli_common *options = run->options;
    unsigned flags =
        (options->no_clobber ? OUTFILE_EXCLUSIVE : 0u) | (options->mkdir ? OUTFILE_MKDIR : 0u);
    if (!outfile_open(&output->file, output->path, flags, error))
        return false;
    if ((output->file.dir_fd < 0 && !output_check_stream(run, output->file.fd, error)) ||
        !output_check_input(run, input, output, error)) {
        outfile_discard(&output->file);
        return false;
    }
    if (output->dry)
        outfile_discard(&output->file);
    else
        sandbox_keep_output(&output->file);
    return true;
}

bool cli_output_open(struct cli_run *run, const char *path, const struct cli_input *input,
                     struct cli_output *output, struct error *error)
{
    const struct cli_common *options = run->options;
    *output = (struct cli_output){
        .file = {.fd = -1, .dir_fd = -1}, .path = path, .dry = options->dry_run};
    if (!output_name_format(run, output, error) ||
        !output_choose_format(run, input->format, output, error))
        return false;
    if (options->in_place && strcmp(path, "-") == 0)
        return error_set(error, ERROR_USAGE, "--in-place: stdin cannot be replaced");
    /* A trial opens its outputs too, unnamed, so that it fails where the real run would; only
     * directories it does not create. */
    if (output->dry && (options->mkdir || strcmp(path, "-") == 0))
        return strcmp(path, "-") == 0 || root_check(path, error) || cli_output_failed(output, error);
    output->waits = sandbox_must_wait(run, path);
    return output->waits || output_open_file(run, input, output, error);
}

bool cli_output_settle(struct cli_run *run, const struct cli_input *input,
                       struct cli_output *output, struct error *error)
{
    bool waits = output->waits;
    output->waits = false;
    return output_choose_format(run, input->format, output, error) &&
           (!waits || output_open_file(run, input, output, error));
}

bool cli_output_commit(struct cli_run *run, struct cli_output *output, struct error *error)
{
    if (output->flattened)
        cli_warn(run, "%s: %s has no transparency, flattened on --background (white unless given)",
                 output_name(output), codec_of(output->format)->name);
    if (output->dry) {
        cli_warn(run, "would write %s: %s, %u x %u", output_name(output),
                 codec_of(output->format)->name, output->width, output->height);
        return true;
    }
    signals_claim();
    return outfile_commit(&output->file, error);
}

struct json_t *cli_output_json(const struct cli_output *output)
{
    return json_pack("{s:o, s:s, s:i, s:i, s:o}", "path", cli_json_string(output->path), "format",
                     codec_of(output->format)->name, "width", (int)output->width, "height",
                     (int)output->height, "bytes",
                     output->dry ? json_null() : json_integer((json_int_t)output->bytes));
}
