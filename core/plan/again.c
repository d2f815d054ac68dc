/* Pieces that are run again: a failed item after its delay, what a worker gave back or was lost with. */
#include "base/random.h"
#include "plan/retry.h"
#include "plan/state.h"

#define LOST_ATTEMPTS 3             /* a rank that dies is not the function's failing: its item is tried so often, asked for or not */

bool try_again(plan *of, uint32_t which, const plan_failure *why, double now)
{
    const piece failed = of->pieces[which];         /* the table may move */
    job *j = &of->jobs[failed.job];
    const rf_retry *policy = &j->as.settled.retry;
    if (j->phase != JOB_RUNS || why->final || failed.attempt >= policy->attempts || !retry_matches(policy->on, why->kind))
        return false;
    uint32_t i = piece_new(of, failed.job, failed.chunk);
    if (i == NONE)
        return false;
    piece *again = &of->pieces[i];
    again->first = why->unit;
    again->count = 1;
    again->position = why->position;
    again->attempt = failed.attempt + 1;
    again->avoid = failed.worker;
    double delay = retry_delay(policy, failed.attempt, random_unit(&j->random));
    again->due = now + delay;
    if (delay > 0 && heap_push(of, i))
        return true;
    ready_push(of, i, false);
    return true;
}

/* From here on it is another task: what still comes of the one before is unknown. */
static void come_back(plan *of, uint32_t which)
{
    piece *p = &of->pieces[which];
    p->state = PIECE_LOOSE;
    p->generation++;
    of->jobs[p->job].bytes_flying -= p->flying;
    p->first += p->covered;
    p->count -= p->covered;
    p->covered = 0;
}

void set_apart(plan *of, uint32_t which, uint64_t units)
{
    const piece whole = of->pieces[which];
    uint32_t rest = whole.count > units ? piece_new(of, whole.job, whole.chunk) : NONE;
    if (rest == NONE)
        return;
    of->pieces[rest].first = whole.first + units;
    of->pieces[rest].count = whole.count - units;
    of->pieces[rest].attempt = whole.attempt;
    of->pieces[rest].avoid = whole.avoid;
    ready_push(of, rest, true);
    of->pieces[which].count = units;
}

/* The unit that its worker was at has used an attempt; those after it have not: without memory to set them apart they share its fate.
   One of whose items some are reported already cannot be run again without delivering those twice. */
static void attempt_lost(plan *of, uint32_t which)
{
    set_apart(of, which, 1);
    piece *p = &of->pieces[which];
    unsigned allowed = of->jobs[p->job].as.settled.retry.attempts;
    bool last = p->partly || p->attempt >= (allowed > LOST_ATTEMPTS ? allowed : LOST_ATTEMPTS);
    p->attempt++;
    if (last)
        piece_fail(of, which, RF_ELOST);
    else
        ready_push(of, which, true);
}

/* To the front: it may hold back the head of an ordered job. */
void piece_returns(plan *of, uint32_t which, bool at_it)
{
    come_back(of, which);
    piece *p = &of->pieces[which];
    const job *j = &of->jobs[p->job];
    if (!p->count)
        piece_done(of, which);
    else if (j->phase == JOB_STOPS)
        piece_fail(of, which, j->status);
    else if (at_it || p->partly)
        attempt_lost(of, which);
    else
        ready_push(of, which, true);
}
