/* SPDX-License-Identifier: MIT */
/* libwebp for webp.c, which reads, and webp_write.c, and for nobody else. */
#ifndef CODEC_WEBP_LIBRARY_H
#define CODEC_WEBP_LIBRARY_H

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "base/library.h"
#include "codec/codec.h"

#define WEBP_CALLS(CALL) \
    CALL(WebPAnimDecoderDelete) CALL(WebPAnimDecoderGetNext) CALL(WebPAnimDecoderNewInternal) \
    CALL(WebPAnimDecoderOptionsInitInternal) CALL(WebPConfigInitInternal) \
    CALL(WebPConfigLosslessPreset) CALL(WebPDemuxDelete) CALL(WebPDemuxInternal) \
    CALL(WebPEncode) CALL(WebPFree) CALL(WebPGetDecoderVersion) CALL(WebPGetFeaturesInternal) \
    CALL(WebPIDecGetRGB) CALL(WebPIDecode) CALL(WebPIDelete) CALL(WebPIUpdate) \
    CALL(WebPInitDecoderConfigInternal) CALL(WebPMemoryWrite) CALL(WebPMemoryWriterClear) \
    CALL(WebPMemoryWriterInit) CALL(WebPMuxAssemble) CALL(WebPMuxDelete) CALL(WebPMuxSetChunk) \
    CALL(WebPMuxSetImage) CALL(WebPNewInternal) CALL(WebPPictureAlloc) CALL(WebPPictureFree) \
    CALL(WebPPictureImportRGB) CALL(WebPPictureImportRGBA) CALL(WebPPictureInitInternal) \
    CALL(WebPValidateConfig)

LIBRARY_DECLARE(libwebp, WEBP_CALLS)

/* What codec_webp writes with; see codec/codec.h. */
bool webp_begin(struct sink *sink, const struct image *image,
                const struct codec_write_options *options, struct codec_writer **writer,
                struct error *error);
bool webp_write_rows(struct codec_writer *base, const uint8_t *rows, size_t stride, uint32_t count,
                     struct error *error);
bool webp_end(struct codec_writer *base, struct error *error);
void webp_discard(struct codec_writer *base);

#endif
