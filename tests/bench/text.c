#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum { VOCABULARY = 1000000, PLACE = 16, WORDS_A_LINE = 12 };

/* A place holds a word and, in its last byte, its length. */
static void make_word(char *place, uint64_t rank, uint64_t seed)
{
    uint64_t random = random_seed(seed, rank, 0, 0);
    size_t length = (rank <= 10 ? 2 : rank <= 100 ? 3 : rank <= 2000 ? 4 : 5) + random_below(&random, 5);
    for (size_t i = 0; i < length; i++)
        place[i] = (char)('a' + random_below(&random, 26));
    place[PLACE - 1] = (char)length;
}

int text_open(bench_text *t, text_kind kind, uint64_t seed)
{
    *t = (bench_text){.kind = kind, .random = seed};
    if (kind != TEXT_ZIPF)
        return 0;
    t->vocabulary = calloc(VOCABULARY, PLACE);
    for (uint64_t i = 0; t->vocabulary && i < VOCABULARY; i++)
        make_word(t->vocabulary + i * PLACE, i + 1, seed);
    return t->vocabulary ? 0 : -1;
}

void text_close(bench_text *t)
{
    free(t->vocabulary);
    t->vocabulary = NULL;
}

/* Rank r covers what lies between the logarithms of r and of r + 1. */
static size_t zipf_word(bench_text *t, char *to)
{
    uint64_t rank = (uint64_t)exp(random_unit(&t->random) * log(VOCABULARY));
    const char *place = t->vocabulary + (rank - 1) * PLACE;
    memcpy(to, place, PLACE);
    return (size_t)place[PLACE - 1];
}

/* Has no factor in common with 26. */
static uint64_t multiplier(size_t length)
{
    uint64_t random = random_seed(length, 0, 0, 0) | 1;
    return random % 13 ? random : random + 2;
}

/* Word n of its length: multiplying by what has no factor in common with 26 changes the order of the numbers below 26^length, and no
   two of them become one. */
static size_t distinct_word(bench_text *t, char *to)
{
    size_t length = 7 + t->words % 5;
    uint64_t numbers = 1, number = t->words / 5 + t->random;
    for (size_t i = 0; i < length; i++)
        numbers *= 26;
    number = (uint64_t)((unsigned __int128)(number % numbers) * multiplier(length) % numbers);
    for (size_t i = 0; i < length; i++, number /= 26)
        to[length - 1 - i] = (char)('a' + number % 26);
    return length;
}

size_t text_next(bench_text *t, char to[16])
{
    size_t length = t->kind == TEXT_ZIPF ? zipf_word(t, to) : distinct_word(t, to);
    to[length] = ++t->words % WORDS_A_LINE ? ' ' : '\n';
    return length + 1;
}
