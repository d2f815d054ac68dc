/* What the tests of keyed/ compare with: all pairs of a job, kept as they were emitted, sorted and reduced the slow and plain way. Keys of a
   job are of one type, drawn from a small universe so that they repeat; values are numbers or texts. */
#ifndef RANKFOLD_TESTS_KEYED_MODEL_H
#define RANKFOLD_TESTS_KEYED_MODEL_H

#include "base/error.h"
#include "keyed/emit.h"
#include "keyed/group.h"
#include "random_value.h"
#include "suite.h"

typedef struct pair {
    rf_value key, value;        /* in the model's memory */
    size_t at;                  /* in the order in which pairs were emitted, over all tasks */
    unsigned input;
    bool by_value;
} pair;

typedef struct model {
    arena memory;
    pair *pairs;
    size_t count, room;
    rf_type keys;
    unsigned universe;          /* different keys, about */
    int values;                 /* 0: small integers; 1: any numbers; 2: texts */
    bool by_value;
} model;

static inline rf_value model_copy(model *of, rf_value value)
{
    if (rf_type_of(value) < RF_TEXT)
        return value;
    uint8_t *copy = arena_add(&of->memory, rf_size(value) + 1);
    memcpy(copy, value.data, rf_size(value));
    copy[rf_size(value)] = '\0';
    return (rf_value){.data = copy, .tag = value.tag};
}

static inline void model_add(model *to, rf_value key, rf_value value, unsigned input)
{
    if (to->count == to->room) {
        to->room = to->room ? 2 * to->room : 64;
        to->pairs = realloc(to->pairs, to->room * sizeof *to->pairs);
    }
    to->pairs[to->count] = (pair){model_copy(to, key), model_copy(to, value), to->count, input, to->by_value};
    to->count++;
}

static inline void model_free(model *of)
{
    arena_free(&of->memory);
    free(of->pairs);
}

/* Key number n: short and long ones that share their beginnings. */
static inline rf_value model_key(model *of, uint64_t n, char space[200])
{
    static const char *const beginnings[] = {"", "a", "prefix-", "prefix-as-long-as-17", "x\377\377"};
    if (of->keys == RF_I64)
        return n % 7 == 6 ? rf_of_u64(UINT64_MAX - n) : rf_of_i64((int64_t)(n - of->universe / 2));
    if (of->keys == RF_F64)
        return rf_of_f64(((double)n - of->universe / 2) / 8);
    int size = snprintf(space, 200, "%s%" PRIu64, beginnings[n % 5], n / 5);
    if (n % 31 == 30) {
        memset(space + size, 'z', 150);
        size += 150;
    }
    return rf_view(of->keys, space, (size_t)size);
}

static inline rf_value model_draw_key(model *of, uint64_t *random, char space[200])
{
    uint64_t n = random_below(random, of->universe);
    return model_key(of, random_below(random, 2) ? n : n % 5, space);
}

static inline rf_value model_draw_value(model *of, uint64_t *random, char space[100])
{
    if (of->values == 0)
        return rf_of_i64((int64_t)random_below(random, 2000) - 1000);
    if (of->values == 1)
        return random_below(random, 2) ? rf_of_f64(random_f64(random)) : rf_of_i64((int64_t)random_integer(random));
    int size = snprintf(space, 100, "value-%" PRIu64, random_below(random, 50));
    return rf_text(space, (size_t)size);
}

/* ---- the reference ------------------------------------------------------------------------------------------------ */

static inline int model_compare_keys(rf_value a, rf_value b)
{
    if (rf_type_of(a) == RF_F64)
        return (a.f64 > b.f64) - (a.f64 < b.f64);
    if (rf_type_of(a) < RF_TEXT) {
        __int128 one = a.tag == RF_I64 ? a.i64 : (__int128)a.u64, other = b.tag == RF_I64 ? b.i64 : (__int128)b.u64;
        return (one > other) - (one < other);
    }
    size_t least = rf_size(a) < rf_size(b) ? rf_size(a) : rf_size(b);
    int order = memcmp(a.data, b.data, least);
    return order ? order : (rf_size(a) > rf_size(b)) - (rf_size(a) < rf_size(b));
}

static inline int model_compare(const void *a, const void *b)
{
    const pair *one = a, *other = b;
    int order = model_compare_keys(one->key, other->key);
    if (!order && one->by_value)
        order = record_value_order(one->value, other->value);
    return order ? order : (one->at > other->at) - (one->at < other->at);
}

static inline void model_sort(model *of)
{
    if (of->count)
        qsort(of->pairs, of->count, sizeof *of->pairs, model_compare);
}

/* Pairs from first on that have its key, in a sorted model. */
static inline size_t model_group(const model *of, size_t first)
{
    size_t end = first + 1;
    while (end < of->count && model_compare_keys(of->pairs[first].key, of->pairs[end].key) == 0)
        end++;
    return end - first;
}

/* What a fold makes of a group, by other means: quad precision is not enough for any sum of doubles, so those are only compared
   between two ways through the library; here values are small integers. */
static inline rf_value model_fold(const pair *pairs, size_t count, enum fold fold)
{
    rf_value best = pairs[0].value;
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        int order = record_value_order(pairs[i].value, best);
        sum += fold == FOLD_SUM ? rf_i64(pairs[i].value) : 0;
        if ((fold == FOLD_MIN && order < 0) || (fold == FOLD_MAX && order > 0))
            best = pairs[i].value;
    }
    return fold == FOLD_SUM ? rf_of_i64(sum) : fold == FOLD_COUNT ? rf_of_i64((int64_t)count) : best;
}

/* ---- what the library made ---------------------------------------------------------------------------------------- */

static inline merge *model_merge(const record_order *order, sealed_run *const *runs, const unsigned *inputs, uint32_t count,
                                 uint32_t partition)
{
    merge *all;
    ck_assert_int_eq(merge_new(order, count, &all), RF_OK);
    for (uint32_t i = 0; i < count; i++) {
        cursor_open(merge_source(all, i), runs[i], partition);
        merge_set_input(all, i, inputs ? inputs[i] : 0);
    }
    return all;
}

/* Reads every group of every partition and compares with the sorted model; each pair must be met once, its key in one partition
   alone and in order there. */
static inline void model_check(const model *wanted, const shape *of, sealed_run *const *runs, const unsigned *inputs, uint32_t count)
{
    bool *met = calloc(wanted->count + 1, 1);
    size_t groups = 0, wanted_groups = 0;
    for (size_t i = 0; i < wanted->count; i += model_group(wanted, i))
        wanted_groups++;
    for (uint32_t p = 0; p < of->partitions; p++) {
        merge *all = model_merge(&of->order, runs, inputs, count, p);
        rf_group *group;
        rf_value key, value;
        size_t at = 0;
        int status;
        ck_assert_int_eq(group_new(group_from_merge, all, &group), RF_OK);
        while ((status = group_next_key(group, &key)) == RF_OK) {
            while (at < wanted->count && model_compare_keys(wanted->pairs[at].key, key) < 0)
                at += model_group(wanted, at);
            ck_assert_msg(at < wanted->count && model_compare_keys(wanted->pairs[at].key, key) == 0, "a key that none emitted");
            ck_assert_msg(!met[at], "a key in two places");
            met[at] = true;
            size_t many = model_group(wanted, at);
            groups++;
            if (of->fold) {
                rf_value expected = model_fold(wanted->pairs + at, many, of->fold);
                ck_assert_int_eq(group_fold(group, of->fold, &value), RF_OK);
                ck_assert(same_value(value, expected, false));
            } else {
                for (size_t i = 0; i < many; i++) {
                    ck_assert_int_eq(group_next(group, &value), RF_OK);
                    ck_assert_msg(same_value(value, wanted->pairs[at + i].value, false), "value %zu of %zu", i, many);
                    ck_assert_uint_eq(group_input(group), wanted->pairs[at + i].input);
                }
                ck_assert_int_eq(group_next(group, &value), RF_END);
            }
            at += many;
        }
        ck_assert_msg(status == RF_END, "%s", rf_last_error()->message);
        group_free(group);
        merge_free(all);
    }
    ck_assert_uint_eq(groups, wanted_groups);
    free(met);
}

#endif
