/* The transport over MPI. All that it sends is a batch (batch.h) under one tag or a piece of a body under another, and
   nothing here waits for a peer: sends and receives are posted, and tested.

   Order. Batches between two ranks are numbered. A batch above the eager limit may be complete after a later one, or, when
   its sender dies, never; so posted receives are tested in any order, and what came early waits for its turn. A peer that
   hangs in the middle of a message holds up nobody else.

   Bodies. A fetch posts its receives at once, one a piece, and asks by a frame of its own in the batches. The owner answers
   requests in their order, and MPI keeps order between two ranks on one tag: so the pieces land where they belong. A refusal
   is an empty message for each piece. (A receive that is too small would do for a refusal as well, but crashes Open MPI's TCP.) */
#define _GNU_SOURCE
#include "wire/transport_mpi.h"
#include "base/clock.h"
#include "base/error.h"
#include "wire/batch.h"
#include "wire/bodies.h"
#include "wire/idle.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifndef TRANSPORT_PIECE_MOST                /* a test builds this file with a lower one */
#define TRANSPORT_PIECE_MOST ((size_t)1 << 30)
#endif

#define FREE_PATIENCE 1.0                   /* seconds that transport_free gives sends that their receivers do not take */

#define EASE 0.004                          /* seconds of idling that ease counts as: naps of half a millisecond */

enum { TAG_BATCH = 1, TAG_BODY = 2 };
enum { RING = 8 };                          /* receives posted ahead */
enum { WINDOW = 64 };                       /* how many of the flights are tested in a look: a look stays cheap beside thousands */

struct peer {
    batch *open;                            /* gathered for it, not sent */
    batch *early;                           /* came before one that was sent before it; in the order of their numbers */
    uint64_t sent, received;                /* numbers of the next ones */
    int next;                               /* of the peers that had an open batch since the last flush; -1: the last */
    bool listed;
};

/* A request that is out, beside the ring: a batch that is sent, a piece of a body, or (both NULL) a refusal. */
struct flight {
    batch *carried;
    body *piece_of;
    size_t size;
};

struct transport {
    MPI_Comm comm;
    int rank, size;
    struct peer *peers;
    int first_listed, last_listed;
    size_t open;                            /* batches that are open: each has its place among the flights, so that a flush cannot fail */
    batch_pool pool;
    MPI_Request ring[RING];
    batch *landing[RING];                   /* where the ring receives; NULL while it is being read */
    batch_queue ready;
    batch *walking;                         /* the batch of the frame that was handed out last */
    MPI_Request *requests;                  /* of flights[], as MPI_Testsome wants them */
    struct flight *flights;
    size_t flying, flight_room, cursor;
    bodies offers;
    body_queue over;
    size_t fetching;
    double idle_since;                      /* 0: not idle */
    bool ease;
    const _Atomic uint32_t *bell;           /* transport_watch */
    uint32_t bell_seen;
    int failure;                            /* a status: TRANSPORT_FAILED is due, or was told */
    bool failure_told;
    char failure_text[256];
    char host[MPI_MAX_PROCESSOR_NAME];
};

/* ---- failures -------------------------------------------------------------------------------------------------- */

/* Keeps the first failure, which is in the last error, until transport_next tells it. */
static void keep_failure(transport *via)
{
    if (via->failure)
        return;
    const rf_error *error = rf_last_error();
    via->failure = error->status;
    snprintf(via->failure_text, sizeof via->failure_text, "%s", error->message);
}

static int mpi_status(int result, const char *call)
{
    if (result == MPI_SUCCESS)
        return RF_OK;
    char text[MPI_MAX_ERROR_STRING] = "";
    int size;
    if (MPI_Error_string(result, text, &size) != MPI_SUCCESS)
        snprintf(text, sizeof text, "error %d", result);
    return error_set(RF_EMPI, "mpi", "%s: %s", call, text);
}

static bool did(transport *via, int result, const char *call)
{
    if (mpi_status(result, call) == RF_OK)
        return true;
    keep_failure(via);
    return false;
}

/* ---- flights --------------------------------------------------------------------------------------------------- */

static int reserve_flights(transport *via, size_t more)
{
    size_t need = via->flying + via->open + more;
    if (need <= via->flight_room)
        return RF_OK;
    size_t room = need < 64 ? 64 : need * 2;
    MPI_Request *requests = realloc(via->requests, room * sizeof *requests);
    if (!requests)
        return error_no_memory(room * sizeof *requests);
    via->requests = requests;
    struct flight *flights = realloc(via->flights, room * sizeof *flights);
    if (!flights)
        return error_no_memory(room * sizeof *flights);
    via->flights = flights;
    via->flight_room = room;
    return RF_OK;
}

static void add_flight(transport *via, MPI_Request request, struct flight flight)
{
    via->requests[via->flying] = request;
    via->flights[via->flying++] = flight;
}

static void piece_landed(transport *via, body *of, size_t expected, size_t size)
{
    bool fetched = of->outcome != TRANSPORT_RELEASED;
    if (fetched && size == 0) {
        of->outcome = TRANSPORT_REFUSED;
    } else if (fetched && size != expected) {
        error_set(RF_EMPI, "wire", "a piece of %zu bytes came from rank %d with %zu", expected, of->peer, size);
        keep_failure(via);
    }
    if (--of->pieces)
        return;
    if (fetched)
        via->fetching--;
    else
        bodies_take(&via->offers, of->peer, of->id);
    body_push(&via->over, of);
}

static void flight_over(transport *via, struct flight *flight, const MPI_Status *status)
{
    batch_give(&via->pool, flight->carried);
    if (!flight->piece_of)
        return;
    int size = 0;
    if (flight->piece_of->outcome != TRANSPORT_RELEASED)
        did(via, MPI_Get_count(status, MPI_BYTE, &size), "MPI_Get_count");
    piece_landed(via, flight->piece_of, flight->size, (size_t)size);
}

/* Forgets what is done in window: the last flight moves into each gap. */
static void close_gaps(transport *via, size_t start, size_t end)
{
    for (size_t i = end; i-- > start;)
        if (via->requests[i] == MPI_REQUEST_NULL) {
            via->requests[i] = via->requests[--via->flying];
            via->flights[i] = via->flights[via->flying];
        }
}

static void look_at_flights(transport *via)
{
    if (!via->flying)
        return;
    size_t start = via->cursor < via->flying ? via->cursor : 0;
    size_t end = via->flying - start < WINDOW ? via->flying : start + WINDOW;
    via->cursor = end;
    int count = 0, which[WINDOW];
    MPI_Status statuses[WINDOW];
    int result = MPI_Testsome((int)(end - start), &via->requests[start], &count, which, statuses);
    bool failed = !did(via, result, "MPI_Testsome");
    for (int i = 0; i < count; i++)
        if (!failed || statuses[i].MPI_ERROR == MPI_SUCCESS)
            flight_over(via, &via->flights[start + (size_t)which[i]], &statuses[i]);
    if (count > 0)
        close_gaps(via, start, end);
}

/* ---- sending --------------------------------------------------------------------------------------------------- */

/* What the network takes at once, which is most of it, is done when MPI_Isend returns, and its buffer is free again. */
static void send_batch(transport *via, int to)
{
    struct peer *peer = &via->peers[to];
    batch *sent = peer->open;
    peer->open = NULL;
    via->open--;
    if (to == via->rank) {
        sent->from = to;
        batch_push(&via->ready, sent);
        return;
    }
    batch_seal(sent, peer->sent++);
    MPI_Request request;
    int done = 0;
    if (did(via, MPI_Isend(sent->data, (int)sent->size, MPI_BYTE, to, TAG_BATCH, via->comm, &request), "MPI_Isend") &&
        did(via, MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test") && !done)
        add_flight(via, request, (struct flight){.carried = sent});
    else
        batch_give(&via->pool, sent);
}

static void list_peer(transport *via, int rank)
{
    struct peer *peer = &via->peers[rank];
    if (peer->listed)
        return;
    peer->listed = true;
    peer->next = -1;
    if (via->last_listed >= 0)
        via->peers[via->last_listed].next = rank;
    else
        via->first_listed = rank;
    via->last_listed = rank;
}

static void *gather(transport *via, int to, enum batch_kind kind, size_t size)
{
    struct peer *peer = &via->peers[to];
    bool full, opens = !peer->open;
    void *space = opens && reserve_flights(via, 1) ? NULL : batch_gather(&via->pool, &peer->open, kind, size, &full);
    if (!space && peer->open && full) {
        send_batch(via, to);
        return gather(via, to, kind, size);
    }
    if (space && opens) {
        via->open++;
        list_peer(via, to);
    }
    return space;
}

void *transport_frame(transport *via, int to, size_t size)
{
    if (to >= 0 && to < via->size && size <= TRANSPORT_FRAME_MOST)
        return gather(via, to, BATCH_FRAME, size);
    error_set(RF_EUSAGE, "wire", "a frame of %zu bytes to rank %d of %d; at most %d bytes are possible", size, to, via->size,
              TRANSPORT_FRAME_MOST);
    return NULL;
}

void transport_flush(transport *via)
{
    int rank = via->first_listed;
    via->first_listed = via->last_listed = -1;
    while (rank >= 0) {
        struct peer *peer = &via->peers[rank];
        if (peer->open)
            send_batch(via, rank);
        peer->listed = false;
        rank = peer->next;
    }
}

/* ---- bodies ---------------------------------------------------------------------------------------------------- */

static size_t piece_size(size_t size, size_t at) { return size - at < TRANSPORT_PIECE_MOST ? size - at : TRANSPORT_PIECE_MOST; }

static uint64_t pieces_of(size_t size) { return (size - 1) / TRANSPORT_PIECE_MOST + 1; }

int transport_offer(transport *via, int to, uint64_t id, const void *data, size_t size)
{
    if (to < 0 || to >= via->size || size == 0)
        return error_set(RF_EUSAGE, "wire", "an offer of %zu bytes to rank %d of %d", size, to, via->size);
    body *offer = body_new(to, id, size);
    if (!offer)
        return RF_ENOMEM;
    offer->outcome = TRANSPORT_RELEASED;
    offer->lent = data;
    int status = bodies_add(&via->offers, offer);
    if (status)
        free(offer);
    return status;
}

bool transport_withdraw(transport *via, int to, uint64_t id)
{
    return bodies_withdraw(&via->offers, to, id);
}

/* Answers a request: with the pieces of the offer, or an empty message for each where there is no such offer. */
static void serve(transport *via, int to, const struct batch_fetch *asked)
{
    body *offer = bodies_find(&via->offers, to, asked->id);
    if (offer && (offer->reading || offer->size != asked->size))
        offer = NULL;
    if (asked->size == 0 || reserve_flights(via, pieces_of(asked->size))) {
        keep_failure(via);
        return;
    }
    if (offer) {
        offer->reading = true;
        offer->pieces = pieces_of(offer->size);
    }
    for (size_t at = 0; at < asked->size; at += TRANSPORT_PIECE_MOST) {
        const uint8_t *from = offer ? (const uint8_t *)offer->lent + at : NULL;
        size_t size = offer ? piece_size(offer->size, at) : 0;
        MPI_Request request;
        if (did(via, MPI_Isend(from, (int)size, MPI_BYTE, to, TAG_BODY, via->comm, &request), "MPI_Isend"))
            add_flight(via, request, (struct flight){.piece_of = offer, .size = size});
    }
}

/* From itself: a copy. */
static void fetch_own(transport *via, body *fetch)
{
    body *offer = bodies_take(&via->offers, via->rank, fetch->id);
    if (offer && offer->size != fetch->size) {
        bodies_add(&via->offers, offer);    /* there is room: it was just taken */
        offer = NULL;
    }
    fetch->outcome = offer ? TRANSPORT_FETCHED : TRANSPORT_REFUSED;
    if (offer) {
        memcpy(fetch->space, offer->lent, fetch->size);
        body_push(&via->over, offer);
    }
    body_push(&via->over, fetch);
}

static int ask(transport *via, body *fetch)
{
    int status = reserve_flights(via, pieces_of(fetch->size) + 1);
    struct batch_fetch *asked = status ? NULL : gather(via, fetch->peer, BATCH_FETCH, sizeof *asked);
    if (!asked)
        return RF_ENOMEM;
    *asked = (struct batch_fetch){fetch->id, fetch->size};
    for (size_t at = 0; at < fetch->size; at += TRANSPORT_PIECE_MOST) {
        size_t size = piece_size(fetch->size, at);
        MPI_Request request;
        if (!did(via, MPI_Irecv((uint8_t *)fetch->space + at, (int)size, MPI_BYTE, fetch->peer, TAG_BODY, via->comm, &request),
                 "MPI_Irecv"))
            continue;                       /* the transport has failed; the fetch never ends */
        add_flight(via, request, (struct flight){.piece_of = fetch, .size = size});
    }
    fetch->pieces = pieces_of(fetch->size);
    via->fetching++;
    return RF_OK;
}

int transport_fetch(transport *via, int from, uint64_t id, void *space, size_t size)
{
    if (from < 0 || from >= via->size || size == 0)
        return error_set(RF_EUSAGE, "wire", "a fetch of %zu bytes from rank %d of %d", size, from, via->size);
    body *fetch = body_new(from, id, size);
    if (!fetch)
        return RF_ENOMEM;
    fetch->outcome = TRANSPORT_FETCHED;
    fetch->space = space;
    int status = RF_OK;
    if (from == via->rank)
        fetch_own(via, fetch);
    else
        status = ask(via, fetch);
    if (status)
        free(fetch);
    return status;
}

/* ---- receiving ------------------------------------------------------------------------------------------------- */

static void post_receive(transport *via, int slot, batch *into)
{
    via->landing[slot] = into;
    into->slot = slot;
    into->size = into->walked = sizeof(struct batch_head);
    if (!did(via, MPI_Irecv(into->data, (int)into->capacity, MPI_BYTE, MPI_ANY_SOURCE, TAG_BATCH, via->comm, &via->ring[slot]),
             "MPI_Irecv"))
        via->ring[slot] = MPI_REQUEST_NULL;
}

/* A batch has been read: its buffer receives again, or is free. */
static void batch_read(transport *via, batch *done)
{
    if (done->slot >= 0)
        post_receive(via, done->slot, done);
    else
        batch_give(&via->pool, done);
}

/* Early ones wait in their slots of the ring. They cannot fill it: MPI matches messages of one rank in their order, so the one
   that they wait for has a slot as well, in which it is on its way. */
static void in_turn(transport *via, batch *came, uint64_t number)
{
    struct peer *peer = &via->peers[came->from];
    if (number == peer->received) {
        peer->received++;
        batch_push(&via->ready, came);
        for (batch *b; (b = peer->early) && batch_number(b) == peer->received; peer->received++) {
            peer->early = b->next;
            batch_push(&via->ready, b);
        }
        return;
    }
    batch **place = &peer->early;
    while (*place && batch_number(*place) < number)
        place = &(*place)->next;
    came->next = *place;
    *place = came;
}

static void arrived(transport *via, int slot, const MPI_Status *status)
{
    batch *came = via->landing[slot];
    via->landing[slot] = NULL;
    came->from = status->MPI_SOURCE;
    int size = 0;
    uint64_t number;
    if (did(via, MPI_Get_count(status, MPI_BYTE, &size), "MPI_Get_count") && batch_open(came, (size_t)size, &number) == RF_OK) {
        in_turn(via, came, number);
    } else {
        keep_failure(via);
        post_receive(via, slot, came);
    }
}

static bool look_at_ring(transport *via)
{
    int count = 0, which[RING];
    MPI_Status statuses[RING];
    int result = MPI_Testsome(RING, via->ring, &count, which, statuses);
    bool failed = !did(via, result, "MPI_Testsome");
    if (count == MPI_UNDEFINED)             /* all of the ring is being read */
        return false;
    for (int i = 0; i < count; i++)
        if (!failed || statuses[i].MPI_ERROR == MPI_SUCCESS)
            arrived(via, which[i], &statuses[i]);
    return count > 0;
}

/* Open MPI looks before it makes progress: what the first look has moved is seen by the second. */
static void look(transport *via)
{
    if (via->size > 1 && !look_at_ring(via))
        look_at_ring(via);
    look_at_flights(via);
}

/* ---- what has happened ----------------------------------------------------------------------------------------- */

static bool walk(transport *via, transport_event *event)
{
    for (;;) {
        if (!via->walking && !(via->walking = batch_pop(&via->ready)))
            return false;
        struct frame_head head;
        void *frame;
        int status = batch_next(via->walking, &head, &frame);
        if (status == RF_OK && head.kind == BATCH_FRAME) {
            *event = (transport_event){.kind = TRANSPORT_FRAME, .peer = via->walking->from, .data = frame, .size = head.size};
            return true;
        }
        if (status == RF_OK) {
            serve(via, via->walking->from, frame);
            continue;
        }
        if (status != RF_END)
            keep_failure(via);
        batch *read = via->walking;
        via->walking = NULL;
        batch_read(via, read);
    }
}

static bool tell_failure(transport *via, transport_event *event)
{
    if (!via->failure || via->failure_told)
        return false;
    via->failure_told = true;
    error_set(via->failure, "wire", "%s", via->failure_text);
    *event = (transport_event){.kind = TRANSPORT_FAILED, .peer = via->rank, .id = (uint64_t)-via->failure};
    return true;
}

static bool something(transport *via, transport_event *event)
{
    bool some = walk(via, event) || body_event(&via->over, event) || tell_failure(via, event);
    if (some)
        via->idle_since = 0;
    return some;
}

bool transport_next(transport *via, transport_event *event)
{
    if (something(via, event))
        return true;
    look(via);
    return something(via, event);
}

bool transport_quiet(transport *via)
{
    look_at_flights(via);
    return via->flying == 0;
}

static bool may_have_something(const transport *via)
{
    return via->ready.first || (via->walking && via->walking->walked < via->walking->size) || via->over.first ||
           (via->failure && !via->failure_told);
}

void transport_watch(transport *via, const _Atomic uint32_t *bell, uint32_t seen)
{
    via->bell = bell;
    via->bell_seen = seen;
}

static bool is_rung(const transport *via)
{
    return via->bell && atomic_load_explicit(via->bell, memory_order_acquire) != via->bell_seen;
}

void transport_wait(transport *via, double until, int descriptor)
{
    transport_flush(via);
    bool was_quiet = via->flying == 0;
    for (;;) {
        look(via);
        if (may_have_something(via) || (!was_quiet && via->flying == 0))
            return;
        if (is_rung(via)) {
            via->idle_since = 0;
            return;
        }
        double now = clock_now();
        if (via->idle_since == 0)
            via->idle_since = now;
        if (now >= until)
            return;
        if (idle_pause(now - via->idle_since + (via->ease ? EASE : 0), until - now, descriptor, via->bell)) {
            via->idle_since = 0;
            return;
        }
    }
}

void transport_at_ease(transport *via, bool ease) { via->ease = ease; }
int transport_rank(const transport *via) { return via->rank; }
int transport_size(const transport *via) { return via->size; }
const char *transport_host(const transport *via) { return via->host; }

double transport_now(const transport *via)
{
    (void)via;
    return clock_now();
}

/* ---- opening and freeing --------------------------------------------------------------------------------------- */

static int open_comm(transport *via, MPI_Comm comm)
{
    int size, status = mpi_status(MPI_Comm_dup(comm, &via->comm), "MPI_Comm_dup");
    if (status)
        via->comm = MPI_COMM_NULL;
    if (status || (status = mpi_status(MPI_Comm_set_errhandler(via->comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler")) ||
        (status = mpi_status(MPI_Comm_rank(via->comm, &via->rank), "MPI_Comm_rank")) ||
        (status = mpi_status(MPI_Comm_size(via->comm, &via->size), "MPI_Comm_size")))
        return status;
    return mpi_status(MPI_Get_processor_name(via->host, &size), "MPI_Get_processor_name");
}

static int open_ring(transport *via)
{
    for (int i = 0; i < RING && via->size > 1; i++) {
        batch *into = batch_take(&via->pool, TRANSPORT_FRAME_MOST);
        if (!into)
            return RF_ENOMEM;
        post_receive(via, i, into);
    }
    return via->failure;
}

int transport_open_mpi(MPI_Comm comm, transport **via)
{
    transport *made = calloc(1, sizeof *made);
    int status = made ? RF_OK : error_no_memory(sizeof *made);
    *via = NULL;
    if (!made)
        return status;
    made->first_listed = made->last_listed = -1;
    for (int i = 0; i < RING; i++)
        made->ring[i] = MPI_REQUEST_NULL;
    if ((status = open_comm(made, comm)))
        goto failed;
    made->peers = calloc((size_t)made->size, sizeof *made->peers);
    if (!made->peers) {
        status = error_no_memory((size_t)made->size * sizeof *made->peers);
        goto failed;
    }
    if ((status = open_ring(made)))
        goto failed;
    *via = made;
    return RF_OK;
failed:
    transport_free(made);
    return status;
}

/* Sends get their time; receives are cancelled at once, so that no fetch is waited for. */
static void cancel_receives(transport *via)
{
    for (int i = 0; i < RING; i++)
        if (via->ring[i] != MPI_REQUEST_NULL)
            MPI_Cancel(&via->ring[i]);
    for (size_t i = 0; i < via->flying; i++)
        if (via->flights[i].piece_of && via->flights[i].piece_of->outcome != TRANSPORT_RELEASED)
            MPI_Cancel(&via->requests[i]);
}

static bool all_over(transport *via)
{
    int count = 0, which[RING], done = 0;
    MPI_Testsome(RING, via->ring, &count, which, MPI_STATUSES_IGNORE);
    for (int i = 0; i < RING; i++)
        if (via->ring[i] != MPI_REQUEST_NULL)
            return false;
    for (size_t i = 0; i < via->flying; i++)
        if (MPI_Test(&via->requests[i], &done, MPI_STATUS_IGNORE) != MPI_SUCCESS || !done)
            return false;
    return true;
}

/* What MPI may still write into or read from when patience is over stays allocated. */
static void let_go(transport *via)
{
    for (int i = 0; i < RING; i++) {
        if (via->ring[i] == MPI_REQUEST_NULL)
            batch_give(&via->pool, via->landing[i]);
        else
            MPI_Request_free(&via->ring[i]);
    }
    for (size_t i = 0; i < via->flying; i++) {
        if (via->requests[i] == MPI_REQUEST_NULL)
            batch_give(&via->pool, via->flights[i].carried);
        else
            MPI_Request_free(&via->requests[i]);
    }
}

static void free_bodies_in_flight(transport *via)
{
    for (size_t i = 0; i < via->flying; i++) {
        body *fetch = via->flights[i].piece_of;
        if (fetch && fetch->outcome != TRANSPORT_RELEASED && --fetch->pieces == 0)
            free(fetch);
    }
}

static void close_messages(transport *via)
{
    transport_flush(via);
    cancel_receives(via);
    double start = clock_now();
    for (double idle = 0; !all_over(via) && idle < FREE_PATIENCE; idle = clock_now() - start)
        idle_pause(idle, FREE_PATIENCE, -1, false);
    let_go(via);
    MPI_Comm_free(&via->comm);
}

void transport_free(transport *via)
{
    if (!via)
        return;
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (via->comm != MPI_COMM_NULL && !finalized)
        close_messages(via);
    free_bodies_in_flight(via);
    batch_give(&via->pool, via->walking);
    batch_drop(&via->ready, &via->pool);
    for (int i = 0; via->peers && i < via->size; i++) {
        batch_give(&via->pool, via->peers[i].open);
        for (batch *b; (b = via->peers[i].early);) {
            via->peers[i].early = b->next;
            batch_give(&via->pool, b);
        }
    }
    batch_pool_free(&via->pool);
    bodies_free(&via->offers);
    body_drop(&via->over);
    free(via->peers);
    free(via->requests);
    free(via->flights);
    free(via);
}
