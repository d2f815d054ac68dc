/* What a block is made of: for block.c, which keeps and reads, and gather.c, which lets one grow, alone.

   One allocation:  struct block | failures | holes | shared error | payload | words | tags | positions
   where the last four are there only when the delivery was borrowed (else they lie in memory). One that grows:
                    struct block | struct gathering */
#ifndef RANKFOLD_RESULT_BLOCK_LAYOUT_H
#define RANKFOLD_RESULT_BLOCK_LAYOUT_H

#include "result/block.h"

typedef struct run {            /* items of a block that came in one delivery */
    uint64_t unit;              /* of its first item */
    double seconds;             /* of all its items */
    uint32_t start;             /* its first item's number in the block */
    unsigned attempt;
    int rank;
} run;

typedef struct kept_failure {
    uint64_t item;
    failure *why;
    rf_error error;             /* that of why, but of this item */
} kept_failure;

struct gathering {
    column values;
    buffer runs;                /* run[], ascending */
    size_t hint;                /* the run where the last look-up ended: neighbours cost no search */
};

struct block {
    size_t users;
    bool large;                         /* it is from large_get, not from malloc */
    uint64_t items;
    column_view values;         /* of a block that does not grow */
    const uint64_t *positions;  /* or NULL */
    kept_failure *failures;
    uint64_t failure_count;
    const uint64_t *holes;
    uint64_t hole_count;
    failure *all_failed;
    rf_error *shared_error;     /* with all_failed: of the item that was read last */
    uint64_t path_index;
    buffer memory;              /* the delivery's, where it gave one */
    run own;                    /* the one of a block that does not grow */
    struct gathering *grows;    /* or NULL */
    _Alignas(16) uint8_t space[];
};

static inline bool block_points(uint64_t tag)
{
    return (tag & 15) >= RF_TEXT;
}

#endif
