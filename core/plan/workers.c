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
bool has_room(const worker *w)
{
    return w->count == 0 || (w->load > 0 && w->load < PLAN_CREDIT && w->count < PLAN_TASKS_MOST &&
                             w->bytes + w->bytes / w->count <= PLAN_BYTES_MOST);
}

static bool is_dry(const worker *w)
{
    return w->joined && w->load < PLAN_CREDIT / 2;
}

void load_is(plan *of, worker *w, double load)
{
    of->dry -= is_dry(w);
    w->load = load;
    of->dry += is_dry(w);
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
    load_is(of, w, --w->count ? w->load - of->pieces[which].predicted : 0);
    of->stuck = false;                  /* it may have had room, and too little */
    if (w->count == 0)
        hungry_remove(of, who);
    if (has_room(w))
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

/* Only the first of its tasks can have been begun. */
static void tasks_come_back(plan *of, uint32_t who)
{
    for (bool at_it = true; of->workers[who].tasks.head != NONE; at_it = false) {
        uint32_t i = of->workers[who].tasks.head, its_job = of->pieces[i].job;
        tasks_remove(of, i);
        if (of->pieces[i].state == PIECE_DROPPED) {
            piece_release(of, i);
            continue;
        }
        piece_returns(of, i, at_it);
        job_judge(of, its_job);
    }
}

int plan_lost(plan *of, uint32_t who)
{
    if (who >= of->worker_most || !of->workers[who].joined)
        return error_set(RF_EUSAGE, "plan", "worker %u is not known", who);
    of->dry -= is_dry(&of->workers[who]);
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
