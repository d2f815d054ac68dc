/* Which partition a key belongs to: by its hash, as the user's function says, or by ranges of keys.

   Ranges (a total order over all partitions) are not applied when records are sealed, but when runs are pulled: runs
   then have one partition, and partition p is what lies from splitter p - 1 on and below splitter p (run_range). The splitters
   come from the samples that all runs carry (sketch.h), so they depend on the keys of the job alone. */
#ifndef RANKFOLD_KEYED_PARTITION_H
#define RANKFOLD_KEYED_PARTITION_H

#include "keyed/shape.h"

/* By hash: the same on every rank. The high bits decide, a combiner's table uses the low ones. */
static inline uint32_t partition_of_hash(uint64_t hash, uint32_t partitions)
{
    return (uint32_t)((hash >> 32) * partitions >> 32);
}

/* RF_EFUNCTION: the function's answer is out of range; the message names the key and both numbers. */
int partition_ask(const shape *of, rf_value key, uint32_t *partition);

static inline int partition_of(const shape *of, const record *it, uint64_t hash, uint32_t *partition)
{
    if (of->partitioner)
        return partition_ask(of, record_key(it), partition);
    *partition = partition_of_hash(hash, of->partitions);
    return RF_OK;
}

#endif
