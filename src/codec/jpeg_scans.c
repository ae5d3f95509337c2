/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_scans.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

enum {
    MOST_SCANS = 32,
    MOST_THREADS = 8,
    BLOCK_BYTES = 16 * 1024,
    MOST_ROWS_BYTES = 8 << 20,
    /* Each scan's decoder looks at all that is no scan. */
    MOST_OTHER_BYTES = 256 * 1024,
};

/* Where the coefficients of a component lie. A band is the block rows that a scan of all components
 * goes through at once; band B is in slot B % SLOTS. */
struct plane {
    JDIMENSION columns, rows, band_rows;
    JBLOCK *blocks;
    JBLOCKROW *row; /* the pointers to them */
};

struct scan {
    struct jpeg_guard guard;
    struct jpeg_decompress_struct decoder;
    struct jpeg_source_mgr input;
    struct jpeg_feed feed;
    struct source source;
    struct error error;
    struct jpeg_scans *scans;
    unsigned arrays;     /* how many the decoder asked for */
    bool opened;         /* past its header */
    bool busy;           /* somebody is at it; under the lock, as what follows */
    JDIMENSION done;     /* bands */
    uint32_t after;      /* the scans that must have been in a band before, a bit each */
};

/* Scan 0 is the picture's: of it there is only how far it is. */
struct jpeg_scans {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned threads, count, plane_count;
    JDIMENSION bands, slots;
    JDIMENSION first;    /* band that the picture is at: those above are no longer needed */
    bool failed, paused; /* under the lock, as FIRST */
    struct jvirt_barray_control arrays[JPEG_MAX_COMPONENTS]; /* only their addresses matter */
    struct plane planes[JPEG_MAX_COMPONENTS];
    struct scan scan[];
};

/* ---- Which files ---- */

/* Whether each bit of a coefficient comes once and in its turn, as libjpeg expects of a sequence.
 * A decoder that sees only one scan of it cannot tell. */
static bool layout_in_order(const struct jpeg_layout *layout)
{
    enum { NOTHING = 255 };
    uint8_t missing[JPEG_MAX_COMPONENTS][64];
    memset(missing, NOTHING, sizeof missing);
    for (unsigned i = 0; i < layout->scan_count; i++) {
        const struct jpeg_scan *scan = &layout->scans[i];
        if (scan->skip)
            continue;
        if (scan->last > 63 || scan->first > scan->last || (scan->first == 0 && scan->last > 0))
            return false;
        for (unsigned c = 0; c < layout->component_count; c++)
            for (unsigned k = scan->first; scan->components >> c & 1 && k <= scan->last; k++) {
                if (scan->before != (missing[c][k] == NOTHING ? 0 : missing[c][k]) ||
                    (k > 0 && missing[c][0] == NOTHING))
                    return false;
                missing[c][k] = scan->after;
            }
    }
    return true;
}

static bool layout_suits(const struct jpeg_layout *layout)
{
    unsigned all = (1u << layout->component_count) - 1;
    if (!layout->known || !layout->progressive || layout->scan_count < 2 ||
        layout->scan_count > MOST_SCANS || layout->scans[0].components != all ||
        layout->other_bytes > MOST_OTHER_BYTES)
        return false;
    for (unsigned i = 0; i < layout->component_count; i++)
        for (unsigned k = 0; k < i; k++)
            if (layout->component_id[i] == layout->component_id[k])
                return false;
    return layout_in_order(layout);
}

/* ---- The decoder of one scan ---- */

static struct scan *scan_of(j_common_ptr common)
{
    return common->client_data;
}

static void scan_ignore(j_decompress_ptr decoder)
{
    (void)decoder;
}

/* Of what comes before the scan the picture's decoder is the judge, and of the order of the scans
 * layout_in_order(). */
static void scan_message(j_common_ptr common, int level)
{
    struct scan *scan = scan_of(common);
    if (level < 0 && scan->opened && common->err->msg_code != JWRN_BOGUS_PROGRESSION)
        jpeg_guard_jump(&scan->guard);
}

static boolean scan_fill(j_decompress_ptr decoder)
{
    struct scan *scan = scan_of((j_common_ptr)decoder);
    scan->input.next_input_byte =
        jpeg_feed_next(&scan->feed, &scan->input.bytes_in_buffer, &scan->error);
    if (scan->input.next_input_byte == NULL || scan->input.bytes_in_buffer == 0)
        jpeg_guard_jump(&scan->guard);
    return TRUE;
}

static void scan_skip(j_decompress_ptr decoder, long count)
{
    struct jpeg_source_mgr *input = decoder->src;
    while (count > (long)input->bytes_in_buffer) {
        count -= (long)input->bytes_in_buffer;
        scan_fill(decoder);
    }
    if (count > 0) {
        input->next_input_byte += count;
        input->bytes_in_buffer -= (size_t)count;
    }
}

static jvirt_barray_ptr scan_request_array(j_common_ptr common, int pool, boolean zero,
                                           JDIMENSION columns, JDIMENSION rows,
                                           JDIMENSION rows_at_once)
{
    struct scan *scan = scan_of(common);
    (void)pool;
    (void)zero;
    (void)rows_at_once;
    jvirt_barray_ptr array = jpeg_scans_array(scan->scans, scan->arrays++, columns, rows);
    if (array == NULL)
        jpeg_guard_jump(&scan->guard);
    return array;
}

/* The rows of a band, where these are that; else NULL. */
static JBLOCKARRAY plane_band(struct jpeg_scans *scans, jvirt_barray_ptr array, JDIMENSION first,
                              JDIMENSION count, JDIMENSION band)
{
    const struct plane *plane = &scans->planes[array - scans->arrays];
    if (count != plane->band_rows || first != band * plane->band_rows)
        return NULL;
    return plane->row + band % scans->slots * plane->band_rows;
}

static JBLOCKARRAY scan_access_array(j_common_ptr common, jvirt_barray_ptr array,
                                     JDIMENSION first, JDIMENSION count, boolean writable)
{
    struct scan *scan = scan_of(common);
    (void)writable;
    JBLOCKARRAY rows = plane_band(scan->scans, array, first, count, scan->done);
    if (rows == NULL)
        jpeg_guard_jump(&scan->guard);
    return rows;
}

static void scan_create_decoder(struct scan *scan)
{
    struct jpeg_decompress_struct *decoder = &scan->decoder;
    libjpeg.jpeg_CreateDecompress(decoder, JPEG_LIB_VERSION, sizeof *decoder);
    decoder->client_data = scan;
    scan->guard.errors.emit_message = scan_message;
    scan->input = (struct jpeg_source_mgr){
        .init_source = scan_ignore,
        .fill_input_buffer = scan_fill,
        .skip_input_data = scan_skip,
        .resync_to_restart = libjpeg.jpeg_resync_to_restart,
        .term_source = scan_ignore,
    };
    decoder->src = &scan->input;
    decoder->mem->request_virt_barray = scan_request_array;
    decoder->mem->access_virt_barray = scan_access_array;
}

/* Scan NUMBER of FEED, counted from 0. */
static bool scan_open(struct scan *scan, const struct jpeg_feed *feed, unsigned number)
{
    struct jpeg_decompress_struct *decoder = &scan->decoder;
    if (!source_again(&scan->source, feed->source, BLOCK_BYTES, &scan->error))
        return false;
    scan->feed.source = &scan->source;
    scan->feed.layout = feed->layout;
    scan->feed.only = number + 1;
    decoder->err = jpeg_guard_init(&scan->guard, &scan->error);
    if (setjmp(scan->guard.jump) != 0)
        return false;
    scan_create_decoder(scan);
    libjpeg.jpeg_read_header(decoder, TRUE);
    /* So the library stops after each band, and prepares nothing for pixels. */
    decoder->buffered_image = decoder->raw_data_out = TRUE;
    libjpeg.jpeg_start_decompress(decoder);
    scan->opened = true;
    return decoder->total_iMCU_rows == scan->scans->bands;
}

static bool scan_step(struct scan *scan)
{
    if (setjmp(scan->guard.jump) != 0)
        return false;
    int result = libjpeg.jpeg_consume_input(&scan->decoder);
    return result == JPEG_ROW_COMPLETED || result == JPEG_SCAN_COMPLETED;
}

/* Whether there is nothing between the scan's last block and the end but what is no scan. */
static bool scan_finish(struct scan *scan)
{
    if (setjmp(scan->guard.jump) != 0)
        return false;
    return libjpeg.jpeg_consume_input(&scan->decoder) == JPEG_REACHED_EOI;
}

static void scan_close(struct scan *scan)
{
    libjpeg.jpeg_destroy_decompress(&scan->decoder);
    if (scan->feed.source != NULL)
        source_close(&scan->source);
}

/* ---- All of them ---- */

/* The scan to go on with: of those that can, the one that is behind; NULL where there is none. */
static struct scan *scans_choose(struct jpeg_scans *scans)
{
    struct scan *best = NULL;
    JDIMENSION end = scans->first + scans->slots;
    end = end < scans->bands ? end : scans->bands;
    for (unsigned i = 1; i < scans->count; i++) {
        struct scan *scan = &scans->scan[i];
        bool ready = !scan->busy && scan->done < end && (best == NULL || scan->done < best->done);
        for (unsigned k = 0; ready && k < i; k++)
            ready = !(scan->after >> k & 1) || scans->scan[k].done > scan->done;
        best = ready ? scan : best;
    }
    return best;
}

/* Takes one scan through one band, or waits for others to do so. With the lock. */
static void scans_work(struct jpeg_scans *scans)
{
    struct scan *scan = scans_choose(scans);
    if (scan == NULL) {
        pthread_cond_wait(&scans->moved, &scans->lock);
        return;
    }
    scan->busy = true;
    pthread_mutex_unlock(&scans->lock);
    bool good = scan_step(scan);
    pthread_mutex_lock(&scans->lock);
    scan->busy = false;
    scan->done += good;
    scans->failed = scans->failed || !good;
    pthread_cond_broadcast(&scans->moved);
}

static bool scans_have(const struct jpeg_scans *scans, JDIMENSION band)
{
    for (unsigned i = 1; i < scans->count; i++)
        if (scans->scan[i].done <= band)
            return false;
    return true;
}

/* The picture is at BAND: empties the slots of those before. With the lock, which is given up
 * meanwhile: nobody else looks at them. */
static void scans_advance(struct jpeg_scans *scans, JDIMENSION band)
{
    if (band <= scans->first)
        return;
    pthread_mutex_unlock(&scans->lock);
    for (JDIMENSION past = scans->first; past < band; past++)
        for (unsigned i = 0; i < scans->plane_count; i++) {
            const struct plane *plane = &scans->planes[i];
            memset(plane->row[past % scans->slots * plane->band_rows], 0,
                   (size_t)plane->band_rows * plane->columns * sizeof(JBLOCK));
        }
    pthread_mutex_lock(&scans->lock);
    scans->first = band;
    pthread_cond_broadcast(&scans->moved);
}

jvirt_barray_ptr jpeg_scans_array(struct jpeg_scans *scans, unsigned component, JDIMENSION columns,
                                  JDIMENSION rows)
{
    if (component >= scans->plane_count || scans->planes[component].columns != columns ||
        scans->planes[component].rows != rows)
        return NULL;
    return &scans->arrays[component];
}

JBLOCKARRAY jpeg_scans_access(struct jpeg_scans *scans, jvirt_barray_ptr array, JDIMENSION first,
                              JDIMENSION count, bool writable)
{
    JDIMENSION band = first / scans->planes[array - scans->arrays].band_rows;
    JBLOCKARRAY rows = plane_band(scans, array, first, count, band);
    if (rows == NULL)
        return NULL;
    pthread_mutex_lock(&scans->lock);
    scans_advance(scans, band);
    /* The picture's decoder asks for a band when it has been through it with its own scan. */
    if (!writable && scans->scan[0].done <= band) {
        scans->scan[0].done = band + 1;
        pthread_cond_broadcast(&scans->moved);
    }
    while (!writable && !scans->failed && !scans_have(scans, band))
        scans_work(scans);
    bool failed = scans->failed || band != scans->first;
    pthread_mutex_unlock(&scans->lock);
    return failed ? NULL : rows;
}

struct reading {
    struct jpeg_scans *scans;
    void (*work)(void *context);
    void *context;
};

static void reading_work(void *context, size_t index)
{
    struct reading *reading = context;
    struct jpeg_scans *scans = reading->scans;
    if (index == 0)
        reading->work(reading->context);
    pthread_mutex_lock(&scans->lock);
    while (index > 0 && !scans->paused && !scans->failed)
        scans_work(scans);
    if (index == 0) {
        scans->paused = true;
        pthread_cond_broadcast(&scans->moved);
    }
    pthread_mutex_unlock(&scans->lock);
}

void jpeg_scans_read(struct jpeg_scans *scans, void (*work)(void *context), void *context)
{
    struct reading reading = {scans, work, context};
    scans->paused = false;
    threads_for(scans->threads, scans->threads, reading_work, &reading);
}

bool jpeg_scans_finish(struct jpeg_scans *scans)
{
    bool good = !scans->failed && scans_have(scans, scans->bands - 1);
    for (unsigned i = 1; good && i < scans->count; i++)
        good = scan_finish(&scans->scan[i]);
    return good;
}

static bool planes_new(struct jpeg_scans *scans, const struct jpeg_decompress_struct *picture)
{
    uint64_t band_bytes = 0;
    for (unsigned i = 0; i < scans->plane_count; i++) {
        const jpeg_component_info *component = &picture->comp_info[i];
        JDIMENSION across = (JDIMENSION)component->h_samp_factor;
        JDIMENSION down = (JDIMENSION)component->v_samp_factor;
        scans->planes[i].columns = (component->width_in_blocks + across - 1) / across * across;
        scans->planes[i].rows = (component->height_in_blocks + down - 1) / down * down;
        scans->planes[i].band_rows = down;
        band_bytes += (uint64_t)scans->planes[i].columns * down * sizeof(JBLOCK);
    }
    /* Alone, one band is all that is needed at a time. */
    scans->slots = scans->threads == 1 ? 1 : 4 * scans->threads;
    while (scans->slots > 2 && scans->slots * band_bytes > MOST_ROWS_BYTES)
        scans->slots--;
    for (unsigned i = 0; i < scans->plane_count; i++) {
        struct plane *plane = &scans->planes[i];
        size_t rows = (size_t)scans->slots * plane->band_rows;
        plane->blocks = memory_zeroed(rows * plane->columns, sizeof *plane->blocks, NULL);
        plane->row = memory_array(rows, sizeof *plane->row, NULL);
        if (plane->blocks == NULL || plane->row == NULL)
            return false;
        for (size_t y = 0; y < rows; y++)
            plane->row[y] = plane->blocks + y * plane->columns;
    }
    return true;
}

/* Whether scans have to go through a block in their order. Those of different coefficients do too,
 * but for the first one: in a damaged file a run of zeros may lead beyond the last of a scan. */
static bool scans_share(const struct jpeg_scan *one, const struct jpeg_scan *other)
{
    return (one->components & other->components) != 0 && (one->first == 0) == (other->first == 0);
}

static bool scans_add(struct jpeg_scans *scans, const struct jpeg_feed *feed)
{
    const struct jpeg_scan *all = feed->layout.scans;
    unsigned number[MOST_SCANS] = {0};
    scans->count = 1;
    for (unsigned i = 1; i < feed->layout.scan_count; i++) {
        if (all[i].skip)
            continue;
        struct scan *scan = &scans->scan[scans->count];
        scan->scans = scans;
        for (unsigned k = 0; k < scans->count; k++)
            scan->after |= (uint32_t)scans_share(&all[number[k]], &all[i]) << k;
        number[scans->count++] = i;
        if (!scan_open(scan, feed, i))
            return false;
    }
    return true;
}

struct jpeg_scans *jpeg_scans_open(const struct jpeg_feed *feed,
                                   const struct jpeg_decompress_struct *picture, unsigned threads)
{
    const struct jpeg_layout *layout = &feed->layout;
    if (!layout_suits(layout))
        return NULL;
    struct jpeg_scans *scans = memory_zeroed(
        1, sizeof *scans + layout->scan_count * sizeof scans->scan[0], NULL);
    if (scans == NULL)
        return NULL;
    pthread_mutex_init(&scans->lock, NULL);
    pthread_cond_init(&scans->moved, NULL);
    scans->threads = threads < 1 ? 1 : threads < MOST_THREADS ? threads : MOST_THREADS;
    scans->plane_count = layout->component_count;
    scans->bands = picture->total_iMCU_rows;
    if ((unsigned)picture->num_components == scans->plane_count && planes_new(scans, picture) &&
        scans_add(scans, feed))
        return scans;
    jpeg_scans_close(scans);
    return NULL;
}

void jpeg_scans_close(struct jpeg_scans *scans)
{
    if (scans == NULL)
        return;
    for (unsigned i = 1; i < scans->count; i++)
        scan_close(&scans->scan[i]);
    for (unsigned i = 0; i < scans->plane_count; i++) {
        free(scans->planes[i].blocks);
        free(scans->planes[i].row);
    }
    pthread_cond_destroy(&scans->moved);
    pthread_mutex_destroy(&scans->lock);
    free(scans);
}
