/* SPDX-License-Identifier: MIT */
/* colorxfer --to: one target colour. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "color/lab.h"
#include "ops/recolor.h"
#include "tools/colorxfer.h"

/* CIEDE2000 from which on it is said that the target cannot be shown. */
static const double visible_de = 1;

/* How far what sRGB shows of the colour is from it. */
static double shown_de(const struct xfer_color *to)
{
    double linear[3], lab[3];
    for (int i = 0; i < 3; i++)
        linear[i] = srgb_decode(to->color.srgb[i]);
    lab_from_linear(linear, lab);
    return lab_ciede2000(lab, to->color.lab);
}

static json_t *target_json(const struct xfer_color *to)
{
    char hex[8];
    snprintf(hex, sizeof hex, "#%02x%02x%02x", (unsigned)lrint(to->color.srgb[0] * 255) & 255u,
             (unsigned)lrint(to->color.srgb[1] * 255) & 255u,
             (unsigned)lrint(to->color.srgb[2] * 255) & 255u);
    return json_pack("{s:o, s:s, s:o}", "color", cli_json_string(to->text), "hex", hex, "lab",
                     xfer_lab_json(to->color.lab));
}

static void tell_result(struct xfer_job *job, const struct recolor_result *result)
{
    struct cli_run *run = job->run;
    xfer_tell(job, "method", json_string("dichromatic"));
    xfer_tell(job, "target", target_json(&job->fields->to));
    xfer_tell(job, "from", xfer_color_json(result->from));
    xfer_tell(job, "body", xfer_color_json(result->body));
    xfer_tell(job, "achieved_de", json_real(round(result->achieved_de * 1e4) / 1e4));
    xfer_tell(job, "limited", json_boolean(result->limited));
    cli_explain(run, "%s: body Lab %.1f %.1f %.1f, split by %s, gain %.2f, achieved %.2f",
                cli_file(run), result->from[0], result->from[1], result->from[2],
                result->chromatic ? "least squares" : "luminance", result->gain,
                result->achieved_de);
    if (result->limited)
        cli_warn(run, "%s: from nearly black to light: noise and JPEG blocks would be raised with "
                      "it, so the gain is limited to %.0f", cli_file(run), result->gain);
    xfer_tell_clipped(job, result->clipped);
}

static void warn_before(struct xfer_job *job)
{
    const struct xfer_color *to = &job->fields->to;
    if (!job->masked && !image_is_transparent(&job->image))
        cli_warn(job->run, "%s: no mask and no transparency: what is most of the picture counts as the object",
                 cli_file(job->run));
    double shown = shown_de(to);
    if (shown > visible_de)
        cli_warn(job->run, "%s: '%s' is outside of sRGB: the target is what can be shown, %.1f "
                           "away from it", cli_file(job->run), to->text, shown);
}

bool xfer_to_color(struct xfer_job *job, struct error *error)
{
    const struct xfer_fields *fields = job->fields;
    struct recolor_result result;
    unsigned threads = cli_threads(&fields->common);
    if (!cli_input_read(job->run, &job->input, &job->image, error) || !xfer_prepare(job, error) ||
        !xfer_to_srgb(&job->image, threads, error))
        return false;
    struct recolor_options options = {
        .mask = job->masked ? &job->mask : NULL,
        .from = fields->from.text != NULL ? fields->from.color.lab : NULL,
        .strength = fields->strength,
        .threads = threads,
    };
    memcpy(options.to, fields->to.color.srgb, sizeof options.to);
    warn_before(job);
    if (!recolor(&job->image, &options, &result, error))
        return false;
    tell_result(job, &result);
    if (option_given(&job->run->set, &job->run->parsed, "max-de") &&
        result.achieved_de > fields->max_de) {
        cli_warn(job->run, "%s: the object misses the target by %.2f, more than %.2f: --max-de",
                 cli_file(job->run), result.achieved_de, fields->max_de);
        job->run->answer_no = true;
    }
    return true;
}
