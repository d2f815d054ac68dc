/* The shared data that a job sees, as functions and executors find it. Tables are made by share.c, one a job and rank, and stay as long as
   the job does. */
#ifndef RANKFOLD_RUN_SHARE_TABLE_H
#define RANKFOLD_RUN_SHARE_TABLE_H

#include "rankfold.h"

/* A version of a name. */
typedef struct shared {
    const char *name;
    uint64_t version;                   /* rf_share counts them on its pool, of all names together, from 1 */
    const uint8_t *data;                /* read-only; a NUL follows size bytes */
    size_t size;
    int fd;                             /* of the memory (sealed, size + 1 bytes): to map it in a child. -1 where the kernel has none */
} shared;

/* Of each name the newest version that was there when the job was made. */
typedef struct share_table { const shared **all; size_t count; } share_table;

const shared *share_find(const share_table *table, const char *name);      /* NULL: not there; table may be NULL */

#endif
