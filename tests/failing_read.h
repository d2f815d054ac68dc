/* Reads that come short, are interrupted, or fail, on demand. A test that links failing_read.c is linked with
   -Wl,--wrap=read,--wrap=pread; until it asks for something, all reads are as ever. */
#ifndef RANKFOLD_TESTS_FAILING_READ_H
#define RANKFOLD_TESTS_FAILING_READ_H

#include <stdint.h>

void failing_read_short(uint64_t seed);         /* each read gives a random part of what it could, or EINTR; 0: no longer */
void failing_read_at(uint64_t n, int error);    /* the n-th read from now on, and all after it, fail with error; n 0: none */
uint64_t failing_read_count(void);              /* reads so far */
uint64_t failing_read_bytes(void);              /* that they gave */

#endif
