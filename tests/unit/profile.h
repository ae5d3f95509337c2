/* SPDX-License-Identifier: MIT */
/* Builds small ICC profiles from nothing, good and bad ones, for the tests of the colour code. */
#ifndef TESTS_UNIT_PROFILE_H
#define TESTS_UNIT_PROFILE_H

#include <stdint.h>
#include <string.h>

#include "base/memory.h"

enum { PROFILE_ROOM = 1 << 16, PROFILE_TAGS = 12 };

struct profile {
    uint8_t bytes[PROFILE_ROOM];
    size_t size;
    unsigned tags;
    uint8_t *tag; /* the newest one's entry in the table */
};

static inline void put_u8(struct profile *p, unsigned value)
{
    p->bytes[p->size++] = (uint8_t)value;
}

static inline void put_u16(struct profile *p, unsigned value)
{
    put_u8(p, value >> 8);
    put_u8(p, value & 255);
}

static inline void put_u32(struct profile *p, uint32_t value)
{
    put_u16(p, value >> 16);
    put_u16(p, value & 65535);
}

static inline void put_fixed(struct profile *p, double value)
{
    put_u32(p, (uint32_t)(int32_t)(value * 65536 + (value < 0 ? -0.5 : 0.5)));
}

static inline void put_name(struct profile *p, const char *name)
{
    for (int i = 0; i < 4; i++)
        put_u8(p, (uint8_t)name[i]);
}

static inline void set_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Starts a profile of CLASS ("mntr"), SPACE ("RGB ") and PCS ("XYZ "), with room for its tags. */
static inline void profile_start(struct profile *p, unsigned version, const char *class,
                                 const char *space, const char *pcs)
{
    memset(p, 0, sizeof *p);
    p->bytes[8] = (uint8_t)version;
    memcpy(p->bytes + 12, class, 4);
    memcpy(p->bytes + 16, space, 4);
    memcpy(p->bytes + 20, pcs, 4);
    memcpy(p->bytes + 36, "acsp", 4);
    set_u32(p->bytes + 68, 0xf6d6);
    set_u32(p->bytes + 72, 0x10000);
    set_u32(p->bytes + 76, 0xd32d);
    p->size = 128 + 4 + 12 * PROFILE_TAGS;
}

/* Closes the newest tag and begins another; NAME NULL only closes. Unused entries of the table are
 * given to a tag that nobody reads. */
static inline void profile_tag(struct profile *p, const char *name, const char *type)
{
    if (p->tag != NULL) {
        uint32_t start = (uint32_t)p->tag[4] << 24 | (uint32_t)p->tag[5] << 16 |
                         (uint32_t)p->tag[6] << 8 | p->tag[7];
        set_u32(p->tag + 8, (uint32_t)p->size - start);
        p->size = (p->size + 3) & ~(size_t)3;
    }
    p->tag = NULL;
    if (name == NULL)
        return;
    p->tag = p->bytes + 132 + 12 * p->tags++;
    memcpy(p->tag, name, 4);
    set_u32(p->tag + 4, (uint32_t)p->size);
    put_name(p, type);
    put_u32(p, 0);
}

/* The finished profile; the bytes stay P's. */
static inline struct blob profile_end(struct profile *p)
{
    profile_tag(p, NULL, NULL);
    for (unsigned i = p->tags; i < PROFILE_TAGS; i++) {
        memcpy(p->bytes + 132 + 12 * i, "zzzz", 4);
        set_u32(p->bytes + 136 + 12 * i, 128 + 4 + 12 * PROFILE_TAGS);
        set_u32(p->bytes + 140 + 12 * i, 4);
    }
    set_u32(p->bytes + 128, PROFILE_TAGS);
    set_u32(p->bytes, (uint32_t)p->size);
    return (struct blob){p->bytes, p->size};
}

static inline void profile_xyz(struct profile *p, const char *name, double x, double y, double z)
{
    profile_tag(p, name, "XYZ ");
    put_fixed(p, x);
    put_fixed(p, y);
    put_fixed(p, z);
}

/* sRGB's colorants against D50 as the profiles in use have them. */
static inline void profile_srgb_colorants(struct profile *p)
{
    profile_xyz(p, "wtpt", 0.9642, 1, 0.8249);
    profile_xyz(p, "rXYZ", 0.43607, 0.22249, 0.01392);
    profile_xyz(p, "gXYZ", 0.38515, 0.71687, 0.09708);
    profile_xyz(p, "bXYZ", 0.14307, 0.06061, 0.71410);
}

/* Parametric curve TYPE of COUNT parameters. */
static inline void profile_parametric(struct profile *p, const char *name, unsigned type,
                                      const double *values, unsigned count)
{
    profile_tag(p, name, "para");
    put_u16(p, type);
    put_u16(p, 0);
    for (unsigned i = 0; i < count; i++)
        put_fixed(p, values[i]);
}

static inline void profile_table(struct profile *p, const char *name, const uint16_t *values,
                                 unsigned count)
{
    profile_tag(p, name, "curv");
    put_u32(p, count);
    for (unsigned i = 0; i < count; i++)
        put_u16(p, values[i]);
}

/* The curve of sRGB, IEC 61966-2-1. */
static const double profile_srgb_curve[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};

#endif
