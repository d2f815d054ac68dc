#include "keyed/merge.h"

#include <stdlib.h>

#include "base/error.h"

/* A source in the tree. What has ended has the greatest prefix, so that a match is one compare of numbers but for ties. */
typedef struct player {
    uint64_t prefix;
    uint32_t source;
} player;

/* The tree: losers[1 ... count - 1] are inner nodes, whose children are 2 i and 2 i + 1; leaf s stands at count + s. The winner is in
   losers[0]. */
struct merge {
    const record_order *order;
    uint32_t count, primed;         /* primed: sources whose first record was asked for */
    cursor *sources;
    bool *ended;
    unsigned *inputs;
    player *losers;
};

int merge_new(const record_order *order, uint32_t count, merge **made)
{
    *made = NULL;
    size_t nodes = count ? count : 1;
    merge *all = malloc(sizeof *all);
    if (!all)
        return error_no_memory(sizeof *all);
    *all = (merge){.order = order, .count = count, .sources = calloc(nodes, sizeof *all->sources), .ended = calloc(nodes, sizeof *all->ended),
                   .inputs = calloc(nodes, sizeof *all->inputs), .losers = calloc(nodes, sizeof *all->losers)};
    if (!all->sources || !all->ended || !all->inputs || !all->losers) {
        all->count = 0;
        merge_free(all);
        return error_no_memory(nodes * (sizeof *all->sources + sizeof *all->losers));
    }
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
    free(all->ended);
    free(all->inputs);
    free(all->losers);
    free(all);
}

cursor *merge_source(merge *all, uint32_t i)
{
    return &all->sources[i];
}

void merge_set_input(merge *all, uint32_t i, unsigned input)
{
    all->inputs[i] = input;
}

const uint8_t *merge_bytes(const merge *all, size_t *size)
{
    const cursor *from = &all->sources[all->losers[0].source];
    *size = (size_t)(from->at - from->start);
    return from->start;
}

/* Of equal ones the earlier source. */
static __attribute__((noinline)) bool tie_is_before(const merge *all, uint32_t a, uint32_t b)
{
    if (all->ended[a] || all->ended[b])
        return !all->ended[a] || (all->ended[b] && a < b);
    int order = record_compare(all->order, &all->sources[a].it, &all->sources[b].it);
    return order ? order < 0 : a < b;
}

static inline bool before(const merge *all, const player *a, const player *b)
{
    if (__builtin_expect(a->prefix == b->prefix, 0))
        return tie_is_before(all, a->source, b->source);
    return a->prefix < b->prefix;
}

/* The source's next record is its cursor's, and the one behind it is asked of memory: the source's next turn may be long from now. */
static inline int advance(merge *all, uint32_t source)
{
    cursor *from = &all->sources[source];
    int status = cursor_next(from);
    if (status == RF_OK) {
        __builtin_prefetch(from->at);
        __builtin_prefetch(from->at + 64);
    }
    all->ended[source] = status == RF_END;
    return status == RF_END ? RF_OK : status;
}

/* A user's order looks at records alone: its prefixes are all 0. */
static inline player player_of(const merge *all, uint32_t source)
{
    const record *it = &all->sources[source].it;
    uint64_t prefix = all->ended[source] ? UINT64_MAX : all->order->compare ? 0 : record_prefix(it->key, it->key_size);
    return (player){prefix, source};
}

/* The winner of the leaves below node. */
static player play(merge *all, uint32_t node)
{
    if (node >= all->count)
        return player_of(all, node - all->count);
    player left = play(all, 2 * node), right = play(all, 2 * node + 1);
    bool left_wins = before(all, &left, &right);
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
    all->losers[0] = all->count > 1 ? play(all, 1) : player_of(all, 0);
    return RF_OK;
}

/* Which of two wins is a coin's toss, and a branch on it would be guessed wrong half the time: they are exchanged by masks. */
static inline void replay(merge *all, uint32_t source)
{
    player winner = player_of(all, source);
    for (uint32_t node = (source + all->count) / 2; node; node /= 2) {
        player *loser = &all->losers[node];
        uint64_t exchange = -(uint64_t)before(all, loser, &winner);
        uint64_t prefixes = (loser->prefix ^ winner.prefix) & exchange;
        uint32_t sources = (loser->source ^ winner.source) & (uint32_t)exchange;
        loser->prefix ^= prefixes;
        loser->source ^= sources;
        winner.prefix ^= prefixes;
        winner.source ^= sources;
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
        uint32_t last = all->losers[0].source;
        status = advance(all, last);
        if (!status)
            replay(all, last);
    }
    if (status)
        return status;
    uint32_t winner = all->losers[0].source;
    *it = &all->sources[winner].it;
    *input = all->inputs[winner];
    return all->ended[winner] ? RF_END : RF_OK;
}
