/* How chunks complete and jobs end.

   Why a plan always ends: a job has no piece for ever. A READY piece is given to the next worker with room that may take it,
   or, when no worker may run the job any more, the job is stopped and the piece FAILed. A WAITING one becomes READY at its
   due time, which is bounded by max_delay. A RUNNING one gives its last part, or its worker is lost and it is READY again,
   at most as often as attempts allow. Attempts are bounded, units are cut once, and when the last piece of the last chunk is
   gone, job_look says ENDED. A job that grows ends when its functions add no more: what they add is known with the part that
   brings it, so while anything of it may still be added one of its pieces is not done. */
#include <math.h>

#include "plan/state.h"

uint64_t job_limit(const job *which)
{
    uint64_t declared = which->as.settled.iterable_len;
    return declared && declared < which->as.length ? declared : which->as.length;
}

uint64_t job_total(const job *which)
{
    uint64_t most = job_limit(which);
    bool found = which->as.sequential && (which->input_ended || most == PLAN_UNKNOWN);
    uint64_t of_source = found ? which->known : most;
    return of_source + which->added;
}

static void chunk_free_if_over(plan *of, uint32_t which)
{
    chunk *c = &of->chunks[which];
    job *j = &of->jobs[c->job];
    if (c->pieces || !c->delivered || c->held)
        return;
    if (!j->as.keeps) {
        j->active -= c->count;
        ring_add(of, c->job);
    }
    chunk_release(of, which);
}

void chunk_taken(plan *of, uint32_t which)
{
    of->chunks[which].held--;
    chunk_free_if_over(of, which);
}

static void deliver(plan *of, uint32_t which)
{
    chunk *c = &of->chunks[which];
    job *j = &of->jobs[c->job];
    c->delivered = true;
    if (j->as.ordered && !j->silent)
        act(of, &(plan_action){.kind = PLAN_DELIVER, .job = j->id, .chunk = which});
    chunk_free_if_over(of, which);
}

/* Chunks are delivered from the head on, as far as they are complete; unordered jobs have delivered the parts already, and
   follow the same way so that there is one. An unordered chunk need not wait for its turn. */
static void chunk_complete(plan *of, uint32_t which)
{
    chunk *c = &of->chunks[which];
    job *j = &of->jobs[c->job];
    if (j->as.sequential || c->first >= PLAN_ADDED)
        act(of, &(plan_action){.kind = PLAN_FORGET, .job = j->id, .first = c->first, .count = c->count});
    if (j->as.keeps) {
        j->active -= c->count;
        ring_add(of, c->job);
    }
    if (which != j->next_delivery) {
        if (!j->as.ordered)
            deliver(of, which);
        return;
    }
    while (j->next_delivery != NONE && of->chunks[j->next_delivery].pieces == 0) {
        uint32_t head = j->next_delivery;
        j->next_delivery = of->chunks[head].of_job.next;
        if (!of->chunks[head].delivered)
            deliver(of, head);
    }
}

void piece_done(plan *of, uint32_t which)
{
    uint32_t of_chunk = of->pieces[which].chunk;
    piece_detach(of, which);
    piece_release(of, which);
    if (of->chunks[of_chunk].pieces == 0)
        chunk_complete(of, of_chunk);
}

static void fail_units(plan *of, const piece *p, int status)
{
    job *j = &of->jobs[p->job];
    bool one_item = p->position != PLAN_ALL;
    uint64_t units = p->count - p->covered;
    j->items_done += units;
    j->items_failed += units;
    j->units_done += one_item ? 0 : units;
    if (j->silent)
        return;
    if (!j->as.keeps)
        of->chunks[p->chunk].held++;
    bool ran = p->state == PIECE_RUNNING;
    act(of, &(plan_action){.kind = PLAN_FAIL, .job = j->id, .chunk = p->chunk, .first = p->first + p->covered, .count = units,
                           .position = p->position, .status = status, .attempt = ran ? p->attempt : p->attempt - 1});
}

void piece_fail(plan *of, uint32_t which, int status)
{
    piece *p = &of->pieces[which];
    uint32_t of_chunk = p->chunk;
    if (p->covered < p->count)
        fail_units(of, p, status);
    if (p->state == PIECE_READY)
        ready_remove(of, which);
    else if (p->state == PIECE_WAITING)
        heap_remove(of, which);
    piece_detach(of, which);
    if (p->state == PIECE_RUNNING) {
        of->jobs[p->job].bytes_flying -= p->flying;
        p->state = PIECE_DROPPED;
    } else {
        piece_release(of, which);
    }
    if (of->chunks[of_chunk].pieces == 0)
        chunk_complete(of, of_chunk);
}

/* A worker that is being lost has nothing to stop, though some of its tasks have not come back yet. */
static void stop_task(plan *of, uint32_t which, bool drop)
{
    const piece *p = &of->pieces[which];
    if (of->workers[p->worker].joined)
        act(of, &(plan_action){.kind = PLAN_STOP, .job = of->jobs[p->job].id, .task = task_of(of, which), .worker = p->worker, .drop = drop});
}

void job_stop(plan *of, uint32_t which, int status, bool drop)
{
    job *j = &of->jobs[which];
    if (j->phase == JOB_RUNS)
        j->status = status;
    j->phase = JOB_STOPS;
    for (uint32_t i = j->pieces.head, next; i != NONE; i = next) {
        next = of->pieces[i].of_job.next;
        if (of->pieces[i].state == PIECE_RUNNING)
            stop_task(of, i, drop);
        if (of->pieces[i].state != PIECE_RUNNING || drop)
            piece_fail(of, i, status);
    }
    job_look(of, which);
}

static void fail_uncut(plan *of, job *j, uint64_t first, uint64_t units)
{
    if (!units)
        return;
    j->items_failed += units;
    j->items_done += units;
    j->units_done += units;
    if (!j->silent)
        act(of, &(plan_action){.kind = PLAN_FAIL, .job = j->id, .chunk = PLAN_NO_CHUNK, .first = first, .count = units,
                               .position = PLAN_ALL, .status = j->status});
    if (j->as.sequential || first >= PLAN_ADDED)
        act(of, &(plan_action){.kind = PLAN_FORGET, .job = j->id, .first = first, .count = units});
}

/* What was known and never cut. */
static void fail_the_rest(plan *of, job *j)
{
    uint64_t end = j->as.sequential ? j->known : job_limit(j);
    fail_uncut(of, j, j->cut, end == PLAN_UNKNOWN ? 0 : end - j->cut);
    fail_uncut(of, j, PLAN_ADDED + j->added_cut, j->added - j->added_cut);
}

static bool is_over(const job *j)
{
    if (j->pieces.head != NONE)         /* without pieces every chunk is complete, and delivered */
        return false;
    return j->phase == JOB_STOPS || (j->input_ended && j->cut >= j->known && j->added_cut == j->added);
}

void job_look(plan *of, uint32_t which)
{
    job *j = &of->jobs[which];
    if (!is_over(j))
        return;
    if (j->phase == JOB_STOPS)
        fail_the_rest(of, j);
    int status = j->status ? j->status : j->items_failed ? RF_EITEMS : RF_OK;
    act(of, &(plan_action){.kind = PLAN_ENDED, .job = j->id, .status = status, .first = j->units_done,
                           .count = job_total(j)});
    while (j->chunks.head != NONE)
        chunk_release(of, j->chunks.head);
    bool was_thirsty = j->thirsty;
    uint32_t slots = j->slots;
    job_release(of, which);
    if (slots > 1 && slots == of->slots)
        slots_look(of);
    if (was_thirsty)
        tokens_look(of);
}

void deadlines_look(plan *of)
{
    of->next_deadline = INFINITY;
    for (uint32_t i = 0; i < of->job_count; i++)
        if (of->jobs[i].phase != JOB_FREE && of->jobs[i].deadline < of->next_deadline)
            of->next_deadline = of->jobs[i].deadline;
}

void tokens_look(plan *of)
{
    of->next_token = INFINITY;
    for (uint32_t i = 0; i < of->job_count; i++)
        if (of->jobs[i].thirsty && rate_wake(&of->jobs[i].limit) < of->next_token)
            of->next_token = rate_wake(&of->jobs[i].limit);
}
