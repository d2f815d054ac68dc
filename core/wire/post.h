/* The post: whole messages over a transport. A body that is small travels in the message's frame; a large one (above
   POST_INLINE_MOST) is offered, and the receiving post fetches it before it hands the message on. Messages from one peer
   are handed on in the order in which they were sent, whatever their sizes.

   Who owns what. Sending: an inline body is copied during the call, or written in its place (post_begin). A large one is
   either given (a malloc'ed buffer, freed by the post when it was read) or lent (stays the caller's, until post_lent says
   that none of that token is out).
   Receiving: the body is the post's until the next post_next or post_pump, unless post_take_body takes it. A fetched body
   has a NUL behind it.

   Cost: a small message is read where the transport has put it, and sent without an allocation. Nothing is kept for a
   peer that has no message waiting here. */
#ifndef RANKFOLD_WIRE_POST_H
#define RANKFOLD_WIRE_POST_H

#include "base/buffer.h"
#include "wire/message.h"
#include "wire/transport.h"

#define POST_INLINE_MOST 65536

typedef struct post post;

int post_new(transport *via, post **made);      /* via stays the caller's */
transport *post_transport(post *office);

/* Frees what was given and not read, and what was being fetched: the transport has to be freed before, or quiet. Calls
   nothing of it. NULL is legal. */
void post_free(post *office);

/* what: head.kind, head.job, head.task and the fixed part; body and body_size. given: the body is in this buffer (its data
   is what->body); it is emptied, large or not, also after a failure. NULL: the body is copied when small, lent under token
   when large. A negative status, told: nothing was sent. */
int post_send(post *office, int to, const message *what, buffer *given, uint64_t token);

/* A message whose body (what->body_size, at most POST_INLINE_MOST) the caller writes at the place returned, before the next
   call on the post. NULL: told. */
void *post_begin(post *office, int to, const message *what);

uint64_t post_lent(const post *office, uint64_t token);     /* how many bodies lent under token are still out */

bool post_unread(const post *office);           /* something that was offered, lent or given, has not been read yet */

/* Takes back those that can be; returns how many are still out. The messages they belonged to are RF_ECANCELLED at their
   receiver. */
uint64_t post_withdraw(post *office, uint64_t token);

/* RF_OK; RF_AGAIN: nothing now; all else is told, and of what->peer:
   RF_ELOST            it is gone (once a peer); what it had sent was handed on, but for what follows a body that never came
   RF_EUSAGE           it sent a frame that is no message
   RF_ECANCELLED       *what has come, but its body was withdrawn
   RF_ENOMEM           *what has come, but its body could not be fetched; with head.kind 0: there was no memory to take a
                       message, which is tried again by the next call
   another, RF_EMPI    the transport cannot be relied on any more; what->peer is this rank */
int post_next(post *office, message *what);

/* true: the body is the caller's buffer now; false: it lies in a frame, copy it. */
bool post_take_body(post *office, message *what, buffer *body);

/* Messages of this kind, whose bodies are small, are not handed on but given to serves as they come, also by post_pump: for what is answered while a
   function runs. It may send. One kind; NULL: nobody any more. */
void post_serve(post *office, int kind, void (*serves)(void *context, const message *what), void *context);

/* For calls from inside a function: moves messages without handing any on. Ends what the last post_next has lent. */
void post_pump(post *office);
bool post_waiting(const post *office);          /* post_next would give something of what has been gathered */

/* Shows each message gathered, in the order of its peer, until seen says true; also those behind a body that has not come,
   which is NULL then. */
bool post_peek(post *office, bool (*seen)(void *context, const message *what), void *context);

#endif
