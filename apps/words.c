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

/* Of a lowered piece that ends with a zero. */
static int emit_words(rf_call *call, const unsigned char *piece, size_t size, rf_value value)
{
    uint64_t inside = 0;
    size_t start = 0;
    for (size_t base = 0; base < size; base += BLOCK) {
        uint64_t letters = letters_of(piece + base);
        uint64_t edges = letters ^ (letters << 1 | inside);
        for (; edges; edges &= edges - 1) {
            size_t at = base + (size_t)__builtin_ctzll(edges);
            if (inside && rf_emit_pair(call, rf_text((const char *)piece + start, at - start), value))
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

static int emit_long_word(rf_call *call, const unsigned char *word, size_t length, rf_value value)
{
    char *copy = rf_call_alloc(call, length);
    if (!copy)
        return RF_ENOMEM;
    for (size_t i = 0; i < length; i++)
        copy[i] = (char)(word[i] | ' ');
    return rf_emit_pair(call, rf_text(copy, length), value);
}

int words_emit(rf_call *call, rf_value text, rf_value value)
{
    unsigned char piece[PIECE + BLOCK];
    const unsigned char *at = text.data, *end = at + rf_size(text);
    int status = RF_OK;
    while (at < end && status == RF_OK) {
        size_t left = (size_t)(end - at), size = left < PIECE ? left : whole_words(at, PIECE);
        if (size) {
            lower(piece, at, size);
            status = emit_words(call, piece, size + 1, value);
        } else {
            size = word_length(at, left);
            status = emit_long_word(call, at, size, value);
        }
        at += size;
    }
    return status;
}
