#include "keyed/rows.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/large.h"

int rows_init(rows *all, uint32_t partitions)
{
    *all = (rows){.partitions = partitions, .parts = calloc(partitions, sizeof *all->parts)};
    return all->parts ? RF_OK : error_no_memory(partitions * sizeof *all->parts);
}

static uint8_t **pages_of(const rows *all)
{
    return (uint8_t **)(void *)all->pages.data;
}

static void free_pages(rows *all)
{
    for (size_t i = 0; i < all->pages.size / sizeof(uint8_t *); i++)
        large_free(pages_of(all)[i]);
    all->pages.size = 0;
}

void rows_free(rows *all)
{
    free_pages(all);
    buffer_free(&all->pages);
    for (uint32_t p = 0; all->parts && p < all->partitions; p++)
        buffer_free(&all->parts[p]);
    free(all->parts);
    *all = (rows){0};
}

/* Pages larger than usual are given back, and with them the others: they are rare. */
void rows_clear(rows *all)
{
    if (all->largest > ROWS_PAGE - RECORD_SLACK)
        free_pages(all);
    for (uint32_t p = 0; p < all->partitions; p++)
        all->parts[p].size = 0;
    all->at = all->end = NULL;
    all->used_pages = 0;
    all->records = all->bytes = all->largest = 0;
}

/* Behind those in use, before those that wait to be used again. */
static int insert_page(rows *all, uint8_t *page)
{
    if (buffer_put(&all->pages, &page, sizeof page))
        return RF_ENOMEM;
    uint8_t **last = &pages_of(all)[all->pages.size / sizeof page - 1], **place = &pages_of(all)[all->used_pages];
    *last = *place;
    *place = page;
    return RF_OK;
}

static bool has_empty_page(const rows *all)
{
    return all->used_pages < all->pages.size / sizeof(uint8_t *);
}

static int add_page(rows *all, size_t size)
{
    size_t room = size + RECORD_SLACK > ROWS_PAGE ? size + RECORD_SLACK : ROWS_PAGE;
    bool again = room == ROWS_PAGE && has_empty_page(all);
    uint8_t *page = again ? pages_of(all)[all->used_pages] : large_get(room);
    if (!page)
        return error_no_memory(room);
    if (!again && insert_page(all, page)) {
        large_free(page);
        return RF_ENOMEM;
    }
    all->used_pages++;
    all->at = page;
    all->end = page + room;
    return RF_OK;
}

uint8_t *rows_exchange(rows *all, uint8_t *full)
{
    uint8_t *empty = has_empty_page(all) ? pages_of(all)[all->used_pages] : large_get(ROWS_PAGE);
    if (!empty) {
        error_no_memory(ROWS_PAGE);
        return NULL;
    }
    if (has_empty_page(all)) {
        pages_of(all)[all->used_pages] = full;
    } else if (insert_page(all, full)) {
        large_free(empty);
        return NULL;
    }
    all->used_pages++;
    return empty;
}

int rows_point(rows *all, uint32_t partition, uint64_t prefix, const uint8_t *record_bytes, size_t size)
{
    buffer *entries = &all->parts[partition];
    if (entries->capacity - entries->size < sizeof(entry) && buffer_reserve(entries, sizeof(entry)))
        return RF_ENOMEM;
    entry *added = (entry *)(void *)(entries->data + entries->size);
    *added = (entry){prefix, record_bytes};
    entries->size += sizeof *added;
    all->records++;
    all->bytes += size + sizeof *added;
    if (size > all->largest)
        all->largest = size;
    return RF_OK;
}

uint8_t *rows_room(rows *all, size_t most)
{
    bool has = (size_t)(all->end - all->at) >= most + RECORD_SLACK;
    return has || !add_page(all, most) ? all->at : NULL;
}

int rows_keep(rows *all, uint32_t partition, uint64_t prefix, size_t size)
{
    int status = rows_point(all, partition, prefix, all->at, size);
    all->at += status ? 0 : size;
    return status;
}

int rows_add(rows *all, uint32_t partition, uint64_t prefix, const uint8_t *record_bytes, size_t size)
{
    uint8_t *at = rows_room(all, size);
    if (!at)
        return RF_ENOMEM;
    memcpy(at, record_bytes, size);
    return rows_keep(all, partition, prefix, size);
}

/* All room is had before anything moves. */
int rows_adopt(rows *all, rows *from)
{
    for (uint32_t p = 0; p < all->partitions; p++) {
        if (from->parts[p].size && buffer_reserve(&all->parts[p], from->parts[p].size))
            return RF_ENOMEM;
    }
    if (!from->records)
        return RF_OK;
    if (buffer_reserve(&all->pages, from->used_pages * sizeof(uint8_t *)))
        return RF_ENOMEM;
    for (uint32_t p = 0; p < all->partitions; p++) {
        if (from->parts[p].size)
            (void)buffer_put(&all->parts[p], from->parts[p].data, from->parts[p].size);
        from->parts[p].size = 0;
    }
    for (size_t i = 0; i < from->used_pages; i++, all->used_pages++)
        (void)insert_page(all, pages_of(from)[i]);
    from->pages.size -= from->used_pages * sizeof(uint8_t *);
    memmove(pages_of(from), pages_of(from) + from->used_pages, from->pages.size);
    from->used_pages = 0;
    all->at = from->at;
    all->end = from->end;
    all->records += from->records;
    all->bytes += from->bytes;
    all->largest = all->largest > from->largest ? all->largest : from->largest;
    from->at = from->end = NULL;
    from->records = from->bytes = from->largest = 0;
    return RF_OK;
}
