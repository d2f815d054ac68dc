#include "plan/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "plan/state.h"

#define SHARE_LEAST 10              /* items done before halt_share is looked at */

plan *plan_new(void)
{
    plan *made = calloc(1, sizeof *made);
    if (!made) {
        error_no_memory(sizeof *made);
        return NULL;
    }
    made->piece_free = made->chunk_free = made->job_free = NONE;
    made->ring = made->hungry = (list){NONE, NONE};
    made->next_deadline = made->next_token = INFINITY;
    made->slots = 1;
    return made;
}

void plan_free(plan *made)
{
    if (!made)
        return;
    for (uint32_t i = 0; i < made->job_count; i++) {
        free(made->jobs[i].benched);
        free((char *)(uintptr_t)made->jobs[i].as.settled.retry.on);
    }
    free(made->pieces);
    free(made->chunks);
    free(made->jobs);
    free(made->workers);
    free(made->order);
    free(made->heap);
    free(made->actions);
    free(made);
}

/* ---- jobs ---- */

static int copy_texts(rf_options *settled)
{
    settled->name = NULL;
    settled->state = rf_nil();
    if (settled->retry.on && !(settled->retry.on = strdup(settled->retry.on)))
        return error_no_memory(1);
    return RF_OK;
}

int plan_add(plan *of, const plan_job *as, double now, uint64_t *id)
{
    *id = 0;
    uint32_t i = job_new(of);
    if (i == NONE)
        return RF_ENOMEM;
    job *j = &of->jobs[i];
    j->as = *as;
    if (copy_texts(&j->as.settled)) {
        j->as.settled.retry.on = NULL;
        job_release(of, i);
        return RF_ENOMEM;
    }
    j->input_ended = !as->sequential;
    j->known = as->sequential ? 0 : job_limit(j);
    j->limit = rate_from(as->settled.rate_limit, now);
    j->random = random_seed(as->settled.seed, j->serial, 0, 0);
    j->deadline = as->settled.timeout > 0 ? now + as->settled.timeout : INFINITY;
    j->slots = as->settled.slots ? as->settled.slots : 1;
    *id = j->id;
    if (j->deadline < of->next_deadline)
        of->next_deadline = j->deadline;
    if (j->slots > of->slots)
        slots_look(of);
    team_fill(of, j);
    ring_add(of, i);
    if (!j->takers)
        job_stop(of, i, RF_ELOST, true);
    else
        job_look(of, i);
    return RF_OK;
}

int plan_items(plan *of, uint64_t id, uint64_t more, bool end)
{
    uint32_t i;
    job *j = job_by_id(of, id, &i);
    if (!j)
        return RF_OK;
    uint64_t declared = job_limit(j);
    j->known = more < declared - j->known ? j->known + more : declared;
    j->reading = j->reading && !more && !end;
    j->input_ended = j->input_ended || end || j->known == declared;
    ring_add(of, i);
    job_look(of, i);
    return RF_OK;
}

void plan_read_failed(plan *of, uint64_t id, int status)
{
    job *j = job_by_id(of, id, NULL);
    if (!j)
        return;
    j->status = j->status ? j->status : status;
    plan_items(of, id, 0, true);
}

void plan_cancel(plan *of, uint64_t id, int status)
{
    uint32_t i;
    if (job_by_id(of, id, &i))
        job_stop(of, i, status, true);
}

void plan_abandon(plan *of, uint64_t id)
{
    uint32_t i;
    job *j = job_by_id(of, id, &i);
    if (!j)
        return;
    j->silent = true;
    actions_silence(of, id);
    job_stop(of, i, RF_ECANCELLED, true);
}

void plan_taken(plan *of, uint64_t id, uint32_t which, size_t bytes)
{
    uint32_t i;
    job *j = job_by_id(of, id, &i);
    if (!j || which >= of->chunk_count || of->chunks[which].job != i || !of->chunks[which].held)
        return;
    j->bytes_held -= bytes;
    ring_add(of, i);
    chunk_taken(of, which);
}

/* ---- halting ---- */

static bool too_many_failed(const job *j)
{
    const rf_options *settled = &j->as.settled;
    if (settled->halt <= RF_HALT_NEVER || !j->items_failed)
        return false;
    if (settled->halt_count && j->items_failed >= settled->halt_count)
        return true;
    return settled->halt_share > 0 && j->items_done >= SHARE_LEAST &&
           (double)j->items_failed >= settled->halt_share * (double)j->items_done;
}

void job_judge(plan *of, uint32_t which)
{
    job *j = &of->jobs[which];
    if (j->phase == JOB_RUNS && too_many_failed(j))
        job_stop(of, which, RF_EHALTED, j->as.settled.halt == RF_HALT_NOW);
    else
        job_look(of, which);
}

/* ---- parts ---- */

static bool is_sound(const piece *p, const plan_part *part)
{
    if (p->state != PIECE_RUNNING || part->units > p->count - p->covered)
        return false;
    if (part->init_failed)
        return true;
    for (uint64_t f = 0; f < part->failure_count; f++) {
        const plan_failure *failed = &part->failures[f];
        bool its_unit = failed->unit >= p->first + p->covered && failed->unit - p->first < p->count;
        if (!its_unit || (p->position != PLAN_ALL && failed->position != p->position))
            return false;
    }
    return part->failure_count <= part->items;
}

static void measure(job *j, piece *p, const plan_part *part)
{
    p->seconds += part->seconds;
    p->bytes += (double)part->bytes;
    if (part->units || part->items)
        p->partly = part->partly;
    if (!part->units || p->position != PLAN_ALL)
        return;
    cost_measure(&j->measured, part->units, p->seconds, (size_t)p->bytes);
    p->seconds = p->bytes = 0;
}

static void grow_job(job *j, const plan_part *part)
{
    if (!part->added)
        return;
    j->added += part->added;
    j->added_bytes += ((double)part->added_bytes - (double)part->added * j->added_bytes) / (double)j->added;
}

static void count_part(plan *of, piece *p, const plan_part *part)
{
    job *j = &of->jobs[p->job];
    p->covered += part->units;
    measure(j, p, part);
    j->items_done += part->ran;
    j->units_done += p->position == PLAN_ALL ? part->units : 0;
    grow_job(j, part);
    if (j->as.keeps || !part->items)
        return;
    j->bytes_held += part->bytes;
    of->chunks[p->chunk].held++;
}

static void count_failures(plan *of, uint32_t which, plan_part *part, double now)
{
    job *j = &of->jobs[of->pieces[which].job];
    for (uint64_t f = 0; f < part->failure_count; f++) {
        bool again = part->failures[f].again = try_again(of, which, &part->failures[f], now);
        j->items_failed += !again;
        j->items_done -= again;
        j->units_done -= again && part->failures[f].position == PLAN_ALL;
    }
}

/* What is left of it after its last part is run again, elsewhere if init_failed. */
static void last_part(plan *of, uint32_t which)
{
    worker_finished(of, which);
    piece_returns(of, which, false);
}

/* The worker has it no more; its job or the plan had given it up before. */
static int unwanted_part(plan *of, uint32_t which, const plan_part *part)
{
    if (which != NONE && part->last) {
        worker_finished(of, which);
        piece_release(of, which);
    }
    return of->memory_status;
}

int plan_part_done(plan *of, plan_part *part, double now)
{
    part->job = 0;
    part->chunk = PLAN_NO_CHUNK;
    uint32_t i = piece_by_task(of, part->task);
    if (i != NONE && of->pieces[i].worker != part->worker)
        return error_set(RF_EUSAGE, "plan", "rank %u reports a task that was given to rank %u", part->worker, of->pieces[i].worker);
    if (i == NONE || of->pieces[i].state == PIECE_DROPPED)
        return unwanted_part(of, i, part);
    if (!is_sound(&of->pieces[i], part))
        return error_set(RF_EUSAGE, "plan", "rank %u reports units of a task that it was not given", part->worker);
    uint32_t its_job = of->pieces[i].job;
    part->job = of->jobs[its_job].id;
    part->chunk = of->pieces[i].chunk;
    count_part(of, &of->pieces[i], part);
    if (!part->init_failed)
        count_failures(of, i, part, now);
    if (part->last)
        last_part(of, i);
    if (part->init_failed)
        bench(of, its_job, part->worker);
    ring_add(of, its_job);
    if (of->jobs[its_job].takers)
        job_judge(of, its_job);
    else
        job_stop(of, its_job, RF_EINIT, true);
    return of->memory_status;
}

/* ---- actions ---- */

bool plan_take(plan *of, double now, plan_action *action)
{
    if (!of->action_count) {
        expire(of, now);
        while (!of->action_count && schedule_one(of, now))
            ;
    }
    if (!of->action_count)
        return false;
    *action = of->actions[of->action_first];
    of->action_first = (of->action_first + 1) % of->action_most;
    of->action_count--;
    return true;
}

double plan_wake(const plan *of)
{
    double due = of->heap_count ? of->pieces[of->heap[0]].due : INFINITY;
    due = due < of->next_token ? due : of->next_token;
    return due < of->next_deadline ? due : of->next_deadline;
}

bool plan_out_of_time(const plan *of, uint64_t task, double now)
{
    uint32_t i = piece_by_task(of, task);
    return i != NONE && of->pieces[i].state == PIECE_RUNNING && of->jobs[of->pieces[i].job].deadline <= now;
}

uint64_t plan_done(const plan *of, uint64_t id, uint64_t *total)
{
    const job *j = job_by_id((plan *)(uintptr_t)of, id, NULL);
    *total = j ? job_total(j) : 0;
    return j ? j->units_done : 0;
}

bool plan_busy(const plan *of, uint32_t who)
{
    return who < of->worker_most && of->workers[who].count;
}

uint64_t plan_failed(const plan *of, uint64_t id)
{
    const job *j = job_by_id((plan *)(uintptr_t)of, id, NULL);
    return j ? j->items_failed : 0;
}

int plan_memory_status(const plan *of)
{
    return of->memory_status;
}
