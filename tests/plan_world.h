/* A world for a plan: workers, sources and consumers that behave as badly as they may, in virtual time, all drawn from one
   seed; and a judge that keeps its own account of every item and ends the test at the first broken promise of plan.h.

   test_plan.c drives one trial a seed. Nothing here knows how the plan works inside. */
#ifndef RANKFOLD_TESTS_PLAN_WORLD_H
#define RANKFOLD_TESTS_PLAN_WORLD_H

#include <stdint.h>

typedef struct plan_tally {             /* what trials have met, summed: a trial that never meets a thing tests nothing of it */
    uint64_t items, failed, retried, again_elsewhere, lost_tasks, stops, benched, partly, halted, timed_out, cancelled, abandoned, refused,
        stale, read, forgotten, beside, delivered, taken, heads, limited, added, events;
} plan_tally;

void plan_world_run(uint64_t seed, plan_tally *tally);     /* fails the running libcheck test, naming seed */

#endif
