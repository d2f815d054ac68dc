/* The records of one partition of a run, or of a range of its keys, in order, one after another: from memory without a copy, from
   a file by a window of reads, or from bytes that are fed as they come from a peer. A cursor takes a block, and a window of
   CURSOR_WINDOW bytes where it reads; more where a record is larger.

   Everything is checked: checksums, sizes, types, the number of records. RF_EINPUT names the run and the offset in it. The record
   is a view that holds until the next cursor_next; feeding does not move it. Not for two threads. */
#ifndef RANKFOLD_KEYED_CURSOR_H
#define RANKFOLD_KEYED_CURSOR_H

#include "keyed/run.h"

#define CURSOR_WINDOW ((size_t)262144)

typedef struct cursor {
    record it;                          /* after RF_OK */
    const uint8_t *start;               /* where its bytes begin; they end at at */
    const uint8_t *at, *end;            /* what is left of the block */
    uint32_t block_left;                /* records */
    uint64_t left;                      /* bytes of blocks that are still to come */
    uint64_t offset;                    /* of the next block in the run */
    uint64_t block_offset;              /* of the one in work, for messages */
    const uint8_t *window;              /* bytes that are at hand, from offset on */
    size_t window_size;
    int file;                           /* -1: none */
    const char *name;                   /* borrowed */
    buffer held, arrived, raw;          /* what the window lies in; what was fed since; a block that was compressed */
    const record_order *order;          /* of a range; NULL: all */
    record low, high;
    bool fed, has_low, has_high;
} cursor;

/* The run is borrowed until cursor_close. After a failure the cursor is closed. */
int cursor_open(cursor *to, const sealed_run *of, uint32_t partition);

/* Keys from low on and below high (views that outlive the cursor; NULL: no bound) of the one partition of a run: partition p of a
   job by ranges. A few blocks are looked into to find the first. */
int cursor_open_range(cursor *to, const sealed_run *of, const record_order *order, const record *low, const record *high);

/* bytes of blocks of a partition come in pieces of any size, in order (the whole of part->bytes at part->offset of the run). */
void cursor_open_fed(cursor *to, const char *name, uint64_t offset, uint64_t bytes);
int cursor_feed(cursor *to, const void *bytes, size_t size);    /* RF_ENOMEM; RF_EINPUT: more than was told */

int cursor_next(cursor *to);            /* RF_OK, RF_END; RF_AGAIN: feed it; RF_EINPUT, RF_ENOMEM */
void cursor_close(cursor *to);

#endif
