/* run/executor_fork and what it is made of: chunks in children of this process, and children that end in every way. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "failing_malloc.h"
#include "run/executor_fork.h"
#include "run/work_job.h"
#include "run/zygote.h"
#include "suite.h"

/* ---- functions ---- */

static int64_t number_of(rf_value item)
{
    return rf_i64(item);
}

static int twice(rf_call *call, rf_value item)
{
    return RF_RETURN(call, 2 * number_of(item));
}
RF_REGISTER(twice);

static int zygote_process(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, (int64_t)getppid());
}
RF_REGISTER(zygote_process);

static int ends[2];                     /* of a pipe: whoever lives on holds one open */
static int sleep_for_ever(rf_call *call, rf_value item)
{
    (void)item;
    if (write(ends[1], "", 1) != 1)
        return rf_fail(call, "test", "no pipe");
    for (;;)
        pause();
}
RF_REGISTER(sleep_for_ever);

/* Item 13 writes past its text. */
static int overrun(rf_call *call, rf_value item)
{
    char *space = rf_return_space(call, 8);
    if (space)
        memset(space, 'x', number_of(item) == 13 ? 9 : 8);
    return space ? RF_OK : RF_ENOMEM;
}
RF_REGISTER(overrun);

static int prepare(rf_call *call, void **worker)
{
    (void)call;
    *worker = ends;
    return write(ends[1], "i", 1) == 1 ? RF_OK : RF_EINIT;
}

static void put_away(void *worker)
{
    if (worker != ends || write(ends[1], "e", 1) != 1)
        _exit(1);
}

static int prepared(rf_call *call, rf_value item)
{
    return twice(call, item);
}
RF_REGISTER(prepared, .init = prepare, .exit = put_away);

static int late(rf_call *call, rf_value item)
{
    return twice(call, item);
}
static rf_registration late_registration = {.struct_size = sizeof late_registration, .name = "late", .file = __FILE__, .kind = RF_KIND_MAP,
                                            .function = (rf_any_function *)late};

/* ---- an executor and a job ---- */

typedef struct stage {
    registry *functions;
    executor *runs;
    struct work_job *job;
} stage;

static double now_of(void *context)
{
    (void)context;
    return clock_now();
}

static void nothing(void *context)
{
    (void)context;
}

static bool never(void *context, uint64_t task)
{
    (void)context, (void)task;
    return false;
}

static int stage_open(stage *on, rf_map_function *function, const struct message_job *others)
{
    executor_host host = {.rank = 3, .now = now_of, .progress = nothing, .cancelled = never};
    message what = {.head = {.kind = MESSAGE_JOB, .job = 1}, .job = *others};
    what.job.slots = what.job.slots ? what.job.slots : 1;
    *on = (stage){.functions = NULL};
    int status = registry_snapshot(&on->functions);
    if (status == RF_OK)
        status = registry_number(on->functions, (rf_any_function *)function, RF_KIND_MAP, &what.job.function);
    if (status == RF_OK)
        status = work_job_new(on->functions, NULL, NULL, &what, &on->job);
    return status ? status : executor_fork_new(&host, &on->runs);
}

static void stage_close(stage *on)
{
    executor_free(on->runs ? on->runs : NULL);
    work_job_free(on->job);
    registry_free(on->functions);
}

static int start(const stage *on, uint64_t task, uint64_t first, uint64_t count)
{
    executor_chunk chunk = {.task = task, .job = &on->job->job, .piece = {.kind = 1, .a = first, .b = 1}, .first = first, .count = count,
                            .position = UINT64_MAX, .attempt = 1};
    return executor_start(on->runs, &chunk);
}

/* Waits for it as a rank does. */
static void await_part(const stage *on, executor_part *part)
{
    while (!executor_next(on->runs, clock_now(), part)) {
        uint32_t seen;
        executor_fork_bell(on->runs, &seen);
        zygote_await(seen, 0.001);
    }
}

typedef struct outcome { uint64_t items, failures; int64_t sum; char text[512]; bool init_failed; } outcome;

/* All parts of one chunk. */
static outcome run_all(const stage *on, uint64_t count)
{
    outcome all = {.items = 0};
    executor_part part = {.last = false};
    ck_assert_int_eq(start(on, 1, 0, count), RF_OK);
    for (uint64_t units = 0; !part.last; units += part.units) {
        await_part(on, &part);
        ck_assert_uint_eq(part.unit, units);
        column_view view = column_look(part.values);
        for (uint64_t i = 0; i < view.count; i++)
            all.sum += rf_i64(column_at(&view, i));
        all.items += view.count;
        all.failures += part.failure_count;
        all.init_failed = part.init_failed;
        const struct message_failure *entry = (const void *)part.failures->data;
        if (part.failures->size)
            snprintf(all.text, sizeof all.text, "%.*s: %.*s", (int)entry->kind_size, (const char *)(entry + 1), (int)entry->message_size,
                     (const char *)(entry + 1) + entry->kind_size);
    }
    return all;
}

/* ---- tests ---- */

START_TEST(a_chunk_is_run_in_a_child)
{
    stage on;
    ck_assert_int_eq(stage_open(&on, twice, &(struct message_job){.slots = 1}), RF_OK);
    for (uint64_t count = 1; count < 100000; count *= 7) {
        outcome all = run_all(&on, count);
        ck_assert_uint_eq(all.items, count);
        ck_assert_int_eq(all.sum, (int64_t)(count * (count - 1)));
    }
    stage_close(&on);
}
END_TEST

START_TEST(chunks_are_queued_in_one_child_as_far_as_there_is_room)
{
    stage on;
    ck_assert_int_eq(stage_open(&on, twice, &(struct message_job){.slots = 1}), RF_OK);
    uint64_t started = 0, done = 0, next_done = 0;
    while (done < 1000) {
        while (started < 1000 && executor_room(on.runs, &on.job->job))
            ck_assert_int_eq(start(&on, started++, 0, 3), RF_OK);
        ck_assert_uint_gt(started, done);
        executor_part part;
        await_part(&on, &part);
        ck_assert_uint_eq(part.task, next_done);
        next_done += part.last;
        done += part.last;
    }
    ck_assert(isinf(executor_wake(on.runs)) || executor_wake(on.runs) > 0);
    uint32_t seen;
    ck_assert_ptr_null(executor_fork_bell(on.runs, &seen));
    stage_close(&on);
}
END_TEST

START_TEST(each_slot_is_a_child_of_its_own)
{
    stage on;
    ck_assert_int_eq(stage_open(&on, twice, &(struct message_job){.slots = 3}), RF_OK);
    for (uint64_t task = 0; task < 3; task++) {
        ck_assert(executor_room(on.runs, &on.job->job));
        ck_assert_int_eq(start(&on, task, 0, 5), RF_OK);
    }
    ck_assert(!executor_room(on.runs, &on.job->job));
    executor_part part;
    unsigned seen = 0;
    for (unsigned done = 0; done < 3; done += part.last) {
        await_part(&on, &part);
        seen |= 1u << part.task;
    }
    ck_assert_uint_eq(seen, 7);
    ck_assert(executor_room(on.runs, &on.job->job));
    stage_close(&on);
}
END_TEST

/* The end of the pipe is seen when everybody who holds it is gone: this "rank", its zygote and its child. */
START_TEST(a_rank_that_is_killed_leaves_no_child)
{
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t rank = fork();
    if (rank == 0) {
        stage on;
        if (stage_open(&on, sleep_for_ever, &(struct message_job){.slots = 2}) || start(&on, 1, 0, 1) || start(&on, 2, 0, 1))
            _exit(1);
        executor_part part;
        await_part(&on, &part);
        _exit(1);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    kill(rank, SIGKILL);
    waitpid(rank, NULL, 0);
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
}
END_TEST

START_TEST(a_function_that_the_zygote_does_not_know_is_named_in_the_failure)
{
    stage on;
    ck_assert_int_eq(zygote_make(true), RF_OK);
    rf_register(&late_registration);
    ck_assert_int_eq(stage_open(&on, late, &(struct message_job){.slots = 1}), RF_OK);
    outcome all = run_all(&on, 5);
    ck_assert(all.init_failed && all.items == 0);
    ck_assert_msg(strstr(all.text, "executor: the function test_executor_fork.c:late was registered after"), "%s", all.text);
    stage_close(&on);
    rf_unregister(&late_registration);
}
END_TEST

START_TEST(without_its_zygote_an_executor_says_so)
{
    stage on;
    ck_assert_int_eq(stage_open(&on, zygote_process, &(struct message_job){.slots = 1}), RF_OK);
    pid_t zygote = (pid_t)run_all(&on, 1).sum;
    kill(zygote, SIGKILL);
    ck_assert_int_eq(waitpid(zygote, NULL, 0), zygote);
    outcome all = run_all(&on, 1);
    ck_assert(all.init_failed && all.items == 0);
    ck_assert_msg(strstr(all.text, "executor: process "), "%s", all.text);
    stage_close(&on);
}
END_TEST

START_TEST(a_result_that_was_written_over_costs_its_item_alone)
{
    stage on;
    ck_assert_int_eq(stage_open(&on, overrun, &(struct message_job){.slots = 1}), RF_OK);
    outcome all = run_all(&on, 20);
    ck_assert_uint_eq(all.items, 20);
    ck_assert_uint_eq(all.failures, 1);
    ck_assert_msg(strstr(all.text, "crash: item 13: overrun: the function wrote outside of its memory"), "%s", all.text);
    stage_close(&on);
}
END_TEST

START_TEST(a_chunk_that_is_dropped_ends_although_its_function_does_not)
{
    stage on;
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(stage_open(&on, sleep_for_ever, &(struct message_job){.slots = 1}), RF_OK);
    ck_assert_int_eq(start(&on, 1, 0, 4), RF_OK);
    executor_part part;
    ck_assert(!executor_next(on.runs, clock_now(), &part));
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    executor_cancel(on.runs, 1, true);
    await_part(&on, &part);
    ck_assert(part.last && part.task == 1 && part.units == 0 && part.values->count == 0 && part.failure_count == 0);
    stage_close(&on);
}
END_TEST

START_TEST(init_and_exit_run_once_in_each_child)
{
    stage on;
    char bytes[8];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(stage_open(&on, prepared, &(struct message_job){.slots = 1}), RF_OK);
    ck_assert_uint_eq(run_all(&on, 5).items, 5);
    ck_assert_uint_eq(run_all(&on, 5).items, 5);
    stage_close(&on);
    ck_assert_int_eq(read(ends[0], bytes, sizeof bytes), 2);
    ck_assert_mem_eq(bytes, "ie", 2);
    ck_assert_int_eq(stage_open(&on, prepared, &(struct message_job){.slots = 1, .lifespan = 2}), RF_OK);
    ck_assert_uint_eq(run_all(&on, 5).items, 5);
    stage_close(&on);
    ck_assert_int_eq(read(ends[0], bytes, sizeof bytes), 6);
    ck_assert_mem_eq(bytes, "ieieie", 6);
}
END_TEST

START_TEST(failing_allocations_are_told_and_harm_nothing)
{
    ck_assert_int_eq(zygote_make(true), RF_OK);
    FAILING_EACH_IN_TURN(n) {
        stage on;
        executor_part part = {.last = false};
        int status = stage_open(&on, twice, &(struct message_job){.slots = 1});
        status = status ? status : start(&on, 1, 0, 3);
        while (!status && !part.last)
            await_part(&on, &part);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        if (on.runs)
            stage_close(&on);
        work_job_free(on.runs ? NULL : on.job);
        registry_free(on.runs ? NULL : on.functions);
    }
}
END_TEST

/* What a logbook says between any two of its stores. */
START_TEST(a_logbook_blames_an_item_only_while_it_runs)
{
    logbook log = {.items = 0};
    logbook_begin(&log, 5);
    ck_assert(!logbook_in_item(&log));
    logbook_at(&log, 0, 5, 50, 2, "a/path");
    ck_assert(logbook_in_item(&log));
    ck_assert_str_eq(log.path, "a/path");
    logbook_done(&log, &(logbook_entry){.unit = 5, .payload_bytes = 32}, 1);
    ck_assert(!logbook_in_item(&log));
    ck_assert_uint_eq(log.entries[1].payload_bytes, 32);
    char path[2 * LOGBOOK_PATH];
    memset(path, 'x', sizeof path);
    memcpy(path + sizeof path - 5, "/end", 5);
    logbook_at(&log, 1, 6, 0, 3, path);
    ck_assert(logbook_in_item(&log));
    ck_assert_uint_eq(strlen(log.path), LOGBOOK_PATH - 1);
    ck_assert_str_eq(log.path + LOGBOOK_PATH - 5, "/end");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("executor_fork");
    TCase *t = tcase_create("executor_fork");
    tcase_add_test(t, a_chunk_is_run_in_a_child);
    tcase_add_test(t, chunks_are_queued_in_one_child_as_far_as_there_is_room);
    tcase_add_test(t, each_slot_is_a_child_of_its_own);
    tcase_add_test(t, a_rank_that_is_killed_leaves_no_child);
    tcase_add_test(t, a_function_that_the_zygote_does_not_know_is_named_in_the_failure);
    tcase_add_test(t, without_its_zygote_an_executor_says_so);
    tcase_add_test(t, a_result_that_was_written_over_costs_its_item_alone);
    tcase_add_test(t, a_chunk_that_is_dropped_ends_although_its_function_does_not);
    tcase_add_test(t, init_and_exit_run_once_in_each_child);
    tcase_add_test(t, failing_allocations_are_told_and_harm_nothing);
    tcase_add_test(t, a_logbook_blames_an_item_only_while_it_runs);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
