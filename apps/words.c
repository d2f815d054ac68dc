#define _GNU_SOURCE
#include "words.h"

#include <endian.h>
#include <string.h>

/* The text is copied piece by piece into a buffer that stays in the cache: letters become small, everything else becomes zero. Then the
   words begin and end where a bit of a mask differs from the one before it: neither step has a branch for each byte. */
#define PIECE ((size_t)8192)
#define BLOCK ((size_t)64)

static inline unsigned char small_letter(unsigned char byte)
{
    unsigned char small = byte | ' ';
    return (unsigned char)(small - 'a') < 26 ? small : 0;
}

/* So many at once that the compiler makes vectors of them. */
static inline void lower_block(unsigned char *restrict to, const unsigned char *restrict from)
{
    for (size_t i = 0; i < BLOCK; i++)
        to[i] = small_letter(from[i]);
}

/* Zeros follow up to a whole block. */
static void lower(unsigned char *to, const unsigned char *from, size_t size)
{
    unsigned char last[BLOCK] = {0};
    size_t whole = size - size % BLOCK;
    for (size_t at = 0; at < whole; at += BLOCK)
        lower_block(to + at, from + at);
    memcpy(last, from + whole, size - whole);
    lower_block(to + whole, last);
}

/* Bit i: byte i of the block is a letter: of what lower() writes only they have 64 in them. The multiplication moves bit 8 i to 56 + i. */
static inline uint64_t letters_of(const unsigned char *block)
{
    uint64_t letters = 0;
    for (size_t i = 0; i < BLOCK; i += 8) {
        uint64_t bytes;
        memcpy(&bytes, block + i, 8);
        bytes = le64toh(bytes) >> 6 & UINT64_C(0x0101010101010101);
        letters |= (bytes * UINT64_C(0x0102040810204080) >> 56) << i;
    }
    return letters;
}

/* ---- words that come again -------------------------------------------------------------------------------------- */

#define SLOTS 2048u
#define SHORT 31u

/* A word has one slot, and the last word that came there is in it. So some are forgotten, and longer ones are never known. */
typedef struct recent {
    struct {
        unsigned char length, word[SHORT];
    } slots[SLOTS];
} recent;

static bool came_again(recent *all, const unsigned char *word, size_t length)
{
    uint32_t hash = 0;
    if (length > SHORT)
        return false;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ word[i]) * 0x9e3779b1u;
    size_t at = hash >> 16 & (SLOTS - 1);
    if (all->slots[at].length == length && memcmp(all->slots[at].word, word, length) == 0)
        return true;
    all->slots[at].length = (unsigned char)length;
    memcpy(all->slots[at].word, word, length);
    return false;
}

/* ---- emitting --------------------------------------------------------------------------------------------------- */

typedef struct emission {
    rf_call *call;
    rf_value value;
    recent *before;                     /* NULL: each time that it comes */
} emission;

static inline int emit(const emission *to, const unsigned char *word, size_t length)
{
    if (to->before && came_again(to->before, word, length))
        return RF_OK;
    return rf_emit_pair(to->call, rf_text((const char *)word, length), to->value);
}

/* Of a lowered piece that ends with a zero. */
static inline int emit_words(const emission *to, const unsigned char *piece, size_t size)
{
    uint64_t inside = 0;
    size_t start = 0;
    for (size_t base = 0; base < size; base += BLOCK) {
        uint64_t letters = letters_of(piece + base);
        uint64_t edges = letters ^ (letters << 1 | inside);
        for (; edges; edges &= edges - 1) {
            size_t at = base + (size_t)__builtin_ctzll(edges);
            if (inside && emit(to, piece + start, at - start))
                return RF_EFUNCTION;
            start = at;
            inside = !inside;
        }
    }
    return RF_OK;
}

/* How many of the first bytes hold whole words. 0: a word is as long as that, or longer. */
static size_t whole_words(const unsigned char *text, size_t size)
{
    while (size && small_letter(text[size - 1]))
        size--;
    return size;
}

static size_t word_length(const unsigned char *text, size_t size)
{
    size_t length = 0;
    while (length < size && small_letter(text[length]))
        length++;
    return length;
}

static int emit_long_word(const emission *to, const unsigned char *word, size_t length)
{
    unsigned char *copy = rf_call_alloc(to->call, length);
    if (!copy)
        return RF_ENOMEM;
    for (size_t i = 0; i < length; i++)
        copy[i] = small_letter(word[i]);
    return emit(to, copy, length);
}

/* Inlined with what is known of `to`, so that counting words has nothing to do with those before. */
static inline __attribute__((always_inline)) int emit_text(const emission *to, rf_value text)
{
    unsigned char piece[PIECE + BLOCK];
    const unsigned char *at = text.data, *end = at + rf_size(text);
    int status = RF_OK;
    while (at < end && status == RF_OK) {
        size_t left = (size_t)(end - at), size = left < PIECE ? left : whole_words(at, PIECE);
        if (size) {
            lower(piece, at, size);
            status = emit_words(to, piece, size + 1);
        } else {
            size = word_length(at, left);
            status = emit_long_word(to, at, size);
        }
        at += size;
    }
    return status;
}

int words_emit(rf_call *call, rf_value text, rf_value value)
{
    return emit_text(&(emission){call, value, NULL}, text);
}

int words_emit_once(rf_call *call, rf_value text, rf_value value)
{
    recent *before = rf_call_alloc(call, sizeof *before);
    if (!before)
        return RF_ENOMEM;
    memset(before, 0, sizeof *before);
    return emit_text(&(emission){call, value, before}, text);
}
