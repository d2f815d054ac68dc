/* Texts that are counted: the same bytes for the same kind, size and seed. Words of small letters, a blank behind each, or a newline
   behind every twelfth. */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdint.h>
#include <stdio.h>

typedef enum text_kind {
    TEXT_ZIPF,                      /* of a vocabulary of a million words, of 2 to 9 letters, longer ones rarer: the one of rank r comes with a
                                       probability of log(1 + 1/r) / log(10^6), which is Zipf's law with exponent 1 but for the first few */
    TEXT_DISTINCT                   /* words of 7 to 11 letters, no two alike */
} text_kind;

typedef struct bench_text {
    text_kind kind;
    uint64_t random, words;         /* words: how many there were */
    char *vocabulary;
} bench_text;

#define TEXT_WORD_MOST 12           /* with what stands behind it */

int text_open(bench_text *, text_kind, uint64_t seed);        /* 0, or -1: no memory */
size_t text_next(bench_text *, char to[16]);                  /* bytes of the next word and what stands behind it; all 16 may be written */
void text_close(bench_text *);

#endif
