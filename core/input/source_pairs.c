/* A dataset's pairs as a source: its parts one after another, in each the pairs as they were emitted. A unit is a pair; a piece says where some of one part are. */
#include <stdlib.h>
#include <string.h>

#include "input/source_state.h"

static void table_let_go(struct pairs_table *table)
{
    if (!table || --table->users)
        return;
    if (table->release)
        table->release(table->held);
    free(table->parts);
    free(table);
}

void pairs_free(struct source_pairs *pairs)
{
    table_let_go(pairs->table);
}

struct source_pairs pairs_share(const struct source_pairs *pairs)
{
    pairs->table->users++;
    return (struct source_pairs){.table = pairs->table};
}

static int fill(struct pairs_table *table, const struct input_pairs *parts, uint32_t count)
{
    table->parts = malloc((count + 1) * sizeof *table->parts);
    if (!table->parts)
        return error_no_memory(count * sizeof *table->parts);
    if (count)
        memcpy(table->parts, parts, count * sizeof *parts);
    uint64_t first = 0;
    for (uint32_t i = 0; i < count; i++) {      /* first: the part's first unit, from here on */
        table->parts[i].first = first;
        first += parts[i].count;
    }
    table->parts[count] = (struct input_pairs){.first = first};
    table->count = count;
    return RF_OK;
}

rf_source *source_pairs(const struct input_pairs *parts, uint32_t count, void (*release)(void *held), void *held)
{
    rf_source *source = source_new(SOURCE_PAIRS);
    if (source_is_out_of_memory(source)) {
        release(held);
        return source;
    }
    struct pairs_table *table = source->pairs.table = calloc(1, sizeof *table);
    if (!table) {
        release(held);
        return source_with(source, error_no_memory(sizeof *table));
    }
    *table = (struct pairs_table){.users = 1, .release = release, .held = held};
    int status = fill(table, parts, count);
    source->length = status ? 0 : table->parts[count].first;
    return source_with(source, status);
}

rf_source *source_failed(int status)
{
    return source_with(source_new(SOURCE_RANGE), status);
}

int source_gone_rank(const rf_source *source, const uint8_t *gone)
{
    const struct pairs_table *table = source->kind == SOURCE_PAIRS ? source->pairs.table : NULL;
    for (uint32_t i = 0; table && i < table->count; i++)
        if (table->parts[i].rank && gone[table->parts[i].rank] && table->parts[i + 1].first > table->parts[i].first)
            return (int)table->parts[i].rank;
    return -1;
}

/* The last part that begins at unit or before it, and is not empty. */
static uint32_t part_of(const struct pairs_table *table, uint64_t unit)
{
    uint32_t first = 0, end = table->count;
    while (end - first > 1) {
        uint32_t middle = first + (end - first) / 2;
        if (table->parts[middle].first <= unit)
            first = middle;
        else
            end = middle;
    }
    return first;
}

void pairs_describe(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    const struct pairs_table *table = source->pairs.table;
    uint32_t part = part_of(table, first);
    uint64_t left = table->parts[part + 1].first - first;
    source->pairs.body = table->parts[part];
    source->pairs.body.first = first - table->parts[part].first;
    source->pairs.body.count = *described = left < count ? left : count;
    *piece = (input_piece){.kind = INPUT_PAIRS, .body = &source->pairs.body, .body_size = sizeof source->pairs.body};
}
