#include "input/pages.h"

#include <string.h>

#include "base/error.h"
#include "input/source.h"

static page *page_at(const pages *held, size_t i) { return (page *)(void *)held->table.data + i; }

static size_t page_count(const pages *held) { return held->table.size / sizeof(page); }

static page *last_page(const pages *held)
{
    size_t count = page_count(held);
    return count > held->gone ? page_at(held, count - 1) : NULL;
}

static void page_empty(page *one)
{
    column_free(&one->values);
    buffer_free(&one->sealed);
}

static page *page_new(pages *held)
{
    page *added = buffer_add(&held->table, sizeof *added);
    if (added)
        *added = (page){.first = held->count, .file = UINT64_MAX};
    return added;
}

static void page_grew(pages *held, page *grown, uint64_t units)
{
    grown->count += units;
    grown->left += units;
    held->count += units;
}

/* The page that a small value of this size goes to: the last one while there is room. */
static page *page_with_room(pages *held, size_t size)
{
    page *last = last_page(held);
    bool room = last && last->left && last->file == UINT64_MAX && !last->sealed.size &&
                column_bytes(&last->values) + size <= SOURCE_PIECE_BYTES;
    return room ? last : page_new(held);
}

/* A new page that turned out not to be needed. */
static void drop_empty_page(pages *held)
{
    page *last = last_page(held);
    if (last && last->count == 0) {
        page_empty(last);
        held->table.size -= sizeof(page);
    }
}

static size_t room_for(rf_value value) { return rf_type_of(value) >= RF_TEXT ? rf_size(value) + 64 : 32; }

static int add_small(pages *held, rf_value value)
{
    page *to = page_with_room(held, room_for(value));
    if (!to)
        return RF_ENOMEM;
    int status = column_add(&to->values, value);
    if (status) {
        drop_empty_page(held);
        return status;
    }
    held->bytes += 16 + (rf_type_of(value) >= RF_TEXT ? rf_size(value) : 0);
    page_grew(held, to, 1);
    return RF_OK;
}

int pages_add_incoming(pages *held)
{
    size_t size = column_bytes(&held->incoming);
    int status;
    if (size <= SOURCE_PIECE_BYTES) {
        column_view view = column_look(&held->incoming);
        status = add_small(held, column_at(&view, 0));
        column_cut(&held->incoming, 0);
        return status;
    }
    page *to = page_new(held);
    if (!to)
        status = RF_ENOMEM;
    else
        status = column_seal(&held->incoming, &to->sealed);
    column_free(&held->incoming);
    if (status) {
        drop_empty_page(held);
        return status;
    }
    held->bytes += size;
    page_grew(held, to, 1);
    return RF_OK;
}

int pages_add(pages *held, rf_value value)
{
    rf_type type = rf_type_of(value);
    if (type < RF_TUPLE_TYPE && room_for(value) <= SOURCE_PIECE_BYTES)
        return add_small(held, value);
    /* Only its column knows how large a container will be. */
    int status = column_add(&held->incoming, value);
    return status ? status : pages_add_incoming(held);
}

int pages_add_blocks(pages *held, uint64_t file, uint64_t block, uint64_t blocks)
{
    page *to = last_page(held);
    if (!to || !to->left || to->file != file || to->block + to->count != block) {
        to = page_new(held);
        if (!to)
            return RF_ENOMEM;
        to->file = file;
        to->block = block;
    }
    page_grew(held, to, blocks);
    return RF_OK;
}

/* The page of a unit, also when all of it is forgotten; page_count when there is none. */
static size_t find(const pages *held, uint64_t unit)
{
    size_t low = held->gone, high = page_count(held);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const page *here = page_at(held, middle);
        if (unit >= here->first && unit - here->first < here->count)
            return middle;
        if (unit < here->first)
            high = middle;
        else
            low = middle + 1;
    }
    return page_count(held);
}

const page *pages_find(const pages *held, uint64_t unit)
{
    size_t i = find(held, unit);
    return i < page_count(held) && page_at(held, i)->left ? page_at(held, i) : NULL;
}

/* Copies units from first on into held->chosen, as many as a piece takes and at least one; stops at pages of another
   kind. */
static int choose(pages *held, size_t i, uint64_t first, uint64_t count, uint64_t *chosen)
{
    for (*chosen = 0; i < page_count(held) && *chosen < count; i++) {
        const page *from = page_at(held, i);
        if (!from->left || from->file != UINT64_MAX || from->sealed.size)
            return RF_OK;
        column_view view = column_look(&from->values);
        for (uint64_t at = first + *chosen - from->first; at < from->count && *chosen < count; at++, ++*chosen) {
            rf_value value = column_at(&view, at);
            if (*chosen && column_bytes(&held->chosen) + room_for(value) > SOURCE_PIECE_BYTES)
                return RF_OK;
            int status = column_add(&held->chosen, value);
            if (status)
                return status;
        }
    }
    return RF_OK;
}

int pages_describe(pages *held, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    size_t i = find(held, first);
    if (i == page_count(held) || !page_at(held, i)->left || page_at(held, i)->file != UINT64_MAX)
        return error_set(RF_EUSAGE, "usage", "unit %" PRIu64 " was forgotten or never read", first);
    const buffer *sealed = &page_at(held, i)->sealed;
    piece->kind = INPUT_COLUMN;
    if (sealed->size) {
        piece->body = sealed->data;
        piece->body_size = sealed->size;
        piece->stored = true;
        *described = 1;
        return RF_OK;
    }
    column_cut(&held->chosen, 0);
    int status = choose(held, i, first, count, described);
    if (status)
        return status;
    held->body.size = 0;
    void *space = buffer_add(&held->body, column_bytes(&held->chosen));
    if (!space)
        return RF_ENOMEM;
    column_seal_into(&held->chosen, space);
    piece->body = held->body.data;
    piece->body_size = held->body.size;
    return RF_OK;
}

/* The table keeps the order of its pages: what is gone at the front is moved out when it is half of the table. */
static void shorten(pages *held)
{
    size_t count = page_count(held);
    while (held->gone < count && !page_at(held, held->gone)->left)
        held->gone++;
    if (held->gone < 64 || held->gone < count / 2)
        return;
    memmove(held->table.data, page_at(held, held->gone), (count - held->gone) * sizeof(page));
    held->table.size -= held->gone * sizeof(page);
    held->gone = 0;
}

void pages_forget(pages *held, uint64_t first, uint64_t count)
{
    for (size_t i = find(held, first); i < page_count(held) && count; i++) {
        page *here = page_at(held, i);
        uint64_t units = here->first + here->count - first;
        if (units > count)
            units = count;
        first += units;
        count -= units;
        here->left -= units < here->left ? units : here->left;
        if (!here->left)
            page_empty(here);
    }
    shorten(held);
}

void pages_free(pages *held)
{
    for (size_t i = held->gone; i < page_count(held); i++)
        page_empty(page_at(held, i));
    buffer_free(&held->table);
    column_free(&held->incoming);
    column_free(&held->chosen);
    buffer_free(&held->body);
}
