/* A plan driven by hand: a test says what happens and what the plan must say to it, action by action. */
#ifndef RANKFOLD_TESTS_PLAN_SCRIPT_H
#define RANKFOLD_TESTS_PLAN_SCRIPT_H

#include <math.h>

#include "base/options.h"
#include "plan/plan.h"
#include "suite.h"

static plan *of;
static uint64_t job;
static double now;

static inline void set_up(void)
{
    of = plan_new();
    now = 0;
    ck_assert_ptr_nonnull(of);
}

static inline void tear_down(void)
{
    plan_free(of);
}

static inline void workers_join(uint32_t count)
{
    for (uint32_t who = 0; who < count; who++)
        ck_assert_int_eq(plan_join(of, who), RF_OK);
}

/* Options as a user says them, settled. */
static inline plan_job job_of(uint64_t length, const rf_options *said)
{
    plan_job made = {.ordered = true, .length = length, .piece_bytes = 65536};
    ck_assert_int_eq(options_settle(said, NULL, NULL, NULL, &made.settled), RF_OK);
    return made;
}

static inline uint64_t add(const plan_job *as)
{
    uint64_t id;
    ck_assert_int_eq(plan_add(of, as, now, &id), RF_OK);
    return id;
}

static inline void start(uint64_t length, const rf_options *said)
{
    plan_job as = job_of(length, said);
    job = add(&as);
}

static inline plan_action next(enum plan_action_kind kind)
{
    plan_action action = {.count = 0};
    ck_assert_msg(plan_take(of, now, &action), "nothing to do, where action %d was to come", (int)kind);
    ck_assert_int_eq(action.kind, kind);
    return action;
}

static inline plan_action run_of(uint64_t first, uint64_t count)
{
    plan_action run = next(PLAN_RUN);
    ck_assert_uint_eq(run.first, first);
    ck_assert_uint_eq(run.count, count);
    return run;
}

static inline void nothing_to_do(void)
{
    plan_action action;
    ck_assert_msg(!plan_take(of, now, &action), "action %d, where none was to come", (int)action.kind);
}

static inline plan_action ended(int status)
{
    plan_action end = next(PLAN_ENDED);
    ck_assert_int_eq(end.status, status);
    nothing_to_do();
    return end;
}

static inline plan_action fail_of(uint64_t first, uint64_t count, int status)
{
    plan_action fail = next(PLAN_FAIL);
    ck_assert_uint_eq(fail.first, first);
    ck_assert_uint_eq(fail.count, count);
    ck_assert_int_eq(fail.status, status);
    return fail;
}

/* A part that covers so many units, one item each. */
static inline plan_part part_of(const plan_action *run, uint64_t units, bool last)
{
    return (plan_part){.task = run->task, .worker = run->worker, .units = units, .items = units, .ran = units, .last = last,
                       .seconds = 1e-3 * (double)units, .bytes = units};
}

static inline void report(plan_part *part)
{
    ck_assert_int_eq(plan_part_done(of, part, now), RF_OK);
    ck_assert_uint_ne(part->job, 0);
}

static inline void all_done(const plan_action *run)
{
    plan_part part = part_of(run, run->count, true);
    report(&part);
}

static inline bool one_failed(const plan_action *run, uint64_t unit, const char *kind)
{
    plan_failure why = {.unit = unit, .position = PLAN_ALL, .kind = kind};
    plan_part part = part_of(run, run->count, true);
    part.failures = &why;
    part.failure_count = 1;
    report(&part);
    return why.again;
}

static inline void done_in(const plan_action *run, double seconds, size_t bytes)
{
    plan_part part = part_of(run, run->count, true);
    part.seconds = seconds;
    part.bytes = bytes;
    report(&part);
    next(PLAN_DELIVER);
    plan_taken(of, job, run->chunk, bytes);
}

/* A suite of sentences: names of tests, each with a plan of its own. */
static inline TCase *sentences(const char *name, const TTest *const tests[], size_t count)
{
    TCase *cases = tcase_create(name);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(cases, tests[i]);
    return cases;
}

#endif
