/* SPDX-License-Identifier: MIT */
#include "codec/runs.h"

#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    LITERALS = 256,
    END_OF_BLOCK = 256,
    SYMBOLS = 286, /* literals, end of block, lengths */
    LENGTH_SYMBOLS = 19,
    MIN_RUN = 3,      /* bytes after the first; shorter ones cost more than they save */
    MIN_ZERO_RUN = 8, /* zeros are cheap by themselves */
    MAX_LENGTH = 258,
    /* Four codes and seven bits left over must fit in 64 bits. */
    MAX_CODE_BITS = 14,
    MAX_LENGTH_CODE_BITS = 7,
    BLOCK_LITERALS = 64 << 10,
    BLOCK_RUNS = 4 << 10,
    HEADER_BYTES = 400, /* at most, of a block, and a bit over */
    MAX_STORED = 65535,
};

/* LENGTH bytes at START, equal to the one before them. */
struct run {
    size_t start, length;
};

/* A Huffman code: bits in the order in which they are written, and how many. */
struct code {
    uint16_t bits, count;
};

/* Bits on their way out. */
struct writer {
    uint8_t *out;
    uint64_t bits;
    unsigned count; /* below 8 between calls */
};

struct runs_encoder {
    struct run runs[BLOCK_RUNS];
    size_t run_count;
    uint32_t counts[4][SYMBOLS]; /* how often; four, so that equal neighbours do not wait */
    struct code codes[SYMBOLS];
    uint16_t order[SYMBOLS]; /* of the last block, by count: mostly right for the next one too */
    /* Length symbol, extra bits and their number for every length. */
    uint16_t length_symbol[MAX_LENGTH + 1];
    uint8_t length_extra[MAX_LENGTH + 1], length_extra_bits[MAX_LENGTH + 1];
    struct writer writer;
};

/* RFC 1951, 3.2.5. */
static void encoder_set_lengths(struct runs_encoder *encoder)
{
    unsigned length = 3;
    for (unsigned symbol = 257; symbol < 285; symbol++) {
        unsigned extra_bits = symbol < 265 ? 0 : (symbol - 261) / 4;
        for (unsigned extra = 0; extra < 1u << extra_bits; extra++, length++) {
            encoder->length_symbol[length] = (uint16_t)symbol;
            encoder->length_extra[length] = (uint8_t)extra;
            encoder->length_extra_bits[length] = (uint8_t)extra_bits;
        }
    }
    /* The last of the symbol before: it has one of its own. */
    encoder->length_symbol[MAX_LENGTH] = 285;
    encoder->length_extra[MAX_LENGTH] = encoder->length_extra_bits[MAX_LENGTH] = 0;
}

struct runs_encoder *runs_encoder_new(struct error *error)
{
    struct runs_encoder *encoder = memory_zeroed(1, sizeof *encoder, error);
    if (encoder == NULL)
        return NULL;
    encoder_set_lengths(encoder);
    for (unsigned symbol = 0; symbol < SYMBOLS; symbol++)
        encoder->order[symbol] = (uint16_t)symbol;
    return encoder;
}

void runs_encoder_free(struct runs_encoder *encoder)
{
    free(encoder);
}

size_t runs_bound(size_t size)
{
    return size + (size / (BLOCK_RUNS * MIN_RUN) + 2) * HEADER_BYTES;
}

static uint64_t load_64(const uint8_t *from)
{
    uint64_t word = 0;
    memcpy(&word, from, sizeof word);
    return le64toh(word);
}

/* The first place from AT on where MIN_RUN bytes equal the one before them; SIZE if none. */
static size_t find_run(const uint8_t *data, size_t at, size_t size)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7f;
    for (; at + 8 <= size; at += 8 - MIN_RUN + 1) {
        uint64_t difference = load_64(data + at) ^ load_64(data + at - 1);
        /* The top bit of each byte that is 0; then of those with two such behind them. */
        uint64_t same = ~(((difference & low) + low) | difference | low);
        same &= same >> 8 & same >> 16;
        if (same != 0)
            return at + (size_t)__builtin_ctzll(same) / 8;
    }
    return size;
}

static size_t run_length(const uint8_t *data, size_t at, size_t size)
{
    size_t end = at;
    while (end + 8 <= size && load_64(data + end) == load_64(data + end - 1))
        end += 8;
    while (end < size && data[end] == data[end - 1])
        end++;
    return end - at;
}

static void count_literals(struct runs_encoder *encoder, const uint8_t *data, size_t size)
{
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word = load_64(data + i);
        for (unsigned k = 0; k < 8; k++)
            encoder->counts[k % 4][(uint8_t)(word >> 8 * k)]++;
    }
    for (; i < size; i++)
        encoder->counts[0][data[i]]++;
}

/* How much of a run of LEFT bytes the next length takes: all, or as much as leaves a good rest. */
static unsigned run_piece(size_t left)
{
    if (left <= MAX_LENGTH)
        return (unsigned)left;
    return left < MAX_LENGTH + 3 ? MAX_LENGTH - 3 : MAX_LENGTH;
}

/* Finds the runs of a block that begins at START, and counts its symbols; returns its end. */
static size_t block_scan(struct runs_encoder *encoder, const uint8_t *data, size_t start,
                         size_t size)
{
    size_t literals = 0, at = start;
    memset(encoder->counts, 0, sizeof encoder->counts);
    encoder->run_count = 0;
    while (at < size && literals < BLOCK_LITERALS && encoder->run_count < BLOCK_RUNS) {
        size_t most = BLOCK_LITERALS - literals, end = size - at < most ? size : at + most;
        size_t run = find_run(data, at > 0 ? at : 1, end);
        count_literals(encoder, data + at, run - at);
        literals += run - at;
        at = run;
        if (run == end)
            continue;
        size_t length = run_length(data, run, size);
        if (data[run] == 0 && length < MIN_ZERO_RUN) {
            encoder->counts[0][0] += (uint32_t)length;
            literals += length;
            at += length;
            continue;
        }
        encoder->runs[encoder->run_count++] = (struct run){run, length};
        at += length;
        for (unsigned piece = 0; length > 0; length -= piece) {
            piece = run_piece(length);
            encoder->counts[0][encoder->length_symbol[piece]]++;
        }
    }
    encoder->counts[0][END_OF_BLOCK] = 1;
    for (unsigned symbol = 0; symbol < LITERALS; symbol++)
        for (unsigned k = 1; k < 4; k++)
            encoder->counts[0][symbol] += encoder->counts[k][symbol];
    return at;
}

/* Sorts the symbols by count, those of the same count by number. Insertion, because ORDER comes
 * nearly sorted. */
static void order_symbols(uint16_t *order, const uint32_t *counts, unsigned symbols)
{
    for (unsigned i = 1; i < symbols; i++) {
        uint16_t symbol = order[i];
        unsigned k = i;
        for (; k > 0; k--) {
            uint16_t before = order[k - 1];
            if (counts[before] < counts[symbol] ||
                (counts[before] == counts[symbol] && before < symbol))
                break;
            order[k] = before;
        }
        order[k] = symbol;
    }
}

/* Makes no code longer than MAX_BITS. AT_DEPTH: how many codes there are of each length. */
static void limit_depth(unsigned *at_depth, unsigned deepest, unsigned max_bits)
{
    /* In units of the longest code; complete is 1 << MAX_BITS. */
    uint64_t used = 0;
    for (unsigned bits = max_bits + 1; bits <= deepest; bits++) {
        at_depth[max_bits] += at_depth[bits];
        at_depth[bits] = 0;
    }
    for (unsigned bits = 1; bits <= max_bits; bits++)
        used += (uint64_t)at_depth[bits] << (max_bits - bits);
    for (; used > 1u << max_bits; used--) {
        /* One of the longest becomes the brother of a shorter one, which moves a step down. */
        unsigned bits = max_bits - 1;
        while (at_depth[bits] == 0)
            bits--;
        at_depth[bits]--;
        at_depth[bits + 1] += 2;
        at_depth[max_bits]--;
    }
}

/* Counts the depths of Huffman's tree over the COUNT numbers at WEIGHTS, which are sorted. */
static unsigned tree_depths(const uint32_t *weights, unsigned count, unsigned *at_depth)
{
    /* Leaves, then inner nodes; those come sorted too, so the least two are at two fronts. */
    uint32_t sums[SYMBOLS];
    uint16_t leaf_parent[SYMBOLS], parent[SYMBOLS], depth[SYMBOLS];
    unsigned leaf = 0, inner = 0, deepest = 0;
    for (unsigned made = 0; made + 1 < count; made++) {
        sums[made] = 0;
        for (int child = 0; child < 2; child++) {
            if (leaf < count && (inner == made || weights[leaf] <= sums[inner])) {
                sums[made] += weights[leaf];
                leaf_parent[leaf++] = (uint16_t)made;
            } else {
                sums[made] += sums[inner];
                parent[inner++] = (uint16_t)made;
            }
        }
    }
    depth[count - 2] = 0;
    for (unsigned i = count - 2; i-- > 0;)
        depth[i] = (uint16_t)(depth[parent[i]] + 1);
    for (unsigned i = 0; i < count; i++) {
        unsigned bits = depth[leaf_parent[i]] + 1u;
        at_depth[bits]++;
        if (bits > deepest)
            deepest = bits;
    }
    return deepest;
}

/* The lengths of a Huffman code for symbols that occur COUNTS times; 0 for those that do not. */
static void code_lengths(const uint32_t *counts, uint16_t *order, unsigned symbols,
                         unsigned max_bits, uint8_t *lengths)
{
    uint32_t weights[SYMBOLS];
    unsigned at_depth[SYMBOLS] = {0}, used = 0;
    order_symbols(order, counts, symbols);
    memset(lengths, 0, symbols);
    for (unsigned i = 0; i < symbols; i++)
        if (counts[order[i]] > 0)
            weights[used++] = counts[order[i]];
    const uint16_t *rarest = order + (symbols - used);
    if (used == 1) {
        lengths[*rarest] = 1;
        return;
    }
    unsigned deepest = tree_depths(weights, used, at_depth);
    limit_depth(at_depth, deepest, max_bits);
    for (unsigned bits = max_bits; bits > 0; bits--)
        for (unsigned k = 0; k < at_depth[bits]; k++)
            lengths[*rarest++] = (uint8_t)bits;
}

static unsigned reversed(unsigned code, unsigned bits)
{
    unsigned result = 0;
    for (; bits > 0; bits--, code >>= 1)
        result = result << 1 | (code & 1);
    return result;
}

/* RFC 1951, 3.2.2. Codes are written from their top bit. */
static void assign_codes(const uint8_t *lengths, unsigned symbols, struct code *codes)
{
    unsigned next[MAX_CODE_BITS + 2] = {0}, of_length[MAX_CODE_BITS + 1] = {0};
    for (unsigned symbol = 0; symbol < symbols; symbol++)
        of_length[lengths[symbol]]++;
    of_length[0] = 0;
    for (unsigned bits = 0; bits <= MAX_CODE_BITS; bits++)
        next[bits + 1] = 2 * (next[bits] + of_length[bits]);
    for (unsigned symbol = 0; symbol < symbols; symbol++) {
        unsigned bits = lengths[symbol];
        if (bits > 0)
            codes[symbol] = (struct code){(uint16_t)reversed(next[bits]++, bits), (uint16_t)bits};
    }
}

/* Up to 56 bits. Writes 8 bytes, which the next call writes over. */
static inline void put(struct writer *writer, uint64_t bits, unsigned count)
{
    writer->bits |= bits << writer->count;
    writer->count += count;
    uint64_t word = htole64(writer->bits);
    memcpy(writer->out, &word, sizeof word);
    writer->out += writer->count / 8;
    writer->bits >>= writer->count / 8 * 8;
    writer->count %= 8;
}

static void put_code(struct writer *writer, struct code code)
{
    put(writer, code.bits, code.count);
}

/* The lengths of the codes, as RFC 1951, 3.2.7 writes them: runs of zeros in short. */
struct length_list {
    uint8_t symbol[SYMBOLS + 1], extra[SYMBOLS + 1];
    unsigned count;
    uint32_t counts[LENGTH_SYMBOLS];
};

static void list_add(struct length_list *list, unsigned symbol, unsigned extra)
{
    list->symbol[list->count] = (uint8_t)symbol;
    list->extra[list->count++] = (uint8_t)extra;
    list->counts[symbol]++;
}

static void list_lengths(struct length_list *list, const uint8_t *lengths, unsigned count)
{
    for (unsigned i = 0; i < count;) {
        unsigned same = 1;
        while (i + same < count && lengths[i + same] == lengths[i] && same < 138)
            same++;
        unsigned repeated = lengths[i] == 0 ? same : same - 1;
        if (lengths[i] == 0 && same >= 3) {
            list_add(list, same <= 10 ? 17 : 18, same <= 10 ? same - 3 : same - 11);
            i += same;
        } else if (lengths[i] != 0 && repeated >= 3) {
            list_add(list, lengths[i], 0);
            repeated = repeated <= 6 ? repeated : 6;
            list_add(list, 16, repeated - 3);
            i += 1 + repeated;
        } else {
            list_add(list, lengths[i++], 0);
        }
    }
}

static void put_header(struct runs_encoder *encoder, const uint8_t *lengths)
{
    static const uint8_t sequence[LENGTH_SYMBOLS] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                     11, 4,  12, 3, 13, 2, 14, 1, 15};
    static const uint8_t extra_bits[3] = {2, 3, 7};
    struct length_list list = {.count = 0};
    uint16_t order[LENGTH_SYMBOLS];
    uint8_t bits[LENGTH_SYMBOLS];
    struct code codes[LENGTH_SYMBOLS] = {{0, 0}};
    /* One distance, of 1 bit. */
    list_lengths(&list, lengths, SYMBOLS + 1);
    for (unsigned i = 0; i < LENGTH_SYMBOLS; i++)
        order[i] = (uint16_t)i;
    code_lengths(list.counts, order, LENGTH_SYMBOLS, MAX_LENGTH_CODE_BITS, bits);
    assign_codes(bits, LENGTH_SYMBOLS, codes);
    unsigned sent = LENGTH_SYMBOLS;
    while (sent > 4 && bits[sequence[sent - 1]] == 0)
        sent--;
    /* Not the last block, own codes; how many of each kind. */
    put(&encoder->writer, 2 << 1 | (SYMBOLS - 257) << 3 | (uint64_t)(sent - 4) << 13, 17);
    for (unsigned i = 0; i < sent; i++)
        put(&encoder->writer, bits[sequence[i]], 3);
    for (unsigned i = 0; i < list.count; i++) {
        put_code(&encoder->writer, codes[list.symbol[i]]);
        if (list.symbol[i] >= 16)
            put(&encoder->writer, list.extra[i], extra_bits[list.symbol[i] - 16]);
    }
}

static void put_literals(struct runs_encoder *encoder, const uint8_t *data, size_t size)
{
    const struct code *codes = encoder->codes;
    /* A copy, which no store through a pointer can change. */
    struct writer writer = encoder->writer;
    size_t i = 0;
    for (; i + 4 <= size; i += 4) {
        struct code a = codes[data[i]], b = codes[data[i + 1]];
        struct code c = codes[data[i + 2]], d = codes[data[i + 3]];
        uint64_t first = a.bits | (uint64_t)b.bits << a.count;
        uint64_t second = c.bits | (uint64_t)d.bits << c.count;
        unsigned half = (unsigned)a.count + b.count;
        put(&writer, first | second << half, half + c.count + d.count);
    }
    for (; i < size; i++)
        put_code(&writer, codes[data[i]]);
    encoder->writer = writer;
}

static void put_run(struct runs_encoder *encoder, size_t length)
{
    for (unsigned piece = 0; length > 0; length -= piece) {
        piece = run_piece(length);
        struct code code = encoder->codes[encoder->length_symbol[piece]];
        /* The code of the distance is a 0. */
        put(&encoder->writer, code.bits | (uint64_t)encoder->length_extra[piece] << code.count,
            code.count + encoder->length_extra_bits[piece] + 1u);
    }
}

/* Bits that the symbols of a block take, those of distances and extra ones included. */
static uint64_t body_bits(const struct runs_encoder *encoder, const uint8_t *lengths)
{
    uint64_t bits = 0;
    for (unsigned symbol = 0; symbol < SYMBOLS; symbol++) {
        unsigned extra = symbol < 265 || symbol == 285 ? 0 : (symbol - 261) / 4;
        unsigned distance = symbol > END_OF_BLOCK;
        bits += (uint64_t)encoder->counts[0][symbol] * (lengths[symbol] + extra + distance);
    }
    return bits;
}

/* A block that is not compressed, of at most 65535 bytes; with none, all that it does is to end on
 * a byte. */
static void put_stored(struct runs_encoder *encoder, const uint8_t *data, size_t size)
{
    put(&encoder->writer, 0, 3);
    put(&encoder->writer, 0, (8 - encoder->writer.count) % 8);
    put(&encoder->writer, size | (size ^ 0xffff) << 16, 32);
    memcpy(encoder->writer.out, data, size);
    encoder->writer.out += size;
}

static void put_body(struct runs_encoder *encoder, const uint8_t *data, size_t start, size_t end)
{
    for (size_t i = 0; i < encoder->run_count; i++) {
        const struct run *run = &encoder->runs[i];
        put_literals(encoder, data + start, run->start - start);
        put_run(encoder, run->length);
        start = run->start + run->length;
    }
    put_literals(encoder, data + start, end - start);
    put_code(&encoder->writer, encoder->codes[END_OF_BLOCK]);
}

static void put_block(struct runs_encoder *encoder, const uint8_t *data, size_t start, size_t end)
{
    uint8_t lengths[SYMBOLS + 1];
    struct writer before = encoder->writer;
    code_lengths(encoder->counts[0], encoder->order, SYMBOLS, MAX_CODE_BITS, lengths);
    lengths[SYMBOLS] = 1;
    assign_codes(lengths, SYMBOLS, encoder->codes);
    put_header(encoder, lengths);
    uint64_t header_bytes = (uint64_t)(encoder->writer.out - before.out);
    if (header_bytes + body_bits(encoder, lengths) / 8 < end - start) {
        put_body(encoder, data, start, end);
        return;
    }
    encoder->writer = before;
    for (; start < end; start += MAX_STORED)
        put_stored(encoder, data + start, end - start < MAX_STORED ? end - start : MAX_STORED);
}

size_t runs_encode(struct runs_encoder *encoder, const uint8_t *data, size_t size, uint8_t *out)
{
    encoder->writer = (struct writer){.out = out};
    for (size_t start = 0; start < size;) {
        size_t end = block_scan(encoder, data, start, size);
        put_block(encoder, data, start, end);
        start = end;
    }
    put_stored(encoder, data, 0);
    return (size_t)(encoder->writer.out - out);
}
