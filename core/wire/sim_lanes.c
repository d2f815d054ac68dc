#include "wire/sim_state.h"
#include "base/error.h"
#include <stdlib.h>

static struct lane **lane_slot(struct lane **lanes, size_t room, int from, int to)
{
    uint64_t mixed = ((uint64_t)from << 32 | (uint32_t)to) * 0x9e3779b97f4a7c15u;
    return &lanes[(mixed >> 32) & (room - 1)];
}

static int grow_lanes(sim *cluster)
{
    size_t room = cluster->lane_room ? cluster->lane_room * 2 : 64;
    struct lane **lanes = calloc(room, sizeof *lanes);
    if (!lanes)
        return error_no_memory(room * sizeof *lanes);
    for (size_t i = 0; i < cluster->lane_room; i++)
        for (struct lane *l = cluster->lanes[i], *next; l; l = next) {
            next = l->chain;
            struct lane **slot = lane_slot(lanes, room, l->from, l->to);
            l->chain = *slot;
            *slot = l;
        }
    free(cluster->lanes);
    cluster->lanes = lanes;
    cluster->lane_room = room;
    return RF_OK;
}

static struct lane *lane_new(sim *cluster, int from, int to)
{
    if (cluster->lane_count == cluster->lane_room && grow_lanes(cluster))
        return NULL;
    struct lane *made = malloc(sizeof *made);
    if (!made) {
        error_no_memory(sizeof *made);
        return NULL;
    }
    struct lane **slot = lane_slot(cluster->lanes, cluster->lane_room, from, to);
    *made = (struct lane){.chain = *slot, .from = from, .to = to};
    *slot = made;
    cluster->lane_count++;
    return made;
}

static struct lane *lane_to(transport *via, int to)
{
    sim *cluster = via->cluster;
    struct lane *lane = via->recent;
    if (lane && lane->to == to)
        return lane;
    lane = cluster->lane_room ? *lane_slot(cluster->lanes, cluster->lane_room, via->rank, to) : NULL;
    while (lane && (lane->from != via->rank || lane->to != to))
        lane = lane->chain;
    if (!lane)
        lane = lane_new(cluster, via->rank, to);
    via->recent = lane;
    return lane;
}

static void send_batch(transport *via, struct lane *lane)
{
    sim *cluster = via->cluster;
    batch *sent = lane->open;
    lane->open = NULL;
    sent->from = via->rank;
    if (lane->to == via->rank) {
        sim_trace_batch(cluster, sent, lane->to);
        batch_push(&via->inbox, sent);
        return;
    }
    sent->left = cluster->now + via->cost;
    double arrival = sent->left + sim_draw_delay(cluster);
    if (arrival < lane->last)
        arrival = lane->last;
    lane->last = arrival;
    if (agenda_put(&cluster->plans, (agenda_entry){.time = arrival, .kind = ARRIVES, .from = via->rank, .to = lane->to,
                                                   .what = sent})) {
        cluster->failed = true;
        batch_give(&cluster->pool, sent);
    }
}

static void list_lane(transport *via, struct lane *lane)
{
    if (lane->listed)
        return;
    lane->listed = true;
    lane->next_open = NULL;
    if (via->open_last)
        via->open_last->next_open = lane;
    else
        via->open_first = lane;
    via->open_last = lane;
}

void *lane_gather(transport *via, int to, enum batch_kind kind, size_t size)
{
    struct lane *lane = lane_to(via, to);
    bool full;
    void *space = lane ? batch_gather(&via->cluster->pool, &lane->open, kind, size, &full) : NULL;
    if (lane && !space && full) {
        send_batch(via, lane);
        space = batch_gather(&via->cluster->pool, &lane->open, kind, size, &full);
    }
    if (space)
        list_lane(via, lane);
    return space;
}

void transport_flush(transport *via)
{
    struct lane *lane = via->open_first;
    via->open_first = via->open_last = NULL;
    for (; lane; lane = lane->next_open) {
        lane->listed = false;
        if (lane->open)
            send_batch(via, lane);
    }
}

void lanes_free(sim *cluster)
{
    for (size_t i = 0; i < cluster->lane_room; i++)
        for (struct lane *l = cluster->lanes[i], *next; l; l = next) {
            next = l->chain;
            batch_give(&cluster->pool, l->open);
            free(l);
        }
    free(cluster->lanes);
}
