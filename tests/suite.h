/* What every test program here does: takes the seed of its random cases from --seed N or SEED, prints it, runs its suite.

       int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }

   Random cases start from suite_seed; without one said it is drawn from the clock. */
#ifndef RANKFOLD_TESTS_SUITE_H
#define RANKFOLD_TESTS_SUITE_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t suite_seed;

static inline int suite_run(Suite *suite, int argc, char **argv)
{
    const char *seed = argc > 2 && strcmp(argv[1], "--seed") == 0 ? argv[2] : getenv("SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    suite_seed = seed ? strtoull(seed, NULL, 0) : (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    printf("seed %" PRIu64 "\n", suite_seed);
    fflush(stdout);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
