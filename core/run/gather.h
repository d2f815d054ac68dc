/* What a task reads before it runs: stretches of runs, those of this rank where they lie, all others pulled from their makers. So a
   reducer never waits for a message.

   Protocol: of each other rank that has some, one PULL at a time is out, for as many of its runs as are left, and at most so many bytes; the answer
   brings whole stretches, or a piece of the first; then the next PULL goes. Nobody sends unasked, an asker has room for what it asked for, and an
   answer needs no other message: there is no cycle of waiting. A rank that is lost never answers: rank 0 ends the job then.

   Ownership: the worker makes a gather for a queued chunk, and frees it with the chunk. Bodies of answers are kept as they came, and segments point
   into them; what is beyond the job's share of memory is written to scratch. Runs of this rank are pinned meanwhile. */
#ifndef RANKFOLD_RUN_GATHER_H
#define RANKFOLD_RUN_GATHER_H

#include "keyed/segment.h"
#include "run/shuffle.h"

typedef struct gather gather;

/* A reduce task's partition, of all runs that were committed. slots: not 0: for one of as many children of this rank, which gets it by gather_tell. */
int gather_partition(shuffle *of, uint32_t partition, unsigned slots, gather **made);

/* Some records of a dataset's part, which is run id of rank's job by key. The job need not be known here. */
typedef struct gather_place {
    uint64_t keyed, run, first, count;
    int rank;
} gather_place;
int gather_records(shuffles *among, const gather_place *from, gather **made);
void gather_free(gather *old);                  /* NULL is legal; answers that still come are dropped */

bool gather_done(const gather *of);
int gather_status(const gather *of);            /* once done: RF_OK, or what went wrong, with the last error set */
segment *gather_segments(gather *of);           /* in (input, position) order */
uint32_t *gather_count(gather *of);             /* how many; whoever merges them may leave fewer */
uint64_t gather_skip(const gather *of);         /* records before the first, of gather_records */
uint64_t gather_bytes(const gather *of);        /* of all segments */
uint64_t gather_exchanged(const gather *of);    /* bytes that came from other ranks, with what was said around them, and went to them */
int gather_take(shuffles *all, post *via, message *what);       /* a PULLED */

/* One that is done, on its way into a child: what lies in the rank's memory as it is, where the rest lies, or what went wrong. The rank keeps its own
   until the child has read it. gather_told: in the child; bytes are borrowed, and 8-aligned. RF_ENOMEM; RF_EUSAGE: malformed. */
int gather_tell(const gather *of, buffer *to);
int gather_told(shuffles *among, const void *bytes, size_t size, gather **made);

#endif
