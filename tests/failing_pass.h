/* Descriptors that cannot be passed on: one in so many, drawn, because the door is full (it is tried again) or for good. Other messages of
   sockets are let through. */
#ifndef RANKFOLD_TESTS_FAILING_PASS_H
#define RANKFOLD_TESTS_FAILING_PASS_H

#include <stdint.h>

void failing_pass(uint64_t seed, uint64_t one_in);      /* one_in 0: none */
uint64_t failing_pass_count(void);                      /* that have failed so far */

#endif
