/* Large bodies on their way: offers that a rank has made, fetches that it has begun. A table finds them by peer and id; a
   queue holds those that are over until the transport tells so. Whoever takes a body out of either owns it, and frees it
   with free(). */
#ifndef RANKFOLD_WIRE_BODIES_H
#define RANKFOLD_WIRE_BODIES_H

#include "wire/transport.h"

typedef struct body {
    struct body *next;                  /* in its slot of the table, or in the queue */
    enum transport_event_kind outcome;  /* what the queue tells of it */
    int peer;
    uint64_t id;
    union {
        const void *lent;
        void *space;
    };
    size_t size;
    uint64_t pieces;                    /* messages that are still out for it */
    bool reading;                       /* an offer that is being fetched */
} body;

typedef struct bodies { body **slots; size_t capacity, count; } bodies;
typedef struct body_queue { body *first, *last; } body_queue;

body *body_new(int peer, uint64_t id, size_t size);     /* NULL: out of memory, told */

int bodies_add(bodies *table, body *added);     /* RF_ENOMEM; RF_EUSAGE: there is one of that peer and id already. Then it stays the caller's */
body *bodies_find(const bodies *table, int peer, uint64_t id);
body *bodies_take(bodies *table, int peer, uint64_t id);        /* NULL: there is none */
bool bodies_withdraw(bodies *table, int peer, uint64_t id);      /* frees one, if it is there and is not being read; whether it did */
size_t bodies_forget(bodies *table, int peer);  /* frees those of a peer; how many there were. It walks the whole table */
void bodies_free(bodies *table);

void body_push(body_queue *queue, body *last);
body *body_pop(body_queue *queue);
bool body_event(body_queue *queue, transport_event *event);     /* takes the first, frees it, tells it; false: there is none */
void body_drop(body_queue *queue);

#endif
