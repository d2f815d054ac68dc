/* The coordinator, the worker, the plan, the messages and the verbs together, over simulated clusters: thousands of them, each drawn from a
   seed with its delays, slow ranks, deaths and jobs. --seed N (or SEED) runs that one alone, in every case or in the one that CK_RUN_CASE
   names (seeds, memory, ...), and shows the trace of its messages. */
#include "cluster.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "cluster_chain.h"
#include "cluster_input.h"
#include "cluster_work.h"
#include "failing_malloc.h"
#include "failing_pass.h"
#include "suite.h"

#define JOBS_MOST 9
#define SHARING_MOST 64             /* ranks: this process has descriptors for so many */
#define PATIENCE 1e6                /* virtual seconds */
#define SECONDS_A_SEED 60           /* of this processor: what rank 0 never waits in shows in no virtual time */
#define TAIL_BYTES 6000
#define ASKED_MOST 50

typedef struct scene {
    uint64_t seed;
    cluster_settings settings;
    int rounds, jobs;               /* of each round */
    uint64_t most;                  /* items of a job; 0: drawn */
    uint64_t draw_jobs, consume;    /* streams */
    bool twins;                     /* once more, on another cluster */
    uint64_t fails_at;              /* the allocation that fails, once the pool is open; 0: none */
} scene;

typedef struct running {
    work works[JOBS_MOST];
    rf_iterator *iterators[JOBS_MOST];
    rf_future *futures[JOBS_MOST];
    bool done[JOBS_MOST];
    cluster *in;
    rf_pool *pool;
    uint64_t random, shared;
    unsigned asked;                 /* how often for figures: each time is a message to and from every worker */
} running;

static bool one_seed;
static scene current;
static FILE *trace_to;
static const work *current_work;

/* ---- what is wrong ------------------------------------------------------------------------------------------------- */

static void run_scene(scene of);

static void show_tail(FILE *trace)
{
    static char tail[TAIL_BYTES + 1];
    fflush(trace);
    long size = ftell(trace);
    fseek(trace, size > TAIL_BYTES ? size - TAIL_BYTES : 0, SEEK_SET);
    size_t got = fread(tail, 1, TAIL_BYTES, trace);
    fprintf(stderr, "... %.*s\n", (int)got, tail);
}

/* The same once more, with a trace: a seed is a run. */
static void trace_again(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        trace_to = tmpfile();
        run_scene(current);
        fprintf(stderr, "the second run of the seed has not failed\n");
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static void broken(const char *why)
{
    if (trace_to && !one_seed) {
        show_tail(trace_to);
        _exit(1);
    }
    char job[700] = "no job";
    fflush(stdout);
    if (current_work)
        work_describe(current_work, job, sizeof job);
    fprintf(stderr, "seed %" PRIu64 ", %d ranks: %s (%s)\n", current.seed, current.settings.network.ranks, why, job);
    if (!one_seed)
        trace_again();
    ck_abort_msg("seed %" PRIu64 ": %s; %s", current.seed, why, job);
}

static void broken_status(int status)
{
    char why[1600];
    snprintf(why, sizeof why, "%s; the last error: %s", rf_status_name(status), rf_last_error()->message);
    broken(why);
}

static void check(const char *wrong)
{
    if (wrong)
        broken(wrong);
}

static void tell_signal(int which)
{
    dprintf(STDERR_FILENO, "seed %" PRIu64 ": %s\n", current.seed,
            which == SIGVTALRM ? "rank 0 is busy for ever" : strsignal(which));
    signal(which, SIG_DFL);
    raise(which);
}

/* Sanitizers have a word of their own to say of the others. */
static void guard(void)
{
    static const int told[] = {SIGVTALRM, SIGSEGV, SIGBUS, SIGABRT, SIGFPE};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct sigaction before;
        sigaction(told[i], NULL, &before);
        if (before.sa_handler == SIG_DFL)
            signal(told[i], tell_signal);
    }
    setitimer(ITIMER_VIRTUAL, &(struct itimerval){.it_value = {.tv_sec = SECONDS_A_SEED}}, NULL);
}

/* ---- jobs ---------------------------------------------------------------------------------------------------------- */

static bool is_later(const work *one) { return one->verb == WORK_MAP_ASYNC; }
static bool is_iterated(const work *one) { return one->verb == WORK_IMAP || one->verb == WORK_IMAP_UNORDERED; }

static void share(running *run, work *one)
{
    rf_value data = input_shared(one->shares);
    bool fits = current.settings.network.ranks <= SHARING_MOST;
    int status = one->shares && fits ? rf_share(run->pool, "shared", data.data, rf_size(data)) : RF_END;
    if (status == RF_OK)
        run->shared = one->shares;
    else if (status < 0 && !one->short_of_memory)
        broken_status(status);
    one->does.shared = run->shared;
}

static int call_verb(running *run, work *one, rf_iterator **iterator, rf_results **results)
{
    share(run, one);
    rf_options said = work_options(one);
    rf_map_function *function = work_function(one);
    rf_source *source = one->verb == WORK_APPLY ? NULL : work_source(one);
    switch (one->verb) {
    case WORK_MAP: return rf_map(run->pool, function, source, &said, results);
    case WORK_MAP_UNORDERED: return rf_map_unordered(run->pool, function, source, &said, results);
    case WORK_IMAP: return rf_imap(run->pool, function, source, &said, iterator);
    case WORK_IMAP_UNORDERED: return rf_imap_unordered(run->pool, function, source, &said, iterator);
    default: return rf_apply(run->pool, function, rf_of_i64(one->start), &said, results);
    }
}

static bool may_fail(const work *one, int status)
{
    return one->short_of_memory && status < 0;
}

static bool ends_a_job(const work *one, int status)
{
    return status == RF_END || status == RF_EHALTED || status == RF_ETIMEOUT || status == RF_ELOST || status == RF_EINIT ||
           status == one->end || may_fail(one, status);
}

static void run_to_the_end(running *run, work *one)
{
    rf_results *results = NULL;
    int status = call_verb(run, one, NULL, one->dropped ? NULL : &results);
    if (!one->dropped && !results && !may_fail(one, status))
        broken_status(status);
    if (results) {
        check(work_check_all(one, results));
    }
    check(work_check_end(one, status));
    rf_results_free(results);
    work_give_back(one);
}

/* ended: what rf_next said. */
static void finish(running *run, int i, int ended)
{
    work *one = &run->works[i];
    bool all = one->taken < one->stop_after || one->stop_after == UINT64_MAX;
    int status = rf_iterator_free(run->iterators[i]);
    run->iterators[i] = NULL;
    run->done[i] = true;
    if (all && !may_fail(one, ended))
        check(work_check_end(one, status));
    check(work_check_progress(one, one->taken > 0));
    work_give_back(one);
}

/* What is read and not delivered is bounded. */
static void check_window(const work *one)
{
    uint64_t most = one->options.max_active;
    if (one->input == WORK_GENERATOR && most && most != RF_UNLIMITED && one->produced > one->taken - one->added_taken + most)
        broken("more was read than max_active");
}

static double draw_a_while(running *run) { return random_below(&run->random, 2) ? 1e-4 : 0; }

/* Takes one result, or looks for one. */
static void take_one(running *run, int i)
{
    const rf_result *result;
    work *one = &run->works[i];
    current_work = one;
    if (one->taken >= one->stop_after) {
        run->done[i] = true;
        if (!one->left_open)
            finish(run, i, RF_OK);
        return;
    }
    bool patient = random_below(&run->random, 4) > 0;
    int status = patient ? rf_next(run->iterators[i], &result)
                         : rf_next_within(run->iterators[i], draw_a_while(run), &result);
    if (status == RF_AGAIN && !patient)
        cluster_pass(run->in, 1e-5);
    else if (status == RF_OK)
        check(work_check(one, result));
    else if (ends_a_job(one, status))
        finish(run, i, status);
    else
        broken_status(status);
    check_window(one);
}

/* Nobody who is lost, busy or has left is waited for. */
static void ask_for_figures(running *run)
{
    const rf_figures *all;
    int status = rf_insights(run->pool, &all), ranks = current.settings.network.ranks;
    if (status && !may_fail(&run->works[0], status))
        broken_status(status);
    if (status == RF_OK && all->workers != (uint64_t)(ranks > 1 ? ranks - 1 : 1))
        broken("not every worker has figures");
}

static bool anything_open(const running *run, int first, int count)
{
    for (int i = first; i < first + count; i++)
        if (!run->done[i])
            return true;
    return false;
}

/* Those that nobody holds are looked at here alone. */
static void called_back(rf_future *future, void *user)
{
    work *one = user;
    int status = rf_future_get(future, 0, NULL);
    one->called_back++;
    if (one->dropped)
        check(work_check_end(one, status));
}

static int start_future(running *run, int i)
{
    work *one = &run->works[i];
    rf_options said = work_options(one);
    said.callback = said.error_callback = called_back;
    said.user = one;
    return rf_map_async(run->pool, work_function(one), work_source(one), &said, one->dropped ? NULL : &run->futures[i]);
}

static void free_future(running *run, int i)
{
    rf_future_free(run->futures[i]);
    run->futures[i] = NULL;
    run->done[i] = true;
    work_give_back(&run->works[i]);
}

static void check_future(work *one, int status, const rf_results *results)
{
    if (results)
        check(work_check_all(one, results));
    if (!may_fail(one, status))
        check(work_check_end(one, status));
    if (one->called_back != 1 && !may_fail(one, status))
        broken("a future was not called back once");
}

static void give_future_up(running *run, int i)
{
    work *one = &run->works[i];
    bool settled = rf_future_ready(run->futures[i]);
    int status = random_below(&run->random, 2) ? rf_future_cancel(run->futures[i]) : RF_AGAIN;
    if (status == RF_OK && !settled && rf_future_get(run->futures[i], 0, NULL) != RF_ECANCELLED && !one->called_back)
        broken("a future that was cancelled has neither ended before nor been cancelled");
    free_future(run, i);
}

/* Waits for one, for a while or for ever, or has waited long enough. */
static void look_at_future(running *run, int i)
{
    work *one = &run->works[i];
    const rf_results *results;
    current_work = one;
    if (one->stop_after != UINT64_MAX && one->taken++ >= one->stop_after && !one->dropped) {
        run->done[i] = true;
        if (!one->left_open)
            give_future_up(run, i);
        return;
    }
    if (one->dropped) {
        int status = rf_poll(run->pool, draw_a_while(run));
        run->done[i] = one->called_back || may_fail(one, status);
        cluster_pass(run->in, 1e-5);
        return;
    }
    bool patient = random_below(&run->random, 4) > 0 && one->stop_after == UINT64_MAX;
    int status = rf_future_get(run->futures[i], patient ? RF_FOREVER : draw_a_while(run), &results);
    if (status == RF_AGAIN && !patient) {
        cluster_pass(run->in, 1e-5);
        return;
    }
    one->taken = 0;
    check_future(one, status, results);
    free_future(run, i);
}

/* The pool has closed: what it had promised is there, unless it was terminated. */
static void end_future(running *run, int i, bool terminated)
{
    work *one = &run->works[i];
    const rf_results *results;
    if (!run->futures[i])
        return;
    current_work = one;
    int status = rf_future_get(run->futures[i], RF_FOREVER, &results);
    one->taken = 0;
    if (status != RF_ECLOSED)
        check_future(one, status, results);
    else if ((!terminated && !one->short_of_memory) || results || one->called_back != 1)
        broken("a promise was not kept");
    free_future(run, i);
}

/* Iterators and futures run beside each other, and beside the verbs that hold their results, which follow each other. */
static void run_round(running *run, int first, int count)
{
    int blocking = first;
    for (int i = first; i < first + count; i++) {
        current_work = &run->works[i];
        int status = is_iterated(current_work) ? call_verb(run, &run->works[i], &run->iterators[i], NULL)
                     : is_later(current_work)  ? start_future(run, i)
                                               : RF_OK;
        if (status && !may_fail(current_work, status))
            broken_status(status);
        run->done[i] = status != RF_OK;
    }
    while (anything_open(run, first, count)) {
        int i = first + (int)random_below(&run->random, (uint64_t)count);
        if (random_below(&run->random, 16) == 0 && run->asked++ < ASKED_MOST)
            ask_for_figures(run);
        if (is_later(&run->works[i])) {
            if (!run->done[i])
                look_at_future(run, i);
            continue;
        }
        if (is_iterated(&run->works[i])) {
            for (uint64_t takes = random_below(&run->random, 100); takes && !run->done[i]; takes--)
                take_one(run, i);
            continue;
        }
        while (blocking < first + count && (is_iterated(&run->works[blocking]) || is_later(&run->works[blocking]) || run->done[blocking]))
            blocking++;
        if (blocking == first + count)
            continue;
        current_work = &run->works[blocking];
        run_to_the_end(run, &run->works[blocking]);
        run->done[blocking] = true;
        rf_poll(run->pool, draw_a_while(run));
    }
    current_work = NULL;
}

/* ---- clusters ------------------------------------------------------------------------------------------------------ */

static void close_all(running *run, int count)
{
    rf_results *none;
    bool terminates = random_below(&run->random, 4) == 0;
    int status = terminates ? rf_terminate(run->pool) : rf_close(run->pool);
    if (may_fail(&run->works[0], status))
        status = RF_OK;
    if (status || rf_apply(run->pool, work_function(&run->works[0]), rf_nil(), NULL, &none) != RF_ECLOSED || none)
        broken("a closed pool is not closed");
    failing_malloc_stop();
    cluster_close(run->in);
    for (int i = 0; i < count; i++) {
        const rf_result *result;
        if (run->iterators[i] && rf_next(run->iterators[i], &result) != RF_ECLOSED)
            broken("an iterator of a closed pool goes on");
        rf_iterator_free(run->iterators[i]);
        if (run->iterators[i])
            check(work_check_progress(&run->works[i], run->works[i].taken > 0));
        end_future(run, i, terminates);
        work_end(&run->works[i]);
    }
}

/* One digest a job, or 0 where chance may decide. */
static void run_cluster(const scene *of, const cluster_settings *settings, uint64_t digests[JOBS_MOST])
{
    static running run;
    int count = of->rounds * of->jobs;
    uint64_t draws = of->draw_jobs;
    cluster_settings traced = *settings;
    traced.network.trace = trace_to;
    traced.short_of_memory = of->fails_at > 0;
    run = (running){.random = of->consume};
    for (int i = 0; i < count; i++) {
        work_draw(&run.works[i], &draws, of->most);
        work_begin(&run.works[i], settings->network.ranks, settings->network.death_rate > 0);
        run.works[i].short_of_memory = traced.short_of_memory;
    }
    run.in = cluster_open(&traced, NULL, &run.pool);
    failing_pass(of->consume, of->seed % 4);
    failing_malloc_at(of->fails_at);
    for (int round = 0; round < of->rounds; round++)
        run_round(&run, round * of->jobs, of->jobs);
    for (int i = 0; i < count; i++)
        digests[i] = work_is_exact(&run.works[i]) && run.works[i].stop_after == UINT64_MAX ? run.works[i].digest : 0;
    close_all(&run, count);
}

static double draw_between(uint64_t *random, double least, double most)
{
    return least * pow(most / least, random_unit(random));
}

static cluster_settings draw_cluster(uint64_t *random, int ranks)
{
    bool deaths = random_below(random, 4) == 0;
    return (cluster_settings){
        .network = {.ranks = ranks,
                    .seed = random_next(random),
                    .latency = draw_between(random, 1e-7, 1e-3),
                    .bandwidth = random_below(random, 2) ? 0 : draw_between(random, 1e7, 1e10),
                    .step = draw_between(random, 1e-7, 1e-5),
                    .death_rate = deaths ? draw_between(random, 0.1, 1e4) : 0,
                    .hosts = (int)random_below(random, 3) * (1 + (int)random_below(random, (uint64_t)ranks)),
                    .survivors = random_below(random, 8) ? 1 + (int)random_below(random, 3) : 0},
        .item_seconds = random_below(random, 4) ? draw_between(random, 1e-7, 1e-3) : 0,
        .chunk_seconds = random_below(random, 2) ? draw_between(random, 1e-7, 1e-4) : 0,
        .patience = PATIENCE,
        .broken = broken};
}

static void run_scene(scene of)
{
    uint64_t first[JOBS_MOST] = {0}, second[JOBS_MOST] = {0};
    current = of;
    guard();
    run_cluster(&of, &of.settings, first);
    if (!of.twins || of.settings.network.death_rate > 0)
        return;
    uint64_t random = of.consume;
    cluster_settings other = draw_cluster(&random, 1 + (int)random_below(&random, 12));
    other.network.death_rate = 0;
    current.settings = other;
    run_cluster(&of, &other, second);
    for (int i = 0; i < of.rounds * of.jobs; i++)
        if (first[i] != second[i])
            broken("another number of ranks has another result");
}

static scene draw_scene(uint64_t seed, int ranks)
{
    uint64_t random = random_seed(seed, 0, 0, 0);
    int drawn = random_below(&random, 8) ? 2 + (int)random_below(&random, random_below(&random, 2) ? 6 : 39) : 1 + (int)random_below(&random, 3);
    scene of = {.seed = seed, .settings = draw_cluster(&random, ranks ? ranks : drawn), .rounds = 1 + (int)random_below(&random, 3),
                .jobs = 1 + (int)random_below(&random, 3), .draw_jobs = random_next(&random), .consume = random_next(&random),
                .twins = random_below(&random, 2) == 0};
    work_fail_init(seed, random_below(&random, 8) ? 0 : 100 + (uint32_t)random_below(&random, 2) * 800);
    return of;
}

/* ---- cases --------------------------------------------------------------------------------------------------------- */

static uint64_t seeds_of(uint64_t all)
{
    trace_to = one_seed ? stdout : NULL;
    return one_seed ? 1 : getenv("TEST_QUICK") ? (all + 9) / 10 : all;
}

START_TEST(whatever_a_cluster_does_every_item_is_delivered_once_and_right)
{
    uint64_t seeds = seeds_of(10000);
    for (uint64_t i = 0; i < seeds; i++)
        run_scene(draw_scene(suite_seed + i, 0));
}
END_TEST

START_TEST(a_thousand_ranks_do_the_same)
{
    for (uint64_t i = 0, seeds = seeds_of(3); i < seeds; i++) {
        scene of = draw_scene(suite_seed + i, 1000);
        of.rounds = of.jobs = 2;
        of.twins = false;
        run_scene(of);
    }
}
END_TEST

START_TEST(ten_thousand_ranks_map_200000_items)
{
    (void)seeds_of(1);
    scene of = draw_scene(suite_seed, 10000);
    of.rounds = of.jobs = 1;
    of.most = 200000;
    of.twins = false;
    run_scene(of);
}
END_TEST

START_TEST(memory_that_runs_out_is_told_and_nothing_hangs)
{
    uint64_t seeds = seeds_of(3000);
    for (uint64_t i = 0; i < seeds; i++) {
        scene of = draw_scene(suite_seed + i, 0);
        of.twins = false;
        of.fails_at = 1 + random_below(&of.consume, UINT64_C(2) << random_below(&of.consume, 11));
        run_scene(of);
    }
}
END_TEST

static void run_chains(scene of)
{
    rf_pool *pool;
    cluster_settings traced = of.settings;
    traced.network.trace = trace_to;
    traced.short_of_memory = of.fails_at > 0;
    current = of;
    guard();
    cluster *in = cluster_open(&traced, NULL, &pool);
    failing_malloc_at(of.fails_at);
    for (int i = 0; i < of.rounds * of.jobs; i++)
        check(chain_evaluate(pool, &of.draw_jobs, of.settings.network.death_rate > 0 || of.fails_at));
    failing_malloc_at(0);
    cluster_close(in);
}

START_TEST(whatever_a_cluster_does_sequences_give_what_they_must)
{
    uint64_t seeds = seeds_of(3000);
    for (uint64_t i = 0; i < seeds; i++)
        run_chains(draw_scene(suite_seed + i, 0));
}
END_TEST

START_TEST(sequences_end_where_memory_runs_out)
{
    uint64_t seeds = seeds_of(1000);
    for (uint64_t i = 0; i < seeds; i++) {
        scene of = draw_scene(suite_seed + i, 0);
        of.fails_at = 1 + random_below(&of.consume, UINT64_C(2) << random_below(&of.consume, 11));
        run_chains(of);
    }
}
END_TEST

START_TEST(the_same_seed_gives_the_same_messages)
{
    for (uint64_t i = 0; i < 50; i++) {
        char *traces[2];
        size_t sizes[2];
        for (int t = 0; t < 2; t++) {
            trace_to = open_memstream(&traces[t], &sizes[t]);
            scene of = draw_scene(suite_seed + i, 0);
            of.twins = false;
            one_seed = true;        /* the trace is not for people */
            run_scene(of);
            fclose(trace_to);
        }
        ck_assert_uint_eq(sizes[0], sizes[1]);
        ck_assert_int_eq(memcmp(traces[0], traces[1], sizes[0]), 0);
        free(traces[0]);
        free(traces[1]);
    }
}
END_TEST

static void add(Suite *all, const char *name, const TTest *test)
{
    TCase *made = tcase_create(name);
    tcase_set_timeout(made, 900);
    tcase_add_unchecked_fixture(made, work_files_make, work_files_remove);
    tcase_add_test(made, test);
    suite_add_tcase(all, made);
}

static Suite *suite(void)
{
    Suite *all = suite_create("cluster");
    add(all, "seeds", whatever_a_cluster_does_every_item_is_delivered_once_and_right);
    add(all, "thousand", a_thousand_ranks_do_the_same);
    add(all, "ten-thousand", ten_thousand_ranks_map_200000_items);
    add(all, "memory", memory_that_runs_out_is_told_and_nothing_hangs);
    add(all, "sequences", whatever_a_cluster_does_sequences_give_what_they_must);
    add(all, "sequences-memory", sequences_end_where_memory_runs_out);
    add(all, "trace", the_same_seed_gives_the_same_messages);
    return all;
}

int main(int argc, char **argv)
{
    one_seed = getenv("SEED") || (argc > 2 && !strcmp(argv[1], "--seed"));
    return suite_run(suite(), argc, argv);
}
