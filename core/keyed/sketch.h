/* Which keys of a job its splitters are taken from: those whose hashes are least (a bottom-k sketch of its keys). A key that is
   among the k least of all is among the k least of each run that holds it, so the union of the runs' samples gives the k
   least of the whole job, with their whole weights: the same keys for any cut of the input, any number of ranks, with or
   without a combiner. Keys above SKETCH_KEY_MOST bytes are never sampled.

   A key's weight is the number of its records; 0 where a combiner makes that number an accident: then each key counts once, in
   however many runs it is. */
#ifndef RANKFOLD_KEYED_SKETCH_H
#define RANKFOLD_KEYED_SKETCH_H

#include "base/arena.h"
#include "keyed/record.h"

#define SKETCH_KEY_MOST 1024

typedef struct sampled {
    uint64_t hash, weight;
    record key;                     /* without a value */
} sampled;

typedef struct sketch {             /* the owner frees it; zeroed and with a limit it is empty */
    uint32_t limit;                 /* k */
    uint32_t count;
    sampled *keys;                  /* a heap, the greatest hash first */
    arena memory;
} sketch;

/* Each key once; all its weight. Cost of a key that is not among the least so far: one compare. RF_ENOMEM. */
int sketch_add_slowly(sketch *all, const record *key, uint64_t hash, uint64_t weight);
void sketch_free(sketch *all);

/* The sample as bytes: count times | weight 8 | record |, and back; RF_EINPUT, not told: malformed. A key that is in all already gets
   the weight added. */
int sketch_put(const sketch *all, buffer *to);
int sketch_merge(sketch *all, const uint8_t *bytes, size_t size);

/* At most count keys, ascending in order, that cut the sample into count + 1 parts of like weight; records without values are
   appended to *splitters, *made of them. Fewer where there are few keys. RF_ENOMEM. */
int sketch_splitters(const sketch *all, const record_order *order, uint32_t count, buffer *splitters, uint32_t *made);

/* Of every record that is sealed: cheaper than record_hash, and apart from it, which partitions and tables look at. The first and the last 8
   bytes and the size are all that there is of a key of at most 16. */
static inline uint64_t sketch_hash(const record *key)
{
    uint64_t first, last = 0, size = key->key_size;
    if (size > 16)
        return hash_long_key(key->key, size, key->key_type) * 0x9e3779b97f4a7c15u;
    first = size >= 8 ? record_first_bytes(key->key) : record_word(key->key, size);
    last = size >= 8 ? record_first_bytes(key->key + size - 8) : 0;
    first = (first ^ 0x52616e6b666f6c64u) * 0x9e3779b97f4a7c15u;
    first = (first ^ first >> 32 ^ last ^ size << 56 ^ (uint64_t)key->key_type << 48) * 0xd6e8feb86659fd93u;
    return (first ^ first >> 32) * 0x9e3779b97f4a7c15u;
}

static inline bool sketch_wants(const sketch *all, uint64_t hash)       /* false: the key would change nothing */
{
    return all->count < all->limit || (all->limit && hash <= all->keys[0].hash);
}

static inline int sketch_add(sketch *all, const record *key, uint64_t hash, uint64_t weight)
{
    return sketch_wants(all, hash) ? sketch_add_slowly(all, key, hash, weight) : RF_OK;
}

#endif
