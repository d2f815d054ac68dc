/* A job's shared data (share.h) on its way into a child: with the job the rank tells where each piece is, and the child maps the same memory.
   It opens the rank's own descriptor through /proc, so that nothing has to be passed for jobs that come when the child lives already; the rank
   keeps the memory as long as it has the job. */
#ifndef RANKFOLD_RUN_FORK_SHARES_H
#define RANKFOLD_RUN_FORK_SHARES_H

#include "run/share_table.h"

/* The rank. space: a multiple of 8. table may be NULL. */
size_t fork_shares_size(const share_table *table);
void fork_shares_put(const share_table *table, void *space);

/* The child. told: what was put. *bytes: of address space that it takes. *made may be NULL: none. RF_ENOMEM, told. */
int fork_shares_open(const void *told, share_table **made, size_t *bytes);
void fork_shares_close(share_table *table);

#endif
