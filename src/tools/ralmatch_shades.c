/* SPDX-License-Identifier: MIT */
/* What ralmatch chooses from, and how it is shown. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "cli/terminal.h"
#include "color/ral.h"
#include "tools/ralmatch.h"

static bool shades_of_ral(struct session *session, bool any_finish, int set, struct error *error)
{
    static const char *const sets[] = {"classic", "design", "effect"};
    session->shades = memory_array(ral_count(), sizeof *session->shades, error);
    if (session->shades == NULL)
        return false;
    for (size_t i = 0; i < ral_count(); i++) {
        struct ral_color color = ral_at(i);
        if ((set != RALMATCH_ALL && (int)color.set != set) ||
            (!any_finish && color.finish != RAL_SOLID))
            continue;
        session->shades[session->shade_count++] =
            (struct shade){sets[color.set],
                           ral_finish_name(color.finish),
                           color.code,
                           color.name_en,
                           color.name_de,
                           color.rgb,
                           {color.lab[0], color.lab[1], color.lab[2]}};
    }
    return true;
}

static void catalogue_complain(void *context, size_t line, const char *message)
{
    const struct session *session = context;
    cli_warn(session->run, "%s: %zu: %s, left out", session->fields->catalogue, line, message);
}

static bool catalogue_read(struct session *session, struct error *error)
{
    const struct match_fields *fields = session->fields;
    struct source source;
    const uint8_t *data;
    size_t size;
    if (!source_open(&source, fields->catalogue, fields->common.max_input_bytes, error))
        return false;
    bool done = source_check_limit(&source, error) && source_whole(&source, &data, &size, error) &&
                swatches_read(&session->own, data, size, catalogue_complain, session, error);
    source_close(&source);
    return done;
}

static bool shades_of_catalogue(struct session *session, struct error *error)
{
    const char *file = session->fields->catalogue;
    if (!catalogue_read(session, error)) {
        snprintf(error->file, sizeof error->file, "%s", strcmp(file, "-") == 0 ? "stdin" : file);
        return false;
    }
    session->shades = memory_array(session->own.count, sizeof *session->shades, error);
    if (session->shades == NULL)
        return false;
    session->shade_count = session->own.count;
    for (size_t i = 0; i < session->own.count; i++) {
        const struct swatch *item = &session->own.items[i];
        session->shades[i] = (struct shade){NULL,
                                            NULL,
                                            item->code,
                                            item->name,
                                            "",
                                            item->rgb,
                                            {item->lab[0], item->lab[1], item->lab[2]}};
    }
    return true;
}

/* For looking up and listing, a finish that was not asked for hides nothing. */
bool session_load(struct session *session, struct error *error)
{
    const struct match_fields *fields = session->fields;
    const struct cli_run *run = session->run;
    bool finish_given = option_given(&run->set, &run->parsed, "finish");
    bool look_up = fields->list || fields->code != NULL;
    if (fields->catalogue != NULL)
        return shades_of_catalogue(session, error);
    return shades_of_ral(session, fields->finish == 1 || (look_up && !finish_given),
                         fields->code != NULL ? RALMATCH_ALL : fields->set, error);
}

static void add_hex(struct text *text, uint32_t rgb)
{
    char hex[7] = "#";
    for (int i = 0; i < 6; i++)
        hex[1 + i] = "0123456789ABCDEF"[rgb >> (20 - 4 * i) & 15];
    text_add_bytes(text, hex, sizeof hex);
}

/* RAL's own words are safe to print; those of a file have to be made so. */
static void add_words(struct text *text, const struct shade *shade, const char *words)
{
    char masked[512];
    text_add(text, shade->set != NULL ? words : text_mask(words, masked, sizeof masked));
}

void shade_text(const struct session *session, const struct shade *shade, struct text *answer)
{
    if (session->shown_ends != NULL) {
        size_t index = (size_t)(shade - session->shades);
        size_t start = index == 0 ? 0 : session->shown_ends[index - 1];
        text_add_bytes(answer, session->shown.data + start, session->shown_ends[index] - start);
        return;
    }
    if (session->swatch)
        terminal_add_swatch(answer, shade->rgb);
    text_add(answer, shade->set != NULL ? "RAL " : "");
    add_words(answer, shade, shade->code);
    text_add(answer, "\t");
    add_words(answer, shade, shade->name_en);
    text_add(answer, "\t");
    add_hex(answer, shade->rgb);
}

bool session_write_shades(struct session *session, struct error *error)
{
    size_t *ends = memory_array(session->shade_count, sizeof *ends, error);
    if (ends == NULL)
        return false;
    for (size_t i = 0; i < session->shade_count; i++) {
        shade_text(session, &session->shades[i], &session->shown);
        ends[i] = session->shown.length;
    }
    session->shown_ends = ends;
    return !session->shown.failed || error_set(error, ERROR_NO_MEMORY, "out of memory");
}

double shade_rounded(double value)
{
    return round(value * 1e4) / 1e4;
}

json_t *shade_json(const struct shade *shade, double de)
{
    char hex[8];
    snprintf(hex, sizeof hex, "#%06X", (unsigned)shade->rgb);
    return json_pack("{s:s?, s:s, s:s, s:s, s:s, s:[f, f, f], s:s?, s:o}", "set", shade->set,
                     "code", shade->code, "name_en", shade->name_en, "name_de", shade->name_de,
                     "hex", hex, "lab", shade_rounded(shade->lab[0]), shade_rounded(shade->lab[1]),
                     shade_rounded(shade->lab[2]), "finish", shade->finish, "de",
                     de < 0 ? json_null() : json_real(shade_rounded(de)));
}

static bool unknown_code(const struct session *session, struct error *error)
{
    const char *code = session->fields->code;
    const char **words = memory_array(2 * session->shade_count, sizeof *words, error);
    char shown[100];
    if (words == NULL)
        return false;
    for (size_t i = 0; i < session->shade_count; i++) {
        words[2 * i] = session->shades[i].code;
        words[2 * i + 1] = session->shades[i].name_en;
    }
    error_set(error, ERROR_USAGE, "'%s' is not in the catalogue",
              text_mask(code, shown, sizeof shown));
    const char *near = text_nearest(code, words, 2 * session->shade_count);
    if (near != NULL && near[0] != '\0')
        error_hint(error, "did you mean '%s'?", text_mask(near, shown, sizeof shown));
    free(words);
    return false;
}

/* --finish may have left out what is found among all of RAL. */
static bool find_ral(const struct session *session, size_t *index, struct error *error)
{
    if (!ral_find(session->fields->code, index, error))
        return false;
    const struct ral_color color = ral_at(*index);
    for (size_t i = 0; i < session->shade_count; i++)
        if (strcmp(session->shades[i].code, color.code) == 0) {
            *index = i;
            return true;
        }
    error_set(error, ERROR_USAGE, "RAL %s is %s", color.code, ral_finish_name(color.finish));
    return error_hint(error, "--finish all has it");
}

/* The shade that --code means: a code, or in a catalogue of one's own also a name. */
static bool find_code(const struct session *session, size_t *index, struct error *error)
{
    const char *code = session->fields->code;
    if (session->fields->catalogue == NULL)
        return find_ral(session, index, error);
    /* Catalogues without codes, or without names, have empty ones. */
    for (size_t i = 0; code[0] != '\0' && i < session->shade_count; i++)
        if (strcasecmp(session->shades[i].code, code) == 0 ||
            strcasecmp(session->shades[i].name_en, code) == 0) {
            *index = i;
            return true;
        }
    return unknown_code(session, error);
}

bool session_show(struct session *session, struct error *error)
{
    struct cli_run *run = session->run;
    size_t first = 0, count = session->shade_count;
    if (session->fields->code != NULL) {
        if (!find_code(session, &first, error))
            return false;
        count = 1;
    }
    json_t *list = json_array();
    for (size_t i = first; i < first + count; i++) {
        const struct shade *shade = &session->shades[i];
        if (session_wants_json(session))
            json_array_append_new(list, shade_json(shade, -1));
        shade_text(session, shade, &run->answer);
        text_printf(&run->answer, "\t%s\n", shade->finish == NULL ? "" : shade->finish);
    }
    run->result = json_pack("{s:o, s:n, s:b}", "matches", list, "gap", "ambiguous", false);
    return true;
}
