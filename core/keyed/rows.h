/* Records in memory, divided by partition, in the order in which they came: what a map task has when nothing combines it any
   more, and what is sorted and sealed. Bytes lie in pages that never move, so that rows can be handed on to others whole.

       parts[p]:   entry entry entry ...          (prefix, pointer)
                     |     |
       pages:      | record | record | ... |   | record | ... |

   A record costs its bytes and an entry of 16; pages and entries grow, nothing is allocated for a record. Where a page comes full of
   records it is exchanged for an empty one, and they are not copied. */
#ifndef RANKFOLD_KEYED_ROWS_H
#define RANKFOLD_KEYED_ROWS_H

#include "base/buffer.h"
#include "keyed/sort.h"

#define ROWS_PAGE ((size_t)262144)

typedef struct rows {
    uint32_t partitions;
    buffer *parts;                  /* entry[] each */
    buffer pages;                   /* uint8_t *[]; behind used_pages those that rows_clear left to be used again */
    size_t used_pages;
    uint8_t *at, *end;              /* what is left of the newest page */
    uint64_t records;
    size_t bytes;                   /* of all pages and entries in use */
    size_t largest;                 /* of the records: what one takes */
} rows;

int rows_init(rows *all, uint32_t partitions);              /* RF_ENOMEM: rows_free is legal */
void rows_free(rows *all);
void rows_clear(rows *all);                                 /* keeps memory for as many records again: touching fresh
                                                               memory costs as much as all else that is done with a row */
uint8_t *rows_room(rows *all, size_t most);                 /* where a record of at most so many bytes can be written; NULL: RF_ENOMEM */
int rows_keep(rows *all, uint32_t partition, uint64_t prefix, size_t size);     /* what was written there */
int rows_add(rows *all, uint32_t partition, uint64_t prefix, const uint8_t *record_bytes, size_t size);

/* full: ROWS_PAGE bytes of large_get, all's from now on; the empty page given for it is the caller's. NULL: RF_ENOMEM, it stays the caller's. The
   records in it are added by rows_point, which copies nothing. */
uint8_t *rows_exchange(rows *all, uint8_t *full);
int rows_point(rows *all, uint32_t partition, uint64_t prefix, const uint8_t *record_bytes, size_t size);

int rows_adopt(rows *all, rows *from);                      /* behind all that is there; from is then clear. RF_ENOMEM: unchanged */
static inline size_t rows_count(const rows *all, uint32_t partition) { return all->parts[partition].size / sizeof(entry); }
static inline entry *rows_entries(const rows *all, uint32_t partition) { return (entry *)(void *)all->parts[partition].data; }

#endif
