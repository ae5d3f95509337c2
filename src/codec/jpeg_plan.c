/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_plan.h"

#include "codec/jpeg_tables.h"

/* Decoding at half the size is cheap, but averages samples and not light, which shows where
 * neighbours differ much. Measured by CIEDE2000 against reducing the full picture, at 3.5 times the
 * final size, mean and 99th percentile: soft photographs 0.03 to 0.16 and 0.2 to 0.6; a sharp one
 * of 18 MP 0.29 and 1.1; of 2 to 8 MP 0.4 and 2; a product of 0.2 MP 1.1 and 6; text 1.9 and 7. At
 * twice the final size it is half as much again, at 6 times hardly less. So only the large pictures
 * of cameras are halved, where it saves most. A quarter of the size gives 0.6 and 2.5 for that
 * photograph of 18 MP even at 6 times the final size: too much. */
static const double HALF_SIZE_FACTOR = 3.5;
static const double HALF_SIZE_PIXELS = 12e6;

static const double REDUCED_RATIO = 2;

double jpeg_plan_reduction(const struct codec_info *info, const struct codec_read_options *options)
{
    uint32_t width = info->stored_width, height = info->stored_height;
    if (options->enough != NULL)
        options->enough(options->enough_context, info, &width, &height);
    if (width == 0 || height == 0)
        return 1;
    double across = (double)info->stored_width / width;
    double down = (double)info->stored_height / height;
    return across < down ? across : down;
}

/* An odd size is not halved: the last sample would stand for half a pixel beyond the edge. */
bool jpeg_plan_halves(const struct codec_info *info, double reduction)
{
    return reduction >= 2 * HALF_SIZE_FACTOR && info->stored_width % 2 == 0 &&
           info->stored_height % 2 == 0 &&
           (double)info->stored_width * info->stored_height >= HALF_SIZE_PIXELS;
}

/* The transforms to 4 and to 2 samples average the full block, and some terms vanish in such
 * averages; the others take the corner of low frequencies. */
uint64_t jpeg_plan_used(int size)
{
    uint64_t used = 0;
    for (int i = 0; i < 64; i++) {
        int x = i % 8, y = i / 8;
        bool use = size >= 8 || (x < size && y < size);
        if (size == 4)
            use = x != 4 && y != 4;
        else if (size == 2)
            use = (x == 0 || x % 2 == 1) && (y == 0 || y % 2 == 1);
        used |= (uint64_t)use << i;
    }
    return used;
}

/* Which bits of which coefficients of a component are left out. */
struct omission {
    uint8_t bits[64];  /* in the order of the file, as all here */
    uint64_t needed;   /* by a scan that stays */
    double square[64]; /* mean square in the full picture of an error of one step */
    double shown[64];  /* and in the reduced one */
    double limit;      /* for the reduced picture */
};

/* Rounding R, G and B to whole numbers has a mean square of 1/12 in each, of which luma gets the
 * squares of its weights (0.299, 0.587, 0.114), and Cb and Cr of theirs. */
static const double ROUNDING_LUMA = 0.447 / 12, ROUNDING_CHROMA = 0.39 / 12;

/* Texture that is lost shows in a reduced picture by its brightness: light is averaged, and what
 * was uneven had more of it. So much of it at most, in the worst case of a block without zeros;
 * measured, the difference then stays under that of rounding, as for luma tables of quality 90. */
static const double LOST_TEXTURE = 100;

/* Without its last N bits a coefficient is cut towards 0, by 0 to 2^N - 1 steps. Where all of
 * these are equally likely the mean square is (2^N - 1) (2^(N+1) - 1) / 6. */
static double omission_error(const struct omission *omission, const double weight[64])
{
    double error = 0;
    for (int k = 1; k < 64; k++) {
        double most = (1 << omission->bits[k]) - 1;
        error += most * (2 * most + 1) / 6 * weight[k];
    }
    return error;
}

/* From the first to the last coefficient of a scan. */
static uint64_t scan_band(const struct jpeg_scan *scan)
{
    uint64_t up_to = scan->last >= 63 ? UINT64_MAX : ((uint64_t)1 << (scan->last + 1)) - 1;
    return up_to & ~(((uint64_t)1 << scan->first) - 1);
}

static bool scan_can_go(const struct jpeg_scan *scan, struct omission *omission, uint64_t used)
{
    uint64_t band = scan_band(scan);
    if ((band & omission->needed) != 0)
        return false;
    if ((band & used) == 0)
        return true;
    /* The first scan of a band cannot be spared: without it nothing is known of the value. */
    if (scan->before == 0)
        return false;
    struct omission more = *omission;
    for (int k = scan->first; k <= scan->last; k++)
        more.bits[k] = scan->before;
    if (omission_error(&more, more.shown) > more.limit ||
        omission_error(&more, more.square) > LOST_TEXTURE)
        return false;
    *omission = more;
    return true;
}

/* Returns which coefficients are used, in the order of the file. */
static uint64_t omission_start(struct omission *omission, const struct jpeg_component *component)
{
    double share_x[8], share_y[8];
    uint64_t used = 0;
    jpeg_tables_visible_share(component->ratio_x, share_x);
    jpeg_tables_visible_share(component->ratio_y, share_y);
    *omission = (struct omission){0};
    for (int k = 0; k < 64; k++) {
        unsigned at = jpeg_zigzag[k];
        double step = component->steps[at];
        /* The DCT keeps energy, which is spread over 64 samples. */
        omission->square[k] = step * step / 64;
        omission->shown[k] = omission->square[k] * share_x[at % 8] * share_y[at / 8];
        used |= (component->used >> at & 1) << k;
    }
    return used;
}

static void plan_component(struct jpeg_layout *layout, unsigned index,
                           const struct jpeg_component *component)
{
    struct omission omission;
    uint64_t used = omission_start(&omission, component);
    omission.limit = index == 0 ? ROUNDING_LUMA : ROUNDING_CHROMA;
    /* Of the first scan the decoder already knows. */
    for (unsigned i = layout->scan_count; i-- > 1;) {
        struct jpeg_scan *scan = &layout->scans[i];
        if ((scan->components & 1u << index) == 0)
            continue;
        if (scan->first > scan->last || scan->last > 63 || scan->before > 13)
            omission.needed = UINT64_MAX; /* the decoder will not like it either */
        else if (scan->components == 1u << index && scan->first > 0 &&
                 scan_can_go(scan, &omission, used))
            scan->skip = true;
        else
            omission.needed |= scan_band(scan);
    }
}

void jpeg_plan_scans(struct jpeg_layout *layout, double reduction,
                     const struct jpeg_component components[JPEG_MAX_COMPONENTS])
{
    if (!layout->known || !layout->progressive || reduction < REDUCED_RATIO)
        return;
    for (unsigned i = 0; i < layout->component_count; i++)
        if (components[i].steps != NULL)
            plan_component(layout, i, &components[i]);
}
