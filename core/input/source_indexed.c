#include "input/source_state.h"

static uint64_t at_most(uint64_t count, uint64_t most)
{
    return count < most ? count : most;
}

void range_describe(const rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    uint64_t step = (uint64_t)source->range.step;
    piece->kind = INPUT_RANGE;
    piece->a = (uint64_t)source->range.start + first * step;    /* modulo 2^64, where it comes out right */
    piece->b = step;
    *described = count;
}

void array_describe(const rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    size_t size = source->array.element_size;
    count = at_most(count, size < SOURCE_PIECE_BYTES ? SOURCE_PIECE_BYTES / size : 1);
    *piece = (input_piece){
        .kind = INPUT_ARRAY,
        .a = size,
        .b = source->array.type,
        .body = source->array.base + first * size,
        .body_size = (size_t)count * size,
        .borrowed = true,
    };
    *described = count;
}

int values_fill(rf_source *source, const rf_value *values, uint64_t count)
{
    int status = RF_OK;
    for (uint64_t i = 0; status == RF_OK && i < count; i++)
        status = pages_add(&source->pages, values[i]);
    return status;
}

int strings_fill(rf_source *source, const char *const *texts, uint64_t count)
{
    int status = RF_OK;
    for (uint64_t i = 0; status == RF_OK && i < count; i++)
        status = pages_add(&source->pages, rf_of_string(texts[i]));
    return status;
}
