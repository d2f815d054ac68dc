/* Shared data on one rank: the versions that it has or is getting, and the ranks that get them from it. The coordinator has one (its
   versions are whole from the start), each worker has one; one rank alone has both, and they talk as two ranks would.

   How a version gets around. rf_share copies the data into memory of rank 0 (share_host.h) and rank 0 tells every worker whom to ask
   (coordinator_share.c): the first rank of each host asks a rank of another host, up a binary tree whose root is rank 0, and gets bytes; the
   others of a host ask that first rank, and get a descriptor of its memory through a door. So there is one copy on each host.
   - Bytes come in pieces, each asked for: at most a window of them is on its way. Rank 0 offers large pieces, which are fetched (post.h); the
     others send small ones in frames, so that nobody ever waits for a fetch from a rank that has died. What has come is passed on at once.
   - A descriptor that cannot be passed (no sockets, another network name space) is replaced by bytes: then that rank has a copy of its own,
     with a descriptor of its own, and a warning says so.

   Why nothing waits for ever. A chunk waits on its worker until its job's versions have come; they come by messages and steps, in which no
   function runs and which wait for no chunk. Whom a rank asks is above it in a tree that ends at rank 0, which has everything and runs no function
   while it answers; a rank in between may be inside a function, which ends without any other rank's help, and answers then. If it has died,
   rank 0 says so (SHARE_LOST), and is asked in its place. Rank 0 says BYE when every worker that lives has told that it has every version
   (SHARE_HAVE), and no rank says anything of a version to another that has told so: the last that the one asks for is answered
   before the other can be complete. So nobody sends to a rank that has left.

   Memory: a version's data once a host, a record and a descriptor a rank, one piece in the hand of the post. */
#ifndef RANKFOLD_RUN_SHARE_H
#define RANKFOLD_RUN_SHARE_H

#include "run/share_host.h"
#include "run/share_table.h"
#include "wire/post.h"

typedef struct shares shares;

int shares_new(post *via, shares **made);       /* via stays the caller's */
void shares_free(shares *all);                  /* when the transport is freed: rank 0 lends it the data */

int shares_keep(shares *all, const char *name, const void *data, size_t size);  /* rank 0: one version more. RF_ENOMEM: it is not there */
void shares_served(shares *all, int peer, uint64_t version);        /* rank 0: peer has told that it has it */
bool shares_lent(const shares *all, uint64_t version);      /* rank 0: pieces of it are being read */
void shares_drop(shares *all, uint64_t version);            /* no new table has it; it goes when no table has it any more */

int shares_take(shares *all, message *what);    /* SHARE... but HAVE */
/* Answers who has asked. Returns when to be called again at the latest. Call it after shares_take, and before functions run. */
double shares_step(shares *all, double now);
void shares_lose(shares *all, int peer);        /* it is gone and asks for nothing; never rank 0 */
bool shares_in_demand(const shares *all, double now);   /* somebody is getting bytes here, piece by piece: no time for a long function */

/* upto: the versions after it are not seen. RF_ENOMEM. The table holds what it has. NULL where there is none. */
int share_table_new(const shares *all, uint64_t upto, share_table **made);
bool share_table_whole(const share_table *table);       /* all of it has come */
void share_table_free(share_table *table);

#endif
