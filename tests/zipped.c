#include "zipped.h"

#include <zlib.h>

#include "base/random.h"
#include "suite.h"

void zipped_free(zipped *of)
{
    buffer_free(&of->file);
    buffer_free(&of->content);
    buffer_free(&of->starts);
}

size_t zipped_members(const zipped *of)
{
    return of->starts.size / sizeof(uint64_t) / 2;
}

uint64_t zipped_start(const zipped *of, size_t i)
{
    return i < zipped_members(of) ? ((const uint64_t *)(const void *)of->starts.data)[2 * i] : of->file.size;
}

static void put(buffer *to, const void *data, size_t size)
{
    ck_assert_int_eq(buffer_put(to, data, size), RF_OK);
}

static void put_number(buffer *to, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++, number >>= 8) {
        uint8_t byte = (uint8_t)number;
        put(to, &byte, 1);
    }
}

static void begin_member(zipped *to, const void *data, size_t size)
{
    const uint64_t start[2] = {to->file.size, to->content.size};
    put(&to->starts, start, sizeof start);
    put(&to->content, data, size);
}

static void deflate_all(buffer *to, const void *data, size_t size, int level, int window)
{
    z_stream flow = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    ck_assert_int_eq(deflateInit2(&flow, level, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&flow, size) + 64;
    flow.next_out = buffer_add(to, bound);
    flow.avail_out = (uInt)bound;
    ck_assert_int_eq(deflate(&flow, Z_FINISH), Z_STREAM_END);
    to->size -= flow.avail_out;
    deflateEnd(&flow);
}

void zipped_member(zipped *to, const void *data, size_t size, int level)
{
    begin_member(to, data, size);
    deflate_all(&to->file, data, size, level, 15 + 16);
}

static void put_trailer(buffer *to, const void *data, size_t size)
{
    put_number(to, crc32(0, data, (uInt)size), 4);
    put_number(to, size, 4);
}

void zipped_bgzf(zipped *to, const void *data, size_t size)
{
    static const uint8_t head[] = {31, 139, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, 'B', 'C', 2, 0};
    for (size_t at = 0; at < size || !size; at += BGZF_CONTENT) {
        const uint8_t *from = (const uint8_t *)data + at;
        size_t piece = size - at < BGZF_CONTENT ? size - at : BGZF_CONTENT, start = to->file.size;
        begin_member(to, from, piece);
        put(&to->file, head, sizeof head);
        put_number(&to->file, 0, 2);
        deflate_all(&to->file, from, piece, 6, -15);
        put_trailer(&to->file, from, piece);
        uint64_t bytes = to->file.size - start - 1;
        to->file.data[start + 16] = (uint8_t)bytes;
        to->file.data[start + 17] = (uint8_t)(bytes >> 8);
        if (!size)
            break;
    }
}

void zipped_end(zipped *to)
{
    zipped_bgzf(to, "", 0);
}

static void put_stored(buffer *to, bool last, const void *data, size_t size)
{
    put_number(to, last, 1);
    put_number(to, size, 2);
    put_number(to, ~size, 2);
    put(to, data, size);
}

void zipped_stored(zipped *to, const void *data, size_t size, size_t first)
{
    static const uint8_t head[] = {31, 139, 8, 0, 0, 0, 0, 0, 0, 255};
    begin_member(to, data, size);
    put(&to->file, head, sizeof head);
    put_stored(&to->file, false, data, first);
    put_stored(&to->file, true, (const uint8_t *)data + first, size - first);
    put_trailer(&to->file, data, size);
}

void draw_lines(buffer *to, size_t size, size_t most, uint64_t *random)
{
    size_t end = to->size + size;
    uint64_t letters = 2 + random_below(random, 200);
    while (to->size < end) {
        size_t length = random_below(random, 1 + random_below(random, most));
        length = length < end - to->size ? length : end - to->size;
        uint8_t *at = buffer_add(to, length);
        for (size_t i = 0; i < length; i++)
            at[i] = (uint8_t)('\n' + 1 + random_below(random, letters));
        if (to->size < end)
            put(to, "\n", 1);
    }
}

void draw_zipped(zipped *to, size_t members, size_t most, size_t line, uint64_t *random)
{
    uint64_t kind = random_below(random, 3);
    for (size_t i = 0; i < members; i++) {
        buffer lines = {0};
        size_t size = random_below(random, 8) ? random_below(random, 1 + random_below(random, most)) : 0;
        draw_lines(&lines, size, line, random);
        if (kind == 0 || (kind == 2 && random_below(random, 2)))
            zipped_bgzf(to, lines.data, lines.size);
        else
            zipped_member(to, lines.data, lines.size, (int)random_below(random, 10));
        buffer_free(&lines);
    }
    if (random_below(random, 2))
        zipped_end(to);
}
