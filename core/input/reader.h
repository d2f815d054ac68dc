/* The worker's end of the input: takes a piece as it came in a message and gives its items one by one.

   Items start at a multiple of 16 and have a NUL behind; they are valid until the next reader_next. The reader keeps its
   block buffer and its open file between pieces (the next piece is mostly the next block of the same file); what is wrong
   with a file (unreadable, truncated, changed, corrupt .gz) is a failure of one item at that place, after which the reader goes on with the next
   unit. Nothing is trusted: a piece that does not fit its description is RF_EUSAGE. */
#ifndef RANKFOLD_INPUT_READER_H
#define RANKFOLD_INPUT_READER_H

#include "input/piece.h"

typedef struct reader reader;

reader *reader_new(void);
void reader_free(reader *from);

/* piece->body must stay until the next reader_open. first, count: its units. position: UINT64_MAX, or the one item to read:
   then reader_next gives exactly that one, or its failure. RF_EUSAGE, RF_ENOMEM: no item can be had. */
int reader_open(reader *from, const input_piece *piece, uint64_t first, uint64_t count, uint64_t position);

typedef struct reader_item {
    rf_value value;
    uint64_t unit;
    uint64_t position;      /* offset in the file, for a .gz content_position; the index of what was added; else the unit itself */
    const char *path;       /* NULL where no file is read; valid until reader_open */
    uint64_t path_index;    /* UINT64_MAX where no file is read */
    bool rest;              /* it failed, and so did whatever follows it in the unit, which nobody could tell apart. So it must not be
                               run again by its position: that would give this one item and lose the others */
} reader_item;

/* RF_OK; RF_END: the piece is done; RF_EINPUT, RF_ENOMEM: this item could not be read (item->unit, position and path are set, value is nil,
   the last error names file and offset), call again for what follows. Units without items are passed over: item->unit
   then jumps, and after RF_END all are done. */
int reader_next(reader *from, reader_item *item);

#endif
