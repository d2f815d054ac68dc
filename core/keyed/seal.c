#include "keyed/seal.h"

#include "base/error.h"
#include "keyed/group.h"

#define AHEAD 12                    /* records whose bytes are asked for before they are copied */
#define LINE ((size_t)64)

/* ---- one record after the other ---------------------------------------------------------------------------------- */

/* bytes: of a record, on average. A line that was not asked for costs more than several that were for nothing. */
static int write_entries(run_writer *to, const entry *entries, size_t count, size_t bytes)
{
    bool large = bytes > LINE;
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            const uint8_t *next = entries[i + AHEAD].at;
            __builtin_prefetch(next);
            __builtin_prefetch(next + LINE);
            if (large)
                __builtin_prefetch(next + 2 * LINE);
        }
        record it = record_at(entries[i].at);
        size_t size = (size_t)(it.value + it.value_size - entries[i].at);
        int status = run_add(to, &it, entries[i].at, size);
        if (status)
            return status;
    }
    return RF_OK;
}

/* ---- through the user's combiner --------------------------------------------------------------------------------- */

typedef struct sorted {
    const entry *next, *end;
    record it;
} sorted;

static int next_of(void *context, const record **it, unsigned *input)
{
    sorted *from = context;
    if (from->next == from->end)
        return RF_END;
    from->it = record_at(from->next++->at);
    *it = &from->it;
    *input = 0;
    return RF_OK;
}

static int combine_entries(const shape *of, const entry *entries, size_t count, struct emitter *into, seal_output *output)
{
    sorted from = {.next = entries, .end = entries + count};
    rf_group *groups;
    rf_value key;
    int status = group_new(next_of, &from, &groups);
    while (!status && (status = group_next_key(groups, &key)) == RF_OK) {
        output->key = group_key(groups);
        status = of->combine(of->combine_context, into, key, groups);
    }
    output->key = NULL;
    group_free(groups);
    return status == RF_END ? RF_OK : status;
}

int seal_combined(seal_output *to, rf_value key, rf_value value)
{
    record_part encoded[2];
    record made;
    if (!to->key)
        return error_set(RF_EUSAGE, "usage", "a combiner emits while it runs, and not afterwards");
    int status = record_encode(key, value, encoded, &to->packed, &made);
    if (status)
        return status;
    if (!record_same_key(&made, to->key)) {
        char wrong[100], right[100];
        record_tell(record_key(&made), wrong, sizeof wrong);
        record_tell(record_key(to->key), right, sizeof right);
        return error_set(RF_EUSAGE, "usage", "a combiner emitted key %s for key %s: it may only put other values under the same key",
                         wrong, right);
    }
    to->bytes.size = 0;
    status = record_put(&made, &to->bytes);
    return status ? status : run_add(to->to, &made, to->bytes.data, to->bytes.size);
}

static bool repeats(const entry *entries, size_t count)
{
    size_t repeated = 0;
    for (size_t i = 1; i < count; i++) {
        if (entries[i].prefix != entries[i - 1].prefix)
            continue;
        record one = record_at(entries[i - 1].at), other = record_at(entries[i].at);
        repeated += record_same_key(&one, &other);
    }
    return repeated > count / 8;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

static int seal_partition(const shape *of, run_writer *to, entry *entries, size_t count, size_t bytes, buffer *space, struct emitter *into,
                          seal_output *output)
{
    space->size = 0;
    if (!count)
        return RF_OK;
    if (buffer_reserve(space, count * sizeof *entries))
        return RF_ENOMEM;
    sort_entries(entries, (entry *)(void *)space->data, count, &of->order);
    bool combines = of->combine && !of->order.by_value && repeats(entries, count);
    return combines ? combine_entries(of, entries, count, into, output) : write_entries(to, entries, count, bytes);
}

int seal_rows(const shape *of, rows *from, buffer *space, const char *path, struct emitter *into, seal_output *output,
              sealed_run **made)
{
    run_writer to;
    *made = NULL;
    size_t all = from->bytes - from->records * sizeof(entry), each = from->records ? all / from->records : 0;
    int status = run_begin(&to, of, path, all);
    if (status)
        return status;
    output->to = &to;
    for (uint32_t p = 0; p < from->partitions && !status; p++) {
        status = p ? run_end_partition(&to) : RF_OK;
        if (!status)
            status = seal_partition(of, &to, rows_entries(from, p), rows_count(from, p), each, space, into, output);
    }
    if (!status)
        return run_end(&to, made);
    run_abandon(&to);
    return status;
}
