/* The sealed runs that a worker keeps, under one budget of memory: beyond it runs go to the scratch folder, the largest first, since
   that frees most for one file. Run ids are the caller's; so is what a task and an attempt are.

   A run that is being read from memory must stay there: spill_use pins it, spill_release lets go. Pinned runs may hold more than
   the budget; it is met again when they are released. */
#ifndef RANKFOLD_KEYED_SPILL_H
#define RANKFOLD_KEYED_SPILL_H

#include "keyed/run.h"
#include "keyed/scratch.h"

typedef struct spill spill;

spill *spill_new(size_t memory, scratch *place);    /* place is borrowed; NULL: out of memory, told */
void spill_free(spill *all);                        /* and all runs; NULL is legal */

/* Takes the run, also after a failure: RF_ENOMEM: it is freed; RF_EOUTPUT (the disk is full): it is kept, in memory. An id that is
   there already is RF_EUSAGE: the run is freed. */
int spill_add(spill *all, uint64_t id, sealed_run *made);
const sealed_run *spill_look(const spill *all, uint64_t id);    /* without its blocks; NULL: there is none */
const sealed_run *spill_use(spill *all, uint64_t id);           /* to read it; NULL: there is none */
int spill_release(spill *all, uint64_t id);                     /* RF_OK, or as spill_add */
int spill_out(spill *all, uint64_t id);             /* from now on the run, which is there, lies in a file. RF_EOUTPUT. Nobody may be reading it from memory */
void spill_drop(spill *all, uint64_t id);                       /* frees the run; it is not in use */
void spill_clear(spill *all);                       /* frees all runs; those in use when they are released */
size_t spill_bytes(const spill *all);                           /* in memory */
uint64_t spill_written(const spill *all);                       /* to scratch, in all its life */

/* The memory that a worker may take when nobody says: half of what the node, or the narrowest control group around this process,
   has, divided by the ranks there. root is where proc and sys are looked for: "" but in tests. */
size_t spill_default_memory(unsigned ranks, const char *root);

#endif
