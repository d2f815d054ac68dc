/* What the scheduler costs a chunk, and that it costs the same at 10 workers and at 100,000: the plan alone, in virtual time.

   A chunk is one unit of 4 ms, so that four are in flight a worker; all are done in the order they were given, which costs
   the bench nothing. Every chunk is asked for, run, reported and taken (ordered ones are delivered first).

       plan_bench [CHUNKS]         prints  workers N ns_per_chunk X  and the same for ordered delivery */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plan/plan.h"

#define TASK_SECONDS 0.004

typedef struct given { uint64_t task; uint32_t worker; } given;

typedef struct bench {
    plan *of;
    uint64_t job;
    given *queue;                       /* a ring */
    uint64_t first, count, most;
    bool over;
} bench;

static void give(bench *run, const plan_action *action)
{
    run->queue[(run->first + run->count++) % run->most] = (given){action->task, action->worker};
}

static void take_actions(bench *run, double now)
{
    for (plan_action action; plan_take(run->of, now, &action);)
        if (action.kind == PLAN_RUN)
            give(run, &action);
        else if (action.kind == PLAN_DELIVER)
            plan_taken(run->of, run->job, action.chunk, 8);
        else if (action.kind == PLAN_ENDED)
            run->over = true;
}

static uint64_t run_all(bench *run, bool ordered)
{
    uint64_t done = 0;
    double now = 0;
    take_actions(run, now);
    while (!run->over && run->count) {
        given next = run->queue[run->first];
        run->first = (run->first + 1) % run->most;
        run->count--;
        now += 1e-9;
        plan_part part = {.task = next.task, .worker = next.worker, .last = true, .units = 1, .items = 1, .ran = 1, .bytes = 8,
                          .seconds = TASK_SECONDS};
        plan_part_done(run->of, &part, now);
        if (!ordered)
            plan_taken(run->of, part.job, part.chunk, part.bytes);
        take_actions(run, now);
        done++;
    }
    return done;
}

/* Of this process: what others do at the same time does not count. */
static double seconds_used(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

/* Nanoseconds a chunk; 0: out of memory, or the plan has not done them all. */
static double measure(uint32_t workers, uint64_t chunks, bool ordered)
{
    bench run = {.of = plan_new(), .most = (uint64_t)workers * 8};
    run.queue = calloc(run.most, sizeof *run.queue);
    double each = 0;
    plan_job job = {.ordered = ordered, .length = chunks,
                    .settled = {.chunk_size = 1, .max_bytes = RF_UNLIMITED, .retry.attempts = 1, .halt = RF_HALT_NEVER}};
    bool ready = run.of && run.queue;
    for (uint32_t who = 0; ready && who < workers; who++)
        ready = plan_join(run.of, who) == RF_OK;
    double began = seconds_used();
    if (ready && plan_add(run.of, &job, 0, &run.job) == RF_OK && run_all(&run, ordered) == chunks)
        each = (seconds_used() - began) * 1e9 / (double)chunks;
    plan_free(run.of);
    free(run.queue);
    return each;
}

int main(int argc, char **argv)
{
    uint64_t least = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
    bool well = true;
    for (int ordered = 0; ordered < 2; ordered++)
        for (uint32_t workers = 10; workers <= 100000; workers *= 10) {
            uint64_t chunks = least > (uint64_t)workers * 40 ? least : (uint64_t)workers * 40;
            double each = measure(workers, chunks, ordered);
            printf("workers %" PRIu32 "%s ns_per_chunk %.1f\n", workers, ordered ? " ordered" : "", each);
            well = well && each > 0;
        }
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
