/* Memory that is given back all at once: what a call hands out until its function returns. Pieces start at a multiple of
   16 and never move. arena_reset keeps one block for the next item, so that small items never reach malloc. */
#ifndef RANKFOLD_BASE_ARENA_H
#define RANKFOLD_BASE_ARENA_H

#include "rankfold.h"

typedef struct arena {
    struct arena_block *blocks;     /* newest first */
    uint8_t *at, *end;
} arena;

void *arena_add(arena *memory, size_t size);    /* NULL: out of memory, told in the last error */
void arena_reset(arena *memory);
void arena_free(arena *memory);

#endif
