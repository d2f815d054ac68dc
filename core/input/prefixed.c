#include "input/prefixed.h"

#include <string.h>

#include "base/error.h"

#define SIZE_LIMIT (UINT32_C(1) << 31)

static uint32_t size_at(const uint8_t *text)
{
    return (uint32_t)text[0] | (uint32_t)text[1] << 8 | (uint32_t)text[2] << 16 | (uint32_t)text[3] << 24;
}

uint64_t prefixed_size(const uint8_t *text)
{
    uint32_t key = size_at(text), value = size_at(text + 4);
    return key < SIZE_LIMIT && value < SIZE_LIMIT ? PREFIXED_SIZES + (uint64_t)key + value : 0;
}

int prefixed_check(const uint8_t *text, size_t size, const char *name, uint64_t offset)
{
    if (size < PREFIXED_SIZES)
        return error_set(RF_EINPUT, "input",
                         "%s: truncated: it ends inside the sizes of the pair at offset %" PRIu64 ", after %zu of %zu bytes", name,
                         offset, size, PREFIXED_SIZES);
    uint64_t whole = prefixed_size(text);
    if (!whole)
        return error_set(RF_EINPUT, "input",
                         "%s: no pair begins at offset %" PRIu64 ": a key of %" PRIu32 " bytes and a value of %" PRIu32
                         " are said to follow, and each is below 2 GiB",
                         name, offset, size_at(text), size_at(text + 4));
    if (size < whole)
        return error_set(RF_EINPUT, "input",
                         "%s: truncated: the pair at offset %" PRIu64 " has %" PRIu64 " bytes, with a key of %" PRIu32
                         " and a value of %" PRIu32 ", and reaches beyond the end",
                         name, offset, whole, size_at(text), size_at(text + 4));
    return RF_OK;
}

int prefixed_pair(const uint8_t *text, buffer *to, rf_value *pair)
{
    size_t key = size_at(text), value = size_at(text + 4);
    size_t key_at = 2 * sizeof(rf_value), value_at = (key_at + key + 16) & ~(size_t)15;
    to->size = 0;
    if (buffer_reserve(to, value_at + value + 1))
        return RF_ENOMEM;
    memcpy(to->data + key_at, text + PREFIXED_SIZES, key);
    to->data[key_at + key] = '\0';
    memcpy(to->data + value_at, text + PREFIXED_SIZES + key, value);
    to->data[value_at + value] = '\0';
    rf_value *elements = (rf_value *)(void *)to->data;
    elements[0] = rf_bytes(to->data + key_at, key);
    elements[1] = rf_bytes(to->data + value_at, value);
    *pair = rf_tuple_of(elements, 2);
    return RF_OK;
}
