#include "result/stash.h"

#include <stdlib.h>
#include <string.h>

/* Most chunks have one block, which needs no list. */
typedef struct stash_chunk {
    block *first;
    buffer more;                /* block *[] */
    uint64_t items;
} stash_chunk;

struct stash {
    buffer chunks;              /* stash_chunk[], by number */
    buffer segments;            /* segment[], of the chunk that is delivered: kept for the next */
};

/* Items of a block without a hole among them. */
typedef struct segment {
    block *of;
    uint64_t first, count;
} segment;

stash *stash_new(void)
{
    stash *made = calloc(1, sizeof *made);
    if (!made)
        error_no_memory(sizeof *made);
    return made;
}

static stash_chunk *chunk_of(const stash *all, uint32_t chunk)
{
    return chunk < all->chunks.size / sizeof(stash_chunk) ? (stash_chunk *)(void *)all->chunks.data + chunk : NULL;
}

static void forget(stash_chunk *chunk)
{
    block **more = (void *)chunk->more.data;
    for (size_t i = 0; i < chunk->more.size / sizeof *more; i++)
        block_free(more[i]);
    block_free(chunk->first);
    buffer_free(&chunk->more);
    *chunk = (stash_chunk){0};
}

void stash_free(stash *all)
{
    if (!all)
        return;
    for (uint32_t i = 0; chunk_of(all, i); i++)
        forget(chunk_of(all, i));
    buffer_free(&all->chunks);
    buffer_free(&all->segments);
    free(all);
}

static stash_chunk *need_chunk(stash *all, uint32_t chunk)
{
    size_t size = ((size_t)chunk + 1) * sizeof(stash_chunk), before = all->chunks.size;
    if (size > before) {
        void *fresh = buffer_add(&all->chunks, size - before);
        if (!fresh)
            return NULL;
        memset(fresh, 0, size - before);
    }
    return chunk_of(all, chunk);
}

int stash_add(stash *all, uint32_t chunk, delivery *from)
{
    block *kept = block_keep(from);
    stash_chunk *to = kept ? need_chunk(all, chunk) : NULL;
    if (!to || (to->first && buffer_put(&to->more, &kept, sizeof kept))) {
        block_free(kept);
        return RF_ENOMEM;
    }
    if (!to->first)
        to->first = kept;
    to->items += from->items - from->again_count;
    return RF_OK;
}

uint64_t stash_items(const stash *all, uint32_t chunk)
{
    const stash_chunk *of = chunk_of(all, chunk);
    return of ? of->items : 0;
}

/* ---- delivering ------------------------------------------------------------------------------------------------ */

static int add_segments(buffer *segments, block *of)
{
    uint64_t hole_count, first = 0;
    const uint64_t *holes = block_holes(of, &hole_count);
    for (uint64_t i = 0; i <= hole_count; i++) {
        uint64_t end = i < hole_count ? holes[i] : block_items(of);
        segment part = {of, first, end - first};
        if (end > first && buffer_put(segments, &part, sizeof part))
            return RF_ENOMEM;
        first = end + 1;
    }
    return RF_OK;
}

/* Segments do not overlap (the invariant), so that their first items tell their order. */
static int by_first_item(const void *one, const void *other)
{
    const segment *a = one, *b = other;
    return block_compare(a->of, a->first, b->of, b->first);
}

static int deliver_in_order(stash *all, stash_chunk *from, spans *to)
{
    block **more = (void *)from->more.data;
    all->segments.size = 0;
    int status = add_segments(&all->segments, from->first);
    for (size_t i = 0; i < from->more.size / sizeof *more && !status; i++)
        status = add_segments(&all->segments, more[i]);
    if (status)
        return status;
    segment *segments = (void *)all->segments.data;
    size_t count = all->segments.size / sizeof *segments;
    if (count > 1)
        qsort(segments, count, sizeof *segments, by_first_item);
    for (size_t i = 0; i < count && !status; i++)
        status = spans_add_block(to, segments[i].of, segments[i].first, segments[i].count);
    return status;
}

int stash_deliver(stash *all, uint32_t chunk, spans *to)
{
    stash_chunk *from = chunk_of(all, chunk);
    if (!from || !from->first)
        return RF_OK;
    uint64_t holes;
    block_holes(from->first, &holes);
    int status = RF_OK;
    if (to && !holes && !from->more.size)
        status = spans_add_block(to, from->first, 0, block_items(from->first));
    else if (to)
        status = deliver_in_order(all, from, to);
    forget(from);
    return status;
}
