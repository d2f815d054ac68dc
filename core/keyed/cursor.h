/* The records of a stretch of a run, in order, one after another: from memory without a copy, or from a file by a window of reads. A
   cursor takes a block, and where it reads a window; more where a record is larger. It holds no descriptor between reads: thousands
   are open at once.

   Everything is checked: checksums, sizes, types, the number of records. RF_EINPUT names the run and the offset in it. The record
   is a view that holds until the next cursor_next. Not for two threads. */
#ifndef RANKFOLD_KEYED_CURSOR_H
#define RANKFOLD_KEYED_CURSOR_H

#include "keyed/run.h"

#define CURSOR_WINDOW ((size_t)262144)              /* unless said */
#define CURSOR_WINDOW_LEAST (RUN_BLOCK + 4096)      /* a block of short records, and the head of the next */

typedef struct cursor {
    record it;                          /* after RF_OK */
    const uint8_t *start;               /* where its bytes begin; they end at at */
    const uint8_t *at, *end;            /* what is left of the block */
    uint32_t block_left;                /* records */
    uint64_t left;                      /* bytes of blocks that are still to come */
    uint64_t offset;                    /* of the next block in the run, or file */
    uint64_t block_offset;              /* of the one in work, for messages */
    const uint8_t *window;              /* bytes that are at hand, from offset on */
    size_t window_size, window_most;
    const char *path;                   /* borrowed; NULL: everything is at hand */
    const char *name;                   /* borrowed, for messages */
    buffer held, raw;                   /* what a window lies in; a block that was compressed */
    const record_order *order;          /* of a range; NULL: all */
    record low, high;
    uint64_t high_prefix;               /* record_prefix of its key */
    bool has_low, has_high;
} cursor;

/* What is read is borrowed until cursor_close, and so are names. */
void cursor_open(cursor *to, const sealed_run *of, uint32_t partition);
void cursor_open_stretch(cursor *to, const sealed_run *of, const run_stretch *blocks);
void cursor_open_bytes(cursor *to, const char *name, uint64_t offset, const uint8_t *bytes, size_t size);  /* whole blocks; offset, name: for messages */
void cursor_open_part(cursor *to, const char *path, uint64_t at, uint64_t bytes);       /* whole blocks that lie in a file, at byte at */

/* After opening. The window: bytes of a file that are read at once, at least CURSOR_WINDOW_LEAST. The limit: keys from low on and below high
   alone (views that outlive the cursor; NULL: no bound). */
void cursor_window(cursor *to, size_t bytes);
void cursor_limit(cursor *to, const record_order *order, const record *low, const record *high);

/* run_stretch_range, opened and limited: partition p of a job by ranges. After a failure the cursor is closed. */
int cursor_open_range(cursor *to, const sealed_run *of, const record_order *order, const record *low, const record *high);

int cursor_next(cursor *to);            /* RF_OK, RF_END; RF_EINPUT, RF_ENOMEM */
void cursor_close(cursor *to);

#endif
