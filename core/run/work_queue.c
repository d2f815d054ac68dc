#include "run/work_queue.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/large.h"
#include "run/gather.h"

/* ---- lanes ---- */

static void push(work_lane *to, queued *entry)
{
    entry->next = NULL;
    if (to->last)
        to->last->next = entry;
    else
        to->first = entry;
    to->last = entry;
}

static void pull(work_lane *from, queued *entry)
{
    queued *before = NULL;
    for (queued *at = from->first; at != entry; at = at->next)
        before = at;
    if (before)
        before->next = entry->next;
    else
        from->first = entry->next;
    if (from->last == entry)
        from->last = before;
}

static void free_all(queued *first)
{
    for (queued *entry = first, *next; entry; entry = next) {
        next = entry->next;
        gather_free(entry->gathers);
        buffer_free(&entry->kept);
        free(entry);
    }
}

/* ---- jobs ---- */

int work_queue_open(work_queue *in)
{
    LIST_INIT(&in->jobs);
    TAILQ_INIT(&in->forking);
    return numbered_open(&in->by_id);
}

int work_queue_job(work_queue *in, const registry *functions, const shares *has, const shuffles *by_key, const message *what)
{
    worker_job *job = calloc(1, sizeof *job);
    if (!job)
        return error_no_memory(sizeof *job);
    int status = work_job_new(functions, has, by_key, what, &job->of);
    if (status) {
        free(job);
        return status;
    }
    job->by_id.number = what->head.job;
    numbered_add(&in->by_id, &job->by_id);
    LIST_INSERT_HEAD(&in->jobs, job, all);
    return RF_OK;
}

worker_job *work_queue_find(const work_queue *in, uint64_t id)
{
    numbered *found = numbered_find(&in->by_id, id);
    return found ? (worker_job *)(void *)((char *)found - offsetof(worker_job, by_id)) : NULL;
}

static void free_if_over(worker_job *job)
{
    if (!job->forgotten || job->chunks)
        return;
    LIST_REMOVE(job, all);
    work_job_free(job->of);
    free(job);
}

static work_lane *lane_of(work_queue *in, worker_job *job)
{
    return job->of->job.slots ? &job->waiting : &in->waiting;
}

/* What waits of it is not run any more, but still answered. */
void work_queue_forget(work_queue *in, uint64_t id)
{
    worker_job *job = work_queue_find(in, id);
    if (!job)
        return;
    job->forgotten = true;
    numbered_remove(&in->by_id, &job->by_id);
    for (queued *entry = job->chunks ? lane_of(in, job)->first : NULL; entry; entry = entry->next)
        if (entry->job == job)
            entry->run.run.count = 0;
    free_if_over(job);
}

/* ---- chunks ---- */

static queued *spare_or_new(work_queue *in)
{
    queued *entry = in->spare;
    if (entry)
        in->spare = entry->next;
    else if (!(entry = calloc(1, sizeof *entry)))
        error_no_memory(sizeof *entry);
    return entry;
}

static int keep_body(queued *entry, post *via, message *run)
{
    buffer taken;
    if (post_take_body(via, run, &taken)) {
        buffer_free(&entry->kept);
        entry->kept = taken;
        return RF_OK;
    }
    entry->kept.size = 0;
    int status = buffer_reserve(&entry->kept, run->body_size + 1);
    if (status == RF_OK)
        status = buffer_put(&entry->kept, run->body, run->body_size);
    if (status == RF_OK)
        entry->kept.data[entry->kept.size] = '\0';
    return status;
}

int work_queue_add(work_queue *in, post *via, worker_job *job, message *run)
{
    queued *entry = spare_or_new(in);
    if (!entry)
        return RF_ENOMEM;
    int status = keep_body(entry, via, run);
    if (status) {
        entry->next = in->spare;
        in->spare = entry;
        return status;
    }
    entry->job = job;
    entry->run = *run;
    entry->run.body = entry->kept.data;
    if (job->of->job.slots && !job->waiting.first)
        TAILQ_INSERT_TAIL(&in->forking, job, forking);
    push(lane_of(in, job), entry);
    job->chunks++;
    in->count++;
    in->forked += job->of->job.slots > 0;
    return RF_OK;
}

queued *work_queue_begin(work_queue *in, worker_job *job)
{
    work_lane *lane = job ? &job->waiting : &in->waiting;
    queued *entry = lane->first;
    pull(lane, entry);
    if (job && !lane->first)
        TAILQ_REMOVE(&in->forking, job, forking);
    push(&in->begun, entry);
    return entry;
}

queued *work_queue_begun(const work_queue *in, uint64_t task)
{
    queued *entry = in->begun.first;
    while (entry && entry->run.head.task != task)
        entry = entry->next;
    return entry;
}

/* A large body goes at once: the next one then lies where it lay, in memory that is still warm. */
void work_queue_done(work_queue *in, queued *entry)
{
    worker_job *job = entry->job;
    pull(&in->begun, entry);
    gather_free(entry->gathers);
    entry->gathers = NULL;
    if (entry->kept.capacity >= LARGE_LEAST)
        buffer_free(&entry->kept);
    entry->next = in->spare;
    in->spare = entry;
    in->count--;
    in->forked -= job->of->job.slots > 0;
    job->chunks--;
    free_if_over(job);
}

static void stop_in(work_lane *lane, uint64_t task)
{
    for (queued *entry = lane->first; entry; entry = entry->next)
        if (entry->run.head.task == task)
            entry->run.run.count = 0;
}

void work_queue_stop(work_queue *in, uint64_t task)
{
    stop_in(&in->waiting, task);
    worker_job *job;
    TAILQ_FOREACH(job, &in->forking, forking)
        stop_in(&job->waiting, task);
}

void work_queue_free(work_queue *in)
{
    free_all(in->waiting.first);
    free_all(in->begun.first);
    free_all(in->spare);
    for (worker_job *job; (job = LIST_FIRST(&in->jobs));) {
        LIST_REMOVE(job, all);
        free_all(job->waiting.first);
        work_job_free(job->of);
        free(job);
    }
    numbered_free(&in->by_id);
}
