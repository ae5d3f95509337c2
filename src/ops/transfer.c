/* SPDX-License-Identifier: MIT */
#include "ops/transfer.h"

#include <stdlib.h>

#include "base/compiler.h"
#include "color/srgb.h"
#include "ops/transfer_parts.h"

const char *const transfer_method_names[] = {
    [TRANSFER_MKL] = "mkl",      [TRANSFER_REINHARD] = "reinhard",
    [TRANSFER_HM] = "hm",        [TRANSFER_HM_MKL_HM] = "hm-mkl-hm",
    [TRANSFER_IDT] = "idt",      [TRANSFER_SLICED] = "sliced",
    [TRANSFER_SLICED + 1] = NULL};

const char *const transfer_space_names[] = {
    [TRANSFER_SPACE_AUTO] = "auto",        [TRANSFER_SPACE_SRGB] = "srgb",
    [TRANSFER_SPACE_LINEAR] = "linear",    [TRANSFER_SPACE_LAB] = "lab",
    [TRANSFER_SPACE_OKLAB] = "oklab",      [TRANSFER_SPACE_LALPHABETA] = "lalphabeta",
    [TRANSFER_SPACE_LALPHABETA + 1] = NULL};

static enum transfer_space space_of(const struct transfer_options *options)
{
    if (options->space != TRANSFER_SPACE_AUTO)
        return options->space;
    return options->method == TRANSFER_REINHARD ? TRANSFER_SPACE_LALPHABETA : TRANSFER_SPACE_SRGB;
}

void transfer_push_map(struct transfer *transfer, const struct affine *map)
{
    transfer->pending = affine_after(map, &transfer->pending);
}

/* Ends a stage with TABLES, which may be NULL. */
static void push_stage(struct transfer *transfer, struct transfer_tables *tables)
{
    struct transfer_stage *stage = &transfer->stages[transfer->count++];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            stage->map[i][j] = (float)transfer->pending.m[i][j];
    stage->tables = tables;
    transfer->pending = affine_identity;
}

bool transfer_push_tables(struct transfer *transfer, struct transfer_tables *tables,
                          struct error *error)
{
    /* The last stage is for the way back from the axes. */
    if (transfer->count + 1 >= TRANSFER_STAGES_MOST) {
        free(tables);
        return error_set(error, ERROR_INTERNAL, "too many steps in a colour transfer");
    }
    push_stage(transfer, tables);
    return true;
}

static bool fit_moments(struct transfer *transfer, enum transfer_method method,
                        const struct transfer_input sides[2], struct error *error)
{
    struct transfer_moments moments[2];
    struct affine map;
    for (int i = 0; i < 2; i++)
        if (!transfer_moments_of(&sides[i], &transfer->basis, &moments[i], error))
            return false;
    (method == TRANSFER_MKL ? transfer_mkl : transfer_reinhard)(&moments[0], &moments[1],
                                                                transfer->basis.code, &map);
    transfer_push_map(transfer, &map);
    return true;
}

static bool fit_samples(struct transfer *transfer, enum transfer_method method,
                        const struct transfer_input sides[2], struct error *error)
{
    struct transfer_sample source = {0}, reference = {0};
    bool good = transfer_sample_draw(&source, &sides[0], &transfer->basis, error) &&
                transfer_sample_draw(&reference, &sides[1], &transfer->basis, error) &&
                transfer_fit_steps(transfer, method, &source, &reference, sides[0].threads, error);
    transfer_sample_free(&source);
    transfer_sample_free(&reference);
    return good;
}

static bool fit_chain(struct transfer *transfer, const struct transfer_options *options,
                      const struct transfer_side *source, const struct transfer_side *reference,
                      struct error *error)
{
    struct transfer_input sides[2] = {0};
    bool good = false;
    transfer_basis_set(&transfer->basis, transfer->space);
    transfer->pending = transfer->basis.axes;
    if (!transfer_input_open(&sides[0], source, options->threads, error) ||
        !transfer_input_open(&sides[1], reference, options->threads, error))
        goto out;
    bool moments = options->method == TRANSFER_MKL || options->method == TRANSFER_REINHARD;
    good = (moments ? fit_moments : fit_samples)(transfer, options->method, sides, error);
    if (!good)
        goto out;
    transfer_push_map(transfer, &transfer->basis.axes_back);
    push_stage(transfer, NULL);
out:
    transfer_input_close(&sides[0]);
    transfer_input_close(&sides[1]);
    return good;
}

MULTIVERSION
void transfer_map_row(const float map[3][4], float *restrict a, float *restrict b,
                      float *restrict c, size_t count)
{
    float aa = map[0][0], ab = map[0][1], ac = map[0][2], a1 = map[0][3];
    float ba = map[1][0], bb = map[1][1], bc = map[1][2], b1 = map[1][3];
    float ca = map[2][0], cb = map[2][1], cc = map[2][2], c1 = map[2][3];
    for (size_t i = 0; i < count; i++) {
        float x = a[i], y = b[i], z = c[i];
        a[i] = aa * x + ab * y + ac * z + a1;
        b[i] = ba * x + bb * y + bc * z + b1;
        c[i] = ca * x + cb * y + cc * z + c1;
    }
}

MULTIVERSION
static void table_row(const float *restrict table, float low, float per_unit, float *restrict v,
                      size_t count)
{
    const float last = TRANSFER_TABLE_STEPS - 1;
    for (size_t i = 0; i < count; i++) {
        float at = (v[i] - low) * per_unit;
        float within = at > 0 ? at : 0;
        within = within < last ? within : last;
        int32_t step = (int32_t)within;
        float below = table[step], above = table[step + 1];
        v[i] = below + (above - below) * (at - (float)step);
    }
}

void transfer_tables_row(const struct transfer_tables *tables, float *const v[3], size_t count)
{
    for (int i = 0; i < 3; i++)
        table_row(tables->value[i], tables->low[i], tables->per_unit[i], v[i], count);
}

/* In parts that stay in the cache from one step to the next. */
enum { PART = 512 };

/* At most PART bent pixels through the steps. */
static void apply_steps(const struct transfer *transfer, float *const v[3], size_t count)
{
    for (size_t i = 0; i < transfer->count; i++) {
        const struct transfer_stage *stage = &transfer->stages[i];
        transfer_map_row(stage->map, v[0], v[1], v[2], count);
        if (stage->tables)
            transfer_tables_row(stage->tables, v, count);
    }
}

/* At most PART pixels of light. */
static void apply_chain(const struct transfer *transfer, float *const v[3], size_t count)
{
    transfer_basis_bend(&transfer->basis, v, count);
    apply_steps(transfer, v, count);
    transfer_basis_unbend(&transfer->basis, v, count);
}

/* What is outside of COUNT encoded VALUES' range goes into BEYOND. */
MULTIVERSION
static void cut_beyond(float *restrict value, float *restrict beyond, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float v = value[i], inside = v > 0 ? v : 0;
        inside = inside < 1 ? inside : 1;
        beyond[i] = v - inside;
        value[i] = inside;
    }
}

/* At most PART encoded pixels through the lattice. Beyond its borders all goes on with slope 1. */
static void apply_lattice(const struct transfer *transfer, float *const v[3], size_t count)
{
    float beyond[3][PART];
    for (int i = 0; i < 3; i++)
        cut_beyond(v[i], beyond[i], count);
    lut_apply_row(&transfer->lattice, v[0], v[1], v[2], count);
    for (int i = 0; i < 3; i++)
        for (size_t k = 0; k < count; k++)
            v[i][k] += beyond[i][k];
}

bool transfer_has_codes(const struct transfer *transfer)
{
    return transfer->lattice.points != NULL || transfer->basis.curve == CURVE_SRGB;
}

void transfer_apply_codes(const struct transfer *transfer, float *restrict r, float *restrict g,
                          float *restrict b, size_t count)
{
    for (size_t done = 0; done < count; done += PART) {
        size_t part = count - done < PART ? count - done : PART;
        float *const v[3] = {r + done, g + done, b + done};
        (transfer->lattice.points ? apply_lattice : apply_steps)(transfer, v, part);
    }
}

void transfer_apply_row(const struct transfer *transfer, float *restrict r, float *restrict g,
                        float *restrict b, size_t count)
{
    for (size_t done = 0; done < count; done += PART) {
        size_t part = count - done < PART ? count - done : PART;
        float *const v[3] = {r + done, g + done, b + done};
        if (transfer->lattice.points == NULL) {
            apply_chain(transfer, v, part);
            continue;
        }
        for (int i = 0; i < 3; i++)
            srgb_encode_row(v[i], part);
        apply_lattice(transfer, v, part);
        for (int i = 0; i < 3; i++)
            srgb_decode_row(v[i], part);
    }
}

/* At most PART colours, encoded. */
static void sample_chain(void *context, float *r, float *g, float *b, size_t count)
{
    float *const v[3] = {r, g, b};
    for (int i = 0; i < 3; i++)
        srgb_decode_row(v[i], count);
    apply_chain(context, v, count);
    for (int i = 0; i < 3; i++)
        srgb_encode_row(v[i], count);
}

enum transfer_space transfer_space_of(const struct transfer *transfer)
{
    return transfer->space;
}

bool transfer_fit(struct transfer **transfer, const struct transfer_options *options,
                  const struct transfer_side *source, const struct transfer_side *reference,
                  struct error *error)
{
    *transfer = NULL;
    struct transfer *made = memory_zeroed(1, sizeof *made, error);
    if (!made)
        return false;
    made->space = space_of(options);
    bool good = fit_chain(made, options, source, reference, error);
    bool is_long = options->method == TRANSFER_IDT || options->method == TRANSFER_SLICED;
    if (good && is_long)
        good = lut_new(&made->lattice, LUT_SIZE_FINE, sample_chain, made, options->threads, error);
    if (!good) {
        transfer_free(made);
        return false;
    }
    *transfer = made;
    return true;
}

void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    for (size_t i = 0; i < transfer->count; i++)
        free(transfer->stages[i].tables);
    lut_free(&transfer->lattice);
    free(transfer);
}
