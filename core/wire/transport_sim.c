#include "wire/transport_sim.h"
#include "base/error.h"
#include "wire/sim_state.h"
#include <math.h>
#include <poll.h>
#include <stdlib.h>

/* ---- frames and bodies ----------------------------------------------------------------------------------------- */

static bool is_rank(const transport *via, int rank) { return rank >= 0 && rank < via->cluster->settings.ranks; }

void *transport_frame(transport *via, int to, size_t size)
{
    if (is_rank(via, to) && size <= TRANSPORT_FRAME_MOST) {
        via->cluster->frames++;
        return lane_gather(via, to, BATCH_FRAME, size);
    }
    error_set(RF_EUSAGE, "wire", "a frame of %zu bytes to rank %d of %d; at most %d bytes are possible", size, to,
              via->cluster->settings.ranks, TRANSPORT_FRAME_MOST);
    return NULL;
}

static int begin_body(bodies *table, const transport *via, const body *like)
{
    if (!is_rank(via, like->peer) || like->size == 0)
        return error_set(RF_EUSAGE, "wire", "a body of %zu bytes between ranks %d and %d of %d", like->size, via->rank,
                         like->peer, via->cluster->settings.ranks);
    body *begun = body_new(like->peer, like->id, like->size);
    if (!begun)
        return RF_ENOMEM;
    *begun = *like;
    int status = bodies_add(table, begun);
    if (status)
        free(begun);
    return status;
}

int transport_offer(transport *via, int to, uint64_t id, const void *data, size_t size)
{
    return begin_body(&via->offers, via, &(body){.outcome = TRANSPORT_RELEASED, .peer = to, .id = id, .lent = data, .size = size});
}

bool transport_withdraw(transport *via, int to, uint64_t id)
{
    return bodies_withdraw(&via->offers, to, id);
}

int transport_fetch(transport *via, int from, uint64_t id, void *space, size_t size)
{
    int status = begin_body(&via->fetches, via, &(body){.outcome = TRANSPORT_FETCHED, .peer = from, .id = id, .space = space,
                                                        .size = size});
    struct batch_fetch *asked = status ? NULL : lane_gather(via, from, BATCH_FETCH, sizeof *asked);
    if (asked)
        *asked = (struct batch_fetch){id, size};
    else if (!status)
        free(bodies_take(&via->fetches, from, id));
    return status || asked ? status : RF_ENOMEM;
}

/* What one rank serves shares its bandwidth: bodies follow each other. */
static void serve(transport *via, int to, const struct batch_fetch *asked)
{
    sim *cluster = via->cluster;
    body *offer = bodies_find(&via->offers, to, asked->id);
    bool refused = !offer || offer->reading || offer->size != asked->size;
    agenda_entry entry = {.time = cluster->now + via->cost + sim_draw_delay(cluster), .kind = refused ? REFUSED : READ,
                          .from = via->rank, .to = to, .id = asked->id};
    if (!refused) {
        offer->reading = true;
        double start = via->lending > cluster->now ? via->lending : cluster->now;
        via->lending = start + (cluster->settings.bandwidth > 0 ? (double)offer->size / cluster->settings.bandwidth : 0);
        entry.time += via->lending - cluster->now;
    }
    sim_plan(cluster, entry);
}

/* ---- what has happened to a rank ------------------------------------------------------------------------------- */

static bool walk(transport *via, transport_event *event)
{
    for (;;) {
        if (!via->walking && !(via->walking = batch_pop(&via->inbox)))
            return false;
        struct frame_head head;
        void *frame;
        if (batch_next(via->walking, &head, &frame) != RF_OK) {
            batch_give(&via->cluster->pool, via->walking);
            via->walking = NULL;
        } else if (head.kind == BATCH_FETCH) {
            serve(via, via->walking->from, frame);
        } else {
            *event = (transport_event){.kind = TRANSPORT_FRAME, .peer = via->walking->from, .data = frame, .size = head.size};
            return true;
        }
    }
}

bool transport_next(transport *via, transport_event *event)
{
    if (walk(via, event) || body_event(&via->over, event))
        return true;
    if (via->rank != 0 || !via->cluster->failed || via->cluster->failure_told)
        return false;
    via->cluster->failure_told = true;
    *event = (transport_event){.kind = TRANSPORT_FAILED, .id = (uint64_t)-error_no_memory(0)};
    return true;
}

bool transport_quiet(transport *via) { return via->fetches.count == 0; }
void transport_at_ease(transport *via, bool ease) { (void)via, (void)ease; }     /* in virtual time nobody's core is taken */
int transport_rank(const transport *via) { return via->rank; }
int transport_size(const transport *via) { return via->cluster->settings.ranks; }
double transport_now(const transport *via) { return via->cluster->now; }
const char *transport_host(const transport *via) { return via->host; }

void transport_free(transport *via)
{
    if (!via || via->ended)
        return;
    transport_flush(via);
    sim_end_rank(via);
    if (via->rank != 0 && !via->dead)
        via->cluster->living--;
}

/* ---- waiting --------------------------------------------------------------------------------------------------- */

static bool can_be_read(int descriptor, bool wait)
{
    struct pollfd on = {.fd = descriptor, .events = POLLIN};
    return descriptor >= 0 && poll(&on, 1, wait ? -1 : 0) > 0;
}

static void root_wait(transport *via, double until, int descriptor)
{
    sim *cluster = via->cluster;
    cluster->stalled = false;
    sim_step_root(via);
    bool was_quiet = transport_quiet(via);
    while (!sim_has_something(via) && !cluster->failed && (was_quiet || !transport_quiet(via)) && !can_be_read(descriptor, false)) {
        if (cluster->now >= until)
            return;
        if (sim_go_on(cluster, until))
            continue;
        if (until < INFINITY)
            cluster->now = until;
        else if (!can_be_read(descriptor, true))
            cluster->stalled = true;
        return;
    }
}

/* Ranks that share a process have no children, and virtual time waits for nobody. */
void transport_watch(transport *via, const _Atomic uint32_t *bell, uint32_t seen)
{
    (void)via, (void)bell, (void)seen;
}

void transport_wait(transport *via, double until, int descriptor)
{
    transport_flush(via);
    if (via->rank != 0)
        return;
    root_wait(via, until, descriptor);
    if (via->cluster->settings.waited)
        via->cluster->settings.waited(via->cluster->settings.context);
}
