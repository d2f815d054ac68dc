/* The two fixed parts of a run's bytes: for those who write (run_write.c) and read (run.c, cursor.c) them alone. */
#ifndef RANKFOLD_KEYED_RUN_FORMAT_H
#define RANKFOLD_KEYED_RUN_FORMAT_H

#include "keyed/run.h"

#define RUN_MAGIC 0x31306e7572646672u               /* "rfdrun01" */

typedef struct run_block {
    uint64_t stored, raw;
    uint32_t records, flags;
    uint64_t checksum;                              /* of what stands before it, and of the stored bytes */
} run_block;

_Static_assert(sizeof(run_block) == RUN_BLOCK_HEAD, "a block's head is written as it is");

typedef struct run_tail {
    uint64_t magic, index;                          /* index: where it begins */
    uint64_t records, content, blocks, sample_size;
    uint32_t partitions, sample_limit;
    uint64_t checksum;                              /* of the index, and of what stands before it */
} run_tail;

static inline uint64_t run_block_checksum(const run_block *head, const void *stored)
{
    return hash_bytes(stored, head->stored, hash_bytes(head, offsetof(run_block, checksum), RUN_MAGIC));
}

static inline uint64_t run_tail_checksum(const run_tail *tail, const void *index, size_t size)
{
    return hash_bytes(index, size, hash_bytes(tail, offsetof(run_tail, checksum), RUN_MAGIC));
}

#endif
