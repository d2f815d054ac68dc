#include "run/coordinator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/coordinator_state.h"

#define PROGRESS_SECONDS 0.1

/* ---- made and freed ---- */

int coordinator_new(post *via, const registry *functions, coordinator **made)
{
    transport *t = post_transport(via);
    size_t ranks = (size_t)transport_size(t);
    coordinator *runs = *made = calloc(1, sizeof *runs);
    if (!runs)
        return error_no_memory(sizeof *runs);
    runs->via = via;
    runs->functions = functions;
    runs->expected = ranks > 1 ? ranks - 1 : 1;
    runs->opened = transport_now(t);
    TAILQ_INIT(&runs->over);
    call_init(&runs->generating);
    runs->decides = plan_new();
    runs->hosts = strings_new();
    runs->fingerprints = calloc(ranks, sizeof *runs->fingerprints);
    runs->host_of = calloc(ranks, sizeof *runs->host_of);
    runs->cores_of = calloc(ranks, sizeof *runs->cores_of);
    runs->gone = calloc(ranks, sizeof *runs->gone);
    bool whole = runs->decides && runs->hosts && runs->fingerprints && runs->host_of && runs->cores_of && runs->gone;
    int status = shares_new(via, &runs->shares);
    if (status == RF_OK)
        status = numbered_open(&runs->started);
    if (status == RF_OK && whole)
        return RF_OK;
    coordinator_free(runs);
    *made = NULL;
    return error_no_memory(ranks);
}

void coordinator_free(coordinator *runs)
{
    if (!runs)
        return;
    for (job *of; (of = LIST_FIRST(&runs->jobs));) {
        LIST_REMOVE(of, all);
        job_free(of);
    }
    by_key_pool_closes(runs);
    coordinator_free_shares(runs);
    numbered_free(&runs->started);
    call_free(&runs->generating);
    plan_free(runs->decides);
    strings_free(runs->hosts);
    free(runs->fingerprints);
    free(runs->host_of);
    free(runs->cores_of);
    free(runs->gone);
    free(runs->figures);
    buffer_free(&runs->differences);
    free(runs->plan_failures);
    free(runs->item_failures);
    free(runs->again);
    free(runs);
}

/* ---- workers come and go ---- */

static int take_hello(coordinator *runs, const message *what)
{
    int rank = what->peer;
    if (runs->host_of[rank][0])
        return message_refuse(what, what->head.size, "a second HELLO");
    memcpy(runs->host_of[rank], what->hello.host, sizeof runs->host_of[rank]);
    runs->host_of[rank][sizeof runs->host_of[rank] - 1] = '\0';
    if (!runs->host_of[rank][0])
        strcpy(runs->host_of[rank], "?");
    runs->cores_of[rank] = what->hello.cores;
    runs->greeted++;
    if (what->hello.fingerprint == registry_fingerprint(runs->functions))
        return RF_OK;
    return registry_compare(runs->functions, rank, runs->host_of[rank], what->body, what->body_size, &runs->differences);
}

/* Workers join in the order of their ranks, whatever the order in which they came. */
static int join_all(coordinator *runs)
{
    uint32_t ranks = (uint32_t)transport_size(post_transport(runs->via)), first = ranks > 1;
    runs->joined = true;
    int status = strings_add(runs->hosts, first ? transport_host(post_transport(runs->via)) : runs->host_of[0]);
    for (uint32_t rank = 1; rank < ranks && status == RF_OK; rank++)
        status = strings_add(runs->hosts, runs->host_of[rank]);
    for (uint32_t rank = first; rank < ranks && status == RF_OK; rank++)
        status = runs->gone[rank] ? RF_OK : plan_join(runs->decides, rank);
    return status;
}

int coordinator_ready(coordinator *runs)
{
    if (runs->joined)
        return runs->status;
    if (runs->greeted + runs->silent < runs->expected)
        return RF_AGAIN;
    if (runs->differences.size)
        return error_set(RF_EREGISTRY, "registry", "ranks disagree about their functions: %.*s; start the same program on every rank",
                         (int)runs->differences.size, (const char *)runs->differences.data);
    coordinator_warn_of_crowds(runs);
    return join_all(runs);
}

static void worker_left(coordinator *runs, int rank, bool reads)
{
    if (!runs->gone[rank]) {
        runs->left++;
        runs->silent += !runs->host_of[rank][0];
        coordinator_share_lost(runs, rank);
    }
    if (!reads)
        runs->gone[rank] = READS_NOTHING;
    else if (!runs->gone[rank])
        runs->gone[rank] = READS_ON;
}

int coordinator_lost(coordinator *runs, int peer)
{
    bool known = !runs->gone[peer];
    runs->has_lost = true;
    worker_left(runs, peer, false);
    if (!known || !runs->joined)
        return RF_OK;
    log_warn("rank %d on %s is lost; what it had is run again by others", peer, runs->host_of[peer]);
    by_key_lost(runs, peer);
    return plan_lost(runs->decides, (uint32_t)peer);
}

/* One that was not sent away could not go on. */
static int take_gone(coordinator *runs, const message *what)
{
    if (!runs->dismissed)
        return coordinator_lost(runs, what->peer);
    worker_left(runs, what->peer, what->head.task == GONE_WAITS);
    return RF_OK;
}

/* Workers pull from each other: none may leave while another could still be waiting for it. A rank alone waits for nobody. */
static int say_end(coordinator *runs)
{
    int ranks = transport_size(post_transport(runs->via));
    message end = {.head = {.kind = MESSAGE_BYE, .task = BYE_ALL_GONE}};
    if (ranks == 1)
        runs->next_end = 1;
    if (!runs->has_lost && runs->left < runs->expected)
        return RF_OK;
    for (runs->next_end += runs->next_end == 0; runs->next_end < ranks; runs->next_end++)
        if (runs->gone[runs->next_end] != READS_NOTHING && post_send(runs->via, runs->next_end, &end, NULL, 0) == RF_ENOMEM)
            return RF_ENOMEM;
    transport_flush(post_transport(runs->via));
    return RF_OK;
}

int coordinator_dismiss(coordinator *runs)
{
    int ranks = transport_size(post_transport(runs->via));
    if (!runs->dismissed)
        runs->next_bye = ranks > 1;
    runs->dismissed = true;
    if (!coordinator_shares_settled(runs))
        return RF_AGAIN;
    message bye = {.head = {.kind = MESSAGE_BYE, .task = runs->differences.size ? BYE_DIFFERENT : BYE_CLOSED}};
    for (; runs->next_bye < ranks; runs->next_bye++)
        if (!runs->gone[runs->next_bye] && post_send(runs->via, runs->next_bye, &bye, NULL, 0) < 0)
            return RF_ENOMEM;
    return say_end(runs);
}

bool coordinator_alone(const coordinator *runs)
{
    return runs->left == runs->expected && (!runs->dismissed || runs->next_end == transport_size(post_transport(runs->via)));
}
uint64_t coordinator_workers(const coordinator *runs) { return runs->expected - runs->left; }
uint64_t coordinator_jobs(const coordinator *runs) { return runs->jobs_made; }
void coordinator_count(coordinator *runs, uint64_t number) { runs->number = number; }
bool coordinator_out_of_time(const coordinator *runs, uint64_t task)
{
    return plan_out_of_time(runs->decides, task, transport_now(post_transport(runs->via)));
}

bool coordinator_at_ease(const coordinator *runs) { return plan_at_ease(runs->decides); }
bool coordinator_in_callback(const coordinator *runs) { return runs->in_callback; }

bool coordinator_call_back(coordinator *runs, bool runs_now)
{
    bool before = runs->in_callback;
    runs->in_callback = runs_now;
    return before;
}


/* ---- messages ---- */

void coordinator_clock(coordinator *runs, double now)
{
    runs->now = now;
}

int coordinator_take(coordinator *runs, message *what)
{
    switch (what->head.kind) {
    case MESSAGE_HELLO: return take_hello(runs, what);
    case MESSAGE_PART: return coordinator_take_part(runs, what);
    case MESSAGE_FIGURES: return coordinator_take_figures(runs, what);
    case MESSAGE_GONE: return take_gone(runs, what);
    case MESSAGE_SHARE_ASK:
    case MESSAGE_SHARE_HAVE: return coordinator_take_share(runs, what);
    default: return message_refuse(what, what->head.size, "not for rank 0");
    }
}

/* Results that there is no memory for end their job; the part still counts as the worker's answer. */
int coordinator_take_incomplete(coordinator *runs, message *what, int why)
{
    job *of = what->head.kind == MESSAGE_PART ? coordinator_job(runs, what->head.job) : NULL;
    if (what->head.kind != MESSAGE_PART)
        return why;
    if (of) {
        job_fail_as_a_whole(of);
        of->broke = true;
        plan_cancel(runs->decides, of->id, why);
    }
    plan_part part = {.task = what->head.task, .worker = (uint32_t)what->peer, .last = what->part.flags & PART_LAST};
    return plan_part_done(runs->decides, &part, runs->now);
}

/* ---- jobs ---- */

job *coordinator_job(coordinator *runs, uint64_t id)
{
    numbered *found = numbered_find(&runs->started, id);
    return found ? (job *)(void *)((char *)found - offsetof(job, by_id)) : NULL;
}

static int generate(void *caller, rf_generator_function *next, void *state, column *to)
{
    coordinator *runs = caller;
    bool before = runs->in_callback;
    runs->in_callback = true;
    runs->generating.results = to;
    int status = call_generate(&runs->generating, next, state);
    runs->in_callback = before;
    if (status >= 0)
        return status;
    rf_error why;
    call_fill_error(&runs->generating, &why);
    return error_of_item(&why);
}

static int plan_it(coordinator *runs, job *of, double now)
{
    plan_job as = {.ordered = of->ordered,
                   .keeps = of->sink != JOB_STREAMS,
                   .sequential = source_sequential(of->source),
                   .length = source_length(of->source),
                   .unit_bytes = source_unit_bytes(of->source),
                   .piece_bytes = SOURCE_PIECE_BYTES,
                   .settled = of->settled};
    as.settled.slots += of->ahead;
    if (of->in_blocks) {
        as.length = blocks_count(&of->blocks);
        as.unit_bytes = 0;
    }
    if (as.sequential)
        as.length = PLAN_UNKNOWN;
    return plan_add(runs->decides, &as, now, &of->id);
}

int coordinator_share_table(coordinator *runs, share_table **made)
{
    return share_table_new(runs->shares, runs->shares_made, made);
}

/* With one worker what is tried again keeps its place: then every job is ordered. */
int coordinator_make(coordinator *runs, const job_order *order, job **made)
{
    *made = NULL;
    job_order its = *order;
    its.grows = !order->ordered && !order->by_key;
    its.ordered = order->ordered || order->settled.workers == 1 || coordinator_workers(runs) == 1;
    int status = source_prepare(order->source, &order->settled, &(source_caller){generate, runs});
    if (status) {
        rf_source_free(order->source);
        return status;
    }
    job *of;
    status = job_create(&its, runs->hosts, &of);
    if (status)
        return status;
    if (of->in_blocks && !source_sequential(of->source))
        status = blocks_cut(&of->blocks, of->source, source_length(of->source), true);
    if (status) {
        job_free(of);
        return status;
    }
    size_t ranks = (size_t)transport_size(post_transport(runs->via));
    of->knows = calloc(ranks / 8 + 1, 1);
    if (!of->knows) {
        job_free(of);
        return error_no_memory(ranks / 8 + 1);
    }
    of->runs = runs;
    of->ordinal = runs->jobs_made++;
    of->shares = runs->shares_made;
    LIST_INSERT_HEAD(&runs->jobs, of, all);
    *made = of;
    return RF_OK;
}

uint64_t coordinator_input_bytes(const job *of) { return source_bytes(of->source); }

int coordinator_start(coordinator *runs, job *of, double now)
{
    if (runs->status)
        return error_set(runs->status, "pool", "the pool cannot go on: %s", rf_status_text(runs->status));
    int status = by_key_reads_lost(runs, of);
    status = status ? status : plan_it(runs, of, now);
    if (status)
        return status;
    of->by_id.number = of->id;
    numbered_add(&runs->started, &of->by_id);
    runs->unfinished++;
    if (of->settled.on_progress)
        coordinator_tend(runs, of);
    return RF_OK;
}

void coordinator_tell_progress(coordinator *runs, job *of, bool final)
{
    if (!of->settled.on_progress || of->told_final)
        return;
    of->told_final = final;
    bool before = runs->in_callback;
    runs->in_callback = true;
    of->settled.on_progress(of->done, of->total, final, of->progress_user);
    runs->in_callback = before;
}

static void unlink_and_free(coordinator *runs, job *of)
{
    LIST_REMOVE(of, all);
    if (of->id)
        numbered_remove(&runs->started, &of->by_id);
    if (of->tended)
        LIST_REMOVE(of, to_tend);
    job_free(of);
}

void coordinator_tend(coordinator *runs, job *of)
{
    if (!of->tended)
        LIST_INSERT_HEAD(&runs->tended, of, to_tend);
    of->tended = true;
}

bool job_over(const job *of)
{
    return of->ended && !post_lent(of->runs->via, of->id);
}

static void forget_holder(coordinator *runs, job *of)
{
    if (of->told)
        TAILQ_REMOVE(&runs->over, of, to_tell);
    of->told = false;
    of->holder = NULL;
}

/* While a generator or on_progress runs, a step is on its way through the jobs: none is freed under it. */
void coordinator_close(coordinator *runs, job *of)
{
    forget_holder(runs, of);
    if ((!of->id || job_over(of)) && !runs->in_callback) {
        unlink_and_free(runs, of);
        return;
    }
    if (of->id)
        coordinator_tell_progress(runs, of, true);      /* what it tells may be gone when the job is over */
    of->abandoned = true;
    of->reading = false;
    of->ended = of->ended || !of->id;
    plan_abandon(runs->decides, of->id);
    coordinator_tend(runs, of);
}

static void tell_holder(coordinator *runs, job *of)
{
    if (!of->holder)
        return;
    TAILQ_INSERT_TAIL(&runs->over, of, to_tell);
    of->told = true;
}

void *coordinator_next_over(coordinator *runs)
{
    job *of = TAILQ_FIRST(&runs->over);
    if (!of)
        return NULL;
    void *holder = of->holder;
    forget_holder(runs, of);
    return holder;
}

void coordinator_cancel(coordinator *runs, job *of)
{
    of->reading = false;
    plan_cancel(runs->decides, of->id, RF_ECANCELLED);
}

void coordinator_job_broke(coordinator *runs, job *of)
{
    job_fail_as_a_whole(of);
    of->broke = true;
    plan_cancel(runs->decides, of->id, job_status(of));
}

void coordinator_fail_all(coordinator *runs, int status)
{
    job *of;
    LIST_FOREACH(of, &runs->jobs, all)
        if (of->id && !of->ended)
            plan_cancel(runs->decides, of->id, status);
}

bool coordinator_idle(const coordinator *runs)
{
    const job *of;
    LIST_FOREACH(of, &runs->tended, to_tend)
        if (of->abandoned)
            return false;
    return !runs->unfinished;
}

void coordinator_taken(coordinator *runs, const job *of, const receipt *what)
{
    for (uint64_t i = 0; i < what->parts; i++)
        plan_taken(runs->decides, of->id, what->chunk, i ? 0 : what->bytes);
}

/* ---- steps ---- */

static void report_progress(coordinator *runs, job *of, double now)
{
    if (!of->settled.on_progress || !of->id || of->ended || of->told_final || now < of->progress_next)
        return;
    of->progress_next = now + PROGRESS_SECONDS;
    of->done = plan_done(runs->decides, of->id, &of->total);
    coordinator_tell_progress(runs, of, false);
}

/* One that has ended is done with as soon as nothing of its source is lent: then its holder is told, or it goes if it has none any more. */
static double tend_job(coordinator *runs, job *of, double now)
{
    report_progress(runs, of, now);
    bool tells = of->settled.on_progress && !of->ended;
    double wake = tells ? of->progress_next : INFINITY;
    if (of->reading && of->when < wake)
        wake = of->when;
    if (of->reading || tells || (of->ended && post_withdraw(runs->via, of->id)))
        return wake;
    LIST_REMOVE(of, to_tend);
    of->tended = false;
    if (of->ended && of->abandoned)
        unlink_and_free(runs, of);
    else if (of->ended)
        tell_holder(runs, of);
    return wake;
}

static double tend_jobs(coordinator *runs, double now)
{
    double wake = INFINITY;
    for (job *of = LIST_FIRST(&runs->tended), *next; of; of = next) {
        next = LIST_NEXT(of, to_tend);
        double its = tend_job(runs, of, now);
        wake = its < wake ? its : wake;
    }
    return wake;
}

static void go_on_reading(coordinator *runs)
{
    job *of;
    LIST_FOREACH(of, &runs->tended, to_tend)
        if (of->reading && !of->ended)
            coordinator_read(runs, of);
}

/* What the plan had to say of these was lost for want of memory. */
static void end_what_is_left(coordinator *runs)
{
    job *of;
    LIST_FOREACH(of, &runs->jobs, all)
        if (of->id && !of->ended) {
            coordinator_job_ended(runs, of, runs->status);
            coordinator_tell_progress(runs, of, true);
        }
}

double coordinator_step(coordinator *runs, double now)
{
    plan_action action;
    go_on_reading(runs);
    int status = RF_OK;
    while (status >= 0 && plan_take(runs->decides, now, &action))
        status = coordinator_act(runs, &action);
    if (status >= 0)
        status = plan_memory_status(runs->decides);
    if (runs->status)
        end_what_is_left(runs);
    bool breaks = status < 0 && !runs->status;
    if (breaks) {
        runs->status = status;
        coordinator_fail_all(runs, status);
    }
    double wake = tend_jobs(runs, now), due = plan_wake(runs->decides), answers = coordinator_step_shares(runs, now);
    wake = answers < wake ? answers : wake;
    transport_flush(post_transport(runs->via));
    return breaks ? now : due < wake ? due : wake;
}

int coordinator_descriptor(const coordinator *runs)
{
    const job *of;
    LIST_FOREACH(of, &runs->tended, to_tend)
        if (of->reading && of->descriptor >= 0)
            return of->descriptor;
    return -1;
}
