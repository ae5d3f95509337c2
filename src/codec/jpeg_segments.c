/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_segments.h"

#include <string.h>

#include "codec/codec.h"
#include "codec/exif.h"

static const char exif_name[] = "Exif\0";           /* and the NUL of the literal: 6 bytes */
static const char xmp_name[] = "http://ns.adobe.com/xap/1.0/";
static const char icc_name[] = "ICC_PROFILE";

enum {
    ICC_HEADER_BYTES = sizeof icc_name + 2, /* and the number of this part, and of all */
    ICC_PART_BYTES = JPEG_SEGMENT_MAX_BYTES - ICC_HEADER_BYTES,
};

static bool starts_with(const uint8_t *data, size_t size, const char *name, size_t length)
{
    return size >= length && memcmp(data, name, length) == 0;
}

/* The format's own rules, ICC.1 annex B.4: parts are numbered from 1 and each says how many. */
static bool icc_add(struct jpeg_segments *segments, const uint8_t *data, size_t size,
                    struct error *error)
{
    unsigned number = data[sizeof icc_name], parts = data[sizeof icc_name + 1];
    size -= ICC_HEADER_BYTES;
    if (segments->icc_parts == 0)
        segments->icc_parts = parts;
    if (parts == 0 || parts != segments->icc_parts || number == 0 || number > parts)
        segments->icc_problem = "its parts are numbered wrongly";
    else if (segments->icc[number - 1].data != NULL)
        segments->icc_problem = "a part is there twice";
    else if (size > CODEC_ICC_MAX_BYTES - segments->icc_bytes)
        segments->icc_problem = "larger than 4 MiB";
    if (segments->icc_problem != NULL)
        return true;
    segments->icc_bytes += size;
    return blob_copy(&segments->icc[number - 1], data + ICC_HEADER_BYTES, size, error);
}

bool jpeg_segments_add(struct jpeg_segments *segments, unsigned marker, const uint8_t *data,
                       size_t size, bool keep, struct error *error)
{
    if (marker == JPEG_APP2 && size >= ICC_HEADER_BYTES &&
        starts_with(data, size, icc_name, sizeof icc_name))
        return icc_add(segments, data, size, error);
    if (marker != JPEG_APP1)
        return true;
    if (starts_with(data, size, exif_name, sizeof exif_name)) {
        if (segments->orientation != 0)
            return true;
        data += sizeof exif_name;
        size -= sizeof exif_name;
        segments->orientation = exif_orientation(data, size);
        return !keep || size == 0 || blob_copy(&segments->exif, data, size, error);
    }
    if (keep && segments->xmp.data == NULL && size > sizeof xmp_name &&
        starts_with(data, size, xmp_name, sizeof xmp_name))
        return blob_copy(&segments->xmp, data + sizeof xmp_name, size - sizeof xmp_name, error);
    return true;
}

static bool icc_join(struct jpeg_segments *segments, struct blob *icc, struct error *error)
{
    size_t used = 0;
    for (unsigned i = 0; i < segments->icc_parts; i++)
        if (segments->icc[i].data == NULL && segments->icc_problem == NULL)
            segments->icc_problem = "a part is missing";
    if (segments->icc_problem != NULL || segments->icc_bytes == 0)
        return true;
    icc->data = memory_array(segments->icc_bytes, 1, error);
    if (icc->data == NULL)
        return false;
    for (unsigned i = 0; i < segments->icc_parts; i++) {
        memcpy(icc->data + used, segments->icc[i].data, segments->icc[i].size);
        used += segments->icc[i].size;
    }
    icc->size = used;
    return true;
}

bool jpeg_segments_finish(struct jpeg_segments *segments, struct image_metadata *metadata,
                          const char **problem, struct error *error)
{
    if (!icc_join(segments, &metadata->icc, error))
        return false;
    *problem = segments->icc_problem;
    metadata->exif = segments->exif;
    metadata->xmp = segments->xmp;
    segments->exif = segments->xmp = (struct blob){0};
    jpeg_segments_free(segments);
    return true;
}

void jpeg_segments_free(struct jpeg_segments *segments)
{
    blob_free(&segments->exif);
    blob_free(&segments->xmp);
    for (unsigned i = 0; i < JPEG_ICC_MAX_PARTS; i++)
        blob_free(&segments->icc[i]);
}

static size_t segment_join(uint8_t *buffer, const char *name, size_t length,
                           const struct blob *blob)
{
    memcpy(buffer, name, length);
    memcpy(buffer + length, blob->data, blob->size);
    return length + blob->size;
}

static size_t icc_part_build(const struct blob *icc, unsigned index, uint8_t *buffer)
{
    size_t parts = (icc->size + ICC_PART_BYTES - 1) / ICC_PART_BYTES;
    if (index >= parts || parts > JPEG_ICC_MAX_PARTS)
        return 0;
    size_t start = (size_t)index * ICC_PART_BYTES, left = icc->size - start;
    struct blob part = {icc->data + start, left < ICC_PART_BYTES ? left : ICC_PART_BYTES};
    char header[ICC_HEADER_BYTES];
    memcpy(header, icc_name, sizeof icc_name);
    header[sizeof icc_name] = (char)(index + 1);
    header[sizeof icc_name + 1] = (char)parts;
    return segment_join(buffer, header, sizeof header, &part);
}

size_t jpeg_segments_build(const struct image_metadata *metadata, unsigned index, uint8_t *buffer,
                           unsigned *marker)
{
    const struct blob *exif = &metadata->exif, *xmp = &metadata->xmp;
    *marker = JPEG_APP1;
    if (exif->size > 0 && exif->size <= JPEG_SEGMENT_MAX_BYTES - sizeof exif_name && index-- == 0)
        return segment_join(buffer, exif_name, sizeof exif_name, exif);
    if (xmp->size > 0 && xmp->size <= JPEG_SEGMENT_MAX_BYTES - sizeof xmp_name && index-- == 0)
        return segment_join(buffer, xmp_name, sizeof xmp_name, xmp);
    *marker = JPEG_APP2;
    return icc_part_build(&metadata->icc, index, buffer);
}
