#include "keyed/merge.h"

#include <stdlib.h>

#include "base/error.h"

typedef struct head {
    uint64_t prefix;
    bool ended;
    unsigned input;
} head;

/* The tree: losers[1 ... count - 1] are inner nodes, whose children are 2 i and 2 i + 1; leaf s stands at count + s. The winner is in
   losers[0]. */
struct merge {
    const record_order *order;
    uint32_t count, primed;         /* primed: sources whose first record was asked for */
    cursor *sources;
    head *heads;
    uint32_t *losers;
};

int merge_new(const record_order *order, uint32_t count, merge **made)
{
    *made = NULL;
    merge *all = calloc(1, sizeof *all);
    size_t nodes = count ? count : 1;
    cursor *sources = calloc(nodes, sizeof *sources);
    head *heads = calloc(nodes, sizeof *heads);
    uint32_t *losers = calloc(nodes, sizeof *losers);
    if (!all || !sources || !heads || !losers) {
        free(all);
        free(sources);
        free(heads);
        free(losers);
        return error_no_memory(nodes * (sizeof *sources + sizeof *heads + sizeof *losers));
    }
    *all = (merge){order, count, 0, sources, heads, losers};
    *made = all;
    return RF_OK;
}

void merge_free(merge *all)
{
    if (!all)
        return;
    for (uint32_t i = 0; i < all->count; i++)
        cursor_close(&all->sources[i]);
    free(all->sources);
    free(all->heads);
    free(all->losers);
    free(all);
}

cursor *merge_source(merge *all, uint32_t i)
{
    return &all->sources[i];
}

void merge_set_input(merge *all, uint32_t i, unsigned input)
{
    all->heads[i].input = input;
}

const uint8_t *merge_bytes(const merge *all, size_t *size)
{
    const cursor *from = &all->sources[all->losers[0]];
    *size = (size_t)(from->at - from->start);
    return from->start;
}

/* Of equal ones the earlier source. */
static inline bool before(const merge *all, uint32_t a, uint32_t b)
{
    const head *one = &all->heads[a], *other = &all->heads[b];
    if (one->ended || other->ended)
        return !one->ended || (other->ended && a < b);
    if (one->prefix != other->prefix)
        return one->prefix < other->prefix;
    int order = record_compare(all->order, &all->sources[a].it, &all->sources[b].it);
    return order ? order < 0 : a < b;
}

/* The source's next record is at its head. A user's order looks at records alone: its prefixes are all 0. */
static inline int advance(merge *all, uint32_t source)
{
    cursor *from = &all->sources[source];
    int status = cursor_next(from);
    if (status == RF_OK && !all->order->compare)
        all->heads[source].prefix = record_prefix(from->it.key, from->it.key_size);
    all->heads[source].ended = status == RF_END;
    return status == RF_END ? RF_OK : status;
}

/* The winner of the leaves below node. */
static uint32_t play(merge *all, uint32_t node)
{
    if (node >= all->count)
        return node - all->count;
    uint32_t left = play(all, 2 * node), right = play(all, 2 * node + 1);
    bool left_wins = before(all, left, right);
    all->losers[node] = left_wins ? right : left;
    return left_wins ? left : right;
}

static int prime(merge *all)
{
    for (; all->primed < all->count; all->primed++) {
        int status = advance(all, all->primed);
        if (status)
            return status;
    }
    all->losers[0] = all->count > 1 ? play(all, 1) : 0;
    return RF_OK;
}

static inline void replay(merge *all, uint32_t source)
{
    uint32_t winner = source;
    for (uint32_t node = (source + all->count) / 2; node; node /= 2) {
        uint32_t loser = all->losers[node];
        if (before(all, loser, winner)) {
            all->losers[node] = winner;
            winner = loser;
        }
    }
    all->losers[0] = winner;
}

int merge_next(merge *all, const record **it, unsigned *input)
{
    int status;
    if (!all->count)
        return RF_END;
    if (all->primed < all->count) {
        status = prime(all);
    } else {
        uint32_t last = all->losers[0];
        status = advance(all, last);
        if (!status)
            replay(all, last);
    }
    if (status)
        return status;
    uint32_t winner = all->losers[0];
    *it = &all->sources[winner].it;
    *input = all->heads[winner].input;
    return all->heads[winner].ended ? RF_END : RF_OK;
}
