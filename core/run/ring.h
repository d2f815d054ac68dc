/* The memory between a rank and one of its children: one memfd, sparse and huge, of which only what was touched exists. What one side
   writes the other reads where it lies.

       head        struct ring_head: a page or two
       requests    RING_REQUESTS windows: the frame of a JOB or a RUN, as it is in messages, its body behind it
       parts       RING_PARTS sets of windows: payload | words | tags | positions | failures | and of what is added: payload | words | tags

   Both are rings. The rank puts requests, and the child answers them in their order; the child tells parts, and the rank takes them in
   their order. Each of the four counters is written by one side alone, with release, after what it counts.

   The child sleeps in a futex when it has looked in vain for a while; the rank naps by itself, and looks at a bell that all its children
   ring (zygote.h). Nothing in here is believed by the rank: the function in the child may have written anywhere. */
#ifndef RANKFOLD_RUN_RING_H
#define RANKFOLD_RUN_RING_H

#include "run/executor.h"

#define RING_REQUESTS 4                 /* chunks ahead: a switch between rank and child serves several when they are tiny */
#define RING_PARTS 4

enum ring_kind { RING_JOB = 1, RING_RUN, RING_LEAVE };

typedef struct ring_request {
    uint32_t kind;
    _Atomic uint32_t stop;              /* RUN: nothing more after the item it is at */
    size_t frame_size;
    size_t shares_at;                   /* JOB: where its shared data is told (fork_shares.h); between them fork_names.h's */
    size_t keyed_at;                    /* JOB: where the job by key is told that it is a part of (fork_keyed.h); 0: none */
    size_t result_at;                   /* RUN: executor_chunk's result, with its NUL; 0: none */
    size_t passed_at, passed_size;      /* RUN: executor_chunk */
    uint64_t passed_count;
    uint64_t told_items, told_units;    /* RUN: executor_chunk */
    uint64_t items_most;                /* RUN: in a part */
} ring_request;

typedef struct ring_told {              /* executor_part, without its pointers, and the sizes of what those point to */
    logbook_entry done;                 /* at its end; unit is not used */
    uint64_t unit, units, ran, bytes_read;
    double seconds, init_seconds;
    struct message_long longest;        /* seconds 0: none */
    bool last, init_failed, partly;
} ring_told;

typedef struct ring_part {
    logbook log;                        /* while it is being filled */
    ring_told told;                     /* once it is complete */
} ring_part;

typedef struct ring_head {
    _Atomic uint64_t asked, taken;      /* the rank's: requests put, parts taken */
    _Atomic uint64_t answered, told;    /* the child's: requests done with, parts complete */
    _Atomic uint32_t bell, sleeps;      /* the rank rings; the child sleeps on it */
    _Atomic uint32_t left;              /* the child has gone by itself: asked to, or because its life was over */
    _Atomic uint32_t tight;             /* it died when the job's task_memory was used up */
    ring_request requests[RING_REQUESTS];
    ring_part parts[RING_PARTS];
} ring_head;

typedef struct ring {
    ring_head *head;
    size_t size;                        /* of all that is mapped */
    int memory;                         /* the memfd; -1 in a child */
} ring;

int ring_make(ring *made);              /* RF_ENOMEM */
int ring_open(ring *opened, int memory, size_t size);      /* in a child: a copy of the rank's; takes the descriptor */
void ring_free(ring *of);               /* zeroes it */
void ring_reset(ring *of);              /* for a new child: nothing is asked or told */

size_t ring_window(const ring *of);                             /* bytes of a request, of a part's payload, and of what it adds */
uint8_t *ring_request_window(const ring *of, uint64_t request); /* by counters */
void ring_part_windows(const ring *of, uint64_t part, executor_desk *desk);     /* its buffers and log: all empty */
void ring_request_trim(const ring *of, uint64_t request);       /* what a large one took is given back to the system */
void ring_part_trim(const ring *of, uint64_t part, const logbook_entry *done);

static inline ring_request *ring_request_at(const ring *of, uint64_t request) { return &of->head->requests[request % RING_REQUESTS]; }
static inline ring_part *ring_part_at(const ring *of, uint64_t part) { return &of->head->parts[part % RING_PARTS]; }

void ring_wake(const ring *of);                                 /* the rank, after a counter of its own has changed */
/* The child: until *counter is not seen any more. */
void ring_wait(const ring *of, const _Atomic uint64_t *counter, uint64_t seen);

#endif
