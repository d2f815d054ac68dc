/* What this rank has offered and its peers have not read yet: the post's books of given and lent bodies. An id names a
   slot and its generation, so that a late or repeated RELEASED of a slot that was used again is known for what it is.
   Cost: O(1) a call, and O(offers) where a peer is lost. Given bodies belong to the table. */
#ifndef RANKFOLD_WIRE_OFFERS_H
#define RANKFOLD_WIRE_OFFERS_H

#include "base/buffer.h"

typedef struct offer {
    uint64_t id, token;
    buffer given;                   /* or empty: lent under token */
    int to;
    bool out;
    uint32_t next, previous;        /* lent: of those whose token hashes alike; free: the next free. Slot + 1; 0: none */
} offer;

typedef struct offers {
    offer *slots;
    uint32_t *chains;               /* capacity of them, a power of two */
    uint32_t capacity, unused;
} offers;

/* Empties given, which may be NULL. RF_ENOMEM: it is untouched. */
int offers_add(offers *all, int to, buffer *given, uint64_t token, uint64_t *id);
void offers_release(offers *all, int to, uint64_t id);      /* an id that is not out is passed over */
void offers_release_peer(offers *all, int to);
/* Those lent under token, one by one; NULL starts and ends. */
offer *offers_next(const offers *all, uint64_t token, const offer *after);
bool offers_any(const offers *all);                    /* something is out; O(capacity) */
void offers_free(offers *all);

#endif
