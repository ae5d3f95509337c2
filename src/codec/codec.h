/* SPDX-License-Identifier: MIT */
/* Codecs: PNG, JPEG, WebP and the netpbm family behind one table.
 *
 * Reading is by rows, so that a reduction never holds the image it reads: open (the header is read
 * and judged against the limits before memory is taken), read rows from the top, finish (what
 * follows the pixels is checked: a missing end is an error). Writing is by rows too; a whole image
 * is all of them at once. Everything that comes from the file is hostile until checked. */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include "base/sink.h"
#include "base/source.h"
#include "image/image.h"

enum codec_format { CODEC_NONE, CODEC_PNG, CODEC_JPEG, CODEC_WEBP, CODEC_PAM, CODEC_FORMAT_COUNT };

/* Fixed limits (the contract's section 6). */
#define CODEC_JPEG_MAX_SCANS 100
#define CODEC_PNG_MAX_CHUNK_BYTES 8000000
#define CODEC_PNG_MAX_CHUNKS 128
#define CODEC_JPEG_QUALITY 85 /* where none is asked for */
#define CODEC_WEBP_QUALITY 80
#define CODEC_ICC_MAX_BYTES (4u << 20)

struct codec_info;

struct codec_read_options {
    uint64_t max_pixels;
    uint32_t max_dimension;
    unsigned threads;
    unsigned frame;     /* 1 is the first; 0: none named, several frames are refused */
    bool lenient;       /* decode what is there; CODEC warns through codec_info.warning */
    bool keep_metadata; /* fill exif and xmp too; the ICC profile is always read */
    bool header_only;   /* only the info is wanted: no decoder state, no prescan of the data */
    /* May be NULL. Asked once the header is read for the smallest size in pixels, in stored
     * orientation, that still serves (*WIDTH and *HEIGHT come with the full size): the codec may
     * then decode to a smaller image of at least this size where that is cheaper and cannot be
     * seen (JPEG). */
    void (*enough)(void *context, const struct codec_info *info, uint32_t *width,
                   uint32_t *height);
    void *enough_context;
};

/* What the header says: what stands before the pixels. It does not change once the reader is open,
 * whatever follows them, except for `warning`. */
struct codec_info {
    enum codec_format format;
    struct image_shape shape;       /* of the rows that codec_read_rows() gives */
    uint32_t stored_width, stored_height; /* as in the file, before any reduction on decoding */
    unsigned orientation;           /* 1..8; rows come as stored, the caller turns them */
    unsigned stored_depth;          /* bits per sample in the file: 1, 2, 4, 8, 16 (PAM: from maxval) */
    bool palette, progressive, lossless; /* progressive: also Adam7 */
    unsigned frames;                /* 1 for a still image; 0 where the header alone cannot say */
    int quality;                    /* JPEG: estimated from the quantisation tables, 1..100; else 0 */
    const char *subtype;            /* static text: "P6", "Adobe CMYK", "VP8L" …; or NULL */
    enum codec_format origin;       /* PAM: the format noted by an earlier stage, else CODEC_NONE */
    double gamma;             /* PNG gAMA (0.45455: the usual), where neither sRGB nor iCCP overrules */
    double chromaticities[8]; /* PNG cHRM: x and y of white, red, green, blue; likewise, else 0 */
    struct image_metadata metadata; /* owned by the reader; may be moved out by the caller */
    char warning[200];              /* something odd that did not stop us; empty otherwise */
};

struct codec_reader;

struct codec_writer;

struct codec_write_options {
    int quality;     /* 1..100; 0: the format's default (JPEG 85, WebP 80) */
    bool lossless;   /* WebP */
    int effort;      /* 0 fastest … 9 smallest; -1: the format's default */
    unsigned threads;
    enum codec_format origin; /* PAM only: noted in a comment for later stages, CODEC_NONE for none */
};

/* One codec. The functions are called through the wrappers below. */
struct codec {
    const char *name;               /* "png" */
    const char *extensions;         /* "jpg jpeg jpe jfif": the first is the usual one */
    bool writes_alpha, writes_depth16, writes_grey;
    bool (*sniff)(const uint8_t *head, size_t size);
    bool (*open)(struct source *source, const struct codec_read_options *options,
                 struct codec_reader **reader, struct error *error);
    bool (*read_rows)(struct codec_reader *reader, uint8_t *rows, size_t stride, uint32_t count,
                      struct error *error);
    bool (*finish)(struct codec_reader *reader, struct error *error);
    void (*close)(struct codec_reader *reader);
    bool (*begin)(struct sink *sink, const struct image *image,
                  const struct codec_write_options *options, struct codec_writer **writer,
                  struct error *error);
    bool (*write_rows)(struct codec_writer *writer, const uint8_t *rows, size_t stride,
                       uint32_t count, struct error *error);
    bool (*end)(struct codec_writer *writer, struct error *error);
    void (*discard)(struct codec_writer *writer);
    const char *backend;                       /* "libpng"; NULL: our own */
    bool (*load)(struct error *error);         /* opens the library; NULL: it is linked, or ours */
    void (*version)(char *out, size_t size);   /* of the library that runs */
};

/* What all readers have; the first member of each codec's own struct. */
struct codec_reader {
    const struct codec *codec;
    struct codec_info info;
    uint32_t rows_read;
};

/* What all writers have; the first member of each codec's own struct. Set by codec_begin(). */
struct codec_writer {
    const struct codec *codec;
    enum codec_format format;
    struct sink *sink;
    struct image_shape shape;
    uint32_t rows_written;
};

extern const struct codec codec_png, codec_jpeg, codec_webp, codec_pam;

/* The codec of a format; never NULL for a real one. */
const struct codec *codec_of(enum codec_format format);

/* By name ("png", also "jpg") or by a file name's extension (any case); CODEC_NONE if none. */
enum codec_format codec_by_name(const char *name);
enum codec_format codec_by_path(const char *path);

/* Opens the library that does the work of FORMAT, where that is not done (base/library.h);
 * CODEC_NONE means all of them. codec_open() and codec_write() do it themselves; it is for what
 * comes before a sandbox, which lets no file be opened. */
bool codec_load(enum codec_format format, struct error *error);

/* Recognises SOURCE by its first bytes, which stay there; no code but our own looks at them. An
 * empty input is ERROR_TRUNCATED, an unknown one ERROR_UNSUPPORTED with what it looks like, one
 * that is known to be too large ERROR_LIMIT. */
bool codec_sniff(struct source *source, enum codec_format *format, struct error *error);

/* The same, and reads the header. SOURCE must outlive the reader. On failure *READER is NULL. */
bool codec_open(struct source *source, const struct codec_read_options *options,
                struct codec_reader **reader, struct error *error);

struct codec_info *codec_reader_info(struct codec_reader *reader);

/* The next COUNT rows into ROWS, STRIDE bytes apart. Never more than are left. Damaged data is
 * ERROR_CORRUPT, a short file ERROR_TRUNCATED ("truncated at row 812 of 1440"); with `lenient`
 * the missing rows are 0 and info.warning says so. */
bool codec_read_rows(struct codec_reader *reader, uint8_t *rows, size_t stride, uint32_t count,
                     struct error *error);

/* After the last row: checks what follows. Call it once. */
bool codec_finish(struct codec_reader *reader, struct error *error);

void codec_close(struct codec_reader *reader);

/* Reads all rows into a new image, as stored (not turned), with the metadata moved into it, and
 * finishes. The reader is still to be closed. */
bool codec_read_image(struct codec_reader *reader, struct image *image, struct error *error);

/* Encodes. The image must suit the codec (see the writes_… flags; never CMYK). The sink's failure
 * is copied into ERROR. Same input, same bytes, whatever the number of threads. */
bool codec_write(enum codec_format format, struct sink *sink, const struct image *image,
                 const struct codec_write_options *options, struct error *error);

/* The same by rows, from the top: what was given can be forgotten, and leaves as soon as the format
 * allows: that is at the end for a progressive or optimised JPEG, whose packed coefficients are
 * kept, and for WebP, where libwebp's form of the pixels is (half the bytes of RGB rows; 4 a pixel
 * with `lossless`). IMAGE gives the shape and the metadata, and is not used after the call; its
 * pixels are not looked at. The bytes do not depend on how the rows are divided. The header is
 * written at once, and on its way in the case of PAM, so that a later stage of a pipe can prepare.
 * SINK must outlive the writer. On failure *WRITER is NULL. */
bool codec_begin(enum codec_format format, struct sink *sink, const struct image *image,
                 const struct codec_write_options *options, struct codec_writer **writer,
                 struct error *error);

/* The next COUNT rows, STRIDE bytes apart. Never more than are missing. */
bool codec_write_rows(struct codec_writer *writer, const uint8_t *rows, size_t stride,
                      uint32_t count, struct error *error);

/* After the last row: writes what follows, and all that is pending. */
bool codec_end(struct codec_writer *writer, struct error *error);

/* Frees, after codec_end() or instead of it; NULL is allowed. */
void codec_discard(struct codec_writer *writer);

/* Helpers for the codecs. */

/* Judges a size against the limits, in the words of the contract:
 * "400.0 MP, over the 50.0 MP limit: --max-pixels". A zero size is ERROR_CORRUPT. */
bool codec_check_size(const struct codec_read_options *options, uint64_t width, uint64_t height,
                      struct error *error);
/* Says what to do about an image of several frames, or that frame N is not there. */
bool codec_check_frame(const struct codec_read_options *options, unsigned frames,
                       struct error *error);

#endif
