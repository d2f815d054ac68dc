/* A record: a (key, value) pair as bytes, the same in the stage of emitted pairs, in rows, in the blocks of runs and between ranks.

       | types       | key size | value size | key ...                     | value ...                        |
       | key<<4|value| varint   | varint     | bytes that sort as keys do  | a number trimmed, or plain bytes |

   Keys are encoded so that memcmp is their order, shorter ones first where one begins the other:
       text, bytes      as they are
       integers         8 bytes, big-endian, sign bit flipped: one type, whatever their sign. Above INT64_MAX: eight 0xff
                        and then the number
       doubles          8 bytes, big-endian, negative ones complemented; -0.0 is 0.0, all NaN are one, behind infinity
       bool             a byte; nil: none
       tuple, dict      their MessagePack
   Two keys are equal when type and bytes are; keys of different types are ordered by bytes first, then by type. So the order of
   bytes, of unsigned and signed integers and of doubles is one memcmp, and mostly none: the first 8 bytes, as a number,
   travel beside each record that is sorted or merged (its prefix).

   Values: RF_I64 zigzag, RF_U64, both little-endian without leading zero bytes; RF_F64 8 bytes; RF_BOOL a byte; nil none; texts
   and bytes as they are; containers as MessagePack.

   A record is a view: it points into the bytes it was taken from. */
#ifndef RANKFOLD_KEYED_RECORD_H
#define RANKFOLD_KEYED_RECORD_H

#include <string.h>

#include "base/buffer.h"
#include "keyed/hash.h"

#define RECORD_SIZE_MOST ((size_t)INT32_MAX)    /* of a key, and of a value: below 2 GiB */
#define RECORD_HEAD_MOST 11                     /* types and two sizes */

typedef struct record {
    const uint8_t *key, *value;
    uint32_t key_size, value_size;
    uint8_t key_type, value_type;               /* rf_type; a key's is never RF_U64 */
} record;

/* How records are ordered: by key as above, or by a registered function, keys that it calls equal by their bytes. Equality
   never asks the function: groups do not depend on it. A function that is no order gives some order. It sees numbers as
   they were emitted and views of all else, neither aligned nor followed by a NUL. */
typedef struct record_order {
    rf_compare_function *compare;               /* NULL: by bytes */
    bool by_value;                              /* secondary sort: equal keys by value (record_value_order), else as they came;
                                                   not together with a fold */
} record_order;

/* ---- from values ------------------------------------------------------------------------------------------------ */

/* The bytes of a key or a value: a view of the value, of number, or of packed, where a borrowed container was appended. */
typedef struct record_part {
    const uint8_t *data;                        /* NULL: size bytes at packed_at of packed, which may still move */
    size_t size, packed_at;
    rf_type type;
    uint8_t number[16];
} record_part;

/* RF_EARGS: 2 GiB or more; RF_EUSAGE: NULL with a size, or no value at all; RF_ENOMEM. what ("key", "value") is for the message. */
int record_encode_key(rf_value key, record_part *to, buffer *packed);
int record_encode_value(rf_value value, record_part *to, buffer *packed);

/* Both: what made views are the values, the two parts (key, value), or packed, whose content before is dropped. */
int record_encode(rf_value key, rf_value value, record_part parts[2], buffer *packed, record *made);

static inline unsigned record_trimmed(uint64_t number)      /* bytes without leading zeros */
{
    return number ? (unsigned)(71 - __builtin_clzll(number)) / 8 : 0;
}

static inline uint64_t record_zigzag(int64_t number)
{
    return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

/* ---- to values --------------------------------------------------------------------------------------------------- */

rf_value record_key(const record *from);        /* views */
rf_value record_value(const record *from);

/* ---- as bytes ---------------------------------------------------------------------------------------------------- */

size_t record_write(const record *from, uint8_t *to);       /* RECORD_HEAD_MOST and both sizes are room enough; bytes written */
int record_put(const record *from, buffer *to);
bool record_take_head(const uint8_t **at, const uint8_t *end, record *to);

/* Takes the next record off [*at, end); false: there is no whole one. Sizes are checked, types are not: see record_sound. */
static inline bool record_take(const uint8_t **at, const uint8_t *end, record *to)
{
    const uint8_t *from = *at;
    if (end - from >= 3 && !((from[1] | from[2]) & 0x80)) {
        to->key_type = from[0] >> 4;
        to->value_type = from[0] & 15;
        to->key_size = from[1];
        to->value_size = from[2];
        from += 3;
    } else if (!record_take_head(&from, end, to)) {
        return false;
    }
    if ((uint64_t)(end - from) < (uint64_t)to->key_size + to->value_size)
        return false;
    to->key = from;
    to->value = from + to->key_size;
    *at = to->value + to->value_size;
    return true;
}

/* The record that begins at at, of bytes that this process wrote: nothing is checked. */
static inline record record_at(const uint8_t *at)
{
    record it;
    record_take(&at, at + RECORD_HEAD_MOST + 2 * RECORD_SIZE_MOST, &it);
    return it;
}

static inline bool record_any_size(unsigned type)     /* a type that is of any size */
{
    return type >= RF_TEXT && type <= RF_DICT_TYPE;
}

/* Could it have been written? For what comes from a file or a peer. */
bool record_numbers_sound(const record *taken);
static inline bool record_sound(const record *taken)
{
    return (record_any_size(taken->key_type) && record_any_size(taken->value_type)) || record_numbers_sound(taken);
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

/* Up to 8 bytes as they lie, zeros behind them. */
static inline uint64_t record_word(const uint8_t *from, size_t size)
{
    uint64_t word = 0;
    if (size >= 8) {
        memcpy(&word, from, 8);
    } else if (size >= 4) {
        uint32_t low, high;
        memcpy(&low, from, 4);
        memcpy(&high, from + size - 4, 4);
        word = low | (uint64_t)high << (8 * (size - 4));
    } else if (size) {
        word = from[0] | (uint64_t)from[size / 2] << (8 * (size / 2)) | (uint64_t)from[size - 1] << (8 * (size - 1));
    }
    return word;
}

static inline uint64_t record_prefix(const uint8_t *key, size_t size)
{
    return __builtin_bswap64(record_word(key, size));
}

/* A key of at most 16 bytes as two words, zeros behind it. Reads 16 bytes: they belong to the caller (RECORD_SLACK). */
#define RECORD_SLACK 16
static inline void record_words(const uint8_t *key, size_t size, uint64_t words[2])
{
    static const uint64_t ones[5] = {UINT64_MAX, UINT64_MAX, 0, 0, 0};
    uint64_t masks[2];
    memcpy(masks, (const uint8_t *)ones + 16 - size, 16);
    memcpy(words, key, 16);
    words[0] &= masks[0];
    words[1] &= masks[1];
}

/* Where it is not known what follows the key. */
static inline uint64_t record_hash(const record *of)
{
    uint64_t words[2];
    if (of->key_size > HASH_SHORT)
        return hash_long_key(of->key, of->key_size, of->key_type);
    words[0] = record_word(of->key, of->key_size);
    words[1] = of->key_size > 8 ? record_word(of->key + 8, of->key_size - 8) : 0;
    return hash_short_key(words, of->key_size, of->key_type);
}

static inline uint64_t record_hash_slack(const record *of)      /* RECORD_SLACK bytes behind the key can be read */
{
    uint64_t words[2];
    if (of->key_size > HASH_SHORT)
        return hash_long_key(of->key, of->key_size, of->key_type);
    record_words(of->key, of->key_size, words);
    return hash_short_key(words, of->key_size, of->key_type);
}

static inline uint64_t record_first_bytes(const uint8_t *key)
{
    uint64_t word;
    memcpy(&word, key, 8);
    return word;
}

/* Where 8 bytes of the key can be read, whatever its size: without a branch for each length. */
static inline uint64_t record_prefix_slack(const uint8_t *key, size_t size)
{
    uint64_t word = __builtin_bswap64(record_first_bytes(key));
    return size < 8 ? word & ~(UINT64_MAX >> 8 * size) : word;
}

static inline bool record_same_key(const record *a, const record *b)
{
    if (a->key_size != b->key_size || a->key_type != b->key_type)
        return false;
    if (a->key_size >= 8 && record_first_bytes(a->key) != record_first_bytes(b->key))
        return false;
    return memcmp(a->key, b->key, a->key_size) == 0;
}

int record_compare_bytes(const record *a, const record *b);                     /* of keys */
int record_compare_keys(const record_order *order, const record *a, const record *b);
int record_compare(const record_order *order, const record *a, const record *b);    /* and of values where the order says so */

/* Any two values: by type (nil, bool, numbers, text, bytes, tuple, dictionary), numbers by what they are, exactly, NaN last, all
   else by bytes. 0 also for 1 and 1.0. Borrowed containers are not compared: what was read has none. */
int record_value_order(rf_value a, rf_value b);

void record_tell(rf_value key, char *to, size_t size);      /* for messages: as rf_print does, cut */

#endif
