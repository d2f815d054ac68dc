#include "wire/post.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/large.h"
#include "wire/inbox.h"
#include "wire/offers.h"

struct post {
    transport *via;
    offers offers;
    inbox in;
    letter *current;                /* what the last post_next handed on, where it came from the inbox */
    transport_event event;          /* held: looked at, not yet dealt with: no memory, or it has to be told */
    bool held;
    int served;                     /* a kind of messages, and who answers them */
    void (*serves)(void *context, const message *what);
    void *serves_context;
};

int post_new(transport *via, post **made)
{
    *made = calloc(1, sizeof **made);
    if (!*made)
        return error_no_memory(sizeof **made);
    (*made)->via = via;
    return RF_OK;
}

void post_free(post *office)
{
    if (!office)
        return;
    letter_free(office->current);
    inbox_free(&office->in);
    offers_free(&office->offers);
    free(office);
}

transport *post_transport(post *office)
{
    return office->via;
}

void post_serve(post *office, int kind, void (*serves)(void *context, const message *what), void *context)
{
    office->served = kind;
    office->serves = serves;
    office->serves_context = context;
}

/* ---- sending --------------------------------------------------------------------------------------------------- */

void *post_begin(post *office, int to, const message *what)
{
    void *frame = transport_frame(office->via, to, message_frame_size(what->head.kind, what->body_size));
    return frame ? message_write(frame, what, 0) : NULL;
}

static int send_small(post *office, int to, const message *what)
{
    void *place = post_begin(office, to, what);
    if (!place)
        return rf_last_error()->status;
    if (what->body_size)
        memcpy(place, what->body, what->body_size);
    return RF_OK;
}

static int send_large(post *office, int to, const message *what, buffer *given, uint64_t token)
{
    uint64_t id;
    int status = offers_add(&office->offers, to, given, token, &id);
    if (status)
        return status;
    status = transport_offer(office->via, to, id, what->body, what->body_size);
    if (status) {
        offers_release(&office->offers, to, id);
        return status;
    }
    void *frame = transport_frame(office->via, to, message_frame_size(what->head.kind, 0));
    if (frame) {
        message_write(frame, what, id);
        return RF_OK;
    }
    if (transport_withdraw(office->via, to, id))
        offers_release(&office->offers, to, id);
    return rf_last_error()->status;
}

int post_send(post *office, int to, const message *what, buffer *given, uint64_t token)
{
    int status =
        what->body_size <= POST_INLINE_MOST ? send_small(office, to, what) : send_large(office, to, what, given, token);
    if (given)
        buffer_free(given);
    return status;
}

uint64_t post_lent(const post *office, uint64_t token)
{
    uint64_t count = 0;
    for (const offer *at = NULL; (at = offers_next(&office->offers, token, at));)
        count++;
    return count;
}

bool post_unread(const post *office)
{
    return offers_any(&office->offers);
}

uint64_t post_withdraw(post *office, uint64_t token)
{
    uint64_t out = 0;
    const offer *next = offers_next(&office->offers, token, NULL);
    while (next) {
        const offer *at = next;
        next = offers_next(&office->offers, token, at);
        if (transport_withdraw(office->via, at->to, at->id))
            offers_release(&office->offers, at->to, at->id);
        else
            out++;
    }
    return out;
}

/* ---- receiving ------------------------------------------------------------------------------------------------- */

/* Space for a body and a NUL behind it. Bodies that are fetched are large, so that their memory is what a
   buffer of that capacity has. */
static size_t fetched_capacity(size_t size)
{
    size_t capacity = (size + 16) & ~(size_t)15;
    return capacity < LARGE_LEAST ? LARGE_LEAST : capacity;
}

static void fetch(post *office, letter *announced)
{
    size_t size = announced->what.body_size;
    int from = announced->what.peer;
    announced->fetched = large_get(fetched_capacity(size));
    int status = RF_ENOMEM;
    if (announced->fetched)
        status = transport_fetch(office->via, from, announced->what.head.body_id, announced->fetched, size);
    if (status)
        inbox_complete(&office->in, announced, status);
}

static void finish_fetch(post *office, const transport_event *event)
{
    letter *waiting = inbox_find(&office->in, event->peer, event->id);
    if (!waiting)
        return;
    ((uint8_t *)waiting->fetched)[waiting->what.body_size] = '\0';
    inbox_complete(&office->in, waiting, event->kind == TRANSPORT_FETCHED ? RF_OK : RF_ECANCELLED);
}

static int tell(const message *what, int status)
{
    switch (status) {
    case RF_OK:
        return RF_OK;
    case RF_ELOST:
        return error_set(status, "lost", "rank %d is gone", what->peer);
    case RF_ENOMEM:
        return error_no_memory(what->body_size);
    default:
        return error_set(status, "message", "%zu bytes that rank %d offered could not be fetched: %s", what->body_size,
                         what->peer, rf_status_text(status));
    }
}

/* The event has to wait until there is memory to keep it. */
static int hold(post *office, message *what)
{
    *what = (message){.peer = office->event.peer};
    office->held = true;
    return RF_ENOMEM;
}

/* Events are dealt with by these. RF_OK: *what is the message; RF_AGAIN: there is nothing to tell; else told. With
   gather everything that can be kept is kept in the inbox. */
static int take_frame(post *office, const transport_event *event, bool gather, message *what)
{
    int status = message_read(what, event->peer, event->data, event->size);
    if (status)
        return status;
    if (office->serves && what->head.kind == office->served) {
        office->serves(office->serves_context, what);
        return RF_AGAIN;
    }
    if (!gather && !what->head.body_id && !inbox_has(&office->in, what->peer))
        return RF_OK;
    letter *kept = inbox_add(&office->in, what, RF_OK);
    if (!kept)
        return hold(office, what);
    if (!kept->complete)
        fetch(office, kept);
    return RF_AGAIN;
}

/* Whoever does not gather has been given all that was complete: nothing of this peer is left in front. */
static int take_loss(post *office, int peer, bool gather, message *what)
{
    offers_release_peer(&office->offers, peer);
    inbox_cut(&office->in, peer);
    *what = (message){.peer = peer};
    if (!gather)
        return tell(what, RF_ELOST);
    return inbox_add(&office->in, what, RF_ELOST) ? RF_AGAIN : hold(office, what);
}

/* The transport has told why, but maybe long ago. */
static int take_failure(int status, int rank, message *what)
{
    *what = (message){.peer = rank};
    if (rf_last_error()->status == status)
        return status;
    return error_set(status, "message", "messages move no longer: %s", rf_status_text(status));
}

static int take_event(post *office, bool gather, message *what)
{
    const transport_event *event = &office->event;
    switch (event->kind) {
    case TRANSPORT_FRAME:
        return take_frame(office, event, gather, what);
    case TRANSPORT_LOST:
        return take_loss(office, event->peer, gather, what);
    case TRANSPORT_FAILED:
        return take_failure(-(int)event->id, event->peer, what);
    case TRANSPORT_FETCHED:
    case TRANSPORT_REFUSED:
        finish_fetch(office, event);
        break;
    case TRANSPORT_RELEASED:
        offers_release(&office->offers, event->peer, event->id);
        break;
    }
    return RF_AGAIN;
}

static int hand_on(post *office, letter *taken, message *what)
{
    office->current = taken;
    *what = taken->what;
    return tell(what, taken->status);
}

int post_next(post *office, message *what)
{
    letter_free(office->current);
    office->current = NULL;
    for (;;) {
        letter *taken = inbox_take(&office->in);
        if (taken)
            return hand_on(office, taken, what);
        if (!office->held && !transport_next(office->via, &office->event)) {
            *what = (message){.peer = -1};
            return RF_AGAIN;
        }
        office->held = false;
        int status = take_event(office, false, what);
        if (status != RF_AGAIN)
            return status;
    }
}

bool post_take_body(post *office, message *what, buffer *body)
{
    letter *from = office->current;
    *body = (buffer){0};
    if (!from || !from->fetched || what->body != from->fetched)
        return false;
    *body = (buffer){.data = from->fetched, .size = what->body_size, .capacity = fetched_capacity(what->body_size)};
    from->fetched = NULL;
    return true;
}

/* An event that could not be kept, or that only post_next can tell, ends it: what follows stays in the transport. */
void post_pump(post *office)
{
    message what;
    while (!office->held && transport_next(office->via, &office->event))
        office->held = take_event(office, true, &what) != RF_AGAIN;
}

bool post_waiting(const post *office)
{
    return office->held || office->in.ready;
}

bool post_peek(post *office, bool (*seen)(void *context, const message *what), void *context)
{
    return inbox_show(&office->in, seen, context);
}
