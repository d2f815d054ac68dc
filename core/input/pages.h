/* Units that rank 0 holds: values in pages, in unit order, each page a column of at most SOURCE_PIECE_BYTES, or one larger
   value alone and sealed, so that describing it copies nothing. Blocks of files between them (lists of paths with "-")
   are pages too, of no bytes. Sources own their pages; a page's memory goes when all its units are forgotten.

       table   [ gone gone | page 0..7 | page 8 (one large value) | page 9..40 | blocks of file 3 | page ... ] <- values are added here

   Finding a unit is a binary search: pages have no gaps between them. */
#ifndef RANKFOLD_INPUT_PAGES_H
#define RANKFOLD_INPUT_PAGES_H

#include "input/piece.h"
#include "value/column.h"

typedef struct page {
    uint64_t first, count;
    uint64_t left;                  /* units not yet forgotten; 0: the page holds nothing */
    column values;
    buffer sealed;                  /* one value above SOURCE_PIECE_BYTES */
    uint64_t file, block;           /* blocks of a file, from block on; file UINT64_MAX: values */
} page;

typedef struct pages {              /* a zeroed one is empty */
    buffer table;                   /* of struct page */
    size_t gone;                    /* pages at the front of the table that hold nothing */
    uint64_t count;                 /* units added so far */
    uint64_t bytes;                 /* of all values added so far */
    column incoming;                /* a value on its way to a page */
    column chosen;                  /* what is described, when it is not one page as it is */
    buffer body;
} pages;

int pages_add(pages *held, rf_value value);                     /* copies */
int pages_add_incoming(pages *held);                            /* the one value in held->incoming, which is empty afterwards */
int pages_add_blocks(pages *held, uint64_t file, uint64_t block, uint64_t blocks);
const page *pages_find(const pages *held, uint64_t unit);       /* NULL: never added, or forgotten */
int pages_describe(pages *held, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described);   /* values */
void pages_forget(pages *held, uint64_t first, uint64_t count);
void pages_free(pages *held);

#endif
