#include "keyed/combine.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/large.h"
#include "keyed/partition.h"

#define LEAST_SLOTS ((size_t)4096)
#define BATCH 16
#define AHEAD 32                        /* records that are parsed before the first of them is looked up */

typedef struct slot {
    union {
        uint64_t words[2];              /* of a short key */
        struct { const uint8_t *far; uint64_t hash; };
    };
    uint64_t head;                      /* 0: nothing is here. Else put together and taken apart by shifts, never through memory: bytes that are
                                           written one by one and read as a word stall the pipeline, for each pair */
    uint64_t bits;
} slot;

_Static_assert(sizeof(slot) == 32, "two slots a cache line");

static inline uint64_t key_head(uint32_t size, unsigned type) { return size | (uint64_t)(type + 1) << 32; }
static inline uint64_t state_head(unsigned type) { return (uint64_t)type << 40; }
static inline uint32_t size_in(uint64_t head) { return (uint32_t)head; }
static inline unsigned type_in(uint64_t head) { return (unsigned)(head >> 32 & 0xff) - 1; }
static inline uint64_t key_in(uint64_t head) { return head & 0xffffffffff; }
static inline unsigned state_in(uint64_t head) { return (unsigned)(head >> 40); }

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
    uint32_t size = size_in(at->head);
    return size > HASH_SHORT ? at->hash : hash_short_key(at->words, size, type_in(at->head));
}

static inline bool holds(const slot *at, const arrival *it)
{
    if (key_in(at->head) != key_head(it->it.key_size, it->it.key_type))
        return false;
    if (it->it.key_size <= HASH_SHORT)
        return at->words[0] == it->words[0] && at->words[1] == it->words[1];
    return at->hash == it->hash && memcmp(at->far, it->it.key, it->it.key_size) == 0;
}

static size_t used_most(const combiner *all) { return all->slots ? (all->mask + 1) / 4 * 3 : 0; }

static void insert(slot *slots, size_t mask, const slot *it)
{
    size_t at = hash_of_slot(it) & mask;
    while (slots[at].head)
        at = (at + 1) & mask;
    slots[at] = *it;
}

static int first_slots(combiner *all)
{
    slot *slots = large_get(LEAST_SLOTS * sizeof *slots);
    if (!slots)
        return error_no_memory(LEAST_SLOTS * sizeof *slots);
    all->slots = memset(slots, 0, LEAST_SLOTS * sizeof *slots);
    all->mask = LEAST_SLOTS - 1;
    return RF_OK;
}

/* Twice as many slots, at most three fourths of them in use, without a second table: memory that was never touched is dear. Each entry is taken out
   and put in again, in the order of slots, from the first empty one on; those before it, which may stand there because the last slots were taken,
   wait aside for their turn.

   Nothing is put behind an entry that is still to be taken out, which would leave a hole in its way: an entry's new place is sought from its home
   h, or from h + count. From h on, all up to its old place have been taken out. From h + count on there is room up to the end until the last one is
   put in: those that stand in [h + count, 2 count) came from as many places in [h, count) that were taken out before. */
static int grow(combiner *all)
{
    size_t count = all->mask + 1, front = 0, mask = 2 * count - 1;
    if (!all->slots)
        return first_slots(all);
    while (all->slots[front].head)
        front++;
    slot *aside = front ? malloc(front * sizeof *aside) : NULL;
    slot *slots = aside || !front ? large_grow(all->slots, count * sizeof *slots, 2 * count * sizeof *slots) : NULL;
    if (!slots) {
        free(aside);
        return error_no_memory(2 * count * sizeof *slots);
    }
    memset(slots + count, 0, count * sizeof *slots);
    if (front)
        memcpy(aside, slots, front * sizeof *slots);
    memset(slots, 0, front * sizeof *slots);
    for (size_t i = front + 1; i < count; i++) {
        slot moving = slots[i];
        slots[i] = (slot){.head = 0};
        if (moving.head)
            insert(slots, mask, &moving);
    }
    for (size_t i = 0; i < front; i++)
        insert(slots, mask, &aside[i]);
    free(aside);
    all->slots = slots;
    all->mask = mask;
    return RF_OK;
}

static int fill(combiner *all, slot *at, const arrival *it)
{
    fold_state state;
    slot made = {.head = 0};
    if (it->it.key_size > HASH_SHORT) {
        uint8_t *key = arena_add(&all->memory, it->it.key_size);
        if (!key)
            return RF_ENOMEM;
        made.far = memcpy(key, it->it.key, it->it.key_size);
        made.hash = it->hash;
        all->kept += it->it.key_size;
    } else {
        made.words[0] = it->words[0];
        made.words[1] = it->words[1];
    }
    int status = fold_begin(all->of->fold, &state, &it->it, &all->memory);
    if (status)
        return status;
    if (state.type >= RF_TEXT)
        all->kept += it->it.value_size + sizeof(slot);
    made.head = key_head(it->it.key_size, it->it.key_type) | state_head(state.type);
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
    while (found->head && !holds(found, it)) {
        at = (at + 1) & all->mask;
        found = &all->slots[at];
    }
    if (!found->head)
        return fill(all, found, it);
    fold_state state = {found->bits, (uint8_t)state_in(found->head)};
    int status = fold_merge(all->of->fold, &state, &it->it, &all->memory);
    if (state.type >= RF_TEXT && state.bits != found->bits)
        all->kept += it->it.value_size + sizeof(slot);
    found->bits = state.bits;
    found->head = key_in(found->head) | state_head(state.type);
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

/* As a record, whose value lies in the slot's memory or in space. */
static void view_slot(const slot *from, record *it, uint8_t space[EXACT_PACKED_MOST])
{
    uint32_t size = size_in(from->head);
    *it = (record){.key = size > HASH_SHORT ? from->far : (const uint8_t *)from->words, .key_size = size,
                   .key_type = (uint8_t)type_in(from->head)};
    fold_partial(&(fold_state){from->bits, (uint8_t)state_in(from->head)}, it, space);
}

static int write_out(combiner *all, const slot *from)
{
    uint8_t space[EXACT_PACKED_MOST];
    uint32_t partition;
    record it;
    view_slot(from, &it, space);
    int status = partition_of_slot(all, &it, from, &partition);
    uint8_t *at = status ? NULL : rows_room(&all->rows, RECORD_HEAD_MOST + (size_t)it.key_size + it.value_size);
    if (!at)
        return status ? status : RF_ENOMEM;
    return rows_keep(&all->rows, partition, record_prefix(it.key, it.key_size), record_write(&it, at));
}

int combine_to_rows(combiner *all)
{
    all->folds = false;
    for (size_t i = 0; all->used && i <= all->mask; i++) {
        if (!all->slots[i].head)
            continue;
        int status = write_out(all, &all->slots[i]);
        if (status)
            return status;
        all->slots[i] = (slot){.head = 0};
    }
    all->used = 0;
    clear_table(all);
    return RF_OK;
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */

/* Texts of at most 16 bytes with an integer that is added are what most pairs are where there is a fold. They go the same way as all others, but
   without a branch that depends on how long they are. */
typedef struct sum {
    uint64_t words[2], head, hash;
    int64_t number;
    const uint8_t *at;                  /* the record */
} sum;

static bool take_sum(const uint8_t **from, const uint8_t *end, sum *to)
{
    const uint8_t *at = *from;
    if (end - at < 3 || at[0] != (RF_TEXT << 4 | RF_I64) || at[1] > HASH_SHORT || at[2] > 7 || end - at < 3 + at[1] + at[2])
        return false;
    unsigned size = at[1], value_size = at[2];
    uint64_t word;
    record_words(at + 3, size, to->words);
    memcpy(&word, at + 3 + size, 8);
    word &= ((uint64_t)1 << 8 * value_size) - 1;
    to->number = (int64_t)(word >> 1 ^ -(word & 1));
    to->head = key_head(size, RF_TEXT) | state_head(RF_I64);
    to->hash = hash_short_key(to->words, size, RF_TEXT);
    to->at = at;
    *from = at + 3 + size + value_size;
    return true;
}

static __attribute__((noinline)) int put_slowly(combiner *all, const uint8_t *at)
{
    arrival it;
    record next = record_at(at);
    arrive(&it, &next);
    return put(all, &it);
}

static inline int put_sum(combiner *all, const sum *it)
{
    size_t at = it->hash & all->mask;
    slot *found = &all->slots[at];
    while (found->head && ((found->words[0] ^ it->words[0]) | (found->words[1] ^ it->words[1]) | (found->head ^ it->head))) {
        if (state_in(found->head) != RF_I64)
            return put_slowly(all, it->at);
        at = (at + 1) & all->mask;
        found = &all->slots[at];
    }
    if (!found->head) {
        *found = (slot){.words = {it->words[0], it->words[1]}, .head = it->head, .bits = (uint64_t)it->number};
        all->used++;
        all->fresh++;
        return RF_OK;
    }
    int64_t added;
    if (__builtin_add_overflow((int64_t)found->bits, it->number, &added))
        return put_slowly(all, it->at);
    found->bits = (uint64_t)added;
    return RF_OK;
}

/* Up to most of them, and fewer where another kind of record comes. Each is parsed, and its slot asked for, AHEAD records before it is looked up. */
static int take_sums(combiner *all, const uint8_t **from, const uint8_t *end, size_t most)
{
    sum ahead[AHEAD];
    size_t taken = 0, put = 0;
    int status = RF_OK;
    for (; taken < most && !status; taken++) {
        sum *next = &ahead[taken % AHEAD];
        if (taken >= AHEAD)
            status = put_sum(all, &ahead[put++ % AHEAD]);
        if (!take_sum(from, end, next))
            break;
        __builtin_prefetch(&all->slots[next->hash & all->mask], 1);
    }
    while (put < taken && !status)
        status = put_sum(all, &ahead[put++ % AHEAD]);
    all->window += put;
    return status;
}

/* ---- taking ------------------------------------------------------------------------------------------------------ */

static int take_rows(combiner *all, const uint8_t *from, const uint8_t *end)
{
    record next;
    uint32_t partition;
    for (const uint8_t *start = from; record_take(&from, end, &next); start = from) {
        int status = partition_of_record(all, &next, &partition);
        if (!status)
            status = rows_add(&all->rows, partition, record_prefix_slack(next.key, next.key_size), start, (size_t)(from - start));
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
    if (used_most(all) < all->used + AHEAD && grow(all))
        return RF_ENOMEM;
    size_t room = used_most(all) - all->used, left = COMBINE_WINDOW - all->window, most = room < left ? room : left;
    if (all->of->fold == FOLD_SUM || all->of->fold == FOLD_COUNT) {
        const uint8_t *start = *from;
        int status = take_sums(all, from, end, most);
        if (status || *from != start)
            return status;
    }
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
            status = rows_point(&all->rows, partition, record_prefix_slack(next.key, next.key_size), start, (size_t)(from - start));
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
        if (!at->head)
            continue;
        record it;
        view_slot(at, &it, space);
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
