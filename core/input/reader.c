#include "input/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "input/reader_files.h"
#include "input/reader_zip.h"
#include "value/column.h"

struct reader {
    input_piece piece;
    uint64_t first, at, end;        /* of what rank 0 sent: units first + at up to first + end */
    column_view column;
    const uint64_t *indices;        /* of added units, from the piece's first on; NULL: there is one, and it is known by b */
    buffer copy;                    /* of an element that does not lie as an item must */
    file_reader files;
    zip_reader zip;
    const uint8_t *more;            /* of several pieces: those that follow */
    size_t more_size;
};

reader *reader_inside(unsigned depth)
{
    reader *from = calloc(1, sizeof *from);
    if (!from) {
        error_no_memory(sizeof *from);
        return NULL;
    }
    file_reader_init(&from->files);
    from->zip.depth = depth + 1;
    return from;
}

reader *reader_new(void)
{
    return reader_inside(0);
}

void reader_free(reader *from)
{
    if (!from)
        return;
    file_reader_free(&from->files);
    zip_reader_free(&from->zip);
    buffer_free(&from->copy);
    free(from);
}

static int unsound(const char *what, uint64_t count)
{
    return error_set(RF_EUSAGE, "usage", "a piece of %" PRIu64 " %s does not fit its description", count, what);
}

static bool element_is_sound(rf_type type, uint64_t size)
{
    switch (type) {
    case RF_I64:
    case RF_U64:
        return size == 1 || size == 2 || size == 4 || size == 8;
    case RF_F64:
        return size == 4 || size == 8;
    case RF_BOOL:
        return size == 1;
    case RF_BYTES:
        return size > 0;
    default:
        return false;
    }
}

static int open_added(reader *from, const input_piece *piece, uint64_t count)
{
    uint64_t indices = 0;
    if (piece->a > piece->body_size || piece->a % sizeof(uint64_t) || (uintptr_t)piece->body % 16 ||
        (count > 1 && __builtin_mul_overflow(count, sizeof(uint64_t), &indices)) || indices != piece->body_size - piece->a ||
        column_open(&from->column, piece->body, piece->a) || from->column.count != count)
        return unsound("added values", count);
    from->indices = count > 1 ? (const uint64_t *)(const void *)((const uint8_t *)piece->body + piece->a) : NULL;
    return RF_OK;
}

static int open_values(reader *from, const input_piece *piece, uint64_t count)
{
    uint64_t bytes;
    switch (piece->kind) {
    case INPUT_RANGE:
        return RF_OK;
    case INPUT_ARRAY:
        if (piece->b > RF_BYTES || !element_is_sound((rf_type)piece->b, piece->a) ||
            __builtin_mul_overflow(piece->a, count, &bytes) || bytes != piece->body_size)
            return unsound("array elements", count);
        return RF_OK;
    case INPUT_COLUMN:
        if ((uintptr_t)piece->body % 16 || column_open(&from->column, piece->body, piece->body_size) ||
            from->column.count != count)
            return unsound("values", count);
        return RF_OK;
    case INPUT_ADDED:
        return open_added(from, piece, count);
    case INPUT_UNREADABLE:
        return piece->body_size && !((const char *)piece->body)[piece->body_size - 1] ? RF_OK : unsound("a reason", count);
    default:
        return error_set(RF_EUSAGE, "usage", "a piece of kind %" PRIu32 ", which there is not", piece->kind);
    }
}

static int open_one(reader *from, const input_piece *piece, uint64_t first, uint64_t count, uint64_t position)
{
    from->piece = *piece;
    from->first = first;
    from->at = from->end = from->zip.count = 0;
    if (!count || first > UINT64_MAX - count || (piece->body_size && !piece->body))
        return unsound("units", count);
    if (piece->kind == INPUT_FILES)
        return file_reader_open(&from->files, piece, first, count, position);
    if (piece->kind == INPUT_ZIP)
        return zip_reader_open(&from->zip, piece, first, count, position);
    int status = open_values(from, piece, count);
    if (status)
        return status;
    if (position != UINT64_MAX && (position < first || position - first >= count))
        return error_set(RF_EUSAGE, "usage", "item %" PRIu64 " is not in its piece", position);
    from->at = position == UINT64_MAX ? 0 : position - first;
    from->end = position == UINT64_MAX ? count : from->at + 1;
    return RF_OK;
}

/* The next of several pieces, of which there is one. */
static int open_next(reader *from)
{
    struct input_part head;
    memcpy(&head, from->more, sizeof head);
    const uint8_t *body = from->more + sizeof head;
    size_t taken = sizeof head + (((size_t)head.piece.body_size + 15) & ~(size_t)15);
    from->more += taken;
    from->more_size -= taken;
    input_piece piece = {.kind = head.piece.kind, .layout = head.piece.layout, .a = head.piece.a, .b = head.piece.b, .body = body,
                         .body_size = (size_t)head.piece.body_size, .borrowed = true};       /* no NUL is behind it */
    return open_one(from, &piece, head.first, head.count, UINT64_MAX);
}

/* They follow each other, and are all of the units. */
static bool parts_fit(const uint8_t *at, size_t left, uint64_t first, uint64_t count)
{
    struct input_part head;
    for (size_t taken; left; at += taken, left -= taken) {
        if (left < sizeof head)
            return false;
        memcpy(&head, at, sizeof head);
        if (head.piece.body_size > left - sizeof head || head.piece.kind == INPUT_SEVERAL || head.first != first || !head.count || head.count > count)
            return false;
        taken = sizeof head + (((size_t)head.piece.body_size + 15) & ~(size_t)15);
        if (taken > left)
            return false;
        first += head.count;
        count -= head.count;
    }
    return !count;
}

static int open_several(reader *from, const input_piece *piece, uint64_t first, uint64_t count, uint64_t position)
{
    from->piece = *piece;
    from->at = from->end = from->zip.count = 0;
    if (!piece->body_size || !piece->body || (uintptr_t)piece->body % 16 || position != UINT64_MAX ||
        !parts_fit(piece->body, piece->body_size, first, count))
        return unsound("units of several pieces", count);
    from->more = piece->body;
    from->more_size = piece->body_size;
    int status = open_next(from);
    from->more_size = status ? 0 : from->more_size;
    return status;
}

int reader_open(reader *from, const input_piece *piece, uint64_t first, uint64_t count, uint64_t position)
{
    from->more_size = 0;
    return piece->kind == INPUT_SEVERAL ? open_several(from, piece, first, count, position) : open_one(from, piece, first, count, position);
}

bool reader_of_files(const reader *from)
{
    return from->piece.kind == INPUT_FILES || (from->piece.kind == INPUT_ZIP && zip_reader_of_files(&from->zip));
}

static uint64_t unsigned_at(const void *data, size_t size)
{
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (size) {
    case 1:
        return memcpy(&one, data, 1), one;
    case 2:
        return memcpy(&two, data, 2), two;
    case 4:
        return memcpy(&four, data, 4), four;
    default:
        return memcpy(&eight, data, 8), eight;
    }
}

static int64_t signed_at(const void *data, size_t size)
{
    unsigned unused = 64 - 8 * (unsigned)size;
    return (int64_t)(unsigned_at(data, size) << unused) >> unused;
}

static double real_at(const void *data, size_t size)
{
    float single;
    double real;
    if (size == sizeof single)
        return memcpy(&single, data, sizeof single), (double)single;
    return memcpy(&real, data, sizeof real), real;
}

/* A message that carries one element holds it as an item must lie; the user's own array does not. */
static int bytes_element(reader *from, const uint8_t *data, size_t size, rf_value *value)
{
    bool as_it_is = !from->piece.borrowed && from->piece.body_size == size && (uintptr_t)data % 16 == 0;
    const void *place = as_it_is ? data : item_copy(&from->copy, data, size);
    if (!place)
        return RF_ENOMEM;
    *value = rf_bytes(place, size);
    return RF_OK;
}

static int array_element(reader *from, rf_value *value)
{
    size_t size = (size_t)from->piece.a;
    const uint8_t *data = (const uint8_t *)from->piece.body + from->at * size;
    switch ((rf_type)from->piece.b) {
    case RF_BOOL:
        *value = rf_of_bool(*data != 0);
        return RF_OK;
    case RF_I64:
        *value = rf_of_i64(signed_at(data, size));
        return RF_OK;
    case RF_U64:
        *value = rf_of_u64(unsigned_at(data, size));
        return RF_OK;
    case RF_F64:
        *value = rf_of_f64(real_at(data, size));
        return RF_OK;
    default:
        return bytes_element(from, data, size, value);
    }
}

/* Records of standard input: only a worker can make a failed item of a short one. */
static int column_value(const reader *from, rf_value *value)
{
    const input_piece *piece = &from->piece;
    rf_value found = column_at(&from->column, from->at);
    if (piece->layout == INPUT_RECORDS && rf_size(found) != piece->b)
        return error_set(RF_EINPUT, "input",
                         "standard input: short last record at offset %" PRIu64 ": %zu bytes, records have %" PRIu64,
                         piece->a + from->at * piece->b, rf_size(found), piece->b);
    *value = found;
    return RF_OK;
}

static int read_value(reader *from, rf_value *value)
{
    switch (from->piece.kind) {
    case INPUT_RANGE:
        *value = rf_of_i64((int64_t)(from->piece.a + from->at * from->piece.b));
        return RF_OK;
    case INPUT_ARRAY:
        return array_element(from, value);
    case INPUT_UNREADABLE:
        return error_set(RF_EINPUT, "input", "%s", (const char *)from->piece.body);
    default:
        return column_value(from, value);
    }
}

static int next_of_piece(reader *from, reader_item *item)
{
    if (from->piece.kind == INPUT_FILES)
        return file_reader_next(&from->files, item);
    if (from->piece.kind == INPUT_ZIP && from->zip.count)
        return zip_reader_next(&from->zip, item);
    *item = (reader_item){.value = rf_nil(), .path_index = UINT64_MAX};
    if (from->at == from->end)
        return RF_END;
    item->unit = item->position = from->first + from->at;
    if (from->piece.kind == INPUT_ADDED)
        item->position = from->indices ? from->indices[from->at] : from->piece.b;
    int status = read_value(from, &item->value);
    from->at++;
    return status;
}

/* Several pieces: one of them is done. What cannot be opened is an item that failed. */
static __attribute__((noinline)) int next_of_others(reader *from, reader_item *item)
{
    int status = open_next(from);
    if (status == RF_OK)
        return reader_next(from, item);
    *item = (reader_item){.value = rf_nil(), .unit = from->first, .position = from->first, .path_index = UINT64_MAX};
    return status == RF_EUSAGE ? error_set(RF_EINPUT, "input", "%s", rf_last_error()->message) : status;
}

int reader_next(reader *from, reader_item *item)
{
    int status = next_of_piece(from, item);
    return status == RF_END && from->more_size ? next_of_others(from, item) : status;
}
