/* What a gather is made of: seen by gather.c, and gather_told.c (how a child of the rank gets one) alone. */
#ifndef RANKFOLD_RUN_GATHER_STATE_H
#define RANKFOLD_RUN_GATHER_STATE_H

#include "run/gather.h"

/* One of the other ranks. What it has is wanted in the order of the segments. */
typedef struct peer {
    int rank;
    uint32_t *wanted;                   /* segments */
    uint64_t *ids;                      /* their runs */
    uint32_t count, room, next;         /* next: the first that has not come whole */
} peer;

struct gather {
    struct gather *next;                /* of all that wait for answers */
    shuffles *among;
    shuffle *of;                        /* NULL: of a job that need not be known here */
    uint64_t number, keyed;
    struct message_pull asks;           /* what of each run */
    const record *low, *high;
    segment *segments;
    uint32_t count, made;               /* made: as many were there at first */
    uint64_t *pinned;                   /* runs of this rank */
    spill *pinned_in;
    uint32_t pinned_count;
    peer *peers;
    uint32_t peer_count, waits;         /* waits: peers whose answer is to come */
    buffer bodies;                      /* buffer[] */
    uint64_t skip, bytes, exchanged;
    size_t memory, here;                /* what may lie in memory, and does */
    bool for_child;                     /* a child of the rank reads it */
    int file;
    char *path;
    uint64_t written;
    failure *wrong;
};

/* With room for as many segments, of which there is none yet. */
int gather_new(shuffles *among, uint64_t keyed, uint64_t segments, gather **made);

#endif
