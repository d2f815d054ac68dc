/* What the tests of the verbs share. They are programs as a user writes them: rankfold.h alone, under mpirun. Rank 0 runs
   the cases, one after the other, on the pool of rf_main:

       CASE(squares_come_in_order)
       {
           CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), NULL, NULL), RF_OK);
       }
       int main(int argc, char **argv) { return rf_main(argc, argv, verify); }

   A program that owns MPI includes mpi.h first and calls verify_pools: it opens a pool for each case, so that a case may
   close it. Each check ends its case when it does not hold, saying file, line, case and what came. Arguments are names of
   cases: then only those run. The last line is libcheck's, so that the harness counts the cases. A case that is not done
   after CASE_SECONDS is named, and ends the program. */
#ifndef RANKFOLD_TESTS_VERIFY_H
#define RANKFOLD_TESTS_VERIFY_H

#include <rankfold.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CASE_SECONDS
#define CASE_SECONDS 100
#endif

typedef struct verify_case {
    const char *name;
    void (*run)(rf_pool *pool);
    struct verify_case *next;
} verify_case;

static struct {
    verify_case *first, **last;
    const char *now;
    unsigned checks, failures;
    bool failed;            /* the case that runs */
} verifying = {.last = &verifying.first};

#define CASE(title)                                                                                                    \
    static void title(rf_pool *);                                                                                      \
    static verify_case verify_##title = {.name = #title, .run = title};                                                \
    __attribute__((constructor)) static void verify_add_##title(void) { verify_add(&verify_##title); }                 \
    static void title(__attribute__((unused)) rf_pool *pool)

#define CHECK(what) CHECK_(what, "%s", #what)
#define CHECK_(holds, ...)                                                                                             \
    do {                                                                                                               \
        if (!(holds)) {                                                                                                \
            verify_failed(__FILE__, __LINE__, __VA_ARGS__);                                                            \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)
#define CHECK_STATUS(got, wanted)                                                                                      \
    do {                                                                                                               \
        int got_ = (got), wanted_ = (wanted);                                                                          \
        CHECK_(got_ == wanted_, "%s is %s (%s), not %s", #got, rf_status_name(got_),                                   \
               got_ < 0 ? rf_last_error()->message : "", rf_status_name(wanted_));                                     \
    } while (0)
#define CHECK_INT(got, wanted)                                                                                         \
    do {                                                                                                               \
        int64_t got_ = (int64_t)(got), wanted_ = (int64_t)(wanted);                                                    \
        CHECK_(got_ == wanted_, "%s is %" PRId64 ", not %" PRId64, #got, got_, wanted_);                               \
    } while (0)
#define CHECK_TEXT(got, wanted)                                                                                        \
    do {                                                                                                               \
        const char *got_ = (got), *wanted_ = (wanted);                                                                 \
        CHECK_(got_ && strcmp(got_, wanted_) == 0, "%s is \"%s\", not \"%s\"", #got, got_ ? got_ : "NULL", wanted_);   \
    } while (0)
#define CHECK_HAS(text, part)                                                                                          \
    do {                                                                                                               \
        const char *text_ = (text), *part_ = (part);                                                                   \
        CHECK_(text_ && strstr(text_, part_), "%s is \"%s\", without \"%s\"", #text, text_ ? text_ : "NULL", part_);   \
    } while (0)
/* For a function that checks: the case ends where it found something. */
#define ALSO(call)                                                                                                     \
    do {                                                                                                               \
        (call);                                                                                                        \
        if (verifying.failed)                                                                                          \
            return;                                                                                                    \
    } while (0)

static inline void verify_add(verify_case *one)
{
    *verifying.last = one;
    verifying.last = &one->next;
}

__attribute__((format(printf, 3, 4))) static inline void verify_failed(const char *file, int line, const char *format, ...)
{
    verifying.failed = true;
    printf("%s:%d: %s: ", file, line, verifying.now);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

static void verify_out_of_time(int signal)
{
    (void)signal;
    const char *parts[] = {verifying.now, ": not done in time\n"};
    for (int i = 0; i < 2; i++) {
        if (write(STDOUT_FILENO, parts[i], strlen(parts[i])) < 0)
            break;
    }
    _exit(1);
}

static inline bool verify_wanted(const verify_case *one, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], one->name) == 0)
            return true;
    }
    return argc < 2;
}

static inline void verify_one(const verify_case *one, rf_pool *pool)
{
    verifying.now = one->name;
    verifying.failed = false;
    alarm(CASE_SECONDS);
    one->run(pool);
    alarm(0);
    verifying.checks++;
    verifying.failures += verifying.failed;
}

static inline int verify_end(void)
{
    printf("%u%%: Checks: %u, Failures: %u, Errors: 0\n",
           verifying.checks ? 100 * (verifying.checks - verifying.failures) / verifying.checks : 0, verifying.checks,
           verifying.failures);
    fflush(stdout);
    return verifying.failures || !verifying.checks;
}

__attribute__((unused)) static int verify(rf_pool *pool, int argc, char **argv)
{
    signal(SIGALRM, verify_out_of_time);
    for (const verify_case *one = verifying.first; one; one = one->next) {
        if (verify_wanted(one, argc, argv))
            verify_one(one, pool);
    }
    return verify_end();
}

#ifdef MPI_VERSION
/* Collective. */
static inline int verify_pools(int argc, char **argv)
{
    int rank, status = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    signal(SIGALRM, verify_out_of_time);
    for (const verify_case *one = verifying.first; one && !status; one = one->next) {
        rf_pool *pool;
        if (!verify_wanted(one, argc, argv))
            continue;
        status = rf_open(MPI_COMM_WORLD, NULL, &pool);
        if (status)
            printf("%s: rank %d: rf_open: %s\n", one->name, rank, rf_last_error()->message);
        if (pool)
            verify_one(one, pool);
        if (pool)
            rf_close(pool);
    }
    return rank ? status != 0 : verify_end() || status;
}
#endif

#endif
