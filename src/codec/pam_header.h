/* SPDX-License-Identifier: MIT */
/* The header of the binary netpbm formats: PGM (P5), PPM (P6) and PAM (P7), as pgm(5), ppm(5) and
 * pam(5) describe them.
 *
 * What netpbm has no field for travels in comments, so that its tools still read the stream:
 *
 *     # imgtool:icc BASE64      (RFC 4648, section 4; cut over as many lines as it takes, because
 *     # imgtool:exif BASE64      netpbm takes at most 255 bytes a line)
 *     # imgtool:xmp BASE64
 *     # imgtool:origin png      (the format that the pixels come from) */
#ifndef CODEC_PAM_HEADER_H
#define CODEC_PAM_HEADER_H

#include "codec/codec.h"

struct pam_header {
    const char *magic;          /* "P5", "P6" or "P7" */
    uint64_t width, height;     /* not judged; what is too large for 64 bits is some 10^18 */
    unsigned maxval;            /* 1..65535 */
    enum image_color color;     /* from TUPLTYPE, or from DEPTH where that is missing */
    bool alpha;
    struct image_metadata metadata;
    enum codec_format origin;
    char warning[100];          /* a profile that was ignored; empty otherwise */
};

/* True where HEAD begins like any image of the netpbm family, also one that is not read here. */
bool pam_header_sniff(const uint8_t *head, size_t size);

/* Reads a header from SOURCE, which then stands at the raster. A header that is damaged, or longer
 * than 64 KiB without its profiles, is ERROR_CORRUPT; a type that is not read ERROR_UNSUPPORTED;
 * one that ends early ERROR_TRUNCATED. A damaged profile is only ignored. EXIF and XMP are kept
 * where KEEP_METADATA says so. HEADER owns its metadata, also after a failure. */
bool pam_header_read(struct pam_header *header, struct source *source, bool keep_metadata,
                     struct error *error);

/* Writes the P7 header of IMAGE (grey or RGB) with its metadata. False where the sink failed. */
bool pam_header_write(struct sink *sink, const struct image *image, enum codec_format origin);

#endif
