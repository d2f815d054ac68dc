/* What an ordered job has got ahead of its turn: a list of blocks for each chunk, put in item order when the chunk is
   delivered. A chunk that came in one piece, in one delivery, is handed on as it is. The coordinator fills it with what
   parts bring and delivers when the plan says so.

   Invariant: deliveries of a chunk are runs of consecutive items that do not overlap, but for holes: an item that was
   again in one delivery comes in a later one, which lies in that hole as a whole. */
#ifndef RANKFOLD_RESULT_STASH_H
#define RANKFOLD_RESULT_STASH_H

#include "result/spans.h"

typedef struct stash stash;             /* of one job */

stash *stash_new(void);
void stash_free(stash *all);
/* Chunk numbers are small and used again after stash_deliver. */
int stash_add(stash *all, uint32_t chunk, delivery *from);      /* keeps it; takes from->memory always */
int stash_deliver(stash *all, uint32_t chunk, spans *to);       /* to NULL: drops them. Always forgets the chunk */
uint64_t stash_items(const stash *all, uint32_t chunk);         /* without those that come again */

#endif
