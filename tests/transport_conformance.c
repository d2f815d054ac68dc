#include "transport_conformance.h"
#include "base/random.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A frame of the test: what it belongs to, its number among those to this rank, and content that follows from both. */
struct mark {
    uint32_t scenario, what;
    uint64_t number, size;
    uint64_t id, body;                  /* of a body; BALL: id counts its bounces */
};
enum { PLAIN, TELL, BALL, MET, GO };    /* mark.what */

enum { PORTION = 200, ROUNDS = 20, BODIES = 12 };

typedef struct scenario {
    const char *name;
    bool (*send)(conformance *c);       /* a portion; true: there is nothing more to send */
    bool (*over)(conformance *c);
} scenario;

struct conformance {
    transport *via;
    conformance_settings settings;
    uint64_t random;
    int rank, size;
    unsigned at;                        /* the scenario */
    bool all_sent;                      /* of this scenario */
    bool met;                           /* the last one is over here, rank 0 was told so and has not answered */
    int here;                           /* rank 0: how many have told */
    uint64_t sent, got, fetched, refused, released;
    uint64_t *next_to, *next_from;      /* numbers, by rank */
    void *lent[BODIES], *space[BODIES];
    size_t space_size[BODIES];
    char fault[300];
};

static const char *scenario_name(const conformance *c);

__attribute__((format(printf, 2, 3)))
static void fault(conformance *c, const char *format, ...)
{
    if (c->fault[0])
        return;
    int used = snprintf(c->fault, sizeof c->fault, "rank %d of %d, %s: ", c->rank, c->size, scenario_name(c));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->fault + used, sizeof c->fault - (size_t)used, format, arguments);
    va_end(arguments);
}

/* ---- content --------------------------------------------------------------------------------------------------- */

static uint64_t word_at(uint64_t seed, size_t i) { return (seed + i) * 0x9e3779b97f4a7c15u; }

static void fill(void *data, size_t size, uint64_t seed)
{
    size_t words = size / 8;
    uint64_t *at = data, last = word_at(seed, words);
    for (size_t i = 0; i < words; i++)
        at[i] = word_at(seed, i);
    memcpy(at + words, &last, size % 8);
}

static bool is_filled(const void *data, size_t size, uint64_t seed)
{
    size_t words = size / 8;
    const uint64_t *at = data;
    uint64_t last = word_at(seed, words), wrong = 0;
    for (size_t i = 0; i < words; i++)
        wrong |= at[i] ^ word_at(seed, i);
    return !wrong && memcmp(at + words, &last, size % 8) == 0;
}

static uint64_t seed_of(int from, const struct mark *mark) { return random_seed((uint64_t)from, mark->scenario, mark->what, mark->number); }

static void send_mark(conformance *c, int to, struct mark mark)
{
    mark.scenario = c->at;
    mark.number = c->next_to[to]++;
    size_t size = mark.size;
    uint8_t *frame = transport_frame(c->via, to, sizeof mark + size);
    if (!frame) {
        fault(c, "no frame of %zu bytes: %s", sizeof mark + size, rf_last_error()->message);
        return;
    }
    if ((uintptr_t)frame % 16)
        fault(c, "the space of a frame is not aligned");
    memcpy(frame, &mark, sizeof mark);
    fill(frame + sizeof mark, size, seed_of(c->rank, &mark));
}

static void send(conformance *c, int to, size_t size) { send_mark(c, to, (struct mark){.what = PLAIN, .size = size}); }

static void check_frame(conformance *c, const transport_event *event, struct mark *mark)
{
    memset(mark, 0, sizeof *mark);
    if (event->peer < 0 || event->peer >= c->size || event->size < sizeof *mark) {
        fault(c, "a frame of %zu bytes from rank %d", event->size, event->peer);
        return;
    }
    memcpy(mark, event->data, sizeof *mark);
    const uint8_t *at = event->data;
    if ((uintptr_t)at % 16)
        fault(c, "a frame from rank %d is not aligned", event->peer);
    if (mark->number != c->next_from[event->peer])
        fault(c, "frame %" PRIu64 " of rank %d came where %" PRIu64 " was due", mark->number, event->peer, c->next_from[event->peer]);
    if (event->size != sizeof *mark + mark->size)
        fault(c, "a frame of %" PRIu64 " bytes came as %zu", mark->size + sizeof *mark, event->size);
    else if (!is_filled(at + sizeof *mark, mark->size, seed_of(event->peer, mark)))
        fault(c, "a frame of %" PRIu64 " bytes from rank %d has other content", mark->size, event->peer);
    c->next_from[event->peer]++;
}

/* ---- frames of each size, many of them, between all, with flushes now and then ---------------------------------- */

static bool send_to_all(conformance *c)
{
    uint64_t all = c->settings.frames * (uint64_t)c->size;
    for (int i = 0; i < PORTION && c->sent < all; i++, c->sent++) {
        send(c, (int)(c->sent % (uint64_t)c->size), random_below(&c->random, 300));
        if (random_below(&c->random, 50) == 0)
            transport_flush(c->via);
    }
    return c->sent == all;
}

static bool got_from_all(conformance *c) { return c->got == c->settings.frames * (uint64_t)c->size; }

static bool send_to_root(conformance *c)
{
    for (int i = 0; i < PORTION && c->sent < c->settings.frames; i++, c->sent++)
        send(c, 0, random_below(&c->random, 100));
    return c->sent == c->settings.frames;
}

static bool root_got_all(conformance *c) { return c->rank || got_from_all(c); }

static int neighbour(const conformance *c) { return (c->rank + 1) % c->size; }
static int other_neighbour(const conformance *c) { return (c->rank + c->size - 1) % c->size; }

/* The edges of batches, of MPI's eager messages and of frames; each twice and with a small one on each side. */
static const size_t edges[] = {0, 1, 8, 15, 16, 17, 3900, 3935, 3936, 3937, 3952, 3968, 3969, 4000, 4048, 4064, 4096, 8000, 32768,
                               65536, TRANSPORT_FRAME_MOST - sizeof(struct mark) - 1, TRANSPORT_FRAME_MOST - sizeof(struct mark)};
enum { EDGES = sizeof edges / sizeof *edges };

static bool send_edges(conformance *c)
{
    if (transport_frame(c->via, neighbour(c), TRANSPORT_FRAME_MOST + 1))
        fault(c, "a frame above the most was not refused");
    for (int i = 0; i < EDGES * 2; i++) {
        send(c, neighbour(c), random_below(&c->random, 200));
        send(c, neighbour(c), edges[i % EDGES]);
        send(c, c->rank, edges[i % EDGES]);
    }
    return true;
}

static bool got_edges(conformance *c) { return c->got == EDGES * 6; }

static bool send_large(conformance *c)
{
    send(c, neighbour(c), 70000);
    transport_flush(c->via);
    return true;
}

static bool is_quiet(conformance *c) { return c->got == 1 && transport_quiet(c->via); }

/* ---- a ball between rank 0 and each rank: a flush is enough to be answered --------------------------------------- */

static bool serve_balls(conformance *c)
{
    for (int i = 0; i < c->size && c->rank == 0; i++)
        send_mark(c, i, (struct mark){.what = BALL});
    return true;
}

static void return_ball(conformance *c, int peer, uint64_t bounces)
{
    c->got++;
    if (bounces < 2 * ROUNDS)
        send_mark(c, peer, (struct mark){.what = BALL, .id = bounces + 1});
}

/* Of 2 * ROUNDS + 1 catches of a ball rank 0 has ROUNDS, and all of its own. */
static bool balls_are_over(conformance *c)
{
    return c->got == (c->rank ? ROUNDS + 1 : (uint64_t)(c->size - 1) * ROUNDS + 2 * ROUNDS + 1);
}

/* ---- bodies ---------------------------------------------------------------------------------------------------- */

/* Lent to the neighbour all at once; 0 stands for the largest. */
static const size_t body_sizes[BODIES] = {1, 15, 1000, 4096, 65536, 1 << 20, (1 << 20) + 3, 1000003, 2000006, 5 << 20, 5 << 20, 0};

static void lend(conformance *c, unsigned id, size_t size)
{
    if (!(c->lent[id] = malloc(size))) {
        fault(c, "no memory for a body of %zu bytes", size);
        return;
    }
    fill(c->lent[id], size, id);
    if (transport_offer(c->via, neighbour(c), id, c->lent[id], size))
        fault(c, "offer %u: %s", id, rf_last_error()->message);
}

static void tell(conformance *c, unsigned id, size_t size)
{
    send_mark(c, neighbour(c), (struct mark){.what = TELL, .id = id, .body = size});
}

static size_t at_most_the_largest(const conformance *c, size_t size)
{
    return size < c->settings.largest ? size : c->settings.largest;
}

static bool lend_bodies(conformance *c)
{
    for (unsigned id = 0; id < BODIES; id++) {
        size_t size = body_sizes[id] ? at_most_the_largest(c, body_sizes[id]) : c->rank ? 1 : c->settings.largest;
        lend(c, id, size);
        tell(c, id, size);
    }
    return true;
}

static bool bodies_are_over(conformance *c)
{
    return c->fetched == BODIES && c->released == BODIES && transport_quiet(c->via);
}

/* Told of, but withdrawn; lent; told of, but never lent; lent with another size; lent. */
enum { WITHDRAWN, LENT, UNKNOWN, MISTOLD, LENT_LAST, TOLD, UNTOUCHED = 0x55 };

static bool lend_some(conformance *c)
{
    size_t size = at_most_the_largest(c, 3 << 20);
    lend(c, WITHDRAWN, size);
    lend(c, LENT, size);
    lend(c, MISTOLD, size + 1);
    lend(c, LENT_LAST, size);
    if (!transport_withdraw(c->via, neighbour(c), WITHDRAWN))
        fault(c, "an offer that nobody has asked for could not be withdrawn");
    if (transport_withdraw(c->via, neighbour(c), WITHDRAWN))
        fault(c, "an offer could be withdrawn twice");
    if (transport_offer(c->via, neighbour(c), LENT, c->lent[LENT], size) != RF_EUSAGE)
        fault(c, "two offers of one id were possible");
    for (unsigned id = WITHDRAWN; id <= LENT_LAST; id++)
        tell(c, id, size);
    return true;
}

static bool some_were_refused(conformance *c)
{
    if (c->fetched + c->refused < TOLD || c->released < 2)
        return false;
    if (c->fetched != 2 || c->refused != 3)
        fault(c, "%" PRIu64 " bodies were fetched and %" PRIu64 " refused", c->fetched, c->refused);
    if (transport_withdraw(c->via, neighbour(c), LENT))
        fault(c, "an offer could be withdrawn after it was fetched");
    if (!transport_withdraw(c->via, neighbour(c), MISTOLD))
        fault(c, "an offer whose fetch was refused could not be withdrawn");
    return true;
}

static void fetch(conformance *c, int peer, const struct mark *told)
{
    if (told->id >= BODIES || c->space[told->id]) {
        fault(c, "body %" PRIu64 " was told twice", told->id);
        return;
    }
    uint8_t *space = c->space[told->id] = malloc(told->body);
    c->space_size[told->id] = told->body;
    if (!space) {
        fault(c, "no memory for a body of %" PRIu64 " bytes", told->body);
        return;
    }
    *space = UNTOUCHED;
    if (transport_fetch(c->via, peer, told->id, space, told->body))
        fault(c, "fetch of body %" PRIu64 ": %s", told->id, rf_last_error()->message);
}

static void body_came(conformance *c, const transport_event *event)
{
    bool refused = event->kind == TRANSPORT_REFUSED, right = event->id < BODIES && c->space[event->id];
    if (!right || event->peer != other_neighbour(c)) {
        fault(c, "body %" PRIu64 " of rank %d came unasked", event->id, event->peer);
        return;
    }
    const uint8_t *space = c->space[event->id];
    if (refused ? space[0] != UNTOUCHED : !is_filled(space, c->space_size[event->id], event->id))
        fault(c, "body %" PRIu64 " of %zu bytes: other content%s", event->id, c->space_size[event->id], refused ? ", refused" : "");
    free(c->space[event->id]);
    c->space[event->id] = NULL;
    refused ? c->refused++ : c->fetched++;
}

static void body_released(conformance *c, const transport_event *event)
{
    if (event->id >= BODIES || !c->lent[event->id] || event->peer != neighbour(c)) {
        fault(c, "body %" PRIu64 " was released unlent by rank %d", event->id, event->peer);
        return;
    }
    free(c->lent[event->id]);
    c->lent[event->id] = NULL;
    c->released++;
}

/* ---- the sequence ---------------------------------------------------------------------------------------------- */

static const scenario scenarios[] = {
    {"order between all", send_to_all, got_from_all},
    {"many to one", send_to_root, root_got_all},
    {"frames of each size", send_edges, got_edges},
    {"quiet", send_large, is_quiet},
    {"balls", serve_balls, balls_are_over},
    {"bodies", lend_bodies, bodies_are_over},
    {"refused bodies", lend_some, some_were_refused},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

static const char *scenario_name(const conformance *c) { return c->at < SCENARIOS ? scenarios[c->at].name : "at the end"; }

static void free_bodies(conformance *c)
{
    for (int i = 0; i < BODIES; i++) {
        free(c->lent[i]);
        free(c->space[i]);
        c->lent[i] = c->space[i] = NULL;
    }
}

/* Everything is zero again before rank 0 hears of it: what belongs to the next scenario may come before its start here. */
static void meet(conformance *c)
{
    struct mark mark = {.what = MET};
    send_mark(c, 0, mark);
    free_bodies(c);
    c->sent = c->got = c->fetched = c->refused = c->released = 0;
    c->at++;
    c->met = true;
    c->all_sent = false;
}

static void all_have_met(conformance *c)
{
    if (++c->here < c->size)
        return;
    c->here = 0;
    for (int i = 0; i < c->size; i++)
        send_mark(c, i, (struct mark){.what = GO});
}

static void take_frame(conformance *c, const transport_event *event)
{
    struct mark mark;
    check_frame(c, event, &mark);
    if (c->fault[0])
        return;
    switch (mark.what) {
    case PLAIN:
        c->got++;
        break;
    case TELL:
        fetch(c, event->peer, &mark);
        break;
    case BALL:
        return_ball(c, event->peer, mark.id);
        break;
    case MET:
        all_have_met(c);
        break;
    default:
        c->met = false;
    }
}

static void take(conformance *c, const transport_event *event)
{
    switch (event->kind) {
    case TRANSPORT_FRAME:
        take_frame(c, event);
        break;
    case TRANSPORT_FETCHED:
    case TRANSPORT_REFUSED:
        body_came(c, event);
        break;
    case TRANSPORT_RELEASED:
        body_released(c, event);
        break;
    case TRANSPORT_LOST:
        fault(c, "rank %d was lost", event->peer);
        break;
    case TRANSPORT_FAILED:
        fault(c, "the transport failed: %s", rf_last_error()->message);
    }
}

conformance *conformance_new(transport *via, const conformance_settings *settings)
{
    conformance *c = calloc(1, sizeof *c);
    size_t size = (size_t)transport_size(via);
    if (!c || !(c->next_to = calloc(size, sizeof *c->next_to)) || !(c->next_from = calloc(size, sizeof *c->next_from))) {
        conformance_free(c);
        return NULL;
    }
    c->via = via;
    c->settings = *settings;
    c->rank = transport_rank(via);
    c->size = (int)size;
    c->random = random_seed(settings->seed, (uint64_t)c->rank, 0, 0);
    return c;
}

double conformance_step(void *rank, double now)
{
    conformance *c = rank;
    transport_event event;
    while (!c->fault[0] && transport_next(c->via, &event))
        take(c, &event);
    if (conformance_over(c) || c->met)
        return INFINITY;
    const scenario *at = &scenarios[c->at];
    if (!c->all_sent && !(c->all_sent = at->send(c)))
        return now;
    if (at->over(c))
        meet(c);
    return INFINITY;
}

bool conformance_over(const conformance *rank) { return rank->fault[0] || (rank->at == SCENARIOS && !rank->met); }
const char *conformance_fault(const conformance *rank) { return rank->fault[0] ? rank->fault : NULL; }

void conformance_free(conformance *rank)
{
    if (!rank)
        return;
    free_bodies(rank);
    free(rank->next_to);
    free(rank->next_from);
    free(rank);
}
