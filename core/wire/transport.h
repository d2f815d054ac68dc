/* The transport: frames between ranks, large bodies lent and fetched, and waiting. Two of them stand behind this header,
   chosen when a program is linked: MPI (transport_mpi.c) and a simulated cluster of virtual ranks in virtual time
   (transport_sim.c). What is above cannot tell them apart.

   Frames to one rank are gathered in a batch, which leaves when it is full or flushed; frames from one rank arrive in the
   order in which they were made; a rank may send to itself. Nothing here blocks but transport_wait. Sends to one rank are
   bounded by what its receiver grants (credit), not by the transport.

   Large bodies are never pushed. The owner offers (lends) memory under an id, which a frame of its own tells the other
   side; that side fetches it into its own memory, or never does. Lent memory stays put until RELEASED or withdrawn. The
   owner serves a fetch inside its transport_next; what has been withdrawn by then, or never was, is REFUSED.
   Sizes are 64 bits wide: bodies are cut below INT_MAX here and nowhere else.

   Frames are 16-aligned, as sent and as received. */
#ifndef RANKFOLD_WIRE_TRANSPORT_H
#define RANKFOLD_WIRE_TRANSPORT_H

#include "rankfold.h"

typedef struct transport transport;

#define TRANSPORT_FRAME_MOST 73728      /* bytes in a frame: 64 KiB of content and room for heads */

enum transport_event_kind {
    TRANSPORT_FRAME,                    /* data, size: valid until the next transport_next */
    TRANSPORT_FETCHED,                  /* id of a fetch from peer: all of it is there */
    TRANSPORT_REFUSED,                  /* id of a fetch from peer: its owner has no such offer (any more); the space is as it was */
    TRANSPORT_RELEASED,                 /* id of an offer to peer: the memory is the owner's again */
    TRANSPORT_LOST,                     /* peer is gone: nothing comes from it any more, its offers and fetches are over (RELEASED,
                                           FETCHED and REFUSED do not follow) */
    TRANSPORT_FAILED                    /* the transport cannot be relied on any more; told once, in the last error, whose status is -id */
};

typedef struct transport_event {
    enum transport_event_kind kind;
    int peer;
    const void *data;
    size_t size;
    uint64_t id;
} transport_event;

int transport_rank(const transport *via);
int transport_size(const transport *via);
const char *transport_host(const transport *via);   /* the name of this rank's host */
double transport_now(const transport *via);     /* seconds; virtual in the simulator */

/* Space for a frame, 16-aligned, to be filled before the next call on via. NULL, told: out of memory, no such rank, or
   size is above TRANSPORT_FRAME_MOST. */
void *transport_frame(transport *via, int to, size_t size);
void transport_flush(transport *via);           /* hands every batch to the network */

/* id: the caller's, unique among its live offers to that peer; size above 0. RF_ENOMEM, RF_EUSAGE. */
int transport_offer(transport *via, int to, uint64_t id, const void *data, size_t size);
/* Takes a live offer back. true: the memory is the owner's again, no RELEASED follows; false: it is being read or has just
   been, RELEASED will come. */
bool transport_withdraw(transport *via, int to, uint64_t id);
/* size as announced. Asks with the next flush; ends in FETCHED, REFUSED or the peer's LOST. RF_ENOMEM, RF_EUSAGE. */
int transport_fetch(transport *via, int from, uint64_t id, void *space, size_t size);

bool transport_next(transport *via, transport_event *event);    /* what has happened; false: nothing now */
bool transport_quiet(transport *via);           /* everything flushed has left, and every fetch is over; moves what can be moved */

/* Flushes, then sleeps until something may have happened (an event, or via has become quiet), until that time (INFINITY: no
   end), or until descriptor (>= 0) can be read. May return early. */
void transport_wait(transport *via, double until, int descriptor);

/* With ease: nothing that comes is urgent, so waiting begins with a nap and leaves the core to others. Holds until said otherwise. */
void transport_at_ease(transport *via, bool ease);

/* Somebody on this host works for the caller and changes *bell when there is something to see: transport_wait returns as soon as it is not
   seen any more, and lets others have the core from the first look on. NULL: nobody (any more). Borrowed. */
void transport_watch(transport *via, const _Atomic uint32_t *bell, uint32_t seen);

/* Nobody may send to a rank that has freed its own. What it has offered and what it fetches is over without a word. Gives up
   after a second on a peer that takes nothing. NULL is legal. */
void transport_free(transport *via);

#endif
