#include "value/column.h"

#include <string.h>

#include "base/error.h"
#include "value/number.h"
#include "value/pack.h"

#define WORD sizeof(uint64_t)
#define SEAL_ROOM 128                   /* what sealing puts behind a single value, and more: a large one is not moved for it */

static uint64_t *words_of(const buffer *words)
{
    return (uint64_t *)(void *)words->data;
}

/* Room for a value of this tag, which may be the first that differs from those before it. */
static int reserve_one(column *values, uint64_t tag)
{
    int status = buffer_reserve(&values->words, WORD);
    if (status)
        return status;
    if (values->mixed)
        return buffer_reserve(&values->tags, WORD);
    if (values->count == 0) {
        values->tag = tag;
        return RF_OK;
    }
    if (values->tag == tag)
        return RF_OK;
    status = buffer_reserve(&values->tags, (values->count + 1) * WORD);
    if (status)
        return status;
    for (uint64_t i = 0; i < values->count; i++)
        words_of(&values->tags)[i] = values->tag;
    values->tags.size = values->count * WORD;
    values->tag = 0;
    values->mixed = true;
    return RF_OK;
}

/* After reserve_one. */
static void append_word(column *values, uint64_t tag, uint64_t word)
{
    words_of(&values->words)[values->count] = word;
    values->words.size += WORD;
    if (values->mixed) {
        words_of(&values->tags)[values->count] = tag;
        values->tags.size += WORD;
    }
    values->count++;
}

void *column_add_space(column *values, rf_type type, size_t size)
{
    uint64_t tag = (uint64_t)size << 8 | type;
    size_t before = values->payload.size;
    if (size > PTRDIFF_MAX - 1 - SEAL_ROOM) {
        error_no_memory(size);
        return NULL;
    }
    if (buffer_align(&values->payload, 16) || buffer_reserve(&values->payload, size + 1 + SEAL_ROOM))
        return NULL;
    size_t offset = values->payload.size;
    uint8_t *space = buffer_add(&values->payload, size + 1);
    if (!space || reserve_one(values, tag)) {
        values->payload.size = before;
        return NULL;
    }
    space[size] = '\0';
    append_word(values, tag, offset);
    return space;
}

static int add_encoded(column *values, rf_value container)
{
    size_t before = values->payload.size;
    int status = buffer_align(&values->payload, 16);
    size_t offset = values->payload.size;
    status = status ? status : pack_value(&values->payload, container);
    size_t size = values->payload.size - offset;
    uint64_t tag = (uint64_t)size << 8 | rf_type_of(container);
    status = status ? status : buffer_put(&values->payload, "", 1);
    status = status ? status : reserve_one(values, tag);
    if (status)
        values->payload.size = before;
    else
        append_word(values, tag, offset);
    return status;
}

static int add_word(column *values, uint64_t tag, uint64_t word)
{
    int status = reserve_one(values, tag);
    if (!status)
        append_word(values, tag, word);
    return status;
}

static __attribute__((noinline)) int add_any(column *values, rf_value value)
{
    void *space;
    switch (rf_type_of(value)) {
    case RF_NIL:
        return add_word(values, RF_NIL, 0);
    case RF_BOOL:
        return add_word(values, RF_BOOL, value.truth);
    case RF_I64:
    case RF_U64:
    case RF_F64:
        return add_word(values, value.tag & 15, value.u64);
    case RF_TUPLE_TYPE:
    case RF_DICT_TYPE:
        if (value.tag & VALUE_FLAGS)
            return add_encoded(values, value);
        /* fall through */
    case RF_TEXT:
    case RF_BYTES:
        space = column_add_space(values, rf_type_of(value), rf_size(value));
        if (space && rf_size(value))
            memcpy(space, value.data, rf_size(value));
        return space ? RF_OK : RF_ENOMEM;
    }
    return error_set(RF_EUSAGE, "usage", "a value of type %u: there is none", (unsigned)rf_type_of(value));
}

/* A mixed column has tag 0, which is no number's: one compare tells that value is a number like those before it. */
int column_add(column *values, rf_value value)
{
    if (value.tag != values->tag || !number_is(value) || values->words.capacity - values->words.size < WORD)
        return add_any(values, value);
    words_of(&values->words)[values->count++] = value.u64;
    values->words.size += WORD;
    return RF_OK;
}

/* The payload before value count, where the first dropped value that has any begins: values lie in it in their order. */
static size_t payload_before(const column *values, uint64_t count)
{
    if (count == 0)
        return 0;
    const uint64_t *words = words_of(&values->words), *tags = words_of(&values->tags);
    if (!values->mixed)
        return (values->tag & 15) < RF_TEXT ? values->payload.size : words[count];
    for (uint64_t i = count; i < values->count; i++)
        if ((tags[i] & 15) >= RF_TEXT)
            return words[i];
    return values->payload.size;
}

void column_cut(column *values, uint64_t count)
{
    if (count >= values->count)
        return;
    values->payload.size = payload_before(values, count);
    values->count = count;
    values->words.size = count * WORD;
    values->mixed = values->mixed && count;
    values->tags.size = values->mixed ? count * WORD : 0;
    values->tag = count ? values->tag : 0;
}

static size_t padded(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

/* What follows the payload. */
static size_t index_bytes(const column *values)
{
    return values->words.size + values->tags.size + sizeof(struct column_tail);
}

size_t column_bytes(const column *values)
{
    return padded(values->payload.size) + index_bytes(values);
}

static uint8_t *put(uint8_t *at, const void *data, size_t size)
{
    if (size)
        memcpy(at, data, size);
    return at + size;
}

static void write_index(const column *values, uint8_t *at)
{
    struct column_tail tail = {values->count, values->tag, values->mixed, padded(values->payload.size)};
    at = put(at, values->words.data, values->words.size);
    at = put(at, values->tags.data, values->tags.size);
    put(at, &tail, sizeof tail);
}

void column_seal_into(const column *values, void *space)
{
    size_t size = values->payload.size;
    uint8_t *at = put(space, values->payload.data, size);
    memset(at, 0, padded(size) - size);
    write_index(values, at + (padded(size) - size));
}

int column_seal(column *values, buffer *sealed)
{
    *sealed = (buffer){0};
    size_t size = values->payload.size, padding = padded(size) - size, more = padding + index_bytes(values);
    int status = buffer_reserve(&values->payload, more);
    if (status)
        return status;
    memset(values->payload.data + size, 0, padding);
    write_index(values, values->payload.data + size + padding);
    *sealed = values->payload;
    sealed->size = size + more;
    values->payload = (buffer){0};
    column_cut(values, 0);
    return RF_OK;
}

void column_free(column *values)
{
    buffer_free(&values->payload);
    buffer_free(&values->words);
    buffer_free(&values->tags);
    *values = (column){0};
}

column_view column_look(const column *values)
{
    return (column_view){.payload = values->payload.data, .words = words_of(&values->words),
                         .tags = values->mixed ? words_of(&values->tags) : NULL, .tag = values->tag, .count = values->count};
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static bool word_is_valid(const column_view *view, size_t payload, uint64_t tag, uint64_t word)
{
    uint64_t type = tag & 15, size = tag >> 8;
    if (type >= RF_TEXT)
        return type <= RF_DICT_TYPE && !(tag & VALUE_FLAGS) && word % 16 == 0 && word < payload && size < payload - word &&
               view->payload[word + size] == 0;
    return tag == type && (type == RF_NIL ? word == 0 : type == RF_BOOL ? word <= 1 : true);
}

static bool words_are_valid(const column_view *view, size_t payload)
{
    if (!view->tags && view->tag >= RF_I64 && view->tag <= RF_F64)
        return true;
    for (uint64_t i = 0; i < view->count; i++)
        if (!word_is_valid(view, payload, view->tags ? view->tags[i] : view->tag, view->words[i]))
            return false;
    return true;
}

bool column_sound(const column *values)
{
    column_view view = column_look(values);
    return words_are_valid(&view, values->payload.size);
}

static int refuse(size_t size)
{
    return error_set(RF_EARGS, "arguments", "%zu bytes that should be a block of values are not", size);
}

int column_open(column_view *view, const void *sealed, size_t size)
{
    *view = (column_view){0};
    struct column_tail tail;
    if ((uintptr_t)sealed % 16 || size % WORD || size < sizeof tail)
        return refuse(size);
    const uint8_t *bytes = sealed;
    size_t room = size - sizeof tail;
    memcpy(&tail, bytes + room, sizeof tail);
    if (tail.mixed > 1 || tail.payload % 16 || tail.payload > room)
        return refuse(size);
    size_t each = tail.mixed ? 2 * WORD : WORD;
    if ((room - tail.payload) % each || (room - tail.payload) / each != tail.count)
        return refuse(size);
    const uint64_t *words = (const uint64_t *)(const void *)(bytes + tail.payload);
    column_view found = {.payload = bytes, .words = words, .tags = tail.mixed ? words + tail.count : NULL, .tag = tail.tag,
                         .count = tail.count};
    if (!words_are_valid(&found, tail.payload))
        return refuse(size);
    *view = found;
    return RF_OK;
}
