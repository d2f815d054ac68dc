#include "wire/sim_state.h"
#include "base/error.h"
#include "base/random.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SLOW_ONE_IN = 16, TAIL_ONE_IN = 256, TAIL_TIMES = 100, LOST_AFTER = 20 };    /* LOST_AFTER: in latencies, the mean */

/* ---- drawing and telling --------------------------------------------------------------------------------------- */

static double draw_exponential(sim *cluster, double mean) { return -mean * log1p(-random_unit(&cluster->random)); }

double sim_draw_delay(sim *cluster)
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

void sim_trace_batch(const sim *cluster, batch *came, int to)
{
    struct frame_head head;
    void *frame;
    while (cluster->settings.trace && batch_next(came, &head, &frame) == RF_OK) {
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

void sim_plan(sim *cluster, agenda_entry entry)
{
    if (agenda_put(&cluster->plans, entry))
        cluster->failed = true;
}

/* ---- what happens ---------------------------------------------------------------------------------------------- */

bool sim_has_something(const transport *via)
{
    return via->inbox.first || via->over.first || (via->walking && via->walking->walked < via->walking->size);
}

static void set_alarm(transport *via, double time)
{
    if (time >= via->alarm)
        return;
    via->alarm = time;
    sim_plan(via->cluster, (agenda_entry){.time = time, .kind = ALARM, .to = via->rank});
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
    if (sim_has_something(via) || wake < via->busy)
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
    sim_trace_batch(cluster, came, to);
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
    sim_plan(cluster, (agenda_entry){.time = cluster->now + sim_draw_delay(cluster), .kind = RELEASED, .from = owner->rank,
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
    sim_plan(cluster, (agenda_entry){.time = cluster->now + draw_exponential(cluster, LOST_AFTER * cluster->settings.latency),
                                 .kind = LOST, .from = victim});
    draw_death(cluster);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

/* Deaths alone are nothing, or a stall would not show. */
bool sim_go_on(sim *cluster, double until)
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

void sim_step_root(transport *root)
{
    sim *cluster = root->cluster;
    double end = cluster->now + root->cost;
    while (sim_go_on(cluster, end))
        ;
    cluster->now = end;
}

/* ---- the cluster ----------------------------------------------------------------------------------------------- */

static void open_rank(sim *cluster, int rank)
{
    bool slow = rank && random_below(&cluster->random, SLOW_ONE_IN) == 0;
    double times = slow ? pow(10, 1 + random_unit(&cluster->random)) : 1;
    cluster->ranks[rank] = (transport){.cluster = cluster, .rank = rank, .cost = cluster->settings.step * times,
                                       .alarm = INFINITY};
    if (cluster->settings.hosts > 0)
        snprintf(cluster->ranks[rank].host, sizeof cluster->ranks[rank].host, "virtual%" PRId64,
                 (int64_t)rank * cluster->settings.hosts / cluster->settings.ranks);
    else
        strcpy(cluster->ranks[rank].host, rank ? "virtual" : "root");
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

void sim_end_rank(transport *via)
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

transport *sim_transport(sim *cluster, int rank) { return &cluster->ranks[rank]; }

/* Ranks do not start all at once either. */
void sim_run_rank(sim *cluster, int rank, sim_step *step, void *rank_context)
{
    transport *via = &cluster->ranks[rank];
    via->step = step;
    via->context = rank_context;
    set_alarm(via, cluster->now + sim_draw_delay(cluster));
}

double sim_now(const sim *cluster) { return cluster->now; }
bool sim_stalled(const sim *cluster) { return cluster->stalled; }
bool sim_dead(const sim *cluster, int rank) { return cluster->ranks[rank].dead; }
uint64_t sim_frames(const sim *cluster) { return cluster->frames; }

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
        sim_end_rank(&cluster->ranks[i]);
    lanes_free(cluster);
    batch_pool_free(&cluster->pool);
    free(cluster->ranks);
    free(cluster);
}
