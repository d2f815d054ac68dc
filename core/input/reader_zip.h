/* The part of the reader that puts the items of several sources together. Called by reader.c alone, which owns it.

   Each member has a reader of its own, made when it is first needed and kept between pieces. An item is a borrowed tuple (pack.h) of
   the members' items, which are valid until the next one: nothing is copied or encoded for an item. */
#ifndef RANKFOLD_INPUT_READER_ZIP_H
#define RANKFOLD_INPUT_READER_ZIP_H

#include "input/reader.h"

typedef struct zip_reader {
    unsigned depth;                     /* zips around it, with itself */
    size_t count;                       /* members of the piece that is read */
    buffer members;                     /* reader *, as many as were ever needed */
    buffer elements;                    /* rf_value, the item */
} zip_reader;

void zip_reader_free(zip_reader *from);
int zip_reader_open(zip_reader *from, const input_piece *piece, uint64_t first, uint64_t count, uint64_t position);
int zip_reader_next(zip_reader *from, reader_item *item);
bool zip_reader_of_files(const zip_reader *from);       /* its one member is */

/* reader.c */
reader *reader_inside(unsigned depth);                  /* for a member: so many zips are around it */
bool reader_of_files(const reader *from);               /* the piece that is open is of files, so that a unit may have any number of items */

#endif
