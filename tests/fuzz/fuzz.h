/* A fuzz target: what libFuzzer calls, and what replay.c calls in its place within the test suite. */
#ifndef RANKFOLD_TESTS_FUZZ_H
#define RANKFOLD_TESTS_FUZZ_H

#include "base/buffer.h"

extern const char *const fuzz_corpus;           /* the target's folder in tests/fuzz/corpus */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);   /* any bytes; a fault shows as a sanitizer's report */
void fuzz_seed(uint64_t *random, buffer *input);                /* appends legal input to start from */

#endif
