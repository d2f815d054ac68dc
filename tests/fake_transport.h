/* A transport between endpoints of one process that does at once what it is asked for, or when a test says so: fetches can be
   kept waiting, be served in any order, be caught half-way; ranks can be lost. Every frame is an allocation of its exact size and is
   freed by the next transport_next, so that the address sanitizer sees who reads beside or after it. The byte behind the space
   of a fetch, in which the post puts a NUL, is spoilt. */
#ifndef RANKFOLD_TESTS_FAKE_TRANSPORT_H
#define RANKFOLD_TESTS_FAKE_TRANSPORT_H

#include "wire/transport.h"

typedef struct fake fake;

fake *fake_new(int ranks);
void fake_free(fake *network);
transport *fake_transport(fake *network, int rank);

void fake_delay(fake *network, bool delay);         /* fetches wait for fake_serve from now on */
size_t fake_waiting(const fake *network);           /* how many do */
void fake_read(fake *network, size_t i);            /* the i-th of them is being read: its offer cannot be withdrawn */
void fake_serve(fake *network, size_t i);           /* and is over: FETCHED and RELEASED, or REFUSED */
void fake_lose(fake *network, int rank);            /* all others are told, after what it has sent */
void fake_break(fake *network, int rank, int status);   /* TRANSPORT_FAILED for this rank */
void fake_put(fake *network, int to, int from, const void *bytes, size_t size);     /* any bytes as a frame */

#endif
