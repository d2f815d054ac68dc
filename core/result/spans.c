#include "result/spans.h"

#include <stdlib.h>
#include <string.h>

typedef struct span {
    block *of;
    uint64_t first, count;      /* items of it */
    uint64_t start;             /* the number of its first item among all that were ever added */
} span;

struct spans {
    strings *hosts, *paths;
    buffer list;                /* span[]: those before head are used up */
    size_t head, hint;          /* hint: where the last look-up ended */
    uint64_t taken, end;        /* numbers of the first item that is left, and of the one to be added next */
    uint64_t failed;
    block *tail;                /* what small deliveries are gathered in, or NULL */
};

spans *spans_new(strings *hosts, strings *paths)
{
    spans *made = calloc(1, sizeof *made);
    if (!made) {
        error_no_memory(sizeof *made);
        return NULL;
    }
    made->hosts = strings_share(hosts);
    made->paths = strings_share(paths);
    return made;
}

spans *spans_beside(const spans *all)
{
    return spans_new(all->hosts, all->paths);
}

static span *list_of(const spans *all)
{
    return (span *)(void *)all->list.data;
}

static size_t list_end(const spans *all)
{
    return all->list.size / sizeof(span);
}

void spans_free(spans *all)
{
    if (!all)
        return;
    for (size_t i = all->head; i < list_end(all); i++)
        block_free(list_of(all)[i].of);
    block_free(all->tail);
    buffer_free(&all->list);
    strings_free(all->hosts);
    strings_free(all->paths);
    free(all);
}

/* ---- adding ---------------------------------------------------------------------------------------------------- */

/* Used-up spans are moved away when they are half of the list: one move a span on average. */
static int reserve(spans *all, size_t more)
{
    size_t used = all->head * sizeof(span);
    if (all->head && all->list.capacity - all->list.size < more * sizeof(span) && used >= all->list.size / 2) {
        memmove(all->list.data, all->list.data + used, all->list.size - used);
        all->list.size -= used;
        all->head = all->hint = 0;
    }
    return buffer_reserve(&all->list, more * sizeof(span));
}

/* There is room. */
static void push(spans *all, block *of, uint64_t first, uint64_t count)
{
    span *last = list_end(all) > all->head ? &list_of(all)[list_end(all) - 1] : NULL;
    if (last && last->of == of && last->first + last->count == first) {
        last->count += count;
    } else {
        list_of(all)[list_end(all)] = (span){block_share(of), first, count, all->end};
        all->list.size += sizeof(span);
    }
    all->end += count;
}

/* A tail with room for one more small delivery of that file. Where one was filled, the next will be. */
static int need_tail(spans *all, uint64_t path_index)
{
    if (all->tail && block_takes(all->tail, path_index))
        return RF_OK;
    block *fresh = block_gather(path_index, all->tail);
    if (!fresh)
        return RF_ENOMEM;
    block_free(all->tail);
    all->tail = fresh;
    return RF_OK;
}

static int add_small(spans *all, const delivery *from)
{
    int status = need_tail(all, from->path_index);
    status = status ? status : reserve(all, 1);
    if (status)
        return status;
    uint64_t first = block_items(all->tail);
    status = block_append(all->tail, from);
    if (!status)
        push(all, all->tail, first, from->items);
    return status;
}

static int add_around_holes(spans *all, block *from)
{
    uint64_t hole_count, first = 0;
    const uint64_t *holes = block_holes(from, &hole_count);
    int status = reserve(all, hole_count + 1);
    if (status)
        return status;
    for (uint64_t i = 0; i <= hole_count; i++) {
        uint64_t end = i < hole_count ? holes[i] : block_items(from);
        if (end > first) {
            push(all, from, first, end - first);
            all->failed += block_failures(from, first, end - first);
        }
        first = end + 1;
    }
    return RF_OK;
}

int spans_add(spans *all, delivery *from)
{
    if (!from->items || block_is_small(from)) {
        int status = from->items ? add_small(all, from) : RF_OK;
        buffer_free(&from->memory);
        return status;
    }
    block *kept = block_keep(from);
    if (!kept)
        return RF_ENOMEM;
    int status = add_around_holes(all, kept);
    block_free(kept);
    return status;
}

static int add_small_part(spans *all, const block *from, uint64_t first, uint64_t count)
{
    int status = need_tail(all, block_path_index(from));
    if (status)
        return status;
    uint64_t at = block_items(all->tail);
    status = block_append_part(all->tail, from, first, count);
    if (!status)
        push(all, all->tail, at, count);
    return status;
}

int spans_add_block(spans *all, block *from, uint64_t first, uint64_t count)
{
    if (!count)
        return RF_OK;
    int status = reserve(all, 1);
    if (status)
        return status;
    if (block_part_is_small(from, first, count))
        return add_small_part(all, from, first, count);
    push(all, from, first, count);
    all->failed += block_failures(from, first, count);
    return RF_OK;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

uint64_t spans_count(const spans *all)
{
    return all->end - all->taken;
}

uint64_t spans_failed(const spans *all)
{
    return all->failed;
}

static bool has(const span *one, uint64_t number)
{
    return number - one->start < one->count;
}

static size_t find_span(const spans *all, uint64_t number)
{
    const span *list = list_of(all);
    size_t low = all->head, high = list_end(all), hint = all->hint;
    if (hint < high && has(&list[hint], number))
        return hint;
    if (hint + 1 < high && has(&list[hint + 1], number)) {
        low = hint + 1;
    } else {
        while (high - low > 1) {
            size_t middle = low + (high - low) / 2;
            *(list[middle].start <= number ? &low : &high) = middle;
        }
    }
    ((spans *)all)->hint = low;
    return low;
}

rf_result spans_at(const spans *all, uint64_t i)
{
    uint64_t number = all->taken + i;
    const span *in = &list_of(all)[find_span(all, number)];
    return block_result(in->of, in->first + (number - in->start), all->hosts, all->paths);
}

rf_value spans_value(const spans *all, uint64_t i)
{
    uint64_t number = all->taken + i;
    const span *in = &list_of(all)[find_span(all, number)];
    return block_value(in->of, in->first + (number - in->start));
}

bool spans_find(const spans *all, bool failed, uint64_t *i)
{
    if (*i >= spans_count(all))
        return false;
    uint64_t number = all->taken + *i;
    for (size_t at = find_span(all, number); at < list_end(all); at++) {
        const span *in = &list_of(all)[at];
        uint64_t item = in->first + (number - in->start);
        if (block_find(in->of, failed, &item) && item < in->first + in->count) {
            *i = in->start + (item - in->first) - all->taken;
            return true;
        }
        number = in->start + in->count;
    }
    return false;
}

int spans_hand_on(const spans *from, uint64_t first, uint64_t count, spans *to)
{
    int status = RF_OK;
    uint64_t number = from->taken + first;
    for (size_t at = count ? find_span(from, number) : 0; count && status == RF_OK; at++) {
        const span *in = &list_of(from)[at];
        uint64_t before = number - in->start, some = in->count - before < count ? in->count - before : count;
        status = spans_add_block(to, in->of, in->first + before, some);
        number += some;
        count -= some;
    }
    return status;
}

/* ---- taking ---------------------------------------------------------------------------------------------------- */

static void list_is_used_up(spans *all)
{
    all->list.size = 0;
    all->head = all->hint = 0;
    if (all->tail && block_is_shared(all->tail)) {      /* it was handed on */
        block_free(all->tail);
        all->tail = NULL;
    }
    if (all->tail)
        block_empty(all->tail);
}

void spans_drop_front(spans *all, uint64_t count)
{
    all->taken += count;
    while (all->head < list_end(all)) {
        const span *first = &list_of(all)[all->head];
        if (has(first, all->taken))
            return;
        block_free(first->of);
        all->head++;
    }
    list_is_used_up(all);
}
