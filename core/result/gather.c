#include "result/block.h"

#include <stdlib.h>

#include "result/block_layout.h"

#define GATHERED_ITEMS_MOST 1024        /* few enough that a stream gives its memory back while it runs */
#define GATHERED_BYTES_MOST 65536
#define GATHERED_BYTES_SLACK 8192       /* what the last small delivery may take beyond it, with all its padding */

static bool values_are_small(const column_view *values, uint64_t first, uint64_t count)
{
    size_t left = BLOCK_SMALL_BYTES;
    if (count > left / sizeof(uint64_t) || count > values->count || first > values->count - count)
        return false;
    left -= count * sizeof(uint64_t);
    if (!values->tags && !block_points(values->tag))
        return true;
    for (uint64_t i = first; i < first + count; i++) {
        uint64_t tag = values->tags ? values->tags[i] : values->tag, size = block_points(tag) ? tag >> 8 : 0;
        if (size > left)
            return false;
        left -= size;
    }
    return true;
}

bool block_is_small(const delivery *from)
{
    return !from->positions && !from->failure_count && !from->again_count && !from->all_failed &&
           values_are_small(&from->values, 0, from->items);
}

bool block_part_is_small(const block *kept, uint64_t first, uint64_t count)
{
    return !kept->grows && !kept->positions && !kept->all_failed && values_are_small(&kept->values, first, count) &&
           !block_failures(kept, first, count);
}

static int reserve_like(struct gathering *grows, const struct gathering *filled)
{
    int status = buffer_reserve(&grows->values.words, filled->values.words.size);
    return status ? status : buffer_reserve(&grows->runs, filled->runs.size);
}

block *block_gather(uint64_t path_index, const block *like)
{
    size_t size = sizeof(block) + sizeof(struct gathering);
    block *made = calloc(1, size);
    if (!made) {
        error_no_memory(size);
        return NULL;
    }
    made->users = 1;
    made->path_index = path_index;
    made->grows = (void *)made->space;
    if (!like || !reserve_like(made->grows, like->grows))
        return made;
    block_free(made);
    return NULL;
}

bool block_takes(const block *gathered, uint64_t path_index)
{
    return gathered->items < GATHERED_ITEMS_MOST && gathered->grows->values.payload.size < GATHERED_BYTES_MOST &&
           gathered->path_index == path_index;
}

/* Items this short have their chunk's mean as their time anyway (rf_result): another chunk in it changes nothing. */
#define BRIEF 1e-4

static bool goes_on(const run *last, uint64_t last_items, const run *next, uint64_t items)
{
    return next->unit == last->unit + last_items && next->rank == last->rank && next->attempt == last->attempt &&
           last->seconds < BRIEF * (double)last_items && next->seconds < BRIEF * (double)items;
}

static int append_run(block *gathered, const run *next, uint64_t items)
{
    buffer *runs = &gathered->grows->runs;
    run *last = runs->size ? (run *)(void *)(runs->data + runs->size) - 1 : NULL;
    if (!last || !goes_on(last, gathered->items - last->start, next, items))
        return buffer_put(runs, next, sizeof *next);
    last->seconds += next->seconds;
    return RF_OK;
}

/* All that a block may ever hold, before the first text comes: what an iterator has given does not move when more is gathered. */
static int keep_payload_in_place(column *to, const column_view *values)
{
    if (to->payload.capacity || (!values->tags && !block_points(values->tag)))
        return RF_OK;
    return buffer_reserve(&to->payload, GATHERED_BYTES_MOST + GATHERED_BYTES_SLACK);
}

/* Both or nothing. */
static int append(block *gathered, const column_view *values, uint64_t first, uint64_t count, run next)
{
    column *to = &gathered->grows->values;
    int status = keep_payload_in_place(to, values);
    for (uint64_t i = first; i < first + count && !status; i++)
        status = column_add(to, column_at(values, i));
    next.start = (uint32_t)gathered->items;
    status = status ? status : append_run(gathered, &next, count);
    if (status)
        column_cut(to, gathered->items);
    else
        gathered->items += count;
    return status;
}

int block_append(block *gathered, const delivery *from)
{
    run next = {.unit = from->unit, .seconds = from->seconds, .attempt = from->attempt, .rank = from->rank};
    return append(gathered, &from->values, 0, from->items, next);
}

int block_append_part(block *gathered, const block *from, uint64_t first, uint64_t count)
{
    run next = from->own;
    next.unit += first;
    next.seconds *= (double)count / (double)from->items;
    return append(gathered, &from->values, first, count, next);
}

void block_empty(block *gathered)
{
    column_cut(&gathered->grows->values, 0);
    gathered->grows->runs.size = 0;
    gathered->grows->hint = 0;
    gathered->items = 0;
}
