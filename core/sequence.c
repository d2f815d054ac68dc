/* The steps of sequences. Nothing runs here. */
#include "sequence.h"

#include <string.h>

#include "base/error.h"
#include "base/options.h"
#include "value/pack.h"

/* What a step gives when there is no memory for a sequence, or no pool. Nobody writes to them. */
static const rf_seq out_of_memory, without_pool;

static rf_seq *stand_in(const rf_seq *of)
{
    return (rf_seq *)(uintptr_t)of;
}

static bool is_stand_in(const rf_seq *seq)
{
    return seq == &out_of_memory || seq == &without_pool;
}

static rf_seq *seq_new(rf_pool *pool, enum seq_kind kind, const rf_seq *from)
{
    rf_seq *made = arena_add(&pool->sequences, sizeof *made);
    if (!made)
        return stand_in(&out_of_memory);
    *made = (rf_seq){.pool = pool, .kind = kind, .from = from};
    return made;
}

static void hold(rf_seq *seq)
{
    if (seq->held)
        return;
    seq->held = true;
    seq->next = seq->pool->sources;
    seq->pool->sources = seq;
}

/* The error that was just told waits in the sequence. */
static rf_seq *seq_with(rf_seq *seq, int status)
{
    if (status == RF_OK || is_stand_in(seq))
        return seq;
    seq->wrong = failure_new(rf_last_error());
    if (!seq->wrong)
        return stand_in(&out_of_memory);
    hold(seq);
    return seq;
}

void sequences_pool_closes(rf_pool *pool)
{
    for (rf_seq *seq = pool->sources, *next; seq; seq = next) {
        next = seq->next;
        rf_source_free(seq->source);
        failure_free(seq->wrong);
        seq->source = NULL;
        seq->wrong = NULL;
    }
    pool->sources = NULL;
}

int sequence_check(const rf_seq *seq)
{
    if (!seq)
        return error_set(RF_EUSAGE, "usage", "the sequence is NULL: rf_seq_of, rf_seq_map ... never give that, also after a failure");
    if (seq == &out_of_memory)
        return error_no_memory(sizeof *seq);
    if (seq == &without_pool)
        return error_set(RF_EUSAGE, "usage", "a sequence of the pool NULL, or of the sequence NULL: rf_open gives a pool on rank 0 alone");
    int status = pool_usable(seq->pool);
    for (const rf_seq *at = seq; at && status == RF_OK; at = at->from)
        if (at->wrong)
            return error_of_item(failure_error(at->wrong));
    return status;
}

int rf_seq_status(const rf_seq *seq)
{
    return sequence_check(seq);
}

rf_seq *rf_seq_of(rf_pool *pool, rf_source *source)
{
    rf_seq *made = pool ? seq_new(pool, SEQ_SOURCE, NULL) : stand_in(&without_pool);
    if (is_stand_in(made)) {
        rf_source_free(source);
        return made;
    }
    int status = pool_usable(pool);
    if (status == RF_OK && !source)
        status = error_set(RF_EUSAGE, "usage", "rf_seq_of: the source is NULL: rf_range, rf_lines ... never give that, also after a failure");
    made->source = source;
    hold(made);
    return seq_with(made, status);
}

void sequence_replace(rf_seq *seq, rf_source *source)
{
    hold(seq);
    rf_source_free(seq->source);
    seq->source = source;
    seq->kind = SEQ_SOURCE;
    seq->from = NULL;
    seq->function = NULL;
    seq->with = NULL;
}

/* ---- steps ---- */

int sequence_function(rf_pool *pool, rf_any_function *function, int kind, const rf_registration **found, uint32_t *number)
{
    int status = pool_usable(pool);
    if (status == RF_OK && !function)
        status = error_set(RF_EUSAGE, "usage", "the %s function is NULL", registry_kind_name(kind));
    if (status == RF_OK)
        status = registry_number(pool->self->functions, function, kind, number);
    if (status == RF_OK)
        *found = registry_at(pool->self->functions, *number);
    return status;
}

static rf_seq *step(const rf_seq *from, enum seq_kind kind)
{
    if (!from)
        return stand_in(&without_pool);
    return is_stand_in(from) ? stand_in(from) : seq_new(from->pool, kind, from);
}

static rf_seq *step_with(const rf_seq *from, enum seq_kind kind, rf_any_function *function, int function_kind)
{
    rf_seq *made = step(from, kind);
    if (is_stand_in(made))
        return made;
    return seq_with(made, sequence_function(made->pool, function, function_kind, &made->function, &made->number));
}

rf_seq *rf_seq_map(rf_seq *from, rf_map_function *function)
{
    return step_with(from, SEQ_MAP, (rf_any_function *)function, RF_KIND_MAP);
}

rf_seq *rf_seq_flat_map(rf_seq *from, rf_map_function *function)
{
    return step_with(from, SEQ_FLAT_MAP, (rf_any_function *)function, RF_KIND_MAP);
}

rf_seq *rf_seq_filter(rf_seq *from, rf_filter_function *function)
{
    return function ? step_with(from, SEQ_FILTER, (rf_any_function *)function, RF_KIND_FILTER) : step(from, SEQ_FILTER);
}

rf_seq *rf_seq_group_by(rf_seq *from, rf_map_function *key)
{
    return step_with(from, SEQ_GROUP, (rf_any_function *)key, RF_KIND_MAP);
}

rf_seq *rf_seq_count_by(rf_seq *from, rf_map_function *key)
{
    return key ? step_with(from, SEQ_COUNT, (rf_any_function *)key, RF_KIND_MAP) : step(from, SEQ_COUNT);
}

rf_seq *rf_seq_take(rf_seq *from, uint64_t count)
{
    rf_seq *made = step(from, SEQ_TAKE);
    if (!is_stand_in(made))
        made->count = count;
    return made;
}

/* ---- options of a stage ---- */

static const char *keep_text(arena *memory, const char *text, int *status)
{
    char *copy = text ? arena_add(memory, strlen(text) + 1) : NULL;
    if (text && !copy)
        *status = RF_ENOMEM;
    return copy ? strcpy(copy, text) : NULL;
}

static rf_value keep_value(arena *memory, rf_value value, int *status)
{
    buffer packed = {0};
    rf_value bytes = value;
    if (rf_type_of(value) < RF_TEXT)
        return value;
    if (value_is_container(value) && (*status = *status ? *status : pack_value(&packed, value)) == RF_OK)
        bytes = rf_view(rf_type_of(value), packed.data, packed.size);
    char *copy = *status ? NULL : arena_add(memory, rf_size(bytes) + 1);
    if (!copy)
        *status = *status ? *status : RF_ENOMEM;
    else if (rf_size(bytes))
        memcpy(copy, bytes.data, rf_size(bytes));
    if (copy)
        copy[rf_size(bytes)] = '\0';
    buffer_free(&packed);
    return copy ? rf_view(rf_type_of(value), copy, rf_size(bytes)) : rf_nil();
}

static int keep_options(rf_seq *seq, const rf_options *options)
{
    arena *memory = &seq->pool->sequences;
    rf_options *kept = arena_add(memory, sizeof *kept);
    if (!kept)
        return RF_ENOMEM;
    *kept = (rf_options){.struct_size = sizeof *kept};
    int status = options_under(kept, options, true);
    if (status)
        return status;
    if (rf_type_of(kept->state) != RF_NIL && !seq->function)
        return error_set(RF_EUSAGE, "usage", "rf_seq_with: .state is for the function of the stage before it, which has none");
    kept->name = keep_text(memory, kept->name, &status);
    kept->retry.on = keep_text(memory, kept->retry.on, &status);
    kept->state = keep_value(memory, kept->state, &status);
    if (status == RF_OK && seq->with)
        status = options_under(kept, seq->with, true);
    seq->with = kept;
    return status;
}

rf_seq *rf_seq_with(rf_seq *of, const rf_options *options)
{
    rf_seq *made = of ? step(of, of->kind) : stand_in(&without_pool);
    if (is_stand_in(made))
        return made;
    *made = *of;
    made->held = false;
    made->wrong = NULL;
    if (of->wrong)
        made->wrong = failure_share(of->wrong);
    if (made->source)
        made->source = source_share(of->source);
    if (made->source || made->wrong)
        hold(made);
    return made->wrong || !options ? made : seq_with(made, keep_options(made, options));
}
