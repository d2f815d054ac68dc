#include "input/growth.h"

int growth_add(growth *to, const column_view *pairs)
{
    int status = RF_OK;
    for (uint64_t i = 0; i + 1 < pairs->count && !status; i += 2) {
        status = pages_add(&to->values, column_at(pairs, i + 1));
        status = status ? status : pages_add(&to->indices, column_at(pairs, i));
    }
    return status;
}

static uint64_t index_of(const growth *from, uint64_t unit)
{
    const page *its = pages_find(&from->indices, unit);
    if (!its)
        return UINT64_MAX;
    column_view view = column_look(&its->values);
    return column_at(&view, unit - its->first).u64;
}

void growth_indices(const growth *from, uint64_t first, uint64_t count, uint64_t *to)
{
    for (uint64_t i = 0; i < count; i++)
        to[i] = index_of(from, first + i);
}

/* One that travels alone may be large: its body stays where it is. */
int growth_describe(growth *from, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    int status = pages_describe(&from->values, first, count, piece, described);
    if (status)
        return status;
    piece->kind = INPUT_ADDED;
    piece->a = piece->body_size;
    if (*described == 1) {
        piece->b = index_of(from, first);
        return RF_OK;
    }
    buffer *body = &from->values.body;
    void *space = buffer_add(body, *described * sizeof(uint64_t));
    if (!space)
        return RF_ENOMEM;
    growth_indices(from, first, *described, space);
    piece->body = body->data;
    piece->body_size = body->size;
    return RF_OK;
}

void growth_forget(growth *from, uint64_t first, uint64_t count)
{
    pages_forget(&from->values, first, count);
    pages_forget(&from->indices, first, count);
}

void growth_free(growth *from)
{
    pages_free(&from->values);
    pages_free(&from->indices);
}
