/* Words of ASCII letters in machine words: what the hand-written counter reads and writes. Little-endian machines with SSE2 alone,
   as these are that it is measured on. */
#ifndef BENCH_LETTERS_H
#define BENCH_LETTERS_H

#include <emmintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool letters_is(char byte)
{
    return (unsigned char)((byte | ' ') - 'a') < 26;
}

static inline uint64_t letters_of_16(const char *text)
{
    __m128i bytes = _mm_or_si128(_mm_loadu_si128((const __m128i *)(const void *)text), _mm_set1_epi8(' '));
    return (uint64_t)_mm_movemask_epi8(_mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('a' - 1)),
                                                     _mm_cmplt_epi8(bytes, _mm_set1_epi8('z' + 1))));
}

/* Bit i: byte i is a letter. */
static inline uint64_t letters_of_64(const char *text)
{
    return letters_of_16(text) | letters_of_16(text + 16) << 16 | letters_of_16(text + 32) << 32 | letters_of_16(text + 48) << 48;
}

/* 1 to 8 letters, small, as they lie in memory, zeros behind. 8 bytes may be read. */
static inline uint64_t letters_load(const char *letters, size_t length)
{
    uint64_t x;
    memcpy(&x, letters, 8);
    return (x | 0x2020202020202020) & UINT64_MAX >> (64 - 8 * length);
}

/* These as 40 bits, five each, 1 to 26, the first one highest: they compare as the words do. */
static inline uint64_t letters_pack(uint64_t x)
{
    x = __builtin_bswap64(x);
    x = (x & 0x001f001f001f001f) | (x >> 3 & 0x03e003e003e003e0);
    x = (x & 0x000003ff000003ff) | (x >> 6 & 0x000ffc00000ffc00);
    return (x & 0xfffff) | (x >> 12 & 0xfffff00000);
}

/* 8 bytes are written: small letters, and no matter what behind them. */
static inline void letters_unpack(char *to, uint64_t x)
{
    x = (x & 0xfffff) | (x & 0xfffff00000) << 12;
    x = (x & 0x000003ff000003ff) | (x & 0x000ffc00000ffc00) << 6;
    x = (x & 0x001f001f001f001f) | (x & 0x03e003e003e003e0) << 3;
    x = __builtin_bswap64(x | 0x6060606060606060);
    memcpy(to, &x, 8);
}

#endif
