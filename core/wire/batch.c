#include "wire/batch.h"
#include "base/error.h"
#include <stdlib.h>
#include <string.h>

_Static_assert(BATCH_SMALL % 16 == 0 && TRANSPORT_FRAME_MOST % 16 == 0, "batches end at a multiple of 16");
_Static_assert(sizeof(struct batch_head) == 16 && sizeof(struct frame_head) == 16, "heads keep frames aligned");

enum { SMALL_KEPT = 4096, LARGE_KEPT = 64 };            /* unused buffers beyond these go back to malloc: 20 MB in all */

static size_t padded(size_t size) { return (size + 15) & ~(size_t)15; }

static batch *pop(batch **list, size_t *count)
{
    batch *first = *list;
    if (first) {
        *list = first->next;
        --*count;
    }
    return first;
}

batch *batch_take(batch_pool *pool, size_t frame)
{
    size_t need = sizeof(struct batch_head) + sizeof(struct frame_head) + padded(frame);
    bool small = need <= BATCH_SMALL;
    size_t capacity = small ? BATCH_SMALL : BATCH_LARGE;
    batch *taken = small ? pop(&pool->small, &pool->small_count) : pop(&pool->large, &pool->large_count);
    if (!taken && !(taken = malloc(sizeof *taken + capacity))) {
        error_no_memory(sizeof *taken + capacity);
        return NULL;
    }
    taken->next = NULL;
    taken->size = taken->walked = sizeof(struct batch_head);
    taken->capacity = capacity;
    taken->left = 0;
    taken->from = taken->slot = -1;
    return taken;
}

static void give(batch **list, size_t *count, size_t most, batch *unused)
{
    if (*count == most) {
        free(unused);
        return;
    }
    unused->next = *list;
    *list = unused;
    ++*count;
}

void batch_give(batch_pool *pool, batch *unused)
{
    if (unused && unused->capacity == BATCH_SMALL)
        give(&pool->small, &pool->small_count, SMALL_KEPT, unused);
    else if (unused)
        give(&pool->large, &pool->large_count, LARGE_KEPT, unused);
}

void batch_pool_free(batch_pool *pool)
{
    for (batch *b; (b = pop(&pool->small, &pool->small_count));)
        free(b);
    for (batch *b; (b = pop(&pool->large, &pool->large_count));)
        free(b);
}

static void *add(batch *open, enum batch_kind kind, size_t size)
{
    uint8_t *at = open->data + open->size;
    *(struct frame_head *)(void *)at = (struct frame_head){size, kind};
    at += sizeof(struct frame_head);
    if (size % 16)
        memset(at + size / 16 * 16, 0, 16);
    open->size += sizeof(struct frame_head) + padded(size);
    return at;
}

/* What was gathered goes along in front of a frame that needs a large batch: one message instead of two. */
static batch *enlarged(batch_pool *pool, batch *small, size_t frame)
{
    batch *large = batch_take(pool, frame);
    if (!large)
        return NULL;
    memcpy(large->data, small->data, small->size);
    large->size = small->size;
    batch_give(pool, small);
    return large;
}

void *batch_gather(batch_pool *pool, batch **open, enum batch_kind kind, size_t size, bool *full)
{
    *full = false;
    batch *at = *open;
    size_t need = sizeof(struct frame_head) + padded(size);
    if (at && at->size + need > BATCH_SMALL) {
        bool large = sizeof(struct batch_head) + need > BATCH_SMALL;
        if (!large || at->capacity > BATCH_SMALL) {
            *full = true;
            return NULL;
        }
        at = enlarged(pool, at, size);
    } else if (!at) {
        at = batch_take(pool, size);
    }
    if (!at)
        return NULL;
    *open = at;
    return add(at, kind, size);
}

void batch_seal(batch *gathered, uint64_t number)
{
    *(struct batch_head *)(void *)gathered->data = (struct batch_head){gathered->size, number};
}

uint64_t batch_number(const batch *sealed) { return ((const struct batch_head *)(const void *)sealed->data)->number; }

int batch_open(batch *came, size_t size, uint64_t *number)
{
    const struct batch_head *head = (const void *)came->data;
    *number = 0;
    if (size < sizeof *head || size > came->capacity || head->size != size || size % 16)
        return error_set(RF_EUSAGE, "wire", "rank %d sent %zu bytes that are no batch of frames: do all ranks run the same "
                         "library, and does nothing else use its communicator?", came->from, size);
    *number = head->number;
    came->size = size;
    came->walked = sizeof *head;
    return RF_OK;
}

int batch_next(batch *opened, struct frame_head *head, void **frame)
{
    size_t rest = opened->size - opened->walked;
    *frame = NULL;
    if (rest == 0)
        return RF_END;
    uint8_t *at = opened->data + opened->walked;
    if (rest >= sizeof *head) {
        *head = *(const struct frame_head *)(void *)at;
        rest -= sizeof *head;
        bool known = head->kind == BATCH_FRAME || (head->kind == BATCH_FETCH && head->size == sizeof(struct batch_fetch));
        if (known && head->size <= TRANSPORT_FRAME_MOST && padded(head->size) <= rest) {
            *frame = at + sizeof *head;
            opened->walked += sizeof *head + padded(head->size);
            return RF_OK;
        }
    }
    size_t offset = opened->walked;
    opened->walked = opened->size;
    return error_set(RF_EUSAGE, "wire", "rank %d sent a batch of %zu bytes with no frame at byte %zu, where one should be",
                     opened->from, opened->size, offset);
}

void batch_push(batch_queue *queue, batch *last)
{
    last->next = NULL;
    if (queue->last)
        queue->last->next = last;
    else
        queue->first = last;
    queue->last = last;
}

batch *batch_pop(batch_queue *queue)
{
    batch *first = queue->first;
    if (first && !(queue->first = first->next))
        queue->last = NULL;
    return first;
}

void batch_drop(batch_queue *queue, batch_pool *pool)
{
    for (batch *b; (b = batch_pop(queue));)
        batch_give(pool, b);
}
