#include "keyed/combine.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/large.h"
#include "keyed/partition.h"

#define LEAST_SLOTS ((size_t)4096)
#define BATCH 16

typedef struct slot {
    union {
        uint64_t words[2];              /* of a short key */
        struct { const uint8_t *far; uint64_t hash; };
    };
    uint32_t size;
    uint8_t kind;                       /* the key's type + 1; 0: nothing is here */
    uint8_t type;                       /* of the state */
    uint16_t tag;
    uint64_t bits;
} slot;

_Static_assert(sizeof(slot) == 32, "two slots a cache line");

/* A record on its way into the table. */
typedef struct arrival {
    record it;
    uint64_t words[2], hash;
} arrival;

int combine_init(combiner *all, const shape *of)
{
    *all = (combiner){.of = of, .folds = of->fold != FOLD_NONE};
    return rows_init(&all->rows, of->partitions);
}

void combine_free(combiner *all)
{
    large_free(all->slots);
    arena_free(&all->memory);
    buffer_free(&all->scratch);
    rows_free(&all->rows);
    *all = (combiner){0};
}

static void clear_table(combiner *all)
{
    if (all->used)
        memset(all->slots, 0, (all->mask + 1) * sizeof(slot));
    arena_reset(&all->memory);
    all->used = all->kept = 0;
    all->window = all->fresh = 0;
}

void combine_clear(combiner *all)
{
    clear_table(all);
    rows_clear(&all->rows);
    all->folds = all->of->fold != FOLD_NONE;
}

size_t combine_bytes(const combiner *all)
{
    return all->rows.bytes + all->kept + (all->used ? (all->mask + 1) * sizeof(slot) : 0);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static void arrive(arrival *new, const record *it)
{
    new->it = *it;
    if (it->key_size > HASH_SHORT) {
        new->hash = hash_long_key(it->key, it->key_size, it->key_type);
    } else {
        record_words(it->key, it->key_size, new->words);
        new->hash = hash_short_key(new->words, it->key_size, it->key_type);
    }
}

static uint64_t hash_of_slot(const slot *at)
{
    return at->size > HASH_SHORT ? at->hash : hash_short_key(at->words, at->size, at->kind - 1u);
}

static inline bool holds(const slot *at, const arrival *it)
{
    if (at->size != it->it.key_size || at->kind != it->it.key_type + 1)
        return false;
    if (at->size <= HASH_SHORT)
        return at->words[0] == it->words[0] && at->words[1] == it->words[1];
    return at->hash == it->hash && memcmp(at->far, it->it.key, at->size) == 0;
}

/* Twice as many slots, at most half of them in use. */
static int grow(combiner *all)
{
    size_t count = all->slots ? 2 * (all->mask + 1) : LEAST_SLOTS, mask = count - 1;
    slot *slots = large_get(count * sizeof *slots);
    if (!slots)
        return error_no_memory(count * sizeof *slots);
    memset(slots, 0, count * sizeof *slots);
    for (size_t i = 0; all->slots && i <= all->mask; i++) {
        const slot *old = &all->slots[i];
        if (!old->kind)
            continue;
        size_t at = hash_of_slot(old) & mask;
        while (slots[at].kind)
            at = (at + 1) & mask;
        slots[at] = *old;
    }
    large_free(all->slots);
    all->slots = slots;
    all->mask = mask;
    return RF_OK;
}

static int fill(combiner *all, slot *at, const arrival *it)
{
    fold_state state;
    slot made = {.size = it->it.key_size, .kind = (uint8_t)(it->it.key_type + 1)};
    if (made.size > HASH_SHORT) {
        uint8_t *key = arena_add(&all->memory, made.size);
        if (!key)
            return RF_ENOMEM;
        made.far = memcpy(key, it->it.key, made.size);
        made.hash = it->hash;
        all->kept += made.size;
    } else {
        made.words[0] = it->words[0];
        made.words[1] = it->words[1];
    }
    int status = fold_begin(all->of->fold, &state, &it->it, &all->memory);
    if (status)
        return status;
    if (state.type >= RF_TEXT)
        all->kept += it->it.value_size + sizeof(slot);
    made.type = state.type;
    made.bits = state.bits;
    *at = made;
    all->used++;
    all->fresh++;
    return RF_OK;
}

static int put(combiner *all, const arrival *it)
{
    size_t at = it->hash & all->mask;
    slot *found = &all->slots[at];
    while (found->kind && !holds(found, it)) {
        at = (at + 1) & all->mask;
        found = &all->slots[at];
    }
    if (!found->kind)
        return fill(all, found, it);
    fold_state state = {found->bits, found->type};
    int status = fold_merge(all->of->fold, &state, &it->it, &all->memory);
    if (state.type >= RF_TEXT && state.bits != found->bits)
        all->kept += it->it.value_size + sizeof(slot);
    found->bits = state.bits;
    found->type = state.type;
    return status;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static int partition_of_slot(const combiner *all, const record *it, const slot *from, uint32_t *partition)
{
    return partition_of(all->of, it, all->of->partitions > 1 ? hash_of_slot(from) : 0, partition);
}

/* A record that is in no table: nothing else asks for its hash. */
static int partition_of_record(const combiner *all, const record *it, uint32_t *partition)
{
    bool hashed = all->of->partitions > 1 && !all->of->partitioner;
    return partition_of(all->of, it, hashed ? record_hash_slack(it) : 0, partition);
}

static int write_out(combiner *all, const slot *from)
{
    uint8_t space[EXACT_PACKED_MOST];
    uint32_t partition;
    record it = {.key = from->size > HASH_SHORT ? from->far : (const uint8_t *)from->words,
                 .key_size = from->size, .key_type = (uint8_t)(from->kind - 1)};
    fold_partial(&(fold_state){from->bits, from->type}, &it, space);
    all->scratch.size = 0;
    if (record_put(&it, &all->scratch))
        return RF_ENOMEM;
    int status = partition_of_slot(all, &it, from, &partition);
    if (status)
        return status;
    return rows_add(&all->rows, partition, record_prefix(it.key, it.key_size), all->scratch.data, all->scratch.size);
}

int combine_to_rows(combiner *all)
{
    all->folds = false;
    for (size_t i = 0; all->used && i <= all->mask; i++) {
        int status = all->slots[i].kind ? write_out(all, &all->slots[i]) : RF_OK;
        if (status)
            return status;
    }
    clear_table(all);
    return RF_OK;
}

/* ---- taking ------------------------------------------------------------------------------------------------------ */

static int take_rows(combiner *all, const uint8_t *from, const uint8_t *end)
{
    record next;
    uint32_t partition;
    for (const uint8_t *start = from; record_take(&from, end, &next); start = from) {
        int status = partition_of_record(all, &next, &partition);
        if (!status)
            status = rows_add(&all->rows, partition, record_prefix(next.key, next.key_size), start, (size_t)(from - start));
        if (status)
            return status;
    }
    return RF_OK;
}

/* Takes up to a batch of records; *from then is behind them. */
static int take_batch(combiner *all, const uint8_t **from, const uint8_t *end)
{
    arrival batch[BATCH];
    record next;
    unsigned count = 0;
    if (2 * (all->used + BATCH) > all->mask && grow(all))
        return RF_ENOMEM;
    for (; count < BATCH && record_take(from, end, &next); count++) {
        arrive(&batch[count], &next);
        __builtin_prefetch(&all->slots[batch[count].hash & all->mask], 1);
    }
    for (unsigned i = 0; i < count; i++) {
        int status = put(all, &batch[i]);
        if (status)
            return status;
    }
    all->window += count;
    return RF_OK;
}

/* The same of a page, where the records stay. */
static int take_page(combiner *all, uint8_t **page, const uint8_t *end)
{
    record next;
    uint32_t partition;
    const uint8_t *from = *page, *start = from;
    uint8_t *empty = rows_exchange(&all->rows, *page);
    if (!empty)
        return RF_ENOMEM;
    *page = empty;
    for (; from < end && record_take(&from, end, &next); start = from) {
        int status = partition_of_record(all, &next, &partition);
        if (!status)
            status = rows_point(&all->rows, partition, record_prefix(next.key, next.key_size), start, (size_t)(from - start));
        if (status)
            return status;
    }
    return RF_OK;
}

static bool should_switch(combiner *all)
{
    if (all->window < COMBINE_WINDOW)
        return false;
    bool repeats = all->fresh <= all->window / 8 * 7;
    all->window = all->fresh = 0;
    return !repeats || combine_bytes(all) > all->of->memory / 2;
}

int combine_take(combiner *all, const uint8_t *from, const uint8_t *end)
{
    int status = RF_OK;
    while (all->folds && from < end && !status) {
        status = take_batch(all, &from, end);
        if (!status && should_switch(all))
            status = combine_to_rows(all);
    }
    return status ? status : take_rows(all, from, end);
}

int combine_take_page(combiner *all, uint8_t **page, const uint8_t *end)
{
    return all->folds ? combine_take(all, *page, end) : take_page(all, page, end);
}

/* A table that goes into another one becomes records for it, a stretch at a time. */
static int absorb_table(combiner *all, const combiner *from)
{
    uint8_t space[EXACT_PACKED_MOST];
    for (size_t i = 0; i <= from->mask; i++) {
        const slot *at = &from->slots[i];
        if (!at->kind)
            continue;
        record it = {.key = at->size > HASH_SHORT ? at->far : (const uint8_t *)at->words,
                     .key_size = at->size, .key_type = (uint8_t)(at->kind - 1)};
        fold_partial(&(fold_state){at->bits, at->type}, &it, space);
        all->scratch.size = 0;
        if (record_put(&it, &all->scratch) || buffer_reserve(&all->scratch, RECORD_SLACK))
            return RF_ENOMEM;
        int status = combine_take(all, all->scratch.data, all->scratch.data + all->scratch.size);
        if (status)
            return status;
    }
    return RF_OK;
}

int combine_absorb(combiner *all, combiner *from)
{
    if (combine_empty(all)) {
        combiner kept = *all;
        *all = *from;
        *from = kept;
        combine_clear(from);
        return RF_OK;
    }
    int status = RF_OK;
    if (all->folds && from->rows.records)
        status = combine_to_rows(all);
    if (!status && from->used)
        status = absorb_table(all, from);
    if (!status)
        status = rows_adopt(&all->rows, &from->rows);
    if (!status)
        combine_clear(from);
    return status;
}
