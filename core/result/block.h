/* Results on rank 0: a delivery is what a part brings (a view, mostly of a frame); a block is a delivery that is kept.

   Columns stay columns: a block is one allocation beside its bytes, whatever the number of its items. Blocks are shared
   by reference count, because one may be handed on in several spans: items that failed and will come again are holes in
   it. The stash and spans call this; nobody else keeps results. */
#ifndef RANKFOLD_RESULT_BLOCK_H
#define RANKFOLD_RESULT_BLOCK_H

#include "base/error.h"
#include "base/strings.h"
#include "value/column.h"

#define BLOCK_NO_PATH UINT64_MAX

typedef struct item_failure {
    uint64_t item;                      /* in the delivery, ascending */
    failure *why;
} item_failure;

typedef struct delivery {
    uint64_t unit;                      /* the first item's */
    uint64_t items;
    const uint64_t *positions;          /* NULL: item i is unit + i. Offsets in the file; without a path, units: none or several may
                                           be of one unit */
    column_view values;                 /* nil where an item failed */
    const item_failure *failures;       /* failed for good; shared (failure_share) by who keeps them */
    uint64_t failure_count;
    bool own_indices;                   /* a failure's index is its own, not its item's: of a task by key the item that it was at */
    const uint64_t *again;              /* ascending items that are no part of it: they will come by themselves */
    uint64_t again_count;
    failure *all_failed;                /* NULL, or why none was done: values and failures are then empty */
    uint64_t path_index;                /* or BLOCK_NO_PATH */
    int rank;
    unsigned attempt;
    double seconds;                     /* of all items together */
    buffer memory;                      /* what values and positions point into, malloc'ed, given with the delivery; or
                                           empty: they are borrowed, and copied by who keeps them */
} delivery;

typedef struct block block;
block *block_keep(delivery *from);      /* takes from->memory (also where it fails); NULL: out of memory, told */
block *block_share(block *kept);
bool block_is_shared(const block *kept);
void block_free(block *kept);           /* lets go; NULL is legal */
uint64_t block_items(const block *kept);
const uint64_t *block_holes(const block *kept, uint64_t *count);    /* what was again in its delivery */

/* A result's error lives as long as the block, with one exception: where all_failed stands for many items, they share
   one rf_error, and it is this item's until the next block_result of the block. */
rf_result block_result(const block *kept, uint64_t item, const strings *hosts, const strings *paths);
rf_value block_value(const block *kept, uint64_t item);
bool block_failed(const block *kept, uint64_t item);
bool block_find(const block *kept, bool failed, uint64_t *item);    /* the first (un)failed one at *item or after it */
uint64_t block_failures(const block *kept, uint64_t first, uint64_t count);     /* how many of those items failed */

/* Position in the input: < 0: item a of one comes before item b of other. Total over the blocks of one job: items of
   one file by their positions, all others by their units (those of different files differ). A job whose items have
   positions gives them in each delivery, also of single items that failed for good; units that were not run to
   their end have none, and are behind what of them was run. Without a path positions are units, and may be left out where
   they are unit + i. */
int block_compare(const block *one, uint64_t a, const block *other, uint64_t b);

/* Gathering (gather.c): one growing block for many small deliveries, at 32 bytes for each beside its values, and none
   where one goes on where the last one ended. Texts and bytes read before an append are not valid after it. */
#define BLOCK_SMALL_BYTES 1024
bool block_is_small(const delivery *from);      /* and plain: no positions, failures, holes */
bool block_part_is_small(const block *kept, uint64_t first, uint64_t count);
block *block_gather(uint64_t path_index, const block *like);    /* empty, with room for as much as like (or NULL) has */
bool block_takes(const block *gathered, uint64_t path_index);   /* there is room for a small delivery of that file */
int block_append(block *gathered, const delivery *from);            /* from is small; its memory stays the caller's */
int block_append_part(block *gathered, const block *from, uint64_t first, uint64_t count);
void block_empty(block *gathered);              /* nobody shares it: for use again without an allocation */
uint64_t block_path_index(const block *kept);

#endif
