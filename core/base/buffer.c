#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/large.h"

#define LEAST_CAPACITY 64

_Static_assert(_Alignof(max_align_t) >= 16, "malloc must give multiples of 16");

static bool is_large(size_t capacity)
{
    return capacity >= LARGE_LEAST;
}

static uint8_t *moved(const buffer *bytes, size_t capacity)
{
    if (!is_large(capacity))
        return realloc(bytes->data, capacity);
    if (is_large(bytes->capacity))
        return large_grow(bytes->data, bytes->size, capacity);
    uint8_t *data = large_get(capacity);
    if (data && bytes->size)
        memcpy(data, bytes->data, bytes->size);
    if (data)
        free(bytes->data);
    return data;
}

/* Half as much again each time: what is appended piece by piece is copied twice on average, and never takes more than
   half again as much as it needs. */
int buffer_reserve(buffer *bytes, size_t more)
{
    if (more <= bytes->capacity - bytes->size)
        return RF_OK;
    if (more > PTRDIFF_MAX - bytes->size || bytes->fixed)
        return error_no_memory(more);
    size_t wanted = bytes->size + more, grown = bytes->capacity + bytes->capacity / 2;
    size_t capacity = wanted > grown ? wanted : grown;
    capacity = capacity > LEAST_CAPACITY ? capacity : LEAST_CAPACITY;
    uint8_t *data = moved(bytes, capacity);
    if (!data)
        return error_no_memory(capacity);
    bytes->data = data;
    bytes->capacity = capacity;
    return RF_OK;
}

void *buffer_add(buffer *bytes, size_t size)
{
    if (buffer_reserve(bytes, size ? size : 1))
        return NULL;
    void *space = bytes->data + bytes->size;
    bytes->size += size;
    return space;
}

int buffer_put(buffer *bytes, const void *data, size_t size)
{
    void *space = buffer_add(bytes, size);
    if (!space)
        return RF_ENOMEM;
    if (size)
        memcpy(space, data, size);
    return RF_OK;
}

int buffer_align(buffer *bytes, size_t multiple)
{
    size_t padding = -bytes->size & (multiple - 1);
    if (!padding)
        return RF_OK;
    void *space = buffer_add(bytes, padding);
    if (!space)
        return RF_ENOMEM;
    memset(space, 0, padding);
    return RF_OK;
}

void buffer_free(buffer *bytes)
{
    if (!bytes->fixed && is_large(bytes->capacity))
        large_free(bytes->data);
    else if (!bytes->fixed)
        free(bytes->data);
    *bytes = (buffer){0};
}
