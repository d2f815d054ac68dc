#include "run/worker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/large.h"
#include "run/figures.h"
#include "run/work_job.h"

#define LONG_SECONDS 0.001              /* before a function predicted to take longer, all that was sent must have left */
#define TURN_SECONDS 0.000200           /* how long a step goes on before it looks for messages */
#define STEP_SECONDS 0.0000002          /* what a task costs beside its function */
#define HOLD_SECONDS 0.000500           /* how long finished parts wait for company */
#define QUIET_SECONDS 0.001             /* to wait, at most, until all that was sent has left; the transport says when */
#define DRAIN_SECONDS 0.000100          /* how often a function that asks lets messages move */

struct queued {
    message run;                        /* head and fixed part; body points into kept */
    buffer kept;
    uint32_t function;
};

struct worker {
    post *via;
    const registry *functions;
    executor *runs;
    shares *shares;
    LIST_HEAD(, work_job) jobs;
    numbered_table jobs_by_id;
    struct queued *queue;               /* a ring; slots keep their buffers for the next small body */
    size_t first, count, most;
    uint64_t ends_early;                /* a task that cannot be run any further */
    bool one_ends_early;                /* there is such a one */
    uint64_t stopped;                   /* the task whose STOP was seen while its function ran */
    bool running, in_function, over;
    bool held;                          /* the next chunk waits for shared data of its job */
    bool follows;                       /* the step has just finished a chunk */
    double drained, flushed;
    work_figures done;
    bool (*out_of_time)(void *context, uint64_t task);
    void *out_of_time_context;
    int status;
};

int worker_new(post *via, const registry *functions, worker **made)
{
    worker *works = *made = calloc(1, sizeof *works);
    if (!works)
        return error_no_memory(sizeof *works);
    works->via = via;
    works->functions = functions;
    figures_begin(&works->done, transport_now(post_transport(via)));
    int status = shares_new(via, &works->shares);
    if (status == RF_OK)
        status = numbered_open(&works->jobs_by_id);
    if (status) {
        shares_free(works->shares);
        free(works);
        *made = NULL;
    }
    return status;
}

void worker_use(worker *works, executor *runs)
{
    works->runs = runs;
}

void worker_ask(worker *works, bool (*out_of_time)(void *context, uint64_t task), void *context)
{
    works->out_of_time = out_of_time;
    works->out_of_time_context = context;
}

void worker_free(worker *works)
{
    if (!works)
        return;
    for (struct work_job *job; (job = LIST_FIRST(&works->jobs));) {
        LIST_REMOVE(job, all);
        work_job_free(job);
    }
    numbered_free(&works->jobs_by_id);
    for (size_t i = 0; i < works->most; i++)
        buffer_free(&works->queue[i].kept);
    free(works->queue);
    shares_free(works->shares);
    free(works);
}

bool worker_over(const worker *works) { return works->over || works->status; }
int worker_status(const worker *works) { return works->status; }
bool worker_in_function(const worker *works) { return works->in_function; }
uint64_t worker_waiting(const worker *works) { return works->count; }

/* ---- messages ---- */

int worker_greet(worker *works)
{
    transport *t = post_transport(works->via);
    message hello = {.head.kind = MESSAGE_HELLO, .hello = {.fingerprint = registry_fingerprint(works->functions),
                     .functions = registry_count(works->functions), .cores = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN)}};
    hello.body = registry_names(works->functions, &hello.body_size);
    strncpy(hello.hello.host, transport_host(t), sizeof hello.hello.host - 1);
    return post_send(works->via, 0, &hello, NULL, 0);
}

static struct work_job *job_of(worker *works, uint64_t id)
{
    numbered *found = numbered_find(&works->jobs_by_id, id);
    return found ? (struct work_job *)(void *)((char *)found - offsetof(struct work_job, by_id)) : NULL;
}

static int take_job(worker *works, const message *what)
{
    struct work_job *job;
    int status = work_job_new(works->functions, works->shares, what, &job);
    if (status)
        return status;
    works->done.sum.bytes_in += what->body_size;
    LIST_INSERT_HEAD(&works->jobs, job, all);
    numbered_add(&works->jobs_by_id, &job->by_id);
    return RF_OK;
}

static bool queue_grow(worker *works)
{
    size_t most = works->most ? works->most * 2 : 64;
    struct queued *larger = calloc(most, sizeof *larger);
    if (!larger) {
        error_no_memory(most * sizeof *larger);
        return false;
    }
    for (size_t i = 0; i < works->most; i++)
        larger[i] = works->queue[(works->first + i) % works->most];
    free(works->queue);
    works->queue = larger;
    works->most = most;
    works->first = 0;
    return true;
}

static int take_run(worker *works, message *what)
{
    const struct work_job *job = job_of(works, what->head.job);
    if (!job)
        return message_refuse(what, what->head.size, "a job that was not announced");
    if (works->count == works->most && !queue_grow(works))
        return RF_ENOMEM;
    struct queued *entry = &works->queue[(works->first + works->count) % works->most];
    if (works->one_ends_early && what->head.task == works->ends_early)
        what->run.count = 0;
    buffer taken;
    if (post_take_body(works->via, what, &taken)) {
        buffer_free(&entry->kept);
        entry->kept = taken;
    } else {
        entry->kept.size = 0;
        int status = buffer_reserve(&entry->kept, what->body_size + 1);
        if (status == RF_OK)
            status = buffer_put(&entry->kept, what->body, what->body_size);
        if (status)
            return status;
        entry->kept.data[entry->kept.size] = '\0';
    }
    works->done.sum.bytes_in += what->body_size;
    entry->function = job->job.number;
    entry->run = *what;
    entry->run.body = entry->kept.data;
    works->count++;
    return RF_OK;
}

static void stop_task(worker *works, uint64_t task)
{
    for (size_t i = works->running; i < works->count; i++) {
        struct queued *entry = &works->queue[(works->first + i) % works->most];
        if (entry->run.head.task == task)
            entry->run.run.count = 0;
    }
    if (works->running && works->queue[works->first].run.head.task == task)
        executor_cancel(works->runs, task);
}

/* A chunk of it that has given a part and is not over still needs it: then it goes with that chunk. */
static void forget_job(worker *works, uint64_t id)
{
    struct work_job *job = job_of(works, id);
    if (!job)
        return;
    if (works->running && works->queue[works->first].run.head.job == id) {
        job->forgotten = true;
        return;
    }
    LIST_REMOVE(job, all);
    numbered_remove(&works->jobs_by_id, &job->by_id);
    work_job_free(job);
}

/* Its body was withdrawn, or there was no memory for it: its last part says that nothing was done. What follows of its task is not run either:
   parts tell units in their order. */
static int take_run_without_body(worker *works, message *what)
{
    works->ends_early = what->head.task;
    works->one_ends_early = true;
    what->body_size = 0;
    return take_run(works, what);
}

int worker_take_incomplete(worker *works, message *what, int why)
{
    return what->head.kind == MESSAGE_RUN ? take_run_without_body(works, what) : why;
}

static int take_share(worker *works, message *what)
{
    works->held = false;                /* it is looked at again */
    return shares_take(works->shares, what);
}

static void take_bye(worker *works, const message *what)
{
    works->over = true;
    if (what->head.task)
        works->status = error_set(RF_EREGISTRY, "registry", "ranks disagree about their functions: rank 0 tells which");
}

int worker_take(worker *works, message *what)
{
    switch (what->head.kind) {
    case MESSAGE_JOB: return take_job(works, what);
    case MESSAGE_RUN: return take_run(works, what);
    case MESSAGE_STOP: stop_task(works, what->head.task); return RF_OK;
    case MESSAGE_FORGET: forget_job(works, what->head.job); return RF_OK;
    case MESSAGE_ASK: works->done.asked = what->ask.number; return RF_OK;
    case MESSAGE_BYE: take_bye(works, what); return RF_OK;
    default: return take_share(works, what);
    }
}

/* ---- called from inside functions ---- */

static void let_messages_move(void *context)
{
    worker *works = context;
    double now = transport_now(post_transport(works->via));
    if (now - works->drained < DRAIN_SECONDS)
        return;
    works->drained = now;
    transport_flush(post_transport(works->via));
    post_pump(works->via);
}

struct sought { uint64_t task; };

static bool stops_task(void *context, const message *what)
{
    const struct sought *sought = context;
    return what->head.kind == MESSAGE_BYE || (what->head.kind == MESSAGE_STOP && what->head.task == sought->task);
}

static bool task_cancelled(void *context, uint64_t task)
{
    worker *works = context;
    let_messages_move(works);
    if (works->stopped != task && post_peek(works->via, stops_task, &(struct sought){task}))
        works->stopped = task;
    if (works->out_of_time && works->out_of_time(works->out_of_time_context, task))
        works->stopped = task;
    return works->stopped == task;
}

static double rank_clock(void *context)
{
    const worker *works = context;
    return transport_now(post_transport(works->via));
}

executor_host worker_host(worker *works)
{
    return (executor_host){.rank = transport_rank(post_transport(works->via)), .now = rank_clock, .progress = let_messages_move,
                           .cancelled = task_cancelled, .context = works};
}

/* ---- steps ---- */

static int post_part(worker *works, const struct queued *of, executor_part *part)
{
    bool last = part->last && (!of->run.run.more || part->init_failed);
    message what = {.head = {.kind = MESSAGE_PART, .job = of->run.head.job, .task = of->run.head.task},
                    .part = {.unit = part->unit, .units = part->units, .ran = part->ran, .path_index = part->path_index, .seconds = part->seconds,
                             .attempt = of->run.run.attempt}};
    what.part.flags = (last ? PART_LAST : 0u) | (part->init_failed ? PART_INIT_FAILED : 0u) | (part->partly ? PART_PARTLY : 0u) |
                      (part->positioned && !part->init_failed ? PART_POSITIONS : 0u);
    part_content content = {.values = part->values, .positions = (const uint64_t *)(const void *)part->positions->data,
                            .failures = part->failures, .added = part->added};
    message_measure_part(&what, &content);
    figures_count(&works->done, part, of->function, what.body_size, last && part->ran);
    if (what.body_size <= POST_INLINE_MOST) {
        void *space = post_begin(works->via, 0, &what);
        if (!space)
            return RF_ENOMEM;
        message_put_part(&what, &content, space);
        return RF_OK;
    }
    buffer body = {0};
    int status = message_seal_part(&what, &content, &body);
    if (status == RF_OK) {
        what.body = body.data;
        status = post_send(works->via, 0, &what, &body, 0);
    }
    buffer_free(&body);
    return status;
}

/* A task that was stopped before it began: its last part says so by covering nothing. */
static int post_nothing(worker *works, const struct queued *of)
{
    column none = {0};
    buffer empty = {0};
    executor_part part = {.unit = of->run.run.first, .path_index = UINT64_MAX, .last = true, .values = &none, .positions = &empty,
                          .added = &none, .failures = &empty};
    return post_part(works, of, &part);
}

/* A large body goes at once: the next one then lies where it lay, in memory that is still warm. */
static void chunk_done(worker *works)
{
    struct queued *done = &works->queue[works->first];
    const struct work_job *job = job_of(works, done->run.head.job);
    if (done->kept.capacity >= LARGE_LEAST)
        buffer_free(&done->kept);
    works->first = (works->first + 1) % works->most;
    works->count--;
    works->running = false;
    if (job && job->forgotten)
        forget_job(works, job->by_id.number);
}

static int begin(worker *works)
{
    struct queued *of = &works->queue[works->first];
    const struct message_run *run = &of->run.run;
    struct work_job *job = job_of(works, of->run.head.job);
    if (!run->count || !job) {
        int status = run->more ? RF_OK : post_nothing(works, of);
        chunk_done(works);
        return status;
    }
    works->held = !share_table_whole(job->shares);
    if (works->held)
        return RF_OK;
    executor_chunk chunk = {.task = of->run.head.task, .job = &job->job, .first = run->first, .count = run->count,
                            .position = run->position, .attempt = run->attempt, .predicted = run->predicted, .follows = works->follows,
                            .piece = {.kind = run->kind, .layout = run->layout, .a = run->a, .b = run->b, .body = of->run.body,
                                      .body_size = of->run.body_size}};
    works->running = true;
    return executor_start(works->runs, &chunk);
}

/* Before a long function this rank is quiet: what MPI has not sent when it begins moves when it returns. A cost that is not known may be long. */
static bool must_be_quiet(const worker *works)
{
    double predicted = works->queue[works->first].run.run.predicted;
    return !(predicted > 0 && predicted <= LONG_SECONDS);
}

static bool waits_for_quiet(const worker *works)
{
    transport *t = post_transport(works->via);
    return must_be_quiet(works) && (!transport_quiet(t) || shares_in_demand(works->shares, transport_now(t)));
}

/* The seconds it took, which were measured anyway; negative: nothing could be done. */
static double work_a_little(worker *works, double now)
{
    if (works->status || !works->count || works->held)
        return -1;
    if (waits_for_quiet(works)) {
        transport_flush(post_transport(works->via));
        return -1;
    }
    if (!works->running) {
        works->status = begin(works);
        return 0;
    }
    executor_part part;
    works->in_function = true;
    bool got = executor_next(works->runs, now, &part);
    works->in_function = false;
    if (!got)
        return -1;
    works->status = post_part(works, &works->queue[works->first], &part);
    works->follows = part.last;
    if (part.last)
        chunk_done(works);
    return part.seconds;
}

/* Before the next function, which may be long. */
static bool tell_figures(worker *works, double now)
{
    if (!figures_due(&works->done, now))
        return true;
    int status = figures_tell(&works->done, works->via, now);
    transport_flush(post_transport(works->via));
    return status >= 0;
}

double worker_step(worker *works, double now)
{
    transport *t = post_transport(works->via);
    works->follows = false;
    double answers = shares_step(works->shares, now);
    bool told = tell_figures(works, now);
    if (works->count)
        figures_busy(&works->done, now);
    for (double left = TURN_SECONDS, took; left >= 0 && (took = work_a_little(works, now)) >= 0;)
        left -= took + STEP_SECONDS;
    now = transport_now(t);
    if (!works->count || works->held || now - works->flushed > HOLD_SECONDS) {
        transport_flush(t);
        works->flushed = now;
    }
    if (!works->count || works->held)
        figures_idle(&works->done, now);
    if (!works->count || works->status || works->held)
        return told || answers < now + QUIET_SECONDS ? answers : now + QUIET_SECONDS;
    if (waits_for_quiet(works))
        return now + QUIET_SECONDS;
    return works->running ? executor_wake(works->runs) : now;
}
