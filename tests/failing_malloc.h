/* Allocations that fail on demand. A test that links failing_malloc.c and is linked with
       -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
   can let each allocation of a piece of work fail in turn (those of the objects and static libraries in the program; the
   shared libraries it uses allocate as ever):

       FAILING_EACH_IN_TURN(n) {
           int status = the_work();                 // from here on allocation n fails, counted from 1
           bool failed = failing_malloc_stop();     // and no other; true when there was one
           ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
           free_what_the_work_left();
       }

   The loop ends after the first round in which nothing failed: n then counts the allocations of the work, plus one. Run
   under the address sanitizer or valgrind it also tells what a failure leaks. */
#ifndef RANKFOLD_TESTS_FAILING_MALLOC_H
#define RANKFOLD_TESTS_FAILING_MALLOC_H

#include <stdbool.h>
#include <stdint.h>

void failing_malloc_at(uint64_t n);     /* the n-th from now on fails, n from 1; that one alone */
bool failing_malloc_stop(void);         /* none fails any more; true: it did */
bool failing_malloc_again(uint64_t n);  /* for the loop: n is 1, or the round before had a failure */
uint64_t failing_malloc_count(void);    /* allocations since failing_malloc_at */

#define FAILING_EACH_IN_TURN(n) for (uint64_t n = 1; failing_malloc_again(n); n++)

#endif
