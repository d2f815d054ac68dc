/* Rows D2, D5, E2 and E3 where functions run in children of the ranks, on 1, 2, 3 and 5 ranks: whatever a function does there costs one
   attempt of its item. */
#include "../functions.h"
#include "../verify.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

/* ---- what functions do ---- */

enum deed { SEGFAULT = 1, ABORT, EXIT_0, EXIT_3, LOOP, HOG, CHECKED_HOG };
typedef struct plot {                   /* items at multiples of every, from the first multiple on, up to attempts, do this */
    int64_t every;
    enum deed deed;
    unsigned attempts;
} plot;

static void *volatile hoard;
static int *volatile nowhere;

static void hog(rf_call *call, bool checks)
{
    for (;;) {
        void *piece = malloc(1 << 20);
        if (!piece && checks) {
            rf_fail(call, "memory", "no more");
            return;
        }
        memset(piece, 1, 1 << 20);
        hoard = piece;
    }
}

/* A sanitizer would report it, at length, and exit. */
static void write_to_nowhere(void)
{
#ifdef __SANITIZE_ADDRESS__
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
#endif
    *nowhere = 1;
}

static void misbehave(rf_call *call, enum deed deed)
{
    volatile bool forever = true;
    switch (deed) {
    case SEGFAULT: write_to_nowhere(); break;
    case ABORT: abort();
    case EXIT_0: exit(0);
    case EXIT_3: exit(3);
    case LOOP:
        while (forever)
            ;
        break;
    case HOG: hog(call, false); break;
    case CHECKED_HOG: hog(call, true); break;
    }
}

static int behave(rf_call *call, rf_value item)
{
    int64_t x;
    const plot *its = RF_CALL_STATE(call, plot);
    if (!its || RF_ARGS(call, item, x))
        return RF_EARGS;
    if (x % its->every == its->every - 1 && rf_call_attempt(call) <= its->attempts)
        misbehave(call, its->deed);
    return RF_RETURN(call, x * x);
}
RF_REGISTER(behave);

/* ---- crashes ---- */

static void check_plot(rf_pool *pool, const plot *its, const rf_options *others, int status, const char *kind, const char *message)
{
    RF_AUTO(rf_results, results);
    const int64_t count = 60;
    rf_options options = *others;
    options.state = rf_bytes(its, sizeof *its);
    CHECK_STATUS(rf_map(pool, behave, rf_range(0, count), &options, &results), RF_EITEMS);
    CHECK_INT(rf_results_len(results), count);
    for (int64_t i = 0; i < count; i++) {
        rf_result one = rf_results_at(results, (uint64_t)i);
        char where[32];
        CHECK_INT(one.index, i);
        if (i % its->every != its->every - 1) {
            CHECK_(one.ok, "item %" PRId64 ": %s", i, one.ok ? "" : one.error->message);
            CHECK_INT(rf_i64(one.value), i * i);
            continue;
        }
        CHECK_(!one.ok, "item %" PRId64 " has not failed", i);
        CHECK_INT(one.error->status, status);
        CHECK_TEXT(one.error->kind, kind);
        CHECK_HAS(one.error->message, message);
        snprintf(where, sizeof where, "item %" PRId64 ": behave: ", i);
        CHECK_HAS(one.error->message, where);
    }
}

static void check_crash(rf_pool *pool, enum deed deed, const char *message)
{
    const plot its = {.every = 20, .deed = deed, .attempts = 1};
    for (uint64_t chunk = 0; chunk <= 25; chunk += chunk ? 24 : 1)      /* 0 (automatic), 1 and 25 */
        ALSO(check_plot(pool, &its, RF_OPTIONS(.executor = RF_FORK, .chunk_size = chunk), RF_ECRASH, "crash", message));
}

CASE(E2_a_crash_costs_the_item_that_it_happened_in)
{
    ALSO(check_crash(pool, SEGFAULT, "killed by signal 11 (Segmentation fault) inside the function"));
    ALSO(check_crash(pool, ABORT, "killed by signal 6 (Aborted) inside the function"));
}

CASE(E2_an_exit_costs_the_item_that_it_happened_in)
{
    ALSO(check_crash(pool, EXIT_0, "exited with status 0 inside the function"));
    ALSO(check_crash(pool, EXIT_3, "exited with status 3 inside the function"));
}

CASE(E2_a_crash_can_be_tried_again)
{
    RF_AUTO(rf_results, results);
    const plot its = {.every = 7, .deed = SEGFAULT, .attempts = 2};
    CHECK_STATUS(rf_map(pool, behave, rf_range(0, 50), RF_OPTIONS(.executor = RF_FORK, .chunk_size = 10, .state = RF_STATE(its),
                        .retry = {.attempts = 3, .backoff = RF_NONE, .on = "crash"}), &results), RF_OK);
    for (int64_t i = 0; i < 50; i++) {
        CHECK_INT(rf_i64(rf_results_value(results, (uint64_t)i)), i * i);
        CHECK_INT(rf_results_at(results, (uint64_t)i).attempts, i % 7 == 6 ? 3 : 1);
    }
    CHECK_STATUS(rf_map(pool, behave, rf_range(0, 50), RF_OPTIONS(.executor = RF_FORK, .state = RF_STATE(its),
                        .retry = {.attempts = 3, .backoff = RF_NONE, .on = "timeout"}), NULL), RF_EITEMS);
}

CASE(E2_every_item_may_crash)
{
    RF_AUTO(rf_results, results);
    const plot its = {.every = 1, .deed = SEGFAULT, .attempts = 1};
    CHECK_STATUS(rf_map(pool, behave, rf_range(0, 20), RF_OPTIONS(.executor = RF_FORK, .chunk_size = 7, .state = RF_STATE(its)), &results), RF_EITEMS);
    CHECK_INT(rf_results_len(results), 20);
    for (uint64_t i = 0; i < 20; i++)
        CHECK(!rf_results_at(results, i).ok);
}

/* ---- lines that workers read ---- */

typedef struct path { char text[PATH_MAX]; } path;

static void name_scratch(path *its, const char *what)
{
    const char *folder = getenv("TMPDIR");
    snprintf(its->text, sizeof its->text, "%s/rankfold-%s-%d", folder && *folder ? folder : P_tmpdir, what, (int)getpid());
    unlink(its->text);
}

static int length_unless_poison(rf_call *call, rf_value line)
{
    if (rf_size(line) == 6 && !memcmp(line.data, "poison", 6))
        misbehave(call, SEGFAULT);
    return RF_RETURN(call, rf_size(line));
}
RF_REGISTER(length_unless_poison);

static int length_unless_poison_again(rf_call *call, rf_value line)
{
    if (rf_call_attempt(call) == 1)
        return length_unless_poison(call, line);
    return RF_RETURN(call, rf_size(line));
}
RF_REGISTER(length_unless_poison_again);

CASE(E2_a_crash_in_a_file_names_the_file_and_the_place)
{
    RF_AUTO(rf_results, results);
    path its;
    name_scratch(&its, "lines");
    FILE *to = fopen(its.text, "w");
    CHECK(to != NULL);
    for (int i = 0; i < 300; i++)
        fprintf(to, "%s\n", i % 50 == 49 ? "poison" : i % 2 ? "a line" : "another line");
    fclose(to);
    const char *paths[] = {its.text};
    int status = rf_map(pool, length_unless_poison, rf_lines((rf_strings_in){.constant = paths}, 1), RF_OPTIONS(.executor = RF_FORK, .split_size = 700), &results);
    unlink(its.text);
    CHECK_STATUS(status, RF_EITEMS);
    CHECK_INT(rf_results_len(results), 300);
    for (uint64_t i = 0, offset = 0; i < 300; i++) {
        rf_result one = rf_results_at(results, i);
        uint64_t size = i % 50 == 49 ? 6 : i % 2 ? 6 : 12;
        CHECK_INT(one.offset, offset);
        CHECK_INT(one.ok, i % 50 != 49);
        CHECK_INT(rf_i64(one.value), one.ok ? size : 0);
        char where[64];
        snprintf(where, sizeof where, " at byte %" PRIu64 ": length_unless_poison: killed", offset);
        if (!one.ok)
            CHECK_HAS(one.error->message, where);
        offset += size + 1;
    }
}

/* ---- limits ---- */

CASE(E3_task_timeout_ends_the_attempt_of_one_item)
{
    const plot its = {.every = 30, .deed = LOOP, .attempts = 1};
    ALSO(check_plot(pool, &its, RF_OPTIONS(.task_timeout = 0.05, .chunk_size = 25), RF_ETIMEOUT, "timeout",
                    "not done after 0.05 s, which is its task_timeout"));
}

CASE(E3_task_timeout_can_be_tried_again)
{
    RF_AUTO(rf_results, results);
    const plot its = {.every = 10, .deed = LOOP, .attempts = 1};
    CHECK_STATUS(rf_map(pool, behave, rf_range(0, 20), RF_OPTIONS(.task_timeout = 0.05, .state = RF_STATE(its),
                        .retry = {.attempts = 2, .backoff = RF_NONE, .on = "timeout"}), &results), RF_OK);
    CHECK_INT(rf_results_at(results, 9).attempts, 2);
}

CASE(E3_task_memory_ends_the_attempt_of_one_item)
{
#ifndef __SANITIZE_ADDRESS__            /* its allocator ends the process by itself */
    const plot its = {.every = 30, .deed = HOG, .attempts = 1}, checked = {.every = 30, .deed = CHECKED_HOG, .attempts = 1};
    ALSO(check_plot(pool, &its, RF_OPTIONS(.task_memory = 64 << 20, .chunk_size = 25), RF_ENOMEM, "memory",
                    "when the 67108864 bytes of its task_memory were used up"));
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, behave, rf_range(0, 30), RF_OPTIONS(.task_memory = 64 << 20, .state = RF_STATE(checked)), &results), RF_EITEMS);
    CHECK_TEXT(rf_results_at(results, 29).error->kind, "memory");
#endif
}

static void check_refused(rf_pool *pool, const rf_options *options, const char *name)
{
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), options, NULL), RF_EOPTION);
    CHECK_HAS(rf_last_error()->message, "executor is RF_INLINE");
    CHECK_HAS(rf_last_error()->message, name);
}

CASE(E3_what_needs_a_child_is_refused_with_inline)
{
    ALSO(check_refused(pool, RF_OPTIONS(.executor = RF_INLINE, .task_timeout = 1), "task_timeout"));
    ALSO(check_refused(pool, RF_OPTIONS(.executor = RF_INLINE, .task_memory = 1 << 20), "task_memory"));
    ALSO(check_refused(pool, RF_OPTIONS(.executor = RF_INLINE, .lifespan = 10), "lifespan"));
    ALSO(check_refused(pool, RF_OPTIONS(.executor = RF_INLINE, .slots = 2), "slots"));
    CHECK_HAS(rf_last_error()->message, "there are no threads");
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), NULL, NULL), RF_OK);
}

CASE(E3_timeout_ends_functions_that_never_return)
{
    RF_AUTO(rf_results, results);
    const plot its = {.every = 5, .deed = LOOP, .attempts = 1};
    CHECK_STATUS(rf_map(pool, behave, rf_range(0, 10), RF_OPTIONS(.executor = RF_FORK, .timeout = 0.3, .chunk_size = 1, .state = RF_STATE(its)), &results), RF_ETIMEOUT);
    CHECK_INT(rf_results_len(results), 10);
    CHECK_INT(rf_results_at(results, 4).error->status, RF_ETIMEOUT);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), RF_OPTIONS(.executor = RF_FORK), NULL), RF_OK);
}

static int until_cancelled(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    while (x && !rf_call_cancelled(call))
        rf_call_progress(call);
    return RF_RETURN(call, x);
}
RF_REGISTER(until_cancelled);

CASE(E2_what_nobody_wants_any_more_is_ended)
{
    const plot its = {.every = 3, .deed = LOOP, .attempts = 1};
    rf_iterator *loops = NULL, *asks = NULL;
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, until_cancelled, rf_range(0, 20), RF_OPTIONS(.executor = RF_FORK, .chunk_size = 1), &asks), RF_OK);
    CHECK_STATUS(rf_next(asks, &one), RF_OK);
    rf_iterator_free(asks);
    CHECK_STATUS(rf_imap(pool, behave, rf_range(0, 20), RF_OPTIONS(.executor = RF_FORK, .chunk_size = 1, .state = RF_STATE(its)), &loops), RF_OK);
    CHECK_STATUS(rf_next(loops, &one), RF_OK);
    rf_iterator_free(loops);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100), NULL, NULL), RF_OK);
    while (rf_poll(pool, 0.01) == RF_AGAIN)
        ;
}

/* ---- children ---- */

static int process(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, (int64_t)getpid());
}
RF_REGISTER(process);

CASE(D5_a_child_is_replaced_after_its_lifespan)
{
    for (uint64_t lifespan = 1; lifespan <= 10; lifespan += 9) {
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map(pool, process, rf_range(0, 100), RF_OPTIONS(.lifespan = lifespan, .chunk_size = 25), &results), RF_OK);
        for (uint64_t i = 0; i < 100; i++) {
            uint64_t same = 0;
            for (uint64_t k = 0; k < 100; k++)
                same += rf_i64(rf_results_value(results, i)) == rf_i64(rf_results_value(results, k));
            CHECK_(same <= lifespan, "a child has run %" PRIu64 " items", same);
        }
    }
}

CASE(E2_children_live_on_from_item_to_item)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, process, rf_range(0, 100), RF_OPTIONS(.executor = RF_FORK, .chunk_size = 1), &results), RF_OK);
    uint64_t different = 0;
    for (uint64_t i = 0; i < 100; i++) {
        bool seen = rf_i64(rf_results_value(results, i)) == (int64_t)getpid();
        CHECK(!seen);
        for (uint64_t k = 0; k < i; k++)
            seen = seen || rf_i64(rf_results_value(results, i)) == rf_i64(rf_results_value(results, k));
        different += !seen;
    }
    CHECK(different <= rf_workers(pool));
}

/* Each item of a pair waits until the other has begun. */
static int meet(rf_call *call, rf_value item)
{
    int64_t x;
    const path *its = RF_CALL_STATE(call, path);
    char mine[PATH_MAX + 32], other[PATH_MAX + 32];
    if (!its || RF_ARGS(call, item, x))
        return RF_EARGS;
    snprintf(mine, sizeof mine, "%s.%" PRId64, its->text, x);
    snprintf(other, sizeof other, "%s.%" PRId64, its->text, x ^ 1);
    close(open(mine, O_CREAT | O_WRONLY, 0600));
    while (access(other, F_OK))
        usleep(100);
    return RF_RETURN(call, x);
}
RF_REGISTER(meet);

CASE(E2_slots_run_items_at_once_in_one_rank)
{
    static path its;
    name_scratch(&its, "meet");
    int status = rf_map(pool, meet, rf_range(0, 12), RF_OPTIONS(.slots = 2, .workers = 1, .chunk_size = 1, .state = RF_STATE(its)), NULL);
    if (status == RF_OK)
        status = rf_map(pool, meet, rf_range(12, 20), RF_OPTIONS(.slots = 4, .workers = 1, .chunk_size = 1, .state = RF_STATE(its)), NULL);
    for (int64_t i = 0; i < 20; i++) {
        char mine[PATH_MAX + 32];
        snprintf(mine, sizeof mine, "%s.%" PRId64, its.text, i);
        unlink(mine);
    }
    CHECK_STATUS(status, RF_OK);
}

CASE(E2_slots_give_what_inline_gives)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 20000), RF_OPTIONS(.slots = 3), &results), RF_OK);
    for (int64_t i = 0; i < 20000; i++)
        CHECK_INT(rf_i64(rf_results_value(results, (uint64_t)i)), i * i);
}

/* ---- .init and .exit ---- */

static path init_record;                /* set before the zygote is made */

static void record(const char *what)
{
    FILE *to = fopen(init_record.text, "a");
    if (to) {
        fprintf(to, "%s %d\n", what, (int)getpid());
        fclose(to);
    }
}

static int prepare(rf_call *call, void **worker)
{
    (void)call;
    record("init");
    *worker = malloc(1);
    return RF_OK;
}

static void put_away(void *worker)
{
    record("exit");
    free(worker);
}

static int prepared(rf_call *call, rf_value item)
{
    int64_t x;
    if (!rf_call_worker(call) || RF_ARGS(call, item, x))
        return rf_fail(call, "test", "no worker state");
    if (x % 40 == 39)
        misbehave(call, SEGFAULT);
    return RF_RETURN(call, (int64_t)getpid());
}
RF_REGISTER(prepared, .init = prepare, .exit = put_away);

static unsigned lines_of(const char *what, int process)
{
    char line[64], wanted[64];
    unsigned count = 0;
    FILE *from = fopen(init_record.text, "r");
    snprintf(wanted, sizeof wanted, "%s %d\n", what, process);
    while (from && fgets(line, sizeof line, from))
        count += process ? !strcmp(line, wanted) : !strncmp(line, what, strlen(what));
    if (from)
        fclose(from);
    return count;
}

CASE(D2_init_runs_in_each_child_once_and_again_after_a_crash)
{
    RF_AUTO(rf_results, results);
    unlink(init_record.text);
    CHECK_STATUS(rf_map(pool, prepared, rf_range(0, 100), RF_OPTIONS(.executor = RF_FORK, .chunk_size = 10), &results), RF_EITEMS);
    for (uint64_t i = 0; i < 100; i++) {
        rf_result one = rf_results_at(results, i);
        CHECK_INT(one.ok, i % 40 != 39);
        if (one.ok)
            CHECK_INT(lines_of("init", (int)rf_i64(one.value)), 1);
    }
    CHECK(lines_of("init", 0) >= 3);
    unlink(init_record.text);
}

CASE(D2_exit_runs_when_a_child_is_replaced)
{
    unlink(init_record.text);
    CHECK_STATUS(rf_map(pool, prepared, rf_range(0, 39), RF_OPTIONS(.lifespan = 3, .chunk_size = 13), NULL), RF_OK);
    unsigned inits = lines_of("init", 0), exits = lines_of("exit", 0);
    CHECK_(inits >= 13 && exits + rf_workers(pool) >= inits, "%u times .init, %u times .exit", inits, exits);
    unlink(init_record.text);
}

static int prepare_badly(rf_call *call, void **worker)
{
    *worker = NULL;
    misbehave(call, ABORT);
    return RF_OK;
}
static int badly_prepared(rf_call *call, rf_value item)
{
    return square(call, item);
}
RF_REGISTER(badly_prepared, .init = prepare_badly);

CASE(D2_an_init_that_crashes_is_told)
{
    CHECK_STATUS(rf_map(pool, badly_prepared, rf_range(0, 10), RF_OPTIONS(.executor = RF_FORK), NULL), RF_EINIT);
    CHECK_HAS(rf_last_error()->message, ".init of badly_prepared: killed by signal 6 (Aborted)");
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), RF_OPTIONS(.executor = RF_FORK), NULL), RF_OK);
}

/* ---- output ---- */

static int print_and_leave(rf_call *call, rf_value item)
{
    int64_t x;
    char byte;
    const path *its = RF_CALL_STATE(call, path);
    if (!its || RF_ARGS(call, item, x))
        return RF_EARGS;
    if (read(STDIN_FILENO, &byte, 1) != 0)
        return rf_fail(call, "test", "something on standard input");
    int to = open(its->text, O_CREAT | O_WRONLY | O_APPEND, 0600), before = dup(STDOUT_FILENO);
    dup2(to, STDOUT_FILENO);
    close(to);
    printf("item %" PRId64 "\n", x);
    printf("behind %" PRId64 ";", x);
    if (x % 5 == 4)
        exit(0);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    return RF_RETURN(call, x);
}
RF_REGISTER(print_and_leave);

CASE(E2_what_a_function_prints_appears_once)
{
    static path its;
    static char text[8192];
    name_scratch(&its, "printed");
    printf("buffered, and written by nobody else;");
    int status = rf_map(pool, print_and_leave, rf_range(0, 20), RF_OPTIONS(.executor = RF_FORK, .state = RF_STATE(its)), NULL);
    printf("\n");
    FILE *from = fopen(its.text, "r");
    size_t size = from ? fread(text, 1, sizeof text - 1, from) : 0;
    text[size] = '\0';
    if (from)
        fclose(from);
    unlink(its.text);
    CHECK_STATUS(status, RF_EITEMS);
    CHECK(!strstr(text, "buffered"));
    for (int i = 0; i < 20; i++) {
        char line[32], behind[32];
        snprintf(line, sizeof line, "item %d\n", i);
        snprintf(behind, sizeof behind, "behind %d;", i);
        CHECK_HAS(text, line);
        CHECK_HAS(text, behind);
        CHECK(!strstr(strstr(text, behind) + 1, behind));
    }
}

/* ---- the same as inline ---- */

static bool same_value(rf_value a, rf_value b)
{
    bool counts = rf_type_of(a) < RF_TEXT;
    return a.tag == b.tag && (counts ? a.u64 == b.u64 : !memcmp(a.data, b.data, rf_size(a)));
}

static void check_same(const rf_results *results, const rf_results *others)
{
    CHECK_INT(rf_results_len(results), rf_results_len(others));
    for (uint64_t i = 0; i < rf_results_len(results); i++) {
        rf_result one = rf_results_at(results, i), other = rf_results_at(others, i);
        CHECK_INT(one.index, other.index);
        CHECK_INT(one.ok, other.ok);
        CHECK_INT(one.attempts, other.attempts);
        CHECK(same_value(one.value, other.value));
        if (!one.ok) {
            rf_error error = *one.error;
            CHECK_TEXT(error.kind, rf_results_at(others, i).error->kind);
        }
    }
}

/* Values of many kinds and sizes, failures now and then. */
static int derived(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    uint64_t drawn = (uint64_t)x * 0x9e3779b97f4a7c15u;
    drawn ^= drawn >> 29;
    char text[300];
    memset(text, 'a' + (int)(drawn % 26), sizeof text);
    switch (drawn % 7) {
    case 0: return rf_fail(call, "drawn", "a failure of %" PRId64, x);
    case 1: return RF_RETURN(call, x, (double)x / 3, "a tuple");
    case 2: return rf_return(call, rf_text(text, drawn % sizeof text));
    case 3: return RF_OK;
    case 4: return rf_emit(call, rf_of_u64(drawn)) || rf_emit(call, rf_of_string("second")) ? RF_ENOMEM : RF_OK;
    case 5: {
        size_t size = drawn % 97 ? drawn % 1000 : 300000;
        char *space = rf_return_space(call, size);
        if (space)
            memset(space, (int)drawn, size);
        return space ? RF_OK : RF_ENOMEM;
    }
    default: return RF_RETURN(call, x);
    }
}
RF_REGISTER(derived);

CASE(E2_ordered_results_are_those_of_inline)
{
    RF_AUTO(rf_results, reference);
    CHECK_STATUS(rf_map(pool, derived, rf_range(0, 5000), NULL, &reference), RF_EITEMS);
    const rf_options *ways[] = {RF_OPTIONS(.executor = RF_FORK), RF_OPTIONS(.slots = 2), RF_OPTIONS(.executor = RF_FORK, .chunk_size = 1),
                                RF_OPTIONS(.lifespan = 100), RF_OPTIONS(.task_timeout = 60, .n_splits = 9)};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map(pool, derived, rf_range(0, 5000), ways[i], &results), RF_EITEMS);
        ALSO(check_same(results, reference));
    }
}

static int mirror(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(mirror);

CASE(E2_large_items_and_large_results_go_through)
{
    enum { COUNT = 6, SIZE = 5 << 20 };
    RF_AUTO(rf_results, results);
    struct large { char bytes[SIZE]; } *items = malloc(COUNT * sizeof *items);
    CHECK(items != NULL);
    for (int i = 0; i < COUNT; i++)
        memset(&items[i], 'a' + i, sizeof *items);
    int status = rf_map(pool, mirror, RF_ARRAY(items, COUNT), RF_OPTIONS(.executor = RF_FORK), &results);
    free(items);
    CHECK_STATUS(status, RF_OK);
    for (int i = 0; i < COUNT; i++) {
        rf_value value = rf_results_value(results, (uint64_t)i);
        CHECK_INT(rf_size(value), SIZE);
        CHECK_INT(((const char *)value.data)[0], 'a' + i);
        CHECK_INT(((const char *)value.data)[SIZE - 1], 'a' + i);
    }
}

static int shared_sum(rf_call *call, rf_value name)
{
    rf_value data = rf_call_shared(call, rf_str(name));
    uint64_t sum = 0;
    for (size_t i = 0; i < rf_size(data); i++)
        sum += ((const unsigned char *)data.data)[i];
    return RF_RETURN(call, sum);
}
RF_REGISTER(shared_sum);

static void check_shared(rf_pool *pool, const rf_options *options, uint64_t first, uint64_t second)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, shared_sum, RF_VALUES("first", "second", "third"), options, &results), RF_EITEMS);
    CHECK_INT(rf_u64(rf_results_value(results, 0)), first);
    CHECK_INT(rf_u64(rf_results_value(results, 1)), second);
    CHECK_HAS(rf_results_at(results, 2).error->message, "no shared data \"third\"");
}

CASE(E2_shared_data_is_seen_in_children)
{
    static unsigned char bytes[3 << 20];
    memset(bytes, 1, sizeof bytes);
    CHECK_STATUS(rf_share(pool, "first", bytes, sizeof bytes), RF_OK);
    CHECK_STATUS(rf_share(pool, "second", bytes, 5), RF_OK);
    ALSO(check_shared(pool, RF_OPTIONS(.executor = RF_FORK), sizeof bytes, 5));
    CHECK_STATUS(rf_share(pool, "second", bytes, 6), RF_OK);
    ALSO(check_shared(pool, RF_OPTIONS(.slots = 2), sizeof bytes, 6));
#ifndef __SANITIZE_ADDRESS__
    ALSO(check_shared(pool, RF_OPTIONS(.task_memory = 1 << 20), sizeof bytes, 6));
#endif
}

/* ---- chains ---- */

static int crash_once(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    if (x % 20 == 19 && rf_call_attempt(call) == 1)
        write_to_nowhere();
    return RF_RETURN(call, x);
}
RF_REGISTER(crash_once);

static bool is_odd(rf_call *call, rf_value item)
{
    (void)call;
    return rf_i64(item) % 2;
}
RF_REGISTER(is_odd);

static int add(rf_call *call, rf_value sum, rf_value item)
{
    return RF_RETURN(call, rf_i64(sum) + rf_i64(item));
}
RF_REGISTER(add);

#define AGAIN .executor = RF_FORK, .retry = {.attempts = 2, .backoff = RF_NONE, .on = "crash"}

static void check_chain(rf_seq *odd, uint64_t chunk_size)
{
    RF_AUTO(rf_results, failed);
    RF_AUTO(rf_results, again);
    CHECK_STATUS(rf_seq_collect(odd, RF_OPTIONS(.executor = RF_FORK, .chunk_size = chunk_size), &failed), RF_EITEMS);
    CHECK_STATUS(rf_seq_collect(odd, RF_OPTIONS(AGAIN, .chunk_size = chunk_size), &again), RF_OK);
    CHECK_INT(rf_results_len(failed), 30);
    CHECK_INT(rf_results_len(again), 30);
    for (int64_t i = 0; i < 30; i++) {
        rf_result one = rf_results_at(failed, (uint64_t)i);
        CHECK_INT(rf_i64(rf_results_value(again, (uint64_t)i)), 2 * i + 1);
        CHECK_INT(one.index, 2 * i + 1);
        CHECK_INT(one.ok, (2 * i + 1) % 20 != 19);
        if (!one.ok)
            CHECK_HAS(one.error->message, "killed by signal 11 (Segmentation fault) inside the function");
    }
}

static void check_sum(rf_seq *odd, rf_fold fold, uint64_t chunk_size)
{
    RF_AUTO(rf_results, none);
    RF_AUTO(rf_results, sum);
    CHECK_STATUS(rf_seq_reduce(odd, fold, RF_OPTIONS(.executor = RF_FORK, .chunk_size = chunk_size), &none), RF_EITEMS);
    CHECK_STATUS(rf_seq_reduce(odd, fold, RF_OPTIONS(AGAIN, .chunk_size = chunk_size), &sum), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(sum, 0)), 900);
}

CASE(E2_a_chain_loses_what_crashed_alone_and_a_fold_nothing_that_is_tried_again)
{
    rf_seq *odd = rf_seq_filter(rf_seq_map(rf_seq_of(pool, rf_range(0, 60)), crash_once), is_odd);
    for (uint64_t chunk_size = 0; chunk_size <= 30; chunk_size += 15) {
        ALSO(check_chain(odd, chunk_size));
        ALSO(check_sum(odd, (rf_fold){.step = add, .merge = add}, chunk_size));
        ALSO(check_sum(odd, (rf_fold){.step = add}, chunk_size));
    }
}

CASE(E2_blocks_that_are_folded_in_children_are_folded_once)
{
    RF_AUTO(rf_results, sum);
    path its;
    name_scratch(&its, "folded");
    FILE *to = fopen(its.text, "w");
    CHECK(to != NULL);
    for (int i = 0; i < 500; i++)
        fprintf(to, "%s\n", i % 100 == 57 ? "poison" : "a line");
    fclose(to);
    const char *paths[] = {its.text};
    rf_seq *lengths = rf_seq_map(rf_seq_of(pool, rf_lines((rf_strings_in){.constant = paths}, 1)), length_unless_poison_again);
    int status = rf_seq_reduce(lengths, (rf_fold){.step = add, .merge = add}, RF_OPTIONS(AGAIN, .split_size = 300, .lifespan = 70), &sum);
    unlink(its.text);
    CHECK_STATUS(status, RF_OK);
    CHECK_INT(rf_i64(rf_results_value(sum, 0)), 3000);
}

CASE(E2_fork_and_inline_jobs_share_a_pool)
{
    const plot its = {.every = 50, .deed = SEGFAULT, .attempts = 1};
    rf_iterator *forks = NULL, *plain = NULL;
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, behave, rf_range(0, 400), RF_OPTIONS(.executor = RF_FORK, .state = RF_STATE(its)), &forks), RF_OK);
    CHECK_STATUS(rf_imap(pool, square, rf_range(0, 400), NULL, &plain), RF_OK);
    for (int64_t i = 0; i < 400; i++) {
        CHECK_STATUS(rf_next(forks, &one), RF_OK);
        CHECK_INT(one->index, i);
        CHECK_INT(one->ok, i % 50 != 49);
        CHECK_INT(rf_i64(one->value), one->ok ? i * i : 0);
        CHECK_STATUS(rf_next(plain, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i * i);
        if (i == 200)
            CHECK_STATUS(rf_map(pool, square, rf_range(0, 50), RF_OPTIONS(.slots = 2), NULL), RF_OK);
    }
    CHECK_STATUS(rf_iterator_free(forks), RF_EITEMS);
    CHECK_STATUS(rf_iterator_free(plain), RF_OK);
}

static int set_up(int argc, char **argv)
{
    (void)argc, (void)argv;
    const char *folder = getenv("TMPDIR");
    snprintf(init_record.text, sizeof init_record.text, "%s/rankfold-init-%s", folder && *folder ? folder : P_tmpdir,
             getenv("PMIX_NAMESPACE") ? getenv("PMIX_NAMESPACE") : "alone");
    for (char *at = strrchr(init_record.text, '/') + 1; *at; at++)
        *at = *at == '/' ? '-' : *at;
    return RF_OK;
}

int main(int argc, char **argv)
{
    return rf_main_setup(argc, argv, set_up, verify);
}
