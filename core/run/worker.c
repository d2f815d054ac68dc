#include "run/worker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "run/figures.h"
#include "run/gather.h"
#include "run/pairs.h"
#include "run/whole_task.h"

#define LONG_SECONDS 0.001              /* before a function predicted to take longer, all that was sent must have left */
#define TURN_SECONDS 0.000200           /* how long a step goes on before it looks for messages */
#define STEP_SECONDS 0.0000002          /* what a task costs beside its function */
#define HOLD_SECONDS 0.000500           /* how long finished parts wait for company */
#define QUIET_SECONDS 0.001             /* to wait, at most, until all that was sent has left; the transport says when */
#define PARTS_A_STEP 64                 /* of children, before the step looks at anything else */
#define DRAIN_SECONDS 0.000100          /* how often a function that asks lets messages move */

struct worker {
    post *via;
    const registry *functions;
    executor *runs;                     /* in this rank */
    executor *forks;                    /* in its children */
    shares *shares;
    shuffles *by_key;
    work_queue queue;
    queued *in_hand;                    /* the chunk that runs has */
    uint64_t ends_early;                /* a task that cannot be run any further */
    bool one_ends_early;                /* there is such a one */
    uint64_t stopped;                   /* the task whose STOP was seen while its function ran */
    bool in_function, over, ends;
    bool held;                          /* the next inline chunk waits for shared data of its job, or for what it reads beside its body */
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
        status = shuffles_new(via, functions, &works->by_key);
    if (status == RF_OK)
        status = work_queue_open(&works->queue);
    if (status) {
        shuffles_free(works->by_key);
        shares_free(works->shares);
        free(works);
        *made = NULL;
    }
    return status;
}

void worker_use(worker *works, executor *runs, executor *forks)
{
    works->runs = runs;
    works->forks = forks;
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
    work_queue_free(&works->queue);
    shuffles_free(works->by_key);
    shares_free(works->shares);
    free(works);
}

bool worker_over(const worker *works) { return works->over || works->status; }
bool worker_ends(const worker *works) { return works->ends || !works->over; }
bool worker_waits(const worker *works) { return shuffles_asked(works->by_key) > 0; }
int worker_status(const worker *works) { return works->status; }
bool worker_in_function(const worker *works) { return works->in_function; }
uint64_t worker_waiting(const worker *works) { return works->queue.count; }

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

static int take_run(worker *works, message *what)
{
    worker_job *job = work_queue_find(&works->queue, what->head.job);
    if (!job)
        return message_refuse(what, what->head.size, "a job that was not announced");
    if (works->one_ends_early && what->head.task == works->ends_early)
        what->run.count = 0;
    works->done.sum.bytes_in += what->body_size;
    return work_queue_add(&works->queue, works->via, job, what);
}

static void stop_task(worker *works, const message *what)
{
    uint64_t task = what->head.task;
    works->held = false;                /* what it waited for may not come any more */
    const queued *begun = work_queue_begun(&works->queue, task);
    work_queue_stop(&works->queue, task);
    if (begun)
        executor_cancel(begun->job->of->job.slots ? works->forks : works->runs, task, what->stop.drop);
}

static void forget_job(worker *works, const message *what)
{
    works->held = false;
    work_queue_forget(&works->queue, what->head.job);
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
    if (what->head.kind == MESSAGE_PULLED)
        shuffles_answered(works->by_key);
    return what->head.kind == MESSAGE_RUN ? take_run_without_body(works, what) : why;
}

static int take_share(worker *works, message *what)
{
    works->held = false;                /* it is looked at again */
    return shares_take(works->shares, what);
}

static int take_pulled(worker *works, message *what)
{
    works->held = false;
    return gather_take(works->by_key, works->via, what);
}

static void take_bye(worker *works, const message *what)
{
    works->over = true;
    works->ends = works->ends || what->head.task != BYE_CLOSED;
    shuffles_stop(works->by_key);
    if (what->head.task == BYE_DIFFERENT)
        works->status = error_set(RF_EREGISTRY, "registry", "ranks disagree about their functions: rank 0 tells which");
}

int worker_take(worker *works, message *what)
{
    switch (what->head.kind) {
    case MESSAGE_JOB:
        works->done.sum.bytes_in += what->body_size;
        return work_queue_job(&works->queue, works->functions, works->shares, works->by_key, what);
    case MESSAGE_RUN: return take_run(works, what);
    case MESSAGE_STOP: stop_task(works, what); return RF_OK;
    case MESSAGE_FORGET: forget_job(works, what); return RF_OK;
    case MESSAGE_ASK: works->done.asked = what->ask.number; return RF_OK;
    case MESSAGE_BYE: take_bye(works, what); return RF_OK;
    case MESSAGE_KEYED:
    case MESSAGE_RUNS:
    case MESSAGE_RELEASE: return shuffles_take(works->by_key, what);
    case MESSAGE_PULLED: return take_pulled(works, what);
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

static int post_part(worker *works, const queued *of, executor_part *part)
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
    figures_count(&works->done, part, of->job->of->job.number, what.body_size, last && part->ran);
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
static int post_nothing(worker *works, const queued *of)
{
    column none = {0};
    buffer empty = {0};
    executor_part part = {.unit = of->run.run.first, .path_index = UINT64_MAX, .last = true, .values = &none, .positions = &empty,
                          .added = &none, .failures = &empty};
    return post_part(works, of, &part);
}

/* Parts come in the order of a task's units, so what came of it in several RUNs is run one after another: the first that was begun is meant. */
static int take_part(worker *works, executor_part *part)
{
    queued *of = work_queue_begun(&works->queue, part->task);
    int status = post_part(works, of, part);
    if (part->last)
        work_queue_done(&works->queue, of);
    return status;
}

static int begin_nothing(worker *works, queued *of)
{
    int status = of->run.run.more ? RF_OK : post_nothing(works, of);
    work_queue_done(&works->queue, of);
    return status;
}

/* ---- what a chunk reads beside its body ---- */

static bool reads_more(const queued *of)
{
    return of->run.run.count && (of->job->of->job.phase == PHASE_REDUCE || of->run.run.kind == INPUT_PAIRS);
}

static int begin_to_gather(worker *works, queued *of)
{
    if (!of || !reads_more(of) || of->gathers)
        return RF_OK;
    if (of->job->of->job.phase == PHASE_REDUCE)
        return gather_partition(of->job->of->job.keyed, (uint32_t)of->run.run.unit, of->job->of->job.slots, &of->gathers);
    return pairs_gather(works->by_key, &of->run, &of->gathers);
}

/* All of it is there. */
static bool has_gathered(worker *works, queued *of)
{
    works->status = begin_to_gather(works, of);
    return !works->status && (!of->gathers || gather_done(of->gathers));
}

/* ---- in children ---- */

/* A task by key, of one RUN or several. While others of its job run it gathers already. */
static bool has_whole_task(worker *works, queued *first)
{
    bool gathered = true;
    if (!whole_task_is_here(first))
        return false;
    for (queued *piece = first; piece; piece = piece->run.run.more ? piece->next : NULL)
        gathered = has_gathered(works, piece) && gathered;
    return gathered;
}

static bool may_begin(worker *works, const worker_job *job)
{
    queued *first = job->waiting.first;
    const executor_job *its = &job->of->job;
    if (!first || work_queue_begun(&works->queue, first->run.head.task))
        return false;
    if (its->keyed && !has_whole_task(works, first))
        return false;
    return !first->run.run.count || (share_table_whole(job->of->shares) && executor_room(works->forks, its));
}

static int begin_forked(worker *works, worker_job *job)
{
    queued *of;
    int status = RF_OK;
    if (job->of->job.keyed)
        status = whole_task_begin(&works->queue, job, &of);
    else
        of = work_queue_begin(&works->queue, job);
    if (status)
        return status;
    if (!of->run.run.count)
        return begin_nothing(works, of);
    executor_chunk chunk = work_job_chunk(job->of, &of->run);
    return executor_start(works->forks, &chunk);
}

/* A job may be gone with the last of what waits of it. */
static int fill_from(worker *works, worker_job *job)
{
    int status = RF_OK;
    bool waits = true;
    while (waits && status == RF_OK && may_begin(works, job)) {
        const queued *last = job->waiting.first;
        while (job->of->job.keyed && last->run.run.more)
            last = last->next;
        waits = last->next;
        status = begin_forked(works, job);
    }
    return status;
}

static int fill_children(worker *works)
{
    int status = RF_OK;
    for (worker_job *job = TAILQ_FIRST(&works->queue.forking), *next; job && status == RF_OK; job = next) {
        next = TAILQ_NEXT(job, forking);
        status = fill_from(works, job);
        status = status ? status : works->status;
    }
    return status;
}

static void serve_children(worker *works, double now)
{
    executor_part part;
    works->status = fill_children(works);
    for (unsigned parts = 0; parts < PARTS_A_STEP && works->status == RF_OK && executor_next(works->forks, now, &part); parts++) {
        works->status = take_part(works, &part);
        if (works->status == RF_OK)
            works->status = fill_children(works);
    }
}

/* ---- in this rank ---- */

static int begin(worker *works)
{
    queued *first = works->queue.waiting.first;
    works->held = first->run.run.count && (!share_table_whole(first->job->of->shares) || !has_gathered(works, first));
    if (works->held)
        return works->status;
    queued *of = work_queue_begin(&works->queue, NULL);
    if (!of->run.run.count)
        return begin_nothing(works, of);
    int status = begin_to_gather(works, works->queue.waiting.first);
    if (status == RF_OK && of->run.run.kind == INPUT_PAIRS)
        status = pairs_unpack(&of->run, &of->kept, of->gathers);
    if (status)
        return status;
    executor_chunk chunk = work_job_chunk(of->job->of, &of->run);
    chunk.gathers = of->gathers;
    chunk.follows = works->follows;
    works->in_hand = of;
    return executor_start(works->runs, &chunk);
}

static bool has_inline(const worker *works)
{
    return works->in_hand || works->queue.waiting.first;
}

/* Before a long function this rank is quiet: what MPI has not sent when it begins moves when it returns. A cost that is not known may be long. */
static bool waits_for_quiet(const worker *works)
{
    const queued *next = works->in_hand ? works->in_hand : works->queue.waiting.first;
    double predicted = next->run.run.predicted;
    bool is_short = predicted > 0 && predicted <= LONG_SECONDS;
    transport *t = post_transport(works->via);
    return !is_short && (!transport_quiet(t) || shares_in_demand(works->shares, transport_now(t)));
}

/* The seconds it took, which were measured anyway; negative: nothing could be done. */
static double work_a_little(worker *works, double now)
{
    if (works->status || !has_inline(works) || works->held)
        return -1;
    if (waits_for_quiet(works)) {
        transport_flush(post_transport(works->via));
        return -1;
    }
    if (!works->in_hand) {
        works->status = begin(works);
        return 0;
    }
    executor_part part;
    works->in_function = true;
    bool got = executor_next(works->runs, now, &part);
    works->in_function = false;
    if (!got)
        return -1;
    works->follows = part.last;
    if (part.last)
        works->in_hand = NULL;
    works->status = take_part(works, &part);
    return part.seconds;
}

static double inline_wake(const worker *works, double now)
{
    if (!has_inline(works) || works->held)
        return INFINITY;
    if (waits_for_quiet(works))
        return now + QUIET_SECONDS;
    return works->in_hand ? executor_wake(works->runs) : now;
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
    if (works->queue.count)
        figures_busy(&works->done, now);
    if (works->queue.forked && !works->status)
        serve_children(works, now);
    for (double left = TURN_SECONDS, took; left >= 0 && (took = work_a_little(works, now)) >= 0;)
        left -= took + STEP_SECONDS;
    now = transport_now(t);
    if (!works->queue.count || works->held || now - works->flushed > HOLD_SECONDS) {
        transport_flush(t);
        works->flushed = now;
    }
    if (!works->queue.count || (works->held && !works->queue.forked))
        figures_idle(&works->done, now);
    answers = told || answers < now + QUIET_SECONDS ? answers : now + QUIET_SECONDS;
    if (!works->queue.count || works->status)
        return answers;
    double wake = inline_wake(works, now), children = works->queue.forked ? executor_wake(works->forks) : INFINITY;
    return fmin(answers, fmin(wake, children));
}
