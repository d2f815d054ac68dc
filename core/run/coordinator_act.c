/* What the plan decides, done. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/coordinator_state.h"

/* ---- RUN ---- */

static void tell_executor(const rf_options *settled, struct message_job *to)
{
    if (settled->executor != RF_FORK)
        return;
    to->slots = settled->slots;
    to->task_timeout = settled->task_timeout > 0 && isfinite(settled->task_timeout) ? settled->task_timeout : 0;
    to->task_memory = settled->task_memory == RF_UNLIMITED ? 0 : settled->task_memory;
    to->lifespan = settled->lifespan == RF_UNLIMITED ? 0 : settled->lifespan;
}

message coordinator_job_message(const job *of)
{
    message what = {.head = {.kind = MESSAGE_JOB, .job = of->id},
                    .job = {.function = of->number, .state_type = (uint32_t)of->state_type, .seed = of->settled.seed,
                            .ordinal = of->ordinal, .by_workers = of->by_workers, .shares = (uint32_t)of->shares,
                            .grows = of->grows, .wants_tuples = of->wants_tuples, .chained = of->chained,
                            .keyed = of->by_key ? of->by_key->id : 0, .phase = of->phase, .input = of->input, .tolerates = of->tolerates},
                    .body = of->state.data, .body_size = of->state.size};
    tell_executor(&of->settled, &what.job);
    return what;
}

/* A worker hears of a job before its first task: what is bound to the job goes once, not with each task. */
static int introduce(coordinator *runs, job *of, int worker)
{
    if (of->knows[worker / 8] & 1u << worker % 8)
        return RF_OK;
    message what = coordinator_job_message(of);
    int status = coordinator_tell_shares(runs);
    if (status >= 0 && of->by_key)
        status = by_key_introduce(of->by_key, worker, of->phase == PHASE_REDUCE);
    if (status >= 0)
        status = post_send(runs->via, worker, &what, NULL, of->id);
    if (status >= 0)
        of->knows[worker / 8] = (uint8_t)(of->knows[worker / 8] | 1u << worker % 8);
    return status;
}

/* A large body that the source may drop or reuse before it was fetched is copied; one in the user's own array is lent. */
static int send_run(coordinator *runs, job *of, int worker, message *what, const input_piece *piece)
{
    what->run.kind = piece->kind;
    what->run.layout = piece->layout;
    what->run.a = piece->a;
    what->run.b = piece->b;
    what->body = piece->body;
    what->body_size = piece->body_size;
    if (piece->borrowed || piece->body_size <= POST_INLINE_MOST)
        return post_send(runs->via, worker, what, NULL, of->id);
    buffer copy = {0};
    int status = buffer_put(&copy, piece->body, piece->body_size);
    if (status)
        return status;
    what->body = copy.data;
    return post_send(runs->via, worker, what, &copy, 0);
}

/* The worker will never report this task: the plan is told in its place. A task of which it has a part can be ended by nobody, and with
   it the pool's use. */
static int task_was_not_sent(coordinator *runs, job *of, const plan_action *action, bool in_part)
{
    coordinator_job_broke(runs, of);
    plan_part none = {.task = action->task, .worker = action->worker, .last = true};
    return in_part ? RF_ENOMEM : plan_part_done(runs->decides, &none, runs->now);
}

/* Where a unit of the plan begins in the source. */
static uint64_t first_unit(const job *of, uint64_t unit)
{
    return of->in_blocks ? blocks_start(&of->blocks, unit) : unit;
}

static int run_task(coordinator *runs, job *of, const plan_action *action)
{
    int worker = (int)action->worker, status = introduce(runs, of, worker);
    uint64_t first = first_unit(of, action->first), left = first_unit(of, action->first + action->count) - first;
    bool in_part = false;
    while (left && status >= 0) {
        input_piece piece;
        uint64_t described;
        status = source_describe(of->source, first, left, &piece, &described);
        if (status)
            break;
        message what = {.head = {.kind = MESSAGE_RUN, .job = of->id, .task = action->task},
                        .run = {.first = first, .count = described, .position = action->position, .attempt = action->attempt,
                                .more = described < left, .predicted = action->predicted, .unit = action->first}};
        first += described;
        left -= described;
        status = send_run(runs, of, worker, &what, &piece);
        in_part |= status >= 0;
    }
    return status < 0 ? task_was_not_sent(runs, of, action, in_part) : RF_OK;
}

/* ---- READ ---- */

#define READ_AT_ONCE 64                 /* units, while it is not known how large they are */

/* A block is known once it is full, or the source has ended. */
static int read_blocks(job *of, uint64_t *got, double *delay)
{
    uint64_t before = blocks_count(&of->blocks), units;
    int status;
    *got = 0;
    do {
        uint64_t each = source_unit_bytes(of->source), some = each ? of->blocks.bytes / each / 4 : READ_AT_ONCE;
        some = some < of->blocks.items ? some : of->blocks.items;
        status = source_read(of->source, some ? some : 1, &units, &of->descriptor, delay);
        of->units_read += units;
        if (blocks_cut(&of->blocks, of->source, of->units_read, status != RF_OK && status != RF_AGAIN))
            return RF_ENOMEM;
        *got = blocks_count(&of->blocks) - before;
    } while (status == RF_OK && *got < of->want);
    return status;
}

static void read_some(coordinator *runs, job *of)
{
    uint64_t got = 0;
    double delay;
    int status = of->in_blocks ? read_blocks(of, &got, &delay) : source_read(of->source, of->want, &got, &of->descriptor, &delay);
    of->when = transport_now(post_transport(runs->via)) + delay;
    of->reading = status == RF_AGAIN && !got;
    if (status < 0)
        job_fail_as_a_whole(of);
    if (got || status == RF_END)
        plan_items(runs->decides, of->id, got, status == RF_END);
    if (status < 0)
        plan_read_failed(runs->decides, of->id, status);
}

int coordinator_read(coordinator *runs, job *of)
{
    if (of->descriptor < 0 && isfinite(of->when) && transport_now(post_transport(runs->via)) < of->when)
        return RF_OK;
    read_some(runs, of);
    return RF_OK;
}

/* ---- ENDED ---- */

static void tell_workers(coordinator *runs, const job *of)
{
    int ranks = transport_size(post_transport(runs->via));
    message forget = {.head = {.kind = MESSAGE_FORGET, .job = of->id}};
    for (int rank = 0; rank < ranks; rank++) {
        if (!of->knows[rank / 8])
            rank |= 7;                  /* few jobs are for all of many ranks */
        else if (of->knows[rank / 8] & 1u << rank % 8 && !runs->gone[rank])
            post_send(runs->via, rank, &forget, NULL, 0);
    }
}

void coordinator_job_ended(coordinator *runs, job *of, int status)
{
    of->ended = true;
    of->reading = false;
    of->status = status;
    runs->unfinished--;
    tell_workers(runs, of);
    post_withdraw(runs->via, of->id);
    coordinator_tend(runs, of);         /* until it is over */
}

static void final_progress(coordinator *runs, job *of, const plan_action *ended)
{
    of->done = ended->first;
    of->total = ended->count;
    coordinator_tell_progress(runs, of, true);
}

int coordinator_act(coordinator *runs, const plan_action *action)
{
    job *of = coordinator_job(runs, action->job);
    int status = RF_OK;
    if (!of && action->kind != PLAN_STOP)
        return RF_OK;
    switch (action->kind) {
    case PLAN_READ:
        of->want = action->count;
        of->reading = true;
        of->descriptor = -1;
        of->when = INFINITY;
        coordinator_tend(runs, of);
        return coordinator_read(runs, of);
    case PLAN_RUN: return run_task(runs, of, action);
    case PLAN_STOP:
        return post_send(runs->via, (int)action->worker,
                         &(message){.head = {.kind = MESSAGE_STOP, .task = action->task}, .stop.drop = action->drop}, NULL, 0);
    case PLAN_DELIVER: status = job_chunk_complete(of, action->chunk); break;
    case PLAN_FAIL: status = coordinator_fail_units(runs, action); break;
    case PLAN_FORGET: {
        uint64_t first = first_unit(of, action->first);
        source_forget(of->source, first, first_unit(of, action->first + action->count) - first);
        break;
    }
    case PLAN_ENDED: coordinator_job_ended(runs, of, action->status); final_progress(runs, of, action); break;
    }
    if (status < 0)
        coordinator_job_broke(runs, of);
    return RF_OK;
}
