/* SPDX-License-Identifier: MIT */
#include "color/icc.h"

#include <lcms2.h>
#include <lcms2_plugin.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/library.h"
#include "color/icc_model.h"
#include "color/icc_pixels.h"
#include "color/icc_scan.h"
#include "color/lab.h"

#define LCMS_CALLS(CALL) \
    CALL(cmsBuildGamma) CALL(cmsCreateContext) CALL(cmsCreateGrayProfileTHR) \
    CALL(cmsCreateLab4ProfileTHR) CALL(cmsCreateRGBProfileTHR) CALL(cmsCreateTransformTHR) \
    CALL(cmsCreateXYZProfileTHR) CALL(cmsCreate_sRGBProfileTHR) CALL(cmsDeleteContext) \
    CALL(cmsDetectBlackPoint) CALL(cmsDoTransform) CALL(cmsGetContextUserData) \
    CALL(cmsGetEncodedCMMversion) CALL(cmsMLUalloc) CALL(cmsMLUsetASCII) \
    CALL(cmsOpenProfileFromMemTHR) CALL(cmsSaveProfileToMem) CALL(cmsSetLogErrorHandlerTHR) \
    CALL(cmsWriteTag)

LIBRARY(lcms, LCMS_CALLS, LCMS_SONAME)

bool icc_load(struct error *error)
{
    return lcms_load(error);
}

/* The colour engine's memory. Little CMS 2.14 uses results of its allocator unchecked in places,
 * so an allocation must never fail in sight of it. All it takes comes from one block that is there
 * before it starts; where the block is used up, the whole call is left by longjmp. That is sound
 * because the engine holds nothing else: no files, and its one global lock is only taken around
 * code that does not allocate. The context itself is made before, while the block is empty. */
struct engine {
    cmsContext context;
    uint8_t *memory;
    size_t used;
    uint8_t *last; /* the newest allocation, the only one that can grow or go */
    jmp_buf escape;
    bool armed;        /* ESCAPE can be used */
    char message[160]; /* of the engine's last complaint */
};

enum { ENGINE_BYTES = 64 << 20, ENGINE_ALIGNMENT = 16 };

/* Each allocation is preceded by its size. */
static size_t allocation_size(const void *pointer)
{
    size_t size;
    memcpy(&size, (const uint8_t *)pointer - ENGINE_ALIGNMENT, sizeof size);
    return size;
}

static void *engine_allocate(cmsContext context, cmsUInt32Number size)
{
    struct engine *engine = lcms.cmsGetContextUserData(context);
    size_t room = ENGINE_BYTES - engine->used;
    size_t wanted = (((size_t)size + ENGINE_ALIGNMENT - 1) & ~(size_t)(ENGINE_ALIGNMENT - 1)) +
                    ENGINE_ALIGNMENT;
    if (wanted > room) {
        if (engine->armed)
            longjmp(engine->escape, 1);
        return NULL;
    }
    uint8_t *pointer = engine->memory + engine->used + ENGINE_ALIGNMENT;
    size_t bytes = size;
    memcpy(pointer - ENGINE_ALIGNMENT, &bytes, sizeof bytes);
    engine->used += wanted;
    engine->last = pointer;
    return pointer;
}

static void engine_release(cmsContext context, void *pointer)
{
    struct engine *engine = lcms.cmsGetContextUserData(context);
    if (pointer == NULL || pointer != engine->last)
        return;
    engine->used = (size_t)(engine->last - engine->memory) - ENGINE_ALIGNMENT;
    engine->last = NULL;
}

static void *engine_resize(cmsContext context, void *pointer, cmsUInt32Number size)
{
    size_t old = pointer != NULL ? allocation_size(pointer) : 0;
    if (size <= old && pointer != NULL)
        return pointer;
    void *larger = engine_allocate(context, size);
    if (larger != NULL && old != 0)
        memcpy(larger, pointer, old);
    return larger;
}

static void *engine_allocate_zeroed(cmsContext context, cmsUInt32Number size)
{
    void *pointer = engine_allocate(context, size);
    return pointer != NULL ? memset(pointer, 0, size) : NULL;
}

static void *engine_allocate_array(cmsContext context, cmsUInt32Number count, cmsUInt32Number size)
{
    uint64_t bytes = (uint64_t)count * size;
    return engine_allocate_zeroed(context,
                                  bytes < UINT32_MAX ? (cmsUInt32Number)bytes : UINT32_MAX);
}

static void *engine_duplicate(cmsContext context, const void *original, cmsUInt32Number size)
{
    void *copy = engine_allocate(context, size);
    return copy != NULL && original != NULL ? memcpy(copy, original, size) : copy;
}

static void engine_complain(cmsContext context, cmsUInt32Number code, const char *text)
{
    (void)code;
    struct engine *engine = lcms.cmsGetContextUserData(context);
    snprintf(engine->message, sizeof engine->message, "%s", text);
}

static void engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    engine->armed = false;
    if (engine->context != NULL)
        lcms.cmsDeleteContext(engine->context);
    free(engine->memory);
    free(engine);
}

static struct engine *engine_new(struct error *error)
{
    cmsPluginMemHandler plugin = {
        .base = {.Magic = cmsPluginMagicNumber,
                 .ExpectedVersion = 2060,
                 .Type = cmsPluginMemHandlerSig},
        .MallocPtr = engine_allocate,
        .FreePtr = engine_release,
        .ReallocPtr = engine_resize,
        .MallocZeroPtr = engine_allocate_zeroed,
        .CallocPtr = engine_allocate_array,
        .DupPtr = engine_duplicate,
    };
    struct engine *engine = icc_load(error) ? memory_zeroed(1, sizeof *engine, error) : NULL;
    if (engine == NULL)
        return NULL;
    engine->memory = memory_array(ENGINE_BYTES, 1, error);
    if (engine->memory == NULL)
        goto fail;
    engine->context = lcms.cmsCreateContext(&plugin, engine);
    if (engine->context == NULL) {
        error_set(error, ERROR_NO_MEMORY, "the colour engine did not start");
        goto fail;
    }
    lcms.cmsSetLogErrorHandlerTHR(engine->context, engine_complain);
    return engine;
fail:
    engine_free(engine);
    return NULL;
}

/* Calls WORK(ENGINE, CONTEXT) where every allocation either succeeds or ends the call. */
static bool engine_run(struct engine *engine, bool (*work)(struct engine *engine, void *context),
                       void *context, struct error *error)
{
    if (setjmp(engine->escape) != 0) {
        engine->armed = false;
        return error_set(error, ERROR_UNSUPPORTED, "ICC profile: it needs more than %d MiB",
                         ENGINE_BYTES >> 20);
    }
    engine->armed = true;
    bool done = work(engine, context);
    engine->armed = false;
    if (done)
        return true;
    return error_set(error, ERROR_UNSUPPORTED, "ICC profile: %s",
                     engine->message[0] != '\0' ? engine->message : "not usable");
}

/* A copy of the profile that lists only checked tags, and of them only what tables need. */
static bool profile_pruned(const struct icc_scan *scan, struct blob *pruned, struct error *error)
{
    if (!blob_copy(pruned, scan->profile.data, scan->profile.size, error))
        return false;
    uint8_t *entry = pruned->data + ICC_HEADER_BYTES + 4;
    uint32_t count = 0;
    for (unsigned tag = 0; tag < ICC_TAG_COUNT; tag++) {
        struct icc_span span = scan->tags[tag];
        bool needed = tag == ICC_TAG_WHITE || tag == ICC_TAG_BLACK || tag == ICC_TAG_ADAPTATION ||
                      tag >= ICC_TAG_TO_PCS;
        if (span.data == NULL || !needed)
            continue;
        const uint32_t fields[3] = {icc_scan_signature(tag),
                                    (uint32_t)(span.data - scan->profile.data),
                                    (uint32_t)span.size};
        for (int i = 0; i < 12; i++)
            *entry++ = (uint8_t)(fields[i / 4] >> (24 - 8 * (i % 4)));
        count++;
    }
    for (int i = 0; i < 4; i++)
        pruned->data[ICC_HEADER_BYTES + i] = (uint8_t)(count >> (24 - 8 * i));
    return true;
}

/* Calls WORK with a profile that the engine may see. */
static bool engine_run_profile(struct engine *engine, const struct icc_scan *scan,
                               bool (*work)(struct engine *engine, void *context), void *context,
                               struct blob *pruned, struct error *error)
{
    bool good = profile_pruned(scan, pruned, error) && engine_run(engine, work, context, error);
    blob_free(pruned);
    return good;
}

static cmsHPROFILE engine_open(struct engine *engine, const struct blob *pruned)
{
    return lcms.cmsOpenProfileFromMemTHR(engine->context, pruned->data,
                                         (cmsUInt32Number)pruned->size);
}

struct icc_transform {
    enum { THROUGH_MODEL, THROUGH_ENGINE, THROUGH_NOTHING } way;
    unsigned depth;
    bool alpha, only_linear;
    struct icc_pixels pixels;
    struct engine *engine;
    cmsHTRANSFORM to_pcs; /* as 16-bit Lab or XYZ, whichever the profile has */
};

struct link_request {
    const struct icc_scan *scan;
    struct icc_transform *transform;
    struct blob pruned;
    double black[3];
};

/* The engine goes as far as the connection space, through a grid like the profile's own: there
 * the profile is straight between the points, so nothing is lost. Its own way right to sRGB would
 * sample the bent rest with it, which is off by up to 21 of 255 and takes 60 times as long. */
static bool link_to_pcs(struct engine *engine, void *context)
{
    struct link_request *request = context;
    const struct icc_transform *transform = request->transform;
    enum icc_space space = request->scan->space;
    cmsUInt32Number from = space == ICC_CMYK ? COLORSPACE_SH(PT_CMYK) | CHANNELS_SH(4)
                                             : COLORSPACE_SH(PT_RGB) | CHANNELS_SH(3);
    cmsUInt32Number grid = icc_scan_grid(request->scan);
    cmsHPROFILE profile = engine_open(engine, &request->pruned);
    cmsHPROFILE pcs = request->scan->pcs_is_xyz
                          ? lcms.cmsCreateXYZProfileTHR(engine->context)
                          : lcms.cmsCreateLab4ProfileTHR(engine->context, NULL);
    if (profile == NULL || pcs == NULL)
        return false;
    /* No cache: it would be written to while threads share the transform. */
    request->transform->to_pcs = lcms.cmsCreateTransformTHR(
        engine->context, profile,
        from | BYTES_SH(transform->depth / 8) | EXTRA_SH(transform->alpha), pcs,
        request->scan->pcs_is_xyz ? TYPE_XYZ_16 : TYPE_Lab_16, INTENT_RELATIVE_COLORIMETRIC,
        cmsFLAGS_NOCACHE | cmsFLAGS_CLUT_PRE_LINEARIZATION | cmsFLAGS_GRIDPOINTS(grid));
    cmsCIEXYZ black;
    if (lcms.cmsDetectBlackPoint(&black, profile, INTENT_RELATIVE_COLORIMETRIC, 0)) {
        request->black[0] = black.X;
        request->black[1] = black.Y;
        request->black[2] = black.Z;
    }
    return transform->to_pcs != NULL;
}

static bool transform_link(struct icc_transform *transform, const struct icc_scan *scan,
                           struct error *error)
{
    struct link_request request = {.scan = scan, .transform = transform};
    transform->way = THROUGH_ENGINE;
    transform->engine = engine_new(error);
    if (transform->engine == NULL ||
        !engine_run_profile(transform->engine, scan, link_to_pcs, &request, &request.pruned, error))
        return false;
    for (int i = 0; i < 3; i++)
        if (!(request.black[i] >= 0 && request.black[i] < icc_pcs_white[i] / 2))
            return error_set(error, ERROR_CORRUPT, "ICC profile: its black is not dark");
    icc_pixels_new_pcs(&transform->pixels, scan, request.black, transform->depth,
                       transform->alpha);
    return true;
}

enum { CHUNK = 512 };

static void linked_pixels(const struct icc_transform *transform, const uint8_t *in, uint8_t *out,
                          size_t count)
{
    uint16_t pcs[CHUNK][3];
    size_t sample = transform->depth / 8;
    size_t in_bytes = (transform->pixels.in_channels + transform->alpha) * sample;
    size_t out_bytes = (3u + transform->alpha) * sample;
    while (count > 0) {
        size_t part = count < CHUNK ? count : CHUNK;
        lcms.cmsDoTransform(transform->to_pcs, in, pcs, (cmsUInt32Number)part);
        icc_pixels_convert_pcs(&transform->pixels, pcs[0], in, out, part);
        in += part * in_bytes;
        out += part * out_bytes;
        count -= part;
    }
}

static void linked_linear(const struct icc_transform *transform, const uint8_t *in,
                          float *const linear[3], size_t count)
{
    uint16_t pcs[CHUNK][3];
    size_t in_bytes =
        (transform->pixels.in_channels + transform->alpha) * (size_t)transform->depth / 8;
    for (size_t done = 0, part; done < count; done += part) {
        float *const to[3] = {linear[0] + done, linear[1] + done, linear[2] + done};
        part = count - done < CHUNK ? count - done : CHUNK;
        lcms.cmsDoTransform(transform->to_pcs, in + done * in_bytes, pcs, (cmsUInt32Number)part);
        icc_pixels_light_pcs(&transform->pixels, pcs[0], to, part);
    }
}

/* CMYK without a profile. */
static void cmyk_linear(const struct icc_transform *transform, const uint8_t *in,
                        float *const linear[3], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t sample = transform->depth / 8, at = i * (4u + transform->alpha) * sample;
        double white = transform->depth == 8 ? 255 : 65535, ink[4];
        for (int c = 0; c < 4; c++) {
            const uint8_t *from = in + at + (size_t)c * sample;
            ink[c] = (sample == 1 ? *from : *(const uint16_t *)(const void *)from) / white;
        }
        for (int c = 0; c < 3; c++)
            linear[c][i] = (float)srgb_decode((1 - ink[c]) * (1 - ink[3]));
    }
}

static bool transform_back(struct icc_transform *transform, struct error *error)
{
    return transform->only_linear || icc_pixels_new_back(&transform->pixels, error);
}

static bool transform_fill(struct icc_transform *transform, const struct blob *profile,
                           enum icc_space space, struct error *error)
{
    struct icc_model model = icc_model_srgb(space);
    if (profile->size != 0) {
        struct icc_scan scan;
        if (!icc_check(profile, space, error) || !icc_scan(profile, &scan, error))
            return false;
        if (space != ICC_GREY && !icc_scan_is_matrix(&scan))
            return transform_link(transform, &scan, error) && transform_back(transform, error);
        if (!icc_model_of(&scan, &model, error))
            return false;
    } else if (space == ICC_CMYK) {
        transform->way = THROUGH_NOTHING;
        return true;
    }
    transform->way = THROUGH_MODEL;
    return icc_pixels_new(&transform->pixels, &model, transform->depth, transform->alpha, error) &&
           transform_back(transform, error);
}

static bool transform_new(struct icc_transform **transform, const struct icc_transform *wanted,
                          const struct blob *profile, enum icc_space space, struct error *error)
{
    *transform = memory_zeroed(1, sizeof **transform, error);
    if (*transform == NULL)
        return false;
    **transform = *wanted;
    if (transform_fill(*transform, profile, space, error))
        return true;
    icc_transform_free(*transform);
    *transform = NULL;
    return false;
}

bool icc_transform_new(struct icc_transform **transform, const struct blob *profile,
                       enum icc_space space, unsigned depth, bool alpha, struct error *error)
{
    const struct icc_transform wanted = {.depth = depth, .alpha = alpha};
    return transform_new(transform, &wanted, profile, space, error);
}

bool icc_transform_new_linear(struct icc_transform **transform, const struct blob *profile,
                              enum icc_space space, unsigned depth, bool alpha,
                              struct error *error)
{
    const struct icc_transform wanted = {.depth = depth, .alpha = alpha, .only_linear = true};
    return transform_new(transform, &wanted, profile, space, error);
}

void icc_transform_pixels(const struct icc_transform *transform, const void *in, void *out,
                          size_t count)
{
    switch (transform->way) {
    case THROUGH_MODEL:
        icc_pixels_convert(&transform->pixels, in, out, count);
        break;
    case THROUGH_ENGINE:
        linked_pixels(transform, in, out, count);
        break;
    case THROUGH_NOTHING:
        icc_pixels_from_cmyk(transform->depth, transform->alpha, in, out, count);
        break;
    }
}

void icc_transform_linear(const struct icc_transform *transform, const void *in,
                          float *const linear[3], size_t count)
{
    switch (transform->way) {
    case THROUGH_MODEL:
        icc_pixels_light(&transform->pixels, in, linear, count);
        break;
    case THROUGH_ENGINE:
        linked_linear(transform, in, linear, count);
        break;
    case THROUGH_NOTHING:
        cmyk_linear(transform, in, linear, count);
        break;
    }
}

void icc_transform_free(struct icc_transform *transform)
{
    if (transform == NULL)
        return;
    /* What the engine made needs no release of its own: it all lies in the engine's block. */
    engine_free(transform->engine);
    icc_pixels_free(&transform->pixels);
    free(transform);
}

bool icc_check(const struct blob *profile, enum icc_space space, struct error *error)
{
    static const char *const names[] = {"grey", "RGB", "CMYK"};
    struct icc_scan scan;
    if (!icc_scan(profile, &scan, error))
        return false;
    return scan.space == space ||
           error_set(error, ERROR_CORRUPT, "ICC profile: for %s pixels, the image is %s",
                     names[scan.space], names[space]);
}

struct color_request {
    struct blob pruned;
    const double *srgb;
    double out[3];
};

static bool color_to_profile(struct engine *engine, void *context)
{
    struct color_request *request = context;
    cmsHPROFILE profile = engine_open(engine, &request->pruned);
    cmsHPROFILE srgb = lcms.cmsCreate_sRGBProfileTHR(engine->context);
    if (profile == NULL || srgb == NULL)
        return false;
    cmsHTRANSFORM transform = lcms.cmsCreateTransformTHR(
        engine->context, srgb, TYPE_RGB_DBL, profile, TYPE_RGB_DBL, INTENT_RELATIVE_COLORIMETRIC,
        cmsFLAGS_NOCACHE | cmsFLAGS_BLACKPOINTCOMPENSATION);
    if (transform == NULL)
        return false;
    lcms.cmsDoTransform(transform, request->srgb, request->out, 1);
    return true;
}

static bool color_through_engine(const struct icc_scan *scan, const double srgb[3], double out[3],
                                 struct error *error)
{
    struct color_request request = {.srgb = srgb};
    const struct icc_span *back = scan->tags + ICC_TAG_FROM_PCS;
    if (back[0].data == NULL && back[1].data == NULL)
        return error_set(error, ERROR_UNSUPPORTED,
                         "ICC profile: no table leads back to its colours");
    struct engine *engine = engine_new(error);
    bool good = engine != NULL && engine_run_profile(engine, scan, color_to_profile, &request,
                                                     &request.pruned, error);
    engine_free(engine);
    for (int i = 0; good && i < 3; i++)
        out[i] = fmin(fmax(request.out[i], 0), 1);
    return good;
}

bool icc_color_from_srgb(const struct blob *profile, enum icc_space space, const double srgb[3],
                         double out[3], struct error *error)
{
    struct icc_model model = icc_model_srgb(space);
    if (space == ICC_CMYK)
        return error_set(error, ERROR_UNSUPPORTED, "a colour cannot be given in CMYK");
    if (profile->size != 0) {
        struct icc_scan scan;
        if (!icc_check(profile, space, error) || !icc_scan(profile, &scan, error))
            return false;
        if (space == ICC_RGB && !icc_scan_is_matrix(&scan))
            return color_through_engine(&scan, srgb, out, error);
        if (!icc_model_of(&scan, &model, error))
            return false;
    }
    icc_model_from_srgb(&model, srgb, out);
    return true;
}

static bool table_is_srgb(const struct blob *profile)
{
    enum { STEPS = 9, COUNT = STEPS * STEPS * STEPS };
    uint16_t in[COUNT][3], out[COUNT][3];
    struct icc_transform *transform;
    if (!icc_transform_new(&transform, profile, ICC_RGB, 16, false, NULL))
        return false;
    for (int i = 0; i < COUNT; i++)
        for (int c = 0, rest = i; c < 3; c++, rest /= STEPS)
            in[i][c] = (uint16_t)(rest % STEPS * 65535 / (STEPS - 1));
    icc_transform_pixels(transform, in, out, COUNT);
    icc_transform_free(transform);
    for (int i = 0; i < COUNT; i++)
        for (int c = 0; c < 3; c++)
            if (abs(in[i][c] - out[i][c]) > 65535 / 255 / 2)
                return false;
    return true;
}

bool icc_is_srgb(const struct blob *profile)
{
    struct icc_scan scan;
    struct icc_model model;
    if (profile->size == 0)
        return true;
    if (!icc_scan(profile, &scan, NULL) || scan.space == ICC_CMYK)
        return false;
    if (scan.space == ICC_RGB && !icc_scan_is_matrix(&scan))
        return table_is_srgb(profile);
    return icc_model_of(&scan, &model, NULL) && icc_model_is_srgb(&model);
}

/* A profile to be made. */
struct build_request {
    enum icc_space space;
    double exponent;
    cmsCIExyY white;
    cmsCIExyYTRIPLE primaries;
    struct blob *profile;
    struct error *error;
};

static bool name_profile(struct engine *engine, cmsHPROFILE handle,
                         const struct build_request *request)
{
    char name[64];
    snprintf(name, sizeof name, "%s, gamma %.4g", request->space == ICC_GREY ? "grey" : "RGB",
             request->exponent);
    cmsMLU *text = lcms.cmsMLUalloc(engine->context, 1);
    return text != NULL && lcms.cmsMLUsetASCII(text, "en", "US", name) &&
           lcms.cmsWriteTag(handle, cmsSigProfileDescriptionTag, text);
}

static bool build_profile(struct engine *engine, void *context)
{
    struct build_request *request = context;
    cmsToneCurve *curve = lcms.cmsBuildGamma(engine->context, request->exponent);
    cmsToneCurve *curves[3] = {curve, curve, curve};
    cmsHPROFILE handle =
        request->space == ICC_GREY
            ? lcms.cmsCreateGrayProfileTHR(engine->context, &request->white, curve)
            : lcms.cmsCreateRGBProfileTHR(engine->context, &request->white, &request->primaries,
                                          curves);
    cmsUInt32Number size = 0;
    if (handle == NULL || !name_profile(engine, handle, request) ||
        !lcms.cmsSaveProfileToMem(handle, NULL, &size))
        return false;
    void *bytes = engine_allocate(engine->context, size);
    return lcms.cmsSaveProfileToMem(handle, bytes, &size) &&
           blob_copy(request->profile, bytes, size, request->error);
}

static bool chromaticities_valid(const double xy[8])
{
    for (int i = 0; i < 8; i++)
        if (!(xy[i] >= 0 && xy[i] <= 1))
            return false;
    return xy[1] >= 0.01;
}

bool icc_from_gamma(enum icc_space space, double gamma, const double chromaticities[8],
                    struct blob *profile, struct error *error)
{
    static const double srgb[8] = {0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};
    const double *xy = srgb;
    *profile = (struct blob){NULL, 0};
    for (int i = 0; i < 8; i++)
        if (chromaticities[i] != 0)
            xy = chromaticities;
    if (space == ICC_CMYK || !(gamma >= 0.1 && gamma <= 10) || !chromaticities_valid(xy))
        return error_set(error, ERROR_UNSUPPORTED, "no profile has these gamma or chromaticities");
    struct build_request request = {
        .space = space,
        .exponent = 1 / gamma,
        .white = {xy[0], xy[1], 1},
        .primaries = {{xy[2], xy[3], 1}, {xy[4], xy[5], 1}, {xy[6], xy[7], 1}},
        .profile = profile,
        .error = error,
    };
    struct engine *engine = engine_new(error);
    bool good = engine != NULL && engine_run(engine, build_profile, &request, error);
    engine_free(engine);
    if (!good || profile->size < ICC_HEADER_BYTES)
        return false;
    /* The engine writes the time of day; the same picture has to give the same bytes. */
    static const uint8_t date[12] = {0x07, 0xd0, 0, 1, 0, 1}; /* 2000-01-01 */
    memcpy(profile->data + 24, date, sizeof date);
    memset(profile->data + 84, 0, 16);
    if (icc_check(profile, space, error))
        return true;
    blob_free(profile);
    return false;
}

void icc_version(char *out, size_t size)
{
    *out = '\0';
    if (!icc_load(NULL))
        return;
    int version = lcms.cmsGetEncodedCMMversion();
    snprintf(out, size, "%d.%d", version / 1000, version % 1000 / 10);
}
