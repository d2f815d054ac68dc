#include "input/file_spans.h"

#include <string.h>

#include "input/gzip.h"

bool span_take(const uint8_t **at, const uint8_t *end, struct input_span *span, const char **path)
{
    if ((size_t)(end - *at) < sizeof *span)
        return false;
    memcpy(span, *at, sizeof *span);
    *path = (const char *)*at + sizeof *span;
    size_t left = (size_t)(end - *at) - sizeof *span, padded = ((size_t)span->path_size + 8) & ~(size_t)7;
    if (!span->path_size || padded > left || strnlen(*path, padded) != span->path_size)
        return false;
    *at += sizeof *span + padded;
    return true;
}

static bool span_is_sound(const struct input_span *span, const char *path, const input_piece *piece)
{
    if (span->file_size > INT64_MAX || span->path_index == UINT64_MAX)
        return false;
    if (span->whole)
        return span->first_block == 0 && span->blocks == 1;
    bool lines = piece->layout == INPUT_LINES || piece->layout == INPUT_SPLITS;
    if (!span->file_size || (!lines && (piece->layout != INPUT_RECORDS || gzip_named(path))))
        return false;
    uint64_t blocks = (span->file_size - 1) / piece->a + 1;
    return span->blocks && span->first_block < blocks && span->blocks <= blocks - span->first_block;
}

static bool layout_is_sound(const input_piece *piece)
{
    if (piece->layout < INPUT_SPLITS || piece->layout > INPUT_PREFIXED || !piece->a)
        return false;
    return piece->layout != INPUT_RECORDS || (piece->b && piece->a % piece->b == 0);
}

bool spans_are_sound(const input_piece *piece, uint64_t count, uint64_t position)
{
    const uint8_t *at = piece->body, *end = at + piece->body_size;
    if (!layout_is_sound(piece) || (position != UINT64_MAX && count != 1))
        return false;
    while (at < end) {
        struct input_span span;
        const char *path;
        if (!span_take(&at, end, &span, &path) || !span_is_sound(&span, path, piece) || span.blocks > count)
            return false;
        count -= span.blocks;
    }
    return count == 0;
}
