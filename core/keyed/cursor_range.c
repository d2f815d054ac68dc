/* Which blocks of a run hold a range of keys. */
#include "keyed/cursor.h"

static uint64_t block_start(const sealed_run *of, uint64_t block)
{
    const run_partition *part = &of->parts[0];
    return block < part->blocks ? of->marks[block].offset : part->offset + part->bytes;
}

/* How the first key of a block compares with bound. The block is read, and checked, where its mark does not tell: a search that went wrong
   would lose keys. */
static int compare_start(const sealed_run *of, uint64_t block, const record_order *order, const record *bound, int *compared)
{
    uint64_t prefix = record_prefix(bound->key, bound->key_size), start = of->marks[block].prefix;
    if (!order->compare && start != prefix) {
        *compared = start < prefix ? -1 : 1;
        return RF_OK;
    }
    cursor from;
    uint64_t offset = block_start(of, block);
    cursor_open_stretch(&from, of, &(run_stretch){offset, block_start(of, block + 1) - offset});
    int status = cursor_next(&from);
    if (!status)
        *compared = record_compare_keys(order, &from.it, bound);
    cursor_close(&from);
    return status;
}

/* How many blocks begin below bound. */
static int count_below(const sealed_run *of, const record_order *order, const record *bound, uint64_t *below)
{
    uint64_t first = 0, end = of->parts[0].blocks;
    while (first < end) {
        uint64_t middle = first + (end - first) / 2;
        int compared = 0, status = compare_start(of, middle, order, bound, &compared);
        if (status)
            return status;
        if (compared < 0)
            first = middle + 1;
        else
            end = middle;
    }
    *below = first;
    return RF_OK;
}

/* The last block that begins below low may end with keys that are not. Under an order that is none high can be met before low. */
int run_stretch_range(const sealed_run *of, const record_order *order, const record *low, const record *high, run_stretch *to)
{
    uint64_t first = 0, end = of->parts[0].blocks;
    *to = (run_stretch){0};
    int status = low ? count_below(of, order, low, &first) : RF_OK;
    if (!status && high)
        status = count_below(of, order, high, &end);
    if (status)
        return status;
    first -= first > 0;
    to->offset = block_start(of, first);
    to->bytes = end > first ? block_start(of, end) - to->offset : 0;
    return RF_OK;
}

int cursor_open_range(cursor *to, const sealed_run *of, const record_order *order, const record *low, const record *high)
{
    run_stretch blocks;
    *to = (cursor){0};
    int status = run_stretch_range(of, order, low, high, &blocks);
    if (status)
        return status;
    cursor_open_stretch(to, of, &blocks);
    cursor_limit(to, order, low, high);
    return RF_OK;
}
