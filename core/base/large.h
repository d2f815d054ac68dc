/* Memory for large pieces: results, bodies of messages, blocks of files. Fresh memory costs more than all that is done with
   it: where the kernel gives it page by page, 1 MiB takes as long to touch as ten copies of it. So large pieces are cut from slabs of
   huge pages (Linux, transparent_hugepage: always or madvise); a piece given back is the next one of its size, and a slab whose pieces are all
   free is used again: both while they are warm.

   One set of slabs a process, behind a lock: a piece may be freed by any thread. Unused memory that is kept: two slabs of 4 and two of 16 MiB at most, and one of up to 32. */
#ifndef RANKFOLD_BASE_LARGE_H
#define RANKFOLD_BASE_LARGE_H

#include "rankfold.h"

#define LARGE_LEAST 32768           /* bytes: below it malloc serves better */

void *large_get(size_t size);       /* a multiple of 64; not zeroed; NULL: out of memory */
void *large_grow(void *piece, size_t used, size_t size);    /* a larger one with the first used bytes; NULL: out of memory, and it stays */
void large_free(void *piece);       /* NULL is legal */

#endif
