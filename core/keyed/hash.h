/* Hashes by xxhash (XXH3, inlined; its header is all that is used). The seeds are constants: a key has one hash on every rank, in
   every attempt and every run of a program, so that it always meets its equals, and samples and outputs repeat. */
#ifndef RANKFOLD_KEYED_HASH_H
#define RANKFOLD_KEYED_HASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rankfold.h"

/* Of a record's key, as record.h encodes it, when it is short: its bytes as two words, zeros behind them. Length and type move the
   seed; there is one path for all lengths. */
#define HASH_SHORT ((size_t)16)
static inline uint64_t hash_short_key(const uint64_t words[2], size_t size, unsigned type)
{
    return XXH3_64bits_withSeed(words, HASH_SHORT, 0x52616e6b666f6c64u + (type << 8) + size);
}

static inline uint64_t hash_long_key(const void *key, size_t size, unsigned type)
{
    return XXH3_64bits_withSeed(key, size, 0x52616e6b666f6c64u + (type << 8));
}

static inline uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, size, seed);
}

#endif
