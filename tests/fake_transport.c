#include "fake_transport.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct happening {
    struct happening *next;
    transport_event event;
    bool alone;                     /* an allocation of its own */
    void *frame;
} happening;

/* Offers and fetches hold the events that will be told of them: an allocation that fails cannot lose one. */
typedef struct loan {
    struct loan *next;
    happening over;
    int owner, peer;
    uint64_t id;
    const void *data;
    size_t size;
    bool reading, out;
} loan;

typedef struct fetching {
    struct fetching *next;
    happening over;
    int by, from;
    uint64_t id;
    void *space;
    size_t size;
    bool out;
} fetching;

struct transport {
    fake *network;
    int rank;
    bool lost;
    happening *first, *last, *shown;
};

struct fake {
    transport *ends;
    int ranks;
    bool delay;
    loan *loans;
    fetching *fetches;
};

fake *fake_new(int ranks)
{
    fake *network = calloc(1, sizeof *network);
    network->ends = calloc((size_t)ranks, sizeof *network->ends);
    network->ranks = ranks;
    for (int rank = 0; rank < ranks; rank++)
        network->ends[rank] = (transport){.network = network, .rank = rank};
    return network;
}

static void drop(happening *shown)
{
    if (shown && shown->alone) {
        free(shown->frame);
        free(shown);
    }
}

void fake_free(fake *network)
{
    for (int rank = 0; rank < network->ranks; rank++) {
        transport *end = &network->ends[rank];
        drop(end->shown);
        for (happening *at = end->first, *next; at; at = next) {
            next = at->next;
            drop(at);
        }
    }
    for (loan *at = network->loans, *next; at; at = next) {
        next = at->next;
        free(at);
    }
    for (fetching *at = network->fetches, *next; at; at = next) {
        next = at->next;
        free(at);
    }
    free(network->ends);
    free(network);
}

transport *fake_transport(fake *network, int rank)
{
    return &network->ends[rank];
}

static void happen(transport *at, happening *what)
{
    what->next = NULL;
    *(at->first ? &at->last->next : &at->first) = what;
    at->last = what;
}

static void *add_frame(transport *at, int from, size_t size)
{
    happening *what = malloc(sizeof *what);
    void *frame = what ? malloc(size ? size : 1) : NULL;
    if (!frame) {
        free(what);
        error_no_memory(size);
        return NULL;
    }
    *what = (happening){
        .event = {.kind = TRANSPORT_FRAME, .peer = from, .data = frame, .size = size}, .alone = true, .frame = frame};
    happen(at, what);
    return frame;
}

void fake_put(fake *network, int to, int from, const void *bytes, size_t size)
{
    memcpy(add_frame(&network->ends[to], from, size), bytes, size);
}

static loan *find_loan(fake *network, int owner, int peer, uint64_t id)
{
    loan *at = network->loans;
    while (at && !(at->out && at->owner == owner && at->peer == peer && at->id == id))
        at = at->next;
    return at;
}

static fetching *find_fetch(const fake *network, size_t i)
{
    fetching *at = network->fetches;
    while (at && (!at->out || i--))
        at = at->next;
    return at;
}

void fake_delay(fake *network, bool delay)
{
    network->delay = delay;
}

size_t fake_waiting(const fake *network)
{
    size_t count = 0;
    while (find_fetch(network, count))
        count++;
    return count;
}

void fake_read(fake *network, size_t i)
{
    fetching *asked = find_fetch(network, i);
    loan *lent = find_loan(network, asked->from, asked->by, asked->id);
    lent->reading = true;
}

static void serve(fake *network, fetching *asked)
{
    loan *lent = find_loan(network, asked->from, asked->by, asked->id);
    asked->out = false;
    asked->over.event =
        (transport_event){.kind = lent ? TRANSPORT_FETCHED : TRANSPORT_REFUSED, .peer = asked->from, .id = asked->id};
    happen(&network->ends[asked->by], &asked->over);
    if (!lent)
        return;
    memcpy(asked->space, lent->data, lent->size < asked->size ? lent->size : asked->size);
    lent->out = false;
    lent->over.event = (transport_event){.kind = TRANSPORT_RELEASED, .peer = lent->peer, .id = lent->id};
    happen(&network->ends[lent->owner], &lent->over);
}

void fake_serve(fake *network, size_t i)
{
    serve(network, find_fetch(network, i));
}

static void tell(transport *at, transport_event event)
{
    happening *what = malloc(sizeof *what);
    *what = (happening){.event = event, .alone = true};
    happen(at, what);
}

void fake_lose(fake *network, int rank)
{
    network->ends[rank].lost = true;
    for (loan *at = network->loans; at; at = at->next)
        at->out = at->out && at->owner != rank && at->peer != rank;
    for (fetching *at = network->fetches; at; at = at->next)
        at->out = at->out && at->by != rank && at->from != rank;
    for (int other = 0; other < network->ranks; other++)
        if (other != rank)
            tell(&network->ends[other], (transport_event){.kind = TRANSPORT_LOST, .peer = rank});
}

void fake_break(fake *network, int rank, int status)
{
    tell(&network->ends[rank], (transport_event){.kind = TRANSPORT_FAILED, .peer = rank, .id = (uint64_t)-status});
}

/* ---- the transport ------------------------------------------------------------------------------------------- */

void *transport_frame(transport *via, int to, size_t size)
{
    return size <= TRANSPORT_FRAME_MOST ? add_frame(&via->network->ends[to], via->rank, size) : NULL;
}

int transport_offer(transport *via, int to, uint64_t id, const void *data, size_t size)
{
    if (find_loan(via->network, via->rank, to, id))
        return error_set(RF_EUSAGE, "usage", "there is such an offer");
    loan *made = malloc(sizeof *made);
    if (!made)
        return error_no_memory(sizeof *made);
    *made = (loan){
        .owner = via->rank, .peer = to, .id = id, .data = data, .size = size, .out = true, .next = via->network->loans};
    via->network->loans = made;
    return RF_OK;
}

bool transport_withdraw(transport *via, int to, uint64_t id)
{
    loan *lent = find_loan(via->network, via->rank, to, id);
    if (!lent || lent->reading)
        return false;
    lent->out = false;
    return true;
}

int transport_fetch(transport *via, int from, uint64_t id, void *space, size_t size)
{
    fetching *asked = malloc(sizeof *asked), **last = &via->network->fetches;
    if (!asked)
        return error_no_memory(sizeof *asked);
    ((uint8_t *)space)[size] = 0xee;
    *asked = (fetching){
        .by = via->rank, .from = from, .id = id, .space = space, .size = size, .out = !via->network->ends[from].lost};
    while (*last)
        last = &(*last)->next;
    *last = asked;
    if (asked->out && !via->network->delay)
        serve(via->network, asked);
    return RF_OK;
}

bool transport_next(transport *via, transport_event *event)
{
    drop(via->shown);
    via->shown = via->first;
    if (!via->first)
        return false;
    via->first = via->first->next;
    *event = via->shown->event;
    return true;
}
