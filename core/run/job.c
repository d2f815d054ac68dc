#include "run/job.h"

#include <stdlib.h>
#include <string.h>

#include "run/by_key.h"
#include "run/job_state.h"
#include "value/pack.h"

/* ---- made and freed ---- */

/* Bound state travels as bytes: numbers as their eight, containers as MessagePack. */
static int keep_state(job *of, rf_value state)
{
    of->state_type = rf_type_of(state);
    if (value_is_container(state))
        return pack_value(&of->state, state);
    if (of->state_type >= RF_TEXT)
        return buffer_put(&of->state, state.data, rf_size(state));
    return of->state_type == RF_NIL ? RF_OK : buffer_put(&of->state, &state.u64, sizeof state.u64);
}

static int keep_options(job *of, const job_order *order)
{
    of->settled = order->settled;
    of->settled.state = rf_nil();
    of->name = strdup(order->settled.name ? order->settled.name : order->function->name);
    of->on = order->settled.retry.on ? strdup(order->settled.retry.on) : NULL;
    of->settled.name = of->name;
    of->settled.retry.on = of->on;
    if (!of->name || (order->settled.retry.on && !of->on))
        return error_no_memory(1);
    of->progress_user = order->settled.user;
    if (order->settled.progress == RF_ON && order->shows_on && !order->settled.on_progress) {
        of->line = (rf_progress){.to = order->shows_on, .name = of->name};
        of->settled.on_progress = rf_progress_line;
        of->progress_user = &of->line;
    }
    if (of->chained)
        return buffer_put(&of->state, order->stages->data, order->stages->size);
    return keep_state(of, order->settled.state);
}

int job_create(const job_order *order, strings *hosts, job **made)
{
    job *of = *made = calloc(1, sizeof *of);
    if (!of) {
        rf_source_free(order->source);
        return error_no_memory(sizeof *of);
    }
    of->source = order->source;
    of->function = order->function;
    of->number = order->number;
    of->chained = order->stages;
    of->ordered = order->ordered;
    of->grows = order->grows;
    of->wants_tuples = order->wants_tuples;
    of->sink = order->sink;
    of->by_key = order->by_key;
    if (of->by_key)
        by_key_hold(of->by_key);
    of->phase = order->phase;
    of->input = order->input;
    of->tolerates = order->tolerates;
    of->ahead = order->ahead;
    of->counts = order->counts;
    of->in_blocks = order->phase == PHASE_MAP;
    of->blocks = (blocks){.items = order->block_items, .bytes = order->block_bytes};
    of->descriptor = -1;
    of->by_workers = source_read_by_workers(of->source);
    int status = keep_options(of, order);
    if (status == RF_OK && of->sink != JOB_DROPS && !(of->delivered = spans_new(hosts, source_paths(of->source))))
        status = RF_ENOMEM;
    if (status == RF_OK && of->sink != JOB_DROPS && of->ordered && !(of->waiting = stash_new()))
        status = RF_ENOMEM;
    if (status == RF_OK)
        return RF_OK;
    job_free(of);
    *made = NULL;
    return status;
}

void job_free(job *of)
{
    if (!of)
        return;
    rf_source_free(of->source);
    blocks_free(&of->blocks);
    by_key_let_go(of->by_key);
    free(of->name);
    free(of->on);
    buffer_free(&of->state);
    failure_free(of->first_failure);
    failure_free(of->cause);
    spans_free(of->delivered);
    stash_free(of->waiting);
    free(of->chunks);
    free(of->receipts);
    free(of->knows);
    free(of);
}

/* ---- deliveries ---- */

static int receipt_add(job *of, const receipt *what)
{
    if (of->receipt_count == of->receipt_most) {
        size_t most = of->receipt_most ? of->receipt_most * 2 : 64;
        receipt *larger = malloc(most * sizeof *larger);
        if (!larger)
            return error_no_memory(most * sizeof *larger);
        for (size_t i = 0; i < of->receipt_count; i++)
            larger[i] = of->receipts[(of->receipt_first + i) % of->receipt_most];
        free(of->receipts);
        of->receipts = larger;
        of->receipt_most = most;
        of->receipt_first = 0;
    }
    of->receipts[(of->receipt_first + of->receipt_count++) % of->receipt_most] = *what;
    return RF_OK;
}

/* A receipt for nothing is due at once. */
static int receipt_hand_out(job *of, const receipt *what)
{
    if (of->sink != JOB_STREAMS || !what->parts)
        return RF_OK;
    if (what->items)
        return receipt_add(of, what);
    coordinator_taken(of->runs, of, what);
    return RF_OK;
}

static receipt *receipt_of_chunk(job *of, uint32_t chunk)
{
    if (chunk >= of->chunks_most) {
        uint32_t most = of->chunks_most ? of->chunks_most : 64;
        while (most <= chunk)
            most *= 2;
        receipt *larger = realloc(of->chunks, most * sizeof *larger);
        if (!larger) {
            error_no_memory(most * sizeof *larger);
            return NULL;
        }
        memset(larger + of->chunks_most, 0, (most - of->chunks_most) * sizeof *larger);
        of->chunks = larger;
        of->chunks_most = most;
    }
    return &of->chunks[chunk];
}

static void count_failures(job *of, const delivery *what)
{
    uint64_t failed = what->all_failed ? what->items : what->failure_count;
    of->failed += failed;
    if (failed && !of->first_failure)
        of->first_failure = failure_share(what->all_failed ? what->all_failed : what->failures[0].why);
}

static int deliver_in_turn(job *of, delivery *what, const part_place *where)
{
    receipt *of_chunk = of->sink == JOB_STREAMS ? receipt_of_chunk(of, where->chunk) : NULL;
    if (of->sink == JOB_STREAMS && !of_chunk)
        return RF_ENOMEM;
    if (of_chunk) {
        of_chunk->items += what->items - what->again_count;
        of_chunk->parts++;
        of_chunk->bytes += where->bytes;
    }
    return stash_add(of->waiting, where->chunk, what);
}

int job_deliver(job *of, delivery *what, const part_place *where)
{
    count_failures(of, what);
    if (of->sink == JOB_DROPS || of->abandoned)
        return RF_OK;
    if (of->ordered && where->chunk != PLAN_NO_CHUNK)
        return deliver_in_turn(of, what, where);
    receipt its = {.items = what->items - what->again_count, .parts = where->chunk != PLAN_NO_CHUNK, .bytes = where->bytes,
                   .chunk = where->chunk};
    int status = spans_add(of->delivered, what);
    return status ? status : receipt_hand_out(of, &its);
}

int job_chunk_complete(job *of, uint32_t chunk)
{
    if (of->sink == JOB_DROPS || of->abandoned)
        return RF_OK;
    int status = stash_deliver(of->waiting, chunk, of->delivered);
    if (status || of->sink != JOB_STREAMS || chunk >= of->chunks_most)
        return status;
    receipt its = of->chunks[chunk];
    its.chunk = chunk;
    of->chunks[chunk] = (receipt){0};
    return receipt_hand_out(of, &its);
}

void job_taken(job *of, uint64_t items)
{
    spans_drop_front(of->delivered, items);
    of->taken += items;
    while (of->receipt_count && of->taken >= of->receipts[of->receipt_first].items) {
        receipt its = of->receipts[of->receipt_first];
        of->taken -= its.items;
        of->receipt_first = (of->receipt_first + 1) % of->receipt_most;
        of->receipt_count--;
        coordinator_taken(of->runs, of, &its);
    }
}

/* ---- how it ended ---- */

void job_fail_as_a_whole(job *of)
{
    if (!of->cause)
        of->cause = failure_new(rf_last_error());
}

int job_status(const job *of)
{
    return of->cause ? failure_error(of->cause)->status : of->status;
}

static int tell_items(const job *of)
{
    const rf_error *first = failure_error(of->first_failure);
    rf_error all = *first;
    char text[1536], where[320] = "";
    if (first->rank >= 0 && first->attempt)
        snprintf(where, sizeof where, " (rank %d%s%s, attempt %u)", first->rank, first->host ? " on " : "", first->host ? first->host : "",
                 first->attempt);
    snprintf(text, sizeof text, "%s: %" PRIu64 " item%s failed%s; first: %s%s", of->name, of->failed, of->failed == 1 ? "" : "s",
             of->status == RF_EHALTED ? ", the job was halted" : of->status == RF_ETIMEOUT ? ", the job ran out of time" : "",
             first->message, where);
    all.status = of->status;
    all.message = text;
    return error_of_item(&all);
}

int job_tell(const job *of)
{
    if (of->cause)
        return error_of_item(failure_error(of->cause));
    if (of->status >= 0)
        return of->status;
    if (of->first_failure)
        return tell_items(of);
    return error_set(of->status, "job", "%s: %s", of->name, rf_status_text(of->status));
}

void job_drop_results(job *of) { of->sink = JOB_DROPS; }
void job_hold(job *of, void *holder) { of->holder = holder; }
const rf_options *job_options(const job *of) { return &of->settled; }
bool job_broke(const job *of) { return of->broke; }
uint64_t job_failed(const job *of) { return of->failed; }
spans *job_spans(job *of) { return of->delivered; }

spans *job_spans_beside(const job *of)
{
    return spans_beside(of->delivered);
}

spans *job_take_spans(job *of)
{
    spans *all = of->delivered;
    of->delivered = NULL;
    return all;
}
