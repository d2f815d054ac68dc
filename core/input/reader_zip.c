#include "input/reader_zip.h"

#include <string.h>

#include "base/error.h"

static reader **members_of(const zip_reader *from)
{
    return (reader **)(void *)from->members.data;
}

static size_t members_made(const zip_reader *from)
{
    return from->members.size / sizeof(reader *);
}

void zip_reader_free(zip_reader *from)
{
    for (size_t i = 0; i < members_made(from); i++)
        reader_free(members_of(from)[i]);
    buffer_free(&from->members);
    buffer_free(&from->elements);
}

static int make_members(zip_reader *from, size_t count)
{
    from->elements.size = 0;
    if (buffer_reserve(&from->members, count * sizeof(reader *)) || buffer_reserve(&from->elements, count * sizeof(rf_value)))
        return RF_ENOMEM;
    while (members_made(from) < count) {
        reader *made = reader_inside(from->depth);
        if (!made)
            return RF_ENOMEM;
        buffer_put(&from->members, &made, sizeof made);     /* reserved */
    }
    return RF_OK;
}

static int unsound(const input_piece *piece)
{
    return error_set(RF_EUSAGE, "usage", "a piece of %" PRIu64 " sources does not fit its description", piece->a);
}

/* Takes the body of a member off the front; its padding may be missing behind the last one. */
static bool take_body(const uint8_t **at, size_t *left, uint64_t size)
{
    if (size > *left)
        return false;
    uint64_t padded = (size + 15) & ~(uint64_t)15;
    size_t taken = padded < *left ? (size_t)padded : *left;
    *at += taken;
    *left -= taken;
    return true;
}

int zip_reader_open(zip_reader *from, const input_piece *piece, uint64_t first, uint64_t count, uint64_t position)
{
    from->count = 0;
    if (from->depth > INPUT_DEPTH_MOST || !piece->a || piece->a > INPUT_MEMBERS_MOST ||
        piece->body_size < piece->a * sizeof(struct input_member))
        return unsound(piece);
    int status = make_members(from, (size_t)piece->a);
    size_t heads = (size_t)piece->a * sizeof(struct input_member), left = piece->body_size - heads;
    const uint8_t *at = (const uint8_t *)piece->body + heads;
    for (size_t i = 0; i < piece->a && !status; i++) {
        struct input_member head;
        memcpy(&head, (const uint8_t *)piece->body + i * sizeof head, sizeof head);
        input_piece member = {.kind = head.kind, .layout = head.layout, .a = head.a, .b = head.b, .body = at,
                              .body_size = (size_t)head.body_size, .borrowed = true};     /* no NUL is behind it */
        if (!take_body(&at, &left, head.body_size))
            return unsound(piece);
        status = reader_open(members_of(from)[i], &member, first, count, position);
        if (!status && piece->a > 1 && reader_of_files(members_of(from)[i]))
            return unsound(piece);
    }
    if (!status && left)
        return unsound(piece);
    from->count = status ? 0 : (size_t)piece->a;
    return status;
}

/* All members are read on, also past a failure: they stay at one unit. They end together, because each has as many items as the piece
   has units, or is the only one. */
int zip_reader_next(zip_reader *from, reader_item *item)
{
    rf_value *elements = (rf_value *)(void *)from->elements.data;
    int failed = RF_OK;
    for (size_t i = 0; i < from->count; i++) {
        int status = reader_next(members_of(from)[i], item);
        if (status == RF_END)
            return RF_END;
        elements[i] = item->value;
        failed = status ? status : failed;
    }
    item->value = failed ? rf_nil() : rf_tuple_of(elements, from->count);
    return failed;
}

bool zip_reader_of_files(const zip_reader *from)
{
    return from->count == 1 && reader_of_files(members_of(from)[0]);
}
