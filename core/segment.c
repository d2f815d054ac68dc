/* From nodes to one job, and through it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"
#include "sequence.h"
#include "value/dictionary.h"
#include "value/pack.h"

/* ---- stages ---- */

/* The options of a stage's function stand under those said for it, which stand under what is said nearer to the verb. */
static int add_defaults(segment *to, const rf_registration *function)
{
    return function ? options_under(&to->defaults, &function->options, false) : RF_OK;
}

static int add_name(segment *to, const char *name)
{
    if (to->name.size && buffer_put(&to->name, " | ", 3))
        return RF_ENOMEM;
    return buffer_put(&to->name, name, strlen(name));
}

/* What is bound to a function: by rf_seq_with, by its registration, or else by the verb. */
static int state_of(const rf_options *with, const rf_registration *function, const rf_options *options, rf_value *state)
{
    rf_options all = {.struct_size = sizeof all};
    int status = with ? options_under(&all, with, true) : RF_OK;
    if (status == RF_OK && function)
        status = options_under(&all, &function->options, false);
    if (status == RF_OK && options)
        status = options_under(&all, options, true);
    *state = function ? all.state : rf_nil();
    return status;
}

static int add_stage(segment *to, const rf_options *options, const rf_seq *node, enum message_stage_kind kind)
{
    rf_value state;
    int status = state_of(node->with, node->function, options, &state);
    status = status ? status : add_name(to, node->function ? node->function->name : "rf_truth");
    return status ? status : message_add_stage(&to->stages, node->number, kind, state);
}

int segment_add(segment *to, const rf_options *options, const rf_registration *function, uint32_t number, enum message_stage_kind kind)
{
    const rf_seq its = {.function = function, .number = number};
    int status = add_stage(to, options, &its, kind);
    return status ? status : add_defaults(to, function);
}

int segment_add_value(segment *to, rf_value value)
{
    return message_add_stage(&to->stages, 0, STAGE_IDENTITY, value);
}

static bool is_stage(const rf_seq *node)
{
    return node->kind == SEQ_MAP || node->kind == SEQ_FLAT_MAP || node->kind == SEQ_FILTER;
}

static enum message_stage_kind stage_kind(const rf_seq *node)
{
    if (node->kind == SEQ_FILTER)
        return node->function ? STAGE_FILTER : STAGE_TRUTH;
    return node->kind == SEQ_MAP ? STAGE_MAP : STAGE_FLAT_MAP;
}

/* What was said nearer to the verb comes first: it is not overridden. A function's state is its own. */
static int merge_options(segment *to, const rf_seq *seq, const rf_seq *last, const rf_seq *base)
{
    int status = RF_OK;
    for (const rf_seq *node = seq; node && status == RF_OK; node = node->from)
        status = node->with ? options_under(&to->defaults, node->with, true) : RF_OK;
    for (const rf_seq *node = last; node != base && status == RF_OK; node = node->from)
        status = add_defaults(to, node->function);
    to->defaults.state = rf_nil();
    return status;
}

/* The stages behind base up to last. */
static int add_stages(evaluation *in, segment *to, const rf_seq *last, const rf_seq *base)
{
    size_t count = 0;
    for (const rf_seq *node = last; node != base; node = node->from)
        if (++count > MESSAGE_STAGES_MOST - 3)
            return error_set(RF_EUSAGE, "usage", "a sequence of more than %d steps", MESSAGE_STAGES_MOST - 3);
    const rf_seq **nodes = malloc((count + 1) * sizeof *nodes);
    if (!nodes)
        return error_no_memory((count + 1) * sizeof *nodes);
    size_t left = count;
    for (const rf_seq *node = last; node != base; node = node->from)
        nodes[--left] = node;
    int status = RF_OK;
    for (size_t i = 0; i < count && status == RF_OK; i++)
        status = add_stage(to, in->options, nodes[i], stage_kind(nodes[i]));
    free(nodes);
    return status;
}

/* ---- barriers ---- */

int evaluation_keep_failed(evaluation *in, const job *of, const spans *ready, uint64_t *item, uint64_t end)
{
    uint64_t first = *item;
    if (!spans_find(ready, false, item) || *item > end)
        *item = end;
    if (!in->failed && !(in->failed = job_spans_beside(of)))
        return RF_ENOMEM;
    return spans_hand_on(ready, first, *item - first, in->failed);
}

typedef struct gathering {
    evaluation *in;
    rf_source *to;
    dictionary groups;
    enum seq_kind kind;
} gathering;

static int gather_one(gathering *into, rf_value value)
{
    rf_value key, item;
    dictionary_entry *entry;
    int status;
    switch (into->kind) {
    case SEQ_GROUP:
        if (rf_take(&value, &key) || rf_take(&value, &item))
            return error_set(RF_EUSAGE, "usage", "a value that should be a key and its item is none");
        return dictionary_add(&into->groups, key, item);
    case SEQ_COUNT:
        status = dictionary_at(&into->groups, value, &entry);
        if (status == RF_OK)
            entry->count++;
        return status;
    default:
        return source_gather_add(into->to, value);
    }
}

static int gather(void *context, const job *of, const spans *ready, uint64_t count)
{
    gathering *into = context;
    int status = RF_OK;
    for (uint64_t i = 0; i < count && status == RF_OK;) {
        bool ok = !spans_failed(ready) || spans_at(ready, i).ok;
        status = ok ? gather_one(into, spans_value(ready, i++)) : evaluation_keep_failed(into->in, of, ready, &i, count);
    }
    return status;
}

/* (key, number), or (key, tuple of items): written as MessagePack, because that is what was kept of them. */
static int give_entry(const gathering *from, const dictionary_entry *entry, buffer *bytes)
{
    bytes->size = 0;
    int status = pack_tuple_head(bytes, 2);
    status = status ? status : buffer_put(bytes, dictionary_key(&from->groups, entry), entry->key_size);
    if (status == RF_OK && from->kind == SEQ_COUNT)
        return pack_value(bytes, rf_of_u64(entry->count));
    status = status ? status : pack_tuple_head(bytes, entry->count);
    return status ? status : buffer_put(bytes, entry->values.data, entry->values.size);
}

static int give_groups(gathering *from)
{
    buffer bytes = {0};
    int status = RF_OK;
    for (uint64_t i = 0; i < dictionary_count(&from->groups) && status == RF_OK; i++) {
        status = give_entry(from, dictionary_entry_at(&from->groups, i), &bytes);
        status = status ? status : source_gather_add(from->to, rf_view(RF_TUPLE_TYPE, bytes.data, bytes.size));
    }
    buffer_free(&bytes);
    return status;
}

int evaluation_tell_failed(const evaluation *in)
{
    return in->failed ? rf_results_check(&(rf_results){.all = in->failed}) : RF_OK;
}

int evaluation_give_failed(evaluation *in, int status, rf_results **results)
{
    if (in->failed && results && !*results)
        return results_of(in->failed, results) ? RF_ENOMEM : status;
    spans_free(in->failed);
    return status;
}

/* Runs a segment to its end: what it gives, grouped or not, is a source of values. */
static int gather_all(evaluation *in, segment *of, enum seq_kind kind, rf_source **made)
{
    gathering into = {.in = in, .kind = kind, .to = source_gather()};
    int status = segment_stream(in, of, gather, &into);
    status = status ? status : evaluation_tell_failed(in);
    if (status == RF_OK)
        status = give_groups(&into);
    dictionary_free(&into.groups);
    *made = into.to;
    return status;
}

static int open_barrier(evaluation *in, const rf_seq *barrier, rf_source **made)
{
    segment before;
    const rf_seq *upto = barrier->kind == SEQ_TAKE ? barrier : barrier->from;
    int status = segment_open(in, upto, &before);
    if (status == RF_OK && barrier->function) {
        status = add_stage(&before, in->options, barrier, barrier->kind == SEQ_GROUP ? STAGE_KEY : STAGE_MAP);
        status = status ? status : add_defaults(&before, barrier->function);
    }
    if (status == RF_OK)
        status = gather_all(in, &before, barrier->kind, made);
    segment_close(&before);
    return status;
}

int segment_gather(evaluation *in, segment *of, rf_source **made)
{
    return gather_all(in, of, SEQ_TAKE, made);
}

int segment_bound(evaluation *in, segment *of)
{
    segment whole = *of;
    if (of->most == UINT64_MAX)
        return RF_OK;
    *of = (segment){.most = UINT64_MAX, .defaults = {.struct_size = sizeof of->defaults}};
    int status = segment_gather(in, &whole, &of->source);
    segment_close(&whole);
    return status;
}

/* ---- a segment ---- */

static const rf_seq *skip_takes(const rf_seq *seq, uint64_t *most)
{
    for (; seq->kind == SEQ_TAKE; seq = seq->from)
        *most = seq->count < *most ? seq->count : *most;
    return seq;
}

/* The nearest node before the stages of seq's segment. */
static const rf_seq *base_of(const rf_seq *seq)
{
    while (is_stage(seq))
        seq = seq->from;
    return seq;
}

/* A take right behind a source that rank 0 knows, or reads, is no barrier: no more than that is read. */
static int open_base(evaluation *in, const rf_seq *base, segment *made)
{
    uint64_t most = UINT64_MAX;
    const rf_seq *first = skip_takes(base, &most);
    if (first->kind != SEQ_SOURCE)
        return open_barrier(in, base, &made->source);
    if (base != first && !source_can_take(first->source))
        return open_barrier(in, base, &made->source);
    made->source = source_reading(first->source);
    if (base != first)
        source_take(made->source, most);
    return RF_OK;
}

int segment_open(evaluation *in, const rf_seq *seq, segment *made)
{
    *made = (segment){.most = UINT64_MAX, .defaults = {.struct_size = sizeof made->defaults}};
    const rf_seq *last = skip_takes(seq, &made->most), *base = base_of(last);
    bool takes_source = last->kind == SEQ_SOURCE && last != seq && source_can_take(last->source);
    if (takes_source)
        base = last = seq, made->most = UINT64_MAX;
    int status = open_base(in, base, made);
    status = status ? status : add_stages(in, made, last, base);
    return status ? status : merge_options(made, seq, last, base);
}

void segment_close(segment *of)
{
    rf_source_free(of->source);
    buffer_free(&of->stages);
    buffer_free(&of->name);
    of->source = NULL;
}

int segment_submit(evaluation *in, segment *of, enum job_sink sink, job **made)
{
    *made = NULL;
    job_order order = {.source = of->source, .stages = &of->stages, .ordered = true, .sink = sink};
    int status = buffer_put(&of->name, "", 1);
    if (status)
        return status;
    if (!of->defaults.name)
        of->defaults.name = of->name.size > 1 ? (const char *)of->name.data : "a sequence";
    of->source = NULL;
    return pool_submit_order(in->pool, &order, in->options, &of->defaults, made);
}

/* ---- through it ---- */

static int take_all(evaluation *in, job *of, uint64_t most, segment_taker *take, void *context)
{
    spans *ready = job_spans(of);
    int status = RF_OK;
    pool_stir(in->pool);
    while (status == RF_OK && most && in->pool->self->status >= 0) {
        uint64_t count = spans_count(ready);
        if ((!count && job_over(of)) || job_broke(of))
            return job_tell(of);
        if (!count) {
            pool_turn(in->pool, INFINITY);
            continue;
        }
        count = count < most ? count : most;
        status = take(context, of, ready, count);
        job_taken(of, count);
        most -= most == UINT64_MAX ? 0 : count;
        pool_stir(in->pool);
    }
    return status ? status : in->pool->self->status < 0 ? in->pool->self->status : RF_OK;
}

/* The caller may reuse what its source borrows as soon as the verb returns. What a generator says meanwhile is nobody's error. */
static void end_job(rf_pool *pool, job *of)
{
    if (!job_over(of) && pool->self->status >= 0)
        coordinator_cancel(pool->self->schedules, of);
    pool_stir(pool);
    while (!job_over(of) && pool->self->status >= 0)
        pool_turn(pool, INFINITY);
    coordinator_close(pool->self->schedules, of);
}

int segment_stream(evaluation *in, segment *of, segment_taker *take, void *context)
{
    job *made;
    int status = segment_submit(in, of, JOB_STREAMS, &made);
    if (status)
        return status;
    status = coordinator_start(in->pool->self->schedules, made, pool_now(in->pool));
    if (status) {
        coordinator_close(in->pool->self->schedules, made);
        return status;
    }
    status = take_all(in, made, of->most, take, context);
    failure *why = status < 0 ? failure_new(rf_last_error()) : NULL;
    end_job(in->pool, made);
    if (why)
        error_of_item(failure_error(why));
    failure_free(why);
    return status;
}
