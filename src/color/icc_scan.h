/* SPDX-License-Identifier: MIT */
/* The structure of an ICC profile (ICC.1:2010 and ICC.1:2001-04), read without trusting any of its
 * numbers: nothing outside the profile is touched and no memory is taken. Only for icc*.c. */
#ifndef COLOR_ICC_SCAN_H
#define COLOR_ICC_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "color/icc.h"

#define ICC_FOURCC(a, b, c, d)                                                                     \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

enum { ICC_HEADER_BYTES = 128, ICC_MAX_BYTES = 4 << 20, ICC_MAX_TAGS = 100 };

/* The tags that matter here; all others are ignored, and never shown to the colour engine. */
enum icc_tag {
    ICC_TAG_DESCRIPTION,
    ICC_TAG_WHITE,
    ICC_TAG_BLACK,
    ICC_TAG_ADAPTATION,
    ICC_TAG_GREY_CURVE,
    ICC_TAG_CURVE,                         /* red; green and blue follow */
    ICC_TAG_COLORANT = ICC_TAG_CURVE + 3,  /* likewise */
    ICC_TAG_TO_PCS = ICC_TAG_COLORANT + 3, /* A2B0, A2B1, A2B2 */
    ICC_TAG_FROM_PCS = ICC_TAG_TO_PCS + 3, /* B2A0, B2A1, B2A2 */
    ICC_TAG_COUNT = ICC_TAG_FROM_PCS + 3
};

/* A run of bytes inside of a profile. */
struct icc_span {
    const uint8_t *data; /* NULL where there is none */
    size_t size;
};

struct icc_scan {
    struct icc_span profile;
    enum icc_space space;
    bool pcs_is_xyz;
    struct icc_span tags[ICC_TAG_COUNT];
};

static inline uint16_t icc_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t icc_u32(const uint8_t *bytes)
{
    return ICC_FOURCC(bytes[0], bytes[1], bytes[2], bytes[3]);
}

/* A signed number with 16 fractional bits. */
static inline double icc_s15f16(const uint8_t *bytes)
{
    return (int32_t)icc_u32(bytes) / 65536.0;
}

/* Fills SCAN with spans into PROFILE. True where the profile is sound: header, tag table and the
 * known tags agree with their sizes, and there is what images of its space need. ERROR_CORRUPT or
 * ERROR_UNSUPPORTED with the reason. */
bool icc_scan(const struct blob *profile, struct icc_scan *scan, struct error *error);

/* RGB with curves and colorants, and no table that goes before them. */
bool icc_scan_is_matrix(const struct icc_scan *scan);

/* The steps of the grid between device and connection space (the relative colorimetric one) where
 * nothing but straight lines comes behind it, so that a grid of as many steps holds all there is
 * to know. 0 where it is not so simple. */
unsigned icc_scan_grid(const struct icc_scan *scan);

/* The signature of a tag of the enumeration above. */
uint32_t icc_scan_signature(unsigned tag);

#endif
