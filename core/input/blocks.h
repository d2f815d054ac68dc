/* Map tasks by key: consecutive units of a source, cut by how many items and bytes they are. Their cuts are recorded, so that a task is described again for a
   retry; a block once cut never changes. Rank 0's jobs own one; the plan then counts blocks as its units. */
#ifndef RANKFOLD_INPUT_BLOCKS_H
#define RANKFOLD_INPUT_BLOCKS_H

#include "base/buffer.h"
#include "input/source.h"

typedef struct blocks {
    buffer starts;                      /* uint64_t: the first unit of each block, and where the last one ends */
    uint64_t items, bytes;              /* of a block, at most, unless one unit is larger */
} blocks;

/* Cuts what is not cut yet of the units below known; ended: also what does not fill a block. RF_ENOMEM. */
int blocks_cut(blocks *all, const rf_source *source, uint64_t known, bool ended);
static inline uint64_t blocks_count(const blocks *all) { return all->starts.size ? all->starts.size / sizeof(uint64_t) - 1 : 0; }
static inline uint64_t blocks_start(const blocks *all, uint64_t i) { return ((const uint64_t *)(const void *)all->starts.data)[i]; }
void blocks_free(blocks *all);

#endif
