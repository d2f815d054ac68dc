/* Messages that have come and could not be handed on at once: behind a body that is being fetched, or gathered while a
   function ran. A lane for each peer that ever had one waiting, in the order in which its messages came; nothing is
   allocated for the others. Cost: O(1) a message; finding a fetch walks its lane, in which it mostly is the first. */
#ifndef RANKFOLD_WIRE_INBOX_H
#define RANKFOLD_WIRE_INBOX_H

#include "wire/message.h"

typedef struct letter {
    struct letter *next;
    message what;                   /* body: behind the letter, or fetched once it is complete */
    int status;                     /* what it is handed on with */
    bool complete;
    void *fetched;                  /* malloc'ed space of a fetch; whoever takes it sets NULL */
    _Alignas(16) uint8_t body[];
} letter;
void letter_free(letter *read);     /* NULL is legal */

typedef struct lane {
    int peer;
    letter *first, *last;
    struct lane *next_ready;        /* lanes whose first letter is complete */
} lane;

typedef struct inbox {
    lane **lanes;                   /* open addressing by peer */
    size_t capacity, count;         /* a power of two, at most three quarters full */
    uint64_t letters;
    lane *ready, *last_ready;
} inbox;

/* Appends a copy with an inline body. Complete from the start, with status, unless its body is elsewhere: then the caller
   fetches it. NULL: out of memory, told. */
letter *inbox_add(inbox *in, const message *what, int status);
void inbox_complete(inbox *in, letter *waiting, int status);    /* its body has come, or will not */
letter *inbox_find(const inbox *in, int peer, uint64_t body_id);        /* the one that waits for this body, or NULL */
bool inbox_has(const inbox *in, int peer);                  /* any letters of this peer */
letter *inbox_take(inbox *in);              /* the next complete one, lanes by turns; the caller's to free. NULL: none */
void inbox_cut(inbox *in, int peer);        /* drops what can never be handed on: from the first that is not complete */
/* Shows all, complete or not, until seen says true. */
bool inbox_show(const inbox *in, bool (*seen)(void *context, const message *what), void *context);
void inbox_free(inbox *in);

#endif
