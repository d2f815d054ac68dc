/* Results as a plain array: what blocks, spans and the stash are compared with. */
#ifndef RANKFOLD_TESTS_REFERENCE_H
#define RANKFOLD_TESTS_REFERENCE_H

#include "base/random.h"
#include "result/block.h"
#include "suite.h"

#define REFERENCE_MOST 20000

typedef struct expected {
    uint64_t index, offset;
    bool ok;
    char value[48];             /* as print_value has it; of a failed one its message */
    int rank;
    unsigned attempts;
    uint64_t path_index;
} expected;

typedef struct reference {
    expected items[REFERENCE_MOST];
    uint64_t count;
} reference;

static inline void print_value(rf_value value, char *text, size_t size)
{
    if (rf_type_of(value) == RF_TEXT)
        snprintf(text, size, "\"%.*s\"", (int)rf_size(value), rf_str(value));
    else
        snprintf(text, size, "type %d: %" PRId64, (int)rf_type_of(value), rf_i64(value) + rf_truth(value));
}

/* What of got is not as wanted, or NULL. One ck_assert for all of it: each costs a microsecond. */
static inline const char *difference(const expected *want, const rf_result *got, const strings *hosts,
                                     const strings *paths)
{
    char text[48];
    if (got->index != want->index || got->offset != want->offset)
        return "index or offset";
    if (got->rank != want->rank || got->attempts != want->attempts ||
        got->host != strings_at(hosts, (uint64_t)want->rank))
        return "rank, attempts or host";
    if (got->path != strings_at(paths, want->path_index))
        return "path";
    if (got->ok != want->ok || !got->error != want->ok)
        return "ok";
    print_value(got->value, text, sizeof text);
    if (want->ok)
        return strcmp(text, want->value) ? "value" : NULL;
    if (rf_type_of(got->value) != RF_NIL)
        return "value of a failed item";
    const rf_error *error = got->error;
    if (error->index != want->index || error->rank != want->rank || error->attempt != want->attempts ||
        error->host != got->host)
        return "where the error was";
    return strcmp(error->message, want->value) ? "message" : NULL;
}

static inline void check_result(const expected *want, const rf_result *got, const strings *hosts, const strings *paths)
{
    const char *what = difference(want, got, hosts, paths);
    ck_assert_msg(!what, "item %" PRIu64 ": %s differs", want->index, what);
}

/* A delivery under construction, with all that it borrows. */
typedef struct draft {
    delivery made;
    column values;
    uint64_t positions[1024], again[1024];
    item_failure failures[1024];
} draft;

static inline rf_value draw_value(uint64_t *random, unsigned kinds, char *text, size_t size)
{
    switch (kinds ? random_below(random, kinds) : 0) {
    case 0:
        return rf_of_i64((int64_t)random_below(random, 1000000));
    case 1:
        memset(text, 'a' + (int)random_below(random, 26), size);
        return rf_text(text, random_below(random, size));
    case 2:
        return rf_of_bool(random_below(random, 2));
    default:
        return rf_nil();
    }
}

/* Appends an item to the draft: mode 0 done, 1 failed, 2 comes again. */
static inline void draft_item(draft *to, uint64_t *random, unsigned kinds, uint64_t index, bool positions, int mode,
                              expected *want)
{
    char text[24];
    uint64_t item = to->made.items++;
    rf_value value = mode ? rf_nil() : draw_value(random, kinds, text, sizeof text);
    if (column_add(&to->values, value))
        ck_abort_msg("out of memory");
    to->positions[item] = index;
    *want = (expected){.index = index, .offset = positions ? index : 0, .ok = !mode, .rank = to->made.rank,
                       .attempts = to->made.attempt, .path_index = to->made.path_index};
    print_value(value, want->value, sizeof want->value);
    if (mode == 2)
        to->again[to->made.again_count++] = item;
    if (mode == 1) {
        snprintf(want->value, sizeof want->value, "failure %" PRIu64, random_below(random, 1000));
        failure *why = failure_new(&(rf_error){.status = RF_EFUNCTION, .kind = "function", .message = want->value});
        if (!why)
            ck_abort_msg("out of memory");
        to->failures[to->made.failure_count++] = (item_failure){item, why};
    }
    if (positions)
        to->made.positions = to->positions;
    to->made.again = to->again;
    to->made.failures = to->failures;
}

/* Given: the column and positions come as memory of the delivery's own. */
static inline void draft_finish(draft *to, bool given)
{
    to->made.values = column_look(&to->values);
    if (!given)
        return;
    buffer *memory = &to->made.memory;
    size_t size = column_bytes(&to->values), positions = to->made.items * sizeof(uint64_t);
    uint8_t *at = buffer_add(memory, size + positions);
    ck_assert_ptr_nonnull(at);
    column_seal_into(&to->values, at);
    memcpy(at + size, to->positions, positions);
    ck_assert_int_eq(column_open(&to->made.values, at, size), RF_OK);
    if (to->made.positions)
        to->made.positions = (const uint64_t *)(const void *)(at + size);
}

static inline void draft_free(draft *made)
{
    for (uint64_t i = 0; i < made->made.failure_count; i++)
        failure_free(made->failures[i].why);
    column_free(&made->values);
}

#endif
