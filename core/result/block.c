#include "result/block.h"

#include <stdlib.h>
#include <string.h>

#include "base/large.h"
#include "plan/plan.h"
#include "result/block_layout.h"

/* ---- keeping --------------------------------------------------------------------------------------------------- */

/* The part of the payload that the values point to, with the last one's NUL. */
typedef struct extent {
    uint64_t from, to;
} extent;

static extent payload_extent(const column_view *values)
{
    extent used = {UINT64_MAX, 0};
    if (!values->tags && !block_points(values->tag))
        return (extent){0, 0};
    for (uint64_t i = 0; i < values->count; i++) {
        uint64_t tag = values->tags ? values->tags[i] : values->tag;
        if (!block_points(tag))
            continue;
        uint64_t end = values->words[i] + (tag >> 8) + 1;
        used.from = values->words[i] < used.from ? values->words[i] : used.from;
        used.to = end > used.to ? end : used.to;
    }
    return used.to ? used : (extent){0, 0};
}

static size_t padded(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

static void *carve(uint8_t **at, size_t size)
{
    void *piece = *at;
    *at += padded(size);
    return piece;
}

static size_t copied_size(const delivery *from, extent used)
{
    size_t each = padded(from->values.count * sizeof(uint64_t));
    return padded(used.to - used.from) + each + (from->values.tags ? each : 0) +
           (from->positions ? padded(from->items * sizeof(uint64_t)) : 0);
}

static void copy_values(column_view *kept, const column_view *values, extent used, uint8_t **at)
{
    size_t each = values->count * sizeof(uint64_t);
    if (!values->count)
        return;
    uint8_t *payload = carve(at, used.to - used.from);
    uint64_t *words = carve(at, each);
    memcpy(words, values->words, each);
    if (used.to)
        memcpy(payload, values->payload + used.from, used.to - used.from);
    if (values->tags)
        kept->tags = memcpy(carve(at, each), values->tags, each);
    for (uint64_t i = 0; used.from && i < values->count; i++)
        if (block_points(values->tags ? values->tags[i] : values->tag))
            words[i] -= used.from;
    kept->payload = payload;
    kept->words = words;
}

static void copy_borrowed(block *kept, const delivery *from, extent used, uint8_t **at)
{
    copy_values(&kept->values, &from->values, used, at);
    size_t size = from->items * sizeof(uint64_t);
    if (from->positions)
        kept->positions = memcpy(carve(at, size), from->positions, size);
}

/* Else positions are but what its items are known by. */
static bool is_of_file(const block *kept)
{
    return kept->positions && kept->path_index != BLOCK_NO_PATH;
}

static uint64_t index_of(const block *kept, uint64_t item, const run *in)
{
    return kept->positions ? kept->positions[item] : in->unit + (item - in->start);
}

static rf_error item_error(const block *kept, uint64_t item, const run *in, const failure *why)
{
    rf_error error = *failure_error(why);
    error.index = index_of(kept, item, in);
    error.rank = in->rank;
    error.attempt = in->attempt;
    error.host = NULL;
    return error;
}

static void keep_failures(block *kept, const delivery *from, uint8_t **at)
{
    kept->failures = carve(at, from->failure_count * sizeof *kept->failures);
    kept->failure_count = from->failure_count;
    for (uint64_t i = 0; i < from->failure_count; i++) {
        const item_failure *one = &from->failures[i];
        kept->failures[i] =
            (kept_failure){one->item, failure_share(one->why), item_error(kept, one->item, &kept->own, one->why)};
        if (from->own_indices)
            kept->failures[i].error.index = failure_error(one->why)->index;
    }
    if (from->all_failed) {
        kept->all_failed = failure_share(from->all_failed);
        kept->shared_error = carve(at, sizeof *kept->shared_error);
    }
}

static void keep_holes(block *kept, const delivery *from, uint8_t **at)
{
    size_t size = from->again_count * sizeof *from->again;
    kept->hole_count = from->again_count;
    if (size)
        kept->holes = memcpy(carve(at, size), from->again, size);
}

block *block_keep(delivery *from)
{
    bool borrowed = !from->memory.data;
    extent used = borrowed ? payload_extent(&from->values) : (extent){0, 0};
    size_t size = sizeof(block) + padded(from->failure_count * sizeof(kept_failure)) +
                  padded(from->again_count * sizeof *from->again) + (from->all_failed ? padded(sizeof(rf_error)) : 0) +
                  (borrowed ? copied_size(from, used) : 0);
    block *kept = size >= LARGE_LEAST ? large_get(size) : malloc(size);
    if (!kept) {
        error_no_memory(size);
        buffer_free(&from->memory);
        return NULL;
    }
    *kept =
        (block){.users = 1,
                .large = size >= LARGE_LEAST,
                .items = from->items,
                .values = from->values,
                .positions = from->positions,
                .path_index = from->path_index,
                .memory = from->memory,
                .own = {.unit = from->unit, .seconds = from->seconds, .attempt = from->attempt, .rank = from->rank}};
    from->memory = (buffer){0};
    uint8_t *at = kept->space;
    keep_failures(kept, from, &at);
    keep_holes(kept, from, &at);
    if (borrowed)
        copy_borrowed(kept, from, used, &at);
    return kept;
}

block *block_share(block *kept)
{
    kept->users++;
    return kept;
}

bool block_is_shared(const block *kept)
{
    return kept->users > 1;
}

void block_free(block *kept)
{
    if (!kept || --kept->users)
        return;
    for (uint64_t i = 0; i < kept->failure_count; i++)
        failure_free(kept->failures[i].why);
    failure_free(kept->all_failed);
    buffer_free(&kept->memory);
    if (kept->grows) {
        column_free(&kept->grows->values);
        buffer_free(&kept->grows->runs);
    }
    if (kept->large)
        large_free(kept);
    else
        free(kept);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

uint64_t block_items(const block *kept)
{
    return kept->items;
}

uint64_t block_path_index(const block *kept)
{
    return kept->path_index;
}

const uint64_t *block_holes(const block *kept, uint64_t *count)
{
    *count = kept->hole_count;
    return kept->holes;
}

static const run *find_run(struct gathering *grows, uint64_t item)
{
    const run *runs = (const void *)grows->runs.data;
    size_t low = 0, high = grows->runs.size / sizeof *runs, hint = grows->hint;
    for (size_t i = hint; i < hint + 2 && i < high; i++)
        if (runs[i].start <= item && (i + 1 == high || item < runs[i + 1].start)) {
            grows->hint = i;
            return &runs[i];
        }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(runs[middle].start <= item ? &low : &high) = middle;
    }
    grows->hint = low;
    return &runs[low];
}

static const run *run_of(const block *kept, uint64_t item)
{
    return kept->grows ? find_run(kept->grows, item) : &kept->own;
}

static uint64_t run_items(const block *kept, const run *in)
{
    if (!kept->grows)
        return kept->items;
    const run *end = (const void *)(kept->grows->runs.data + kept->grows->runs.size);
    return (in + 1 < end ? in[1].start : kept->items) - in->start;
}

/* How many failures there are before item. */
static uint64_t failures_before(const block *kept, uint64_t item)
{
    uint64_t low = 0, high = kept->failure_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (kept->failures[middle].item < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static rf_error *error_of(const block *kept, uint64_t item, const run *in)
{
    if (kept->all_failed) {
        *kept->shared_error = item_error(kept, item, in, kept->all_failed);
        return kept->shared_error;
    }
    if (!kept->failure_count)
        return NULL;
    uint64_t i = failures_before(kept, item);
    return i < kept->failure_count && kept->failures[i].item == item ? &kept->failures[i].error : NULL;
}

rf_result block_result(const block *kept, uint64_t item, const strings *hosts, const strings *paths)
{
    const run *in = run_of(kept, item);
    const char *host = strings_at(hosts, (uint64_t)(int64_t)in->rank);
    rf_error *error = error_of(kept, item, in);
    if (error)
        error->host = host;
    return (rf_result){.index = index_of(kept, item, in),
                       .ok = !error,
                       .value = error ? rf_nil() : block_value(kept, item),
                       .error = error,
                       .path = strings_at(paths, kept->path_index),
                       .offset = is_of_file(kept) ? kept->positions[item] : 0,
                       .attempts = in->attempt,
                       .rank = in->rank,
                       .seconds = in->seconds / (double)run_items(kept, in),
                       .host = host};
}

rf_value block_value(const block *kept, uint64_t item)
{
    if (kept->grows) {
        column_view values = column_look(&kept->grows->values);
        return column_at(&values, item);
    }
    return item < kept->values.count ? column_at(&kept->values, item) : rf_nil();
}

bool block_failed(const block *kept, uint64_t item)
{
    return block_failures(kept, item, 1) > 0;
}

bool block_find(const block *kept, bool failed, uint64_t *item)
{
    if (*item >= kept->items)
        return false;
    if (kept->all_failed)
        return failed;
    uint64_t i = failures_before(kept, *item);
    if (failed && i < kept->failure_count)
        *item = kept->failures[i].item;
    if (failed)
        return i < kept->failure_count;
    for (; i < kept->failure_count && kept->failures[i].item == *item; i++)
        ++*item;
    return *item < kept->items;
}

uint64_t block_failures(const block *kept, uint64_t first, uint64_t count)
{
    if (kept->all_failed)
        return count;
    return kept->failure_count ? failures_before(kept, first + count) - failures_before(kept, first) : 0;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Items of a file may be of several units: they have that of the first. Other positions are the units, but of items that functions have added. */
static uint64_t unit_of(const block *kept, uint64_t item)
{
    const run *in = run_of(kept, item);
    if (is_of_file(kept))
        return in->unit;
    return kept->positions && in->unit < PLAN_ADDED ? kept->positions[item] : in->unit + (item - in->start);
}

int block_compare(const block *one, uint64_t a, const block *other, uint64_t b)
{
    int order = 0;
    if (is_of_file(one) && is_of_file(other) && one->path_index == other->path_index)
        order = compare(one->positions[a], other->positions[b]);
    order = order ? order : compare(unit_of(one, a), unit_of(other, b));
    return order ? order : !one->positions - !other->positions;
}
