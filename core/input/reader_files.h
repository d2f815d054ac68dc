/* The part of the reader that reads files: blocks of lines, splits, records, pairs, and whole contents. Called by reader.c alone,
   which owns it.

   What starts in a block belongs to it. A line starts at 0 and behind each newline, so block k > 0 begins one byte early,
   and its first line is behind the first newline in [start - 1, end - 1); where there is none no line starts in it, and it reads
   no further: a file of one endless line is read about twice, whatever the number of its blocks. The last line goes on past
   the block's end. Contents of unknown length (.gz, files that stat says are empty) are one block without end.

   Of a .gz in blocks nobody knows what stands before the content of a block (content.h), nor whether a line starts with it. So a line that
   does belongs to the block before, and block k > 0 has those that start behind its first byte, up to and with the first byte of the next
   block's. There start and end are offsets since the block's content began. */
#ifndef RANKFOLD_INPUT_READER_FILES_H
#define RANKFOLD_INPUT_READER_FILES_H

#include "input/content.h"
#include "input/reader.h"

typedef struct file_reader {
    content content;
    buffer copy;                        /* of an item that does not start at a multiple of 16 */
    enum input_layout layout;
    uint64_t split_size, record_size;
    uint64_t wanted;                    /* position of the one item to give; UINT64_MAX: all */
    const uint8_t *spans, *spans_end;   /* not yet begun */
    struct input_span span;             /* the one that is read, with its path; */
    const char *path;
    uint64_t block, blocks_left;        /* its next block */
    uint64_t next_unit;
    bool reading;                       /* inside a unit: */
    uint64_t unit, start, end;          /* its items start in [start, end) of the content */
    bool compressed;                    /* it is a block of a .gz: it is [start, border) of the file, and end is found on the way */
    uint64_t border;
    bool ended;                         /* the window holds all that is left of the content */
    size_t at, scanned;                 /* in the window: where the next item starts; bytes behind at that do not end it */
    uint8_t *hidden_at, hidden;         /* the byte on which an item's NUL lies, while it is valid */
} file_reader;

void file_reader_init(file_reader *from);
void file_reader_free(file_reader *from);
int file_reader_open(file_reader *from, const input_piece *piece, uint64_t first, uint64_t count, uint64_t position);
int file_reader_next(file_reader *from, reader_item *item);

const void *item_copy(buffer *to, const void *data, size_t size);   /* at a multiple of 16, with a NUL behind; NULL: out of memory */

#endif
