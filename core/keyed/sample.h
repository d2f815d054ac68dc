/* Which keys of a job its splitters are taken from: those whose hashes are least (a bottom-k sketch of its keys). A key that is
   among the k least of all is among the k least of each run that holds it, so the union of the runs' samples gives the k
   least of the whole job, with their whole weights: the same keys for any cut of the input, any number of ranks, with or
   without a combiner. Keys above SAMPLE_KEY_MOST bytes are never sampled.

   A key's weight is the number of its records; 0 where a combiner makes that number an accident: then each key counts once, in
   however many runs it is. */
#ifndef RANKFOLD_KEYED_SAMPLE_H
#define RANKFOLD_KEYED_SAMPLE_H

#include "base/arena.h"
#include "keyed/record.h"

#define SAMPLE_KEY_MOST 1024

typedef struct sampled {
    uint64_t hash, weight;
    record key;                     /* without a value */
} sampled;

typedef struct sample {             /* the owner frees it; zeroed and with a limit it is empty */
    uint32_t limit;                 /* k */
    uint32_t count;
    sampled *keys;                  /* a heap, the greatest hash first */
    arena memory;
} sample;

/* Each key once; all its weight. Cost of a key that is not among the least so far: one compare. RF_ENOMEM. */
int sample_add_slowly(sample *all, const record *key, uint64_t hash, uint64_t weight);
void sample_free(sample *all);

/* The sample as bytes: count times | weight 8 | record |, and back; RF_EINPUT, not told: malformed. A key that is in all already gets
   the weight added. */
int sample_put(const sample *all, buffer *to);
int sample_merge(sample *all, const uint8_t *bytes, size_t size);

/* At most count keys, ascending in order, that cut the sample into count + 1 parts of like weight; records without values are
   appended to *splitters, *made of them. Fewer where there are few keys. RF_ENOMEM. */
int sample_splitters(const sample *all, const record_order *order, uint32_t count, buffer *splitters, uint32_t *made);

static inline uint64_t sample_hash(uint64_t key_hash)       /* apart from what partitions and tables look at */
{
    return key_hash * 0x9e3779b97f4a7c15u;
}

static inline int sample_add(sample *all, const record *key, uint64_t hash, uint64_t weight)
{
    if (all->count == all->limit && (!all->limit || hash > all->keys[0].hash))
        return RF_OK;
    return sample_add_slowly(all, key, hash, weight);
}

#endif
