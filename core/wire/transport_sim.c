/* The simulated cluster. Everything that is going to happen stands in one agenda, by virtual time; deaths alone stand beside
   it, since a cluster in which nothing else will happen has stalled. All draws come from one stream in the order of the
   events, so that a seed is a run. */
#include "wire/transport_sim.h"
#include "base/error.h"
#include "base/random.h"
#include "wire/agenda.h"
#include "wire/batch.h"
#include "wire/bodies.h"
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SLOW_ONE_IN = 16, TAIL_ONE_IN = 256, TAIL_TIMES = 100, LOST_AFTER = 20 };    /* LOST_AFTER: in latencies, the mean */

enum happening {
    ARRIVES,                                /* a batch (what) */
    ALARM,                                  /* rank to wants to be stepped */
    READ,                                   /* to has all of body id, which from lends it */
    REFUSED,                                /* to hears that from does not lend it body id */
    RELEASED,                               /* from hears that to has read body id */
    LOST                                    /* rank 0 hears that from is dead */
};

/* One direction between two ranks, from the first frame on. */
struct lane {
    struct lane *chain, *next_open;
    int from, to;
    batch *open;                            /* gathered, not sent */
    bool listed;
    double last;                            /* when the batch that was sent last arrives: the next one does not before */
};

struct transport {
    sim *cluster;
    int rank;
    bool dead, ended, lost;                 /* lost: rank 0 has heard that it is dead */
    double died;
    sim_step *step;
    void *context;
    double cost;                            /* of its steps */
    double busy;                            /* until then */
    double alarm;                           /* the next one in the agenda that counts; INFINITY: none */
    double lending;                         /* what it serves keeps its network busy until then */
    batch_queue inbox;
    batch *walking;
    bodies offers, fetches;
    body_queue over;
    struct lane *open_first, *open_last, *recent;
};

struct sim {
    sim_settings settings;
    double now;
    uint64_t random;
    agenda plans;
    double next_death;
    int living;                             /* ranks other than 0 that are neither dead nor freed */
    transport *ranks;
    struct lane **lanes;                    /* by from and to */
    size_t lane_room, lane_count;
    batch_pool pool;
    uint64_t frames;
    bool stalled, failed, failure_told;     /* failed: for want of memory */
};

/* ---- drawing and telling --------------------------------------------------------------------------------------- */

static double draw_exponential(sim *cluster, double mean) { return -mean * log1p(-random_unit(&cluster->random)); }

static double draw_delay(sim *cluster)
{
    double delay = draw_exponential(cluster, cluster->settings.latency);
    return random_below(&cluster->random, TAIL_ONE_IN) ? delay : delay * TAIL_TIMES;
}

__attribute__((format(printf, 4, 5)))
static void trace(const sim *cluster, int from, int to, const char *format, ...)
{
    if (!cluster->settings.trace)
        return;
    fprintf(cluster->settings.trace, "%.9f %d -> %d ", cluster->now, from, to);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(cluster->settings.trace, format, arguments);
    va_end(arguments);
    fputc('\n', cluster->settings.trace);
}

static void trace_batch(const sim *cluster, batch *came, int to)
{
    struct frame_head head;
    void *frame;
    while (batch_next(came, &head, &frame) == RF_OK) {
        char text[256] = "";
        if (head.kind == BATCH_FETCH)
            snprintf(text, sizeof text, "asks for body %" PRIu64, ((struct batch_fetch *)frame)->id);
        else if (cluster->settings.describe)
            cluster->settings.describe(frame, head.size, text, sizeof text);
        else
            snprintf(text, sizeof text, "frame of %" PRIu64, head.size);
        trace(cluster, came->from, to, "%s", text);
    }
    came->walked = sizeof(struct batch_head);
}

static void plan(sim *cluster, agenda_entry entry)
{
    if (agenda_put(&cluster->plans, entry))
        cluster->failed = true;
}

/* ---- lanes ----------------------------------------------------------------------------------------------------- */

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

/* ---- sending --------------------------------------------------------------------------------------------------- */

static void send_batch(transport *via, struct lane *lane)
{
    sim *cluster = via->cluster;
    batch *sent = lane->open;
    lane->open = NULL;
    sent->from = via->rank;
    if (lane->to == via->rank) {
        if (cluster->settings.trace)
            trace_batch(cluster, sent, lane->to);
        batch_push(&via->inbox, sent);
        return;
    }
    sent->left = cluster->now + via->cost;
    double arrival = sent->left + draw_delay(cluster);
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

static void *gather(transport *via, int to, enum batch_kind kind, size_t size)
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

static bool is_rank(const transport *via, int rank) { return rank >= 0 && rank < via->cluster->settings.ranks; }

void *transport_frame(transport *via, int to, size_t size)
{
    if (is_rank(via, to) && size <= TRANSPORT_FRAME_MOST) {
        via->cluster->frames++;
        return gather(via, to, BATCH_FRAME, size);
    }
    error_set(RF_EUSAGE, "wire", "a frame of %zu bytes to rank %d of %d; at most %d bytes are possible", size, to,
              via->cluster->settings.ranks, TRANSPORT_FRAME_MOST);
    return NULL;
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

/* ---- bodies ---------------------------------------------------------------------------------------------------- */

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
    const body *offer = bodies_find(&via->offers, to, id);
    if (!offer || offer->reading)
        return false;
    free(bodies_take(&via->offers, to, id));
    return true;
}

int transport_fetch(transport *via, int from, uint64_t id, void *space, size_t size)
{
    int status = begin_body(&via->fetches, via, &(body){.outcome = TRANSPORT_FETCHED, .peer = from, .id = id, .space = space,
                                                        .size = size});
    struct batch_fetch *asked = status ? NULL : gather(via, from, BATCH_FETCH, sizeof *asked);
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
    agenda_entry entry = {.time = cluster->now + via->cost + draw_delay(cluster), .kind = refused ? REFUSED : READ,
                          .from = via->rank, .to = to, .id = asked->id};
    if (!refused) {
        offer->reading = true;
        double start = via->lending > cluster->now ? via->lending : cluster->now;
        via->lending = start + (cluster->settings.bandwidth > 0 ? (double)offer->size / cluster->settings.bandwidth : 0);
        entry.time += via->lending - cluster->now;
    }
    plan(cluster, entry);
}

/* ---- what happens ---------------------------------------------------------------------------------------------- */

static bool has_something(const transport *via)
{
    return via->inbox.first || via->over.first || (via->walking && via->walking->walked < via->walking->size);
}

static void set_alarm(transport *via, double time)
{
    if (time >= via->alarm)
        return;
    via->alarm = time;
    plan(via->cluster, (agenda_entry){.time = time, .kind = ALARM, .to = via->rank});
}

static bool runs(const transport *via) { return via->step && !via->dead && !via->ended; }

static void step_rank(transport *via)
{
    double start = via->cluster->now;
    double wake = via->step(via->context, start);
    if (via->ended)
        return;
    transport_flush(via);
    via->busy = start + via->cost;
    if (has_something(via) || wake < via->busy)
        wake = via->busy;
    if (wake < INFINITY)
        set_alarm(via, wake);
}

static void wake_rank(transport *via)
{
    if (!runs(via))
        return;
    if (via->cluster->now >= via->busy)
        step_rank(via);
    else
        set_alarm(via, via->busy);
}

/* An alarm that an earlier one overtook is not the one that counts any more. */
static void alarm_rings(transport *via)
{
    if (via->alarm != via->cluster->now)
        return;
    via->alarm = INFINITY;
    wake_rank(via);
}

static bool hears(const transport *via) { return !via->dead && !via->ended; }

static void arrive(sim *cluster, batch *came, int to)
{
    transport *at = &cluster->ranks[to];
    const transport *from = &cluster->ranks[came->from];
    bool left = !from->dead || came->left <= from->died;
    if (!hears(at) || !left || (to == 0 && from->lost)) {
        batch_give(&cluster->pool, came);
        return;
    }
    if (cluster->settings.trace)
        trace_batch(cluster, came, to);
    batch_push(&at->inbox, came);
    wake_rank(at);
}

static void body_over(transport *via, bodies *table, int peer, uint64_t id, enum transport_event_kind outcome)
{
    body *over = hears(via) ? bodies_take(table, peer, id) : NULL;
    if (!over)
        return;
    over->outcome = outcome;
    body_push(&via->over, over);
    wake_rank(via);
}

/* Dead ranks read and lend nothing any more, and their memory is not touched. */
static void read_body(sim *cluster, const agenda_entry *entry)
{
    transport *owner = &cluster->ranks[entry->from], *reader = &cluster->ranks[entry->to];
    const body *offer = bodies_find(&owner->offers, reader->rank, entry->id);
    const body *fetch = bodies_find(&reader->fetches, owner->rank, entry->id);
    if (!offer || !fetch || !hears(owner) || !hears(reader))
        return;
    memcpy(fetch->space, offer->lent, offer->size);
    trace(cluster, owner->rank, reader->rank, "body %" PRIu64 " of %zu is read", entry->id, offer->size);
    plan(cluster, (agenda_entry){.time = cluster->now + draw_delay(cluster), .kind = RELEASED, .from = owner->rank,
                                 .to = reader->rank, .id = entry->id});
    body_over(reader, &reader->fetches, owner->rank, entry->id, TRANSPORT_FETCHED);
}

static void lose(sim *cluster, int rank)
{
    transport *root = &cluster->ranks[0];
    trace(cluster, rank, 0, "is lost");
    cluster->ranks[rank].lost = true;
    bodies_forget(&root->offers, rank);
    bodies_forget(&root->fetches, rank);
    body *gone = hears(root) ? body_new(rank, 0, 0) : NULL;
    if (gone) {
        gone->outcome = TRANSPORT_LOST;
        body_push(&root->over, gone);
    } else if (hears(root)) {
        cluster->failed = true;
    }
}

static void happen(sim *cluster, const agenda_entry *entry)
{
    transport *from = &cluster->ranks[entry->from], *to = &cluster->ranks[entry->to];
    switch ((enum happening)entry->kind) {
    case ARRIVES:
        arrive(cluster, entry->what, entry->to);
        break;
    case ALARM:
        alarm_rings(to);
        break;
    case READ:
        read_body(cluster, entry);
        break;
    case REFUSED:
        trace(cluster, entry->from, entry->to, "body %" PRIu64 " is refused", entry->id);
        body_over(to, &to->fetches, entry->from, entry->id, TRANSPORT_REFUSED);
        break;
    case RELEASED:
        body_over(from, &from->offers, entry->to, entry->id, TRANSPORT_RELEASED);
        break;
    case LOST:
        lose(cluster, entry->from);
        break;
    }
}

/* ---- deaths ---------------------------------------------------------------------------------------------------- */

static void draw_death(sim *cluster)
{
    cluster->next_death = cluster->settings.death_rate > 0 ? cluster->now + draw_exponential(cluster, 1 / cluster->settings.death_rate) : INFINITY;
}

static void one_dies(sim *cluster)
{
    int victim;
    do
        victim = 1 + (int)random_below(&cluster->random, (uint64_t)cluster->settings.ranks - 1);
    while (!hears(&cluster->ranks[victim]));
    transport *dying = &cluster->ranks[victim];
    cluster->now = cluster->next_death;
    dying->dead = true;
    dying->died = cluster->now;
    cluster->living--;
    trace(cluster, victim, victim, "dies");
    plan(cluster, (agenda_entry){.time = cluster->now + draw_exponential(cluster, LOST_AFTER * cluster->settings.latency),
                                 .kind = LOST, .from = victim});
    draw_death(cluster);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

/* Lets the next thing happen that does by then; false: nothing does. Deaths alone do not count, or a stall would not show. */
static bool go_on(sim *cluster, double until)
{
    const agenda_entry *first = agenda_first(&cluster->plans);
    double death = cluster->living > cluster->settings.survivors ? cluster->next_death : INFINITY;
    if (!first || (first->time > until && death > until))
        return false;
    if (death <= first->time) {
        one_dies(cluster);
        return true;
    }
    agenda_entry entry;
    agenda_take(&cluster->plans, &entry);
    cluster->now = entry.time;
    happen(cluster, &entry);
    return true;
}

static bool can_be_read(int descriptor, bool wait)
{
    struct pollfd on = {.fd = descriptor, .events = POLLIN};
    return descriptor >= 0 && poll(&on, 1, wait ? -1 : 0) > 0;
}

/* Rank 0's step is over when it waits: that takes its time, while the others go on. */
static void root_step(transport *root)
{
    sim *cluster = root->cluster;
    double end = cluster->now + root->cost;
    while (go_on(cluster, end))
        ;
    cluster->now = end;
}

void transport_wait(transport *via, double until, int descriptor)
{
    sim *cluster = via->cluster;
    transport_flush(via);
    if (via->rank != 0)
        return;
    cluster->stalled = false;
    root_step(via);
    bool was_quiet = transport_quiet(via);
    while (!has_something(via) && !cluster->failed && (was_quiet || !transport_quiet(via)) && !can_be_read(descriptor, false)) {
        if (cluster->now >= until)
            return;
        if (go_on(cluster, until))
            continue;
        if (until < INFINITY)
            cluster->now = until;
        else if (!can_be_read(descriptor, true))
            cluster->stalled = true;
        return;
    }
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
int transport_rank(const transport *via) { return via->rank; }
int transport_size(const transport *via) { return via->cluster->settings.ranks; }
double transport_now(const transport *via) { return via->cluster->now; }
const char *transport_host(const transport *via) { return via->rank ? "virtual" : "root"; }

static void end_rank(transport *via)
{
    batch_pool *pool = &via->cluster->pool;
    batch_give(pool, via->walking);
    via->walking = NULL;
    batch_drop(&via->inbox, pool);
    bodies_free(&via->offers);
    bodies_free(&via->fetches);
    body_drop(&via->over);
    via->ended = true;
}

void transport_free(transport *via)
{
    if (!via || via->ended)
        return;
    transport_flush(via);
    end_rank(via);
    if (via->rank != 0 && !via->dead)
        via->cluster->living--;
}

/* ---- the cluster ----------------------------------------------------------------------------------------------- */

static void open_rank(sim *cluster, int rank)
{
    bool slow = rank && random_below(&cluster->random, SLOW_ONE_IN) == 0;
    double times = slow ? pow(10, 1 + random_unit(&cluster->random)) : 1;
    cluster->ranks[rank] = (transport){.cluster = cluster, .rank = rank, .cost = cluster->settings.step * times,
                                       .alarm = INFINITY};
}

int sim_new(const sim_settings *settings, sim **cluster)
{
    *cluster = NULL;
    if (settings->ranks < 1)
        return error_set(RF_EUSAGE, "wire", "a simulated cluster of %d ranks", settings->ranks);
    sim *made = calloc(1, sizeof *made);
    size_t size = (size_t)settings->ranks * sizeof *made->ranks;
    if (!made || !(made->ranks = malloc(size))) {
        free(made);
        return error_no_memory(size);
    }
    made->settings = *settings;
    made->random = random_seed(settings->seed, 0x73696d, 0, 0);
    made->living = settings->ranks - 1;
    for (int i = 0; i < settings->ranks; i++)
        open_rank(made, i);
    draw_death(made);
    *cluster = made;
    return RF_OK;
}

transport *sim_transport(sim *cluster, int rank) { return &cluster->ranks[rank]; }

/* Ranks do not start all at once either. */
void sim_run_rank(sim *cluster, int rank, sim_step *step, void *rank_context)
{
    transport *via = &cluster->ranks[rank];
    via->step = step;
    via->context = rank_context;
    set_alarm(via, cluster->now + draw_delay(cluster));
}

double sim_now(const sim *cluster) { return cluster->now; }
bool sim_stalled(const sim *cluster) { return cluster->stalled; }
bool sim_dead(const sim *cluster, int rank) { return cluster->ranks[rank].dead; }
uint64_t sim_frames(const sim *cluster) { return cluster->frames; }

static void free_lanes(sim *cluster)
{
    for (size_t i = 0; i < cluster->lane_room; i++)
        for (struct lane *l = cluster->lanes[i], *next; l; l = next) {
            next = l->chain;
            batch_give(&cluster->pool, l->open);
            free(l);
        }
    free(cluster->lanes);
}

void sim_free(sim *cluster)
{
    if (!cluster)
        return;
    agenda_entry entry;
    while (agenda_take(&cluster->plans, &entry))
        if (entry.kind == ARRIVES)
            batch_give(&cluster->pool, entry.what);
    agenda_free(&cluster->plans);
    for (int i = 0; i < cluster->settings.ranks; i++)
        end_rank(&cluster->ranks[i]);
    free_lanes(cluster);
    batch_pool_free(&cluster->pool);
    free(cluster->ranks);
    free(cluster);
}
