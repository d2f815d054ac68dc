/* Workers: who is there, who has room, and which of them may run a job.

   A job's team is the first settled.workers of those that live, in the order they joined, or all: when one is lost the next
   moves up. A benched worker stays in the team and gets nothing of the job; takers counts the others. */
#include <stdlib.h>

#include "base/error.h"
#include "plan/state.h"

static bool is_benched(const job *j, uint32_t who)
{
    return who < j->benched_most && j->benched[who];
}

bool job_takes(const plan *of, const job *which, uint32_t who)
{
    const worker *w = &of->workers[who];
    return w->joined && w->ordinal < which->ordinals && !is_benched(which, who);
}

void team_fill(const plan *of, job *which)
{
    uint32_t most = which->as.settled.workers ? which->as.settled.workers : UINT32_MAX;
    while (which->team < most && which->ordinals < of->joined) {
        uint32_t ordinal = which->ordinals++, who = of->order[ordinal];
        if (!of->workers[who].joined || of->workers[who].ordinal != ordinal)
            continue;
        which->team++;
        which->takers += !is_benched(which, who);
    }
}

static void team_leave(plan *of, job *j, uint32_t who)
{
    if (of->workers[who].ordinal >= j->ordinals)
        return;
    j->team--;
    j->takers -= !is_benched(j, who);
}

void bench(plan *of, uint32_t its_job, uint32_t who)
{
    job *j = &of->jobs[its_job];
    if (!job_takes(of, j, who) ||
        (who >= j->benched_most && !grow_to(of, (void **)&j->benched, &j->benched_most, sizeof *j->benched, who)))
        return;
    j->benched[who] = true;
    j->takers--;
}

/* Nothing is queued behind a task of unknown cost, which leaves the load at zero. Whether the bytes of one more fit is guessed from
   those it has: a worker that says no is not asked again and again. */
bool has_room(const plan *of, const worker *w)
{
    return w->count < of->slots || (w->load > 0 && w->load < PLAN_CREDIT * of->slots && w->count < PLAN_TASKS_MOST &&
                                    w->bytes + w->bytes / w->count <= (size_t)PLAN_BYTES_MOST * of->slots);
}

static bool is_dry(const plan *of, const worker *w)
{
    return w->joined && w->load < PLAN_CREDIT / 2 * of->slots;
}

void load_is(plan *of, worker *w, double load)
{
    of->dry -= is_dry(of, w);
    w->load = load;
    of->dry += is_dry(of, w);
}

/* A worker has room as long as the job with the most slots could give it something. */
void slots_look(plan *of)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < of->job_count; i++)
        if (of->jobs[i].phase != JOB_FREE && of->jobs[i].slots > most)
            most = of->jobs[i].slots;
    if (most == of->slots)
        return;
    of->slots = most;
    of->dry = 0;
    for (uint32_t i = 0; i < of->joined; i++) {
        uint32_t who = of->order[i];
        const worker *w = &of->workers[who];
        if (!w->joined || w->ordinal != i)
            continue;
        of->dry += is_dry(of, w);
        if (has_room(of, w))
            hungry_add(of, who, false);
        else
            hungry_remove(of, who);
    }
}

bool plan_at_ease(const plan *of)
{
    return of->joined && !of->dry;
}

/* Who has nothing at all is served first. */
void worker_finished(plan *of, uint32_t which)
{
    uint32_t who = of->pieces[which].worker;
    worker *w = &of->workers[who];
    tasks_remove(of, which);
    w->bytes -= of->pieces[which].travels;
    w->count--;
    w->unknown -= of->pieces[which].predicted <= 0;
    /* Sums and differences of doubles leave a rest, which would be taken for tasks of known cost. */
    load_is(of, w, w->count > w->unknown ? w->load - of->pieces[which].predicted : 0);
    of->stuck = false;                  /* it may have had room, and too little */
    if (w->count == 0)
        hungry_remove(of, who);
    if (has_room(of, w))
        hungry_add(of, who, w->count == 0);
}

int plan_join(plan *of, uint32_t who)
{
    if (who >= of->worker_most && !grow_to(of, (void **)&of->workers, &of->worker_most, sizeof *of->workers, who))
        return RF_ENOMEM;
    if (of->joined >= of->order_most && !grow_to(of, (void **)&of->order, &of->order_most, sizeof *of->order, of->joined))
        return RF_ENOMEM;
    if (of->workers[who].joined)
        return error_set(RF_EUSAGE, "plan", "worker %u has joined already", who);
    of->order[of->joined] = who;
    of->workers[who] = (worker){.joined = true, .ordinal = of->joined++, .tasks = {NONE, NONE}};
    of->dry++;
    for (uint32_t i = 0; i < of->job_count; i++)
        if (of->jobs[i].phase != JOB_FREE)
            team_fill(of, &of->jobs[i]);
    hungry_add(of, who, false);
    return RF_OK;
}

/* Whether the lost worker, whose tasks come in the order in which they were sent, can have begun this one: the first of those that run in
   the rank itself, and as many of a fork job as have a slot. A DROPPED piece may be of a job that is gone; then no other of it is there. */
static bool may_be_begun(plan *of, const piece *p, bool *inline_begun)
{
    if (p->forks)
        return p->state != PIECE_DROPPED && of->jobs[p->job].begun++ < of->jobs[p->job].slots;
    bool first = !*inline_begun;
    *inline_begun = true;
    return first;
}

static void tasks_come_back(plan *of, uint32_t who)
{
    bool inline_begun = false;
    for (uint32_t i = 0; i < of->job_count; i++)
        of->jobs[i].begun = 0;
    while (of->workers[who].tasks.head != NONE) {
        uint32_t i = of->workers[who].tasks.head, its_job = of->pieces[i].job;
        bool begun = may_be_begun(of, &of->pieces[i], &inline_begun);
        tasks_remove(of, i);
        if (of->pieces[i].state == PIECE_DROPPED) {
            piece_release(of, i);
            continue;
        }
        piece_returns(of, i, begun);
        job_judge(of, its_job);
    }
}

int plan_lost(plan *of, uint32_t who)
{
    if (who >= of->worker_most || !of->workers[who].joined)
        return error_set(RF_EUSAGE, "plan", "worker %u is not known", who);
    of->dry -= is_dry(of, &of->workers[who]);
    of->workers[who].joined = false;
    hungry_remove(of, who);
    of->stuck = false;
    for (uint32_t i = 0; i < of->job_count; i++)
        if (of->jobs[i].phase != JOB_FREE) {
            team_leave(of, &of->jobs[i], who);
            team_fill(of, &of->jobs[i]);
        }
    tasks_come_back(of, who);
    for (uint32_t i = 0; i < of->job_count; i++)
        if (of->jobs[i].phase != JOB_FREE && !of->jobs[i].takers)
            job_stop(of, i, RF_ELOST, true);
    return of->memory_status;
}
