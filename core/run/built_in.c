#include "run/built_in.h"

#include <string.h>

#include "base/error.h"
#include "keyed/group.h"
#include "run/call.h"

/* ---- groups ------------------------------------------------------------------------------------------------------ */

int rf_group_next(rf_group *values, rf_value *value) { return group_next(values, value); }
unsigned rf_group_input(const rf_group *values) { return group_input(values); }

/* ---- reducers ---------------------------------------------------------------------------------------------------- */

static int fold_value(enum fold fold, fold_state *state, bool first, rf_value value, arena *memory)
{
    record_part parts[2];
    buffer packed = {0};
    record partial;
    int status = fold_lift(fold, &value);
    status = status ? status : record_encode(rf_nil(), value, parts, &packed, &partial);
    if (!status)
        status = first ? fold_begin(fold, state, &partial, memory) : fold_merge(fold, state, &partial, memory);
    buffer_free(&packed);
    return status;
}

/* Values as mappers emitted them: where a job folds, the library does it without a call (reduce_task.c). */
static int fold_values(rf_call *call, rf_group *values, enum fold fold)
{
    fold_state state = {0};
    arena memory = {0};
    rf_value value;
    bool first = true;
    int status;
    while ((status = group_next(values, &value)) == RF_OK) {
        status = fold_value(fold, &state, first, value, &memory);
        if (status)
            break;
        first = false;
    }
    status = status == RF_END ? fold_result(&state, group_key(values), &value) : status;
    status = status ? call_fail_last(call, status) : rf_return(call, value);
    arena_free(&memory);
    return status;
}

#define FOLDS(name, fold)                                                                                              \
    int name(rf_call *call, rf_value key, rf_group *values)                                                            \
    {                                                                                                                  \
        (void)key;                                                                                                     \
        return fold_values(call, values, fold);                                                                        \
    }                                                                                                                  \
    RF_REGISTER(name)

FOLDS(rf_sum, FOLD_SUM);
FOLDS(rf_min, FOLD_MIN);
FOLDS(rf_max, FOLD_MAX);
FOLDS(rf_count, FOLD_COUNT);
FOLDS(rf_first, FOLD_FIRST);

int rf_collect(rf_call *call, rf_value key, rf_group *values)
{
    (void)key;
    rf_value all;
    int status = group_collect(values, &all);
    return status ? call_fail_last(call, status) : rf_return(call, all);
}
RF_REGISTER(rf_collect);

static int pairs_as_they_are(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int status;
    while ((status = group_next(values, &value)) == RF_OK)
        if (rf_emit_pair(call, key, value))
            return RF_EFUNCTION;
    return status == RF_END ? RF_OK : call_fail_last(call, status);
}
RF_REGISTER(pairs_as_they_are);

enum fold built_in_fold(rf_any_function *function)
{
    static const struct { rf_reduce_function *function; enum fold fold; } folds[] = {
        {rf_sum, FOLD_SUM}, {rf_min, FOLD_MIN}, {rf_max, FOLD_MAX}, {rf_count, FOLD_COUNT}, {rf_first, FOLD_FIRST}};
    for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
        if ((rf_any_function *)folds[i].function == function)
            return folds[i].fold;
    return FOLD_NONE;
}

bool built_in_collects(rf_any_function *function) { return function == (rf_any_function *)rf_collect; }
rf_reduce_function *built_in_reducer(void) { return pairs_as_they_are; }
bool built_in_passes(rf_any_function *function) { return function == (rf_any_function *)pairs_as_they_are; }

/* ---- mappers ----------------------------------------------------------------------------------------------------- */

static int pair_as_it_is(rf_call *call, rf_value item)
{
    rf_value key, value, rest;
    if (rf_type_of(item) != RF_TUPLE_TYPE || rf_take(&item, &key) || rf_take(&item, &value) || rf_take(&item, &rest) != RF_END)
        return call_fail(call, RF_EARGS, "arguments", "without a mapper items are tuples (key, value), such as a dataset's");
    return rf_emit_pair(call, key, value);
}
RF_REGISTER(pair_as_it_is);

rf_map_function *built_in_mapper(void) { return pair_as_it_is; }

int rf_key_value(rf_call *call, rf_value line)
{
    if (rf_type_of(line) != RF_TEXT)
        return call_fail(call, RF_EARGS, "arguments", "rf_key_value reads lines: texts of rf_lines");
    const char *text = line.data, *tab = memchr(text, '\t', rf_size(line));
    size_t key = tab ? (size_t)(tab - text) : rf_size(line);
    return rf_emit_pair(call, rf_text(text, key), tab ? rf_text(tab + 1, rf_size(line) - key - 1) : rf_nil());
}
RF_REGISTER(rf_key_value);
