/* Batches: several frames in one message. Both transports gather, send and walk them with this. A batch is, from a
   16-aligned address on:

       struct batch_head       size of all, and the batch's number among those between these two ranks
       struct frame_head       size and kind of a frame
       the frame               zeros up to a multiple of 16
       struct frame_head ...

   A batch is small, so that its message is sent without asking the receiver (most networks do that up to 4 KiB), until a
   frame comes that needs a large one. Buffers are kept for the next batch: the pool owns those that nobody uses. */
#ifndef RANKFOLD_WIRE_BATCH_H
#define RANKFOLD_WIRE_BATCH_H

#include "wire/transport.h"

struct batch_head { uint64_t size, number; };
struct frame_head { uint64_t size, kind; };

/* Bytes, heads included. A large one has room for the largest frame behind a small one's content. */
enum { BATCH_SMALL = 4000, BATCH_LARGE = BATCH_SMALL + (int)sizeof(struct frame_head) + TRANSPORT_FRAME_MOST };

enum batch_kind {
    BATCH_FRAME = 1,
    BATCH_FETCH                         /* the transport's own: struct batch_fetch */
};
struct batch_fetch { uint64_t id, size; };

typedef struct batch {
    struct batch *next;
    size_t size, capacity;
    size_t walked;                      /* bytes that have been read */
    double left;                        /* when it left: the simulator's */
    int from;
    int slot;                           /* which posted receive it belongs to; -1: none */
    _Alignas(16) uint8_t data[];
} batch;

typedef struct batch_queue { batch *first, *last; } batch_queue;
typedef struct batch_pool { batch *small, *large; size_t small_count, large_count; } batch_pool;

batch *batch_take(batch_pool *pool, size_t frame);      /* empty, with room for such a frame; NULL: out of memory, told */
void batch_give(batch_pool *pool, batch *unused);       /* NULL is legal */
void batch_pool_free(batch_pool *pool);

/* Room for a frame in *open (NULL: none yet), which grows from small to large where only that makes it fit. NULL with
   *full: send *open first; NULL without: out of memory. */
void *batch_gather(batch_pool *pool, batch **open, enum batch_kind kind, size_t size, bool *full);
void batch_seal(batch *gathered, uint64_t number);
uint64_t batch_number(const batch *sealed);

int batch_open(batch *came, size_t size, uint64_t *number);     /* RF_EUSAGE, told: these bytes are no batch */
int batch_next(batch *opened, struct frame_head *head, void **frame);   /* RF_OK, RF_END; RF_EUSAGE, told */

void batch_push(batch_queue *queue, batch *last);
batch *batch_pop(batch_queue *queue);                   /* NULL: empty */
void batch_drop(batch_queue *queue, batch_pool *pool);

#endif
