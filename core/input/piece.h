/* What a RUN carries of the input: a piece, described by rank 0 (source.h), read by a worker (reader.h).

   A unit is what the scheduler counts: an item that rank 0 knows, or a block of a file that a worker reads, which holds any
   number of items. Units of a source are numbered from 0, on any number of ranks alike. The body is:

     INPUT_RANGE    nothing: unit u is first_value + u * step (a: value of the piece's first unit, b: step)
     INPUT_ARRAY    the elements, one after another (a: element size, b: rf_type)
     INPUT_COLUMN   a sealed column, a value a unit
     INPUT_ADDED    a sealed column, a value a unit, and behind it uint64_t[units], their indices (a: the column's size). Where it is one
                    unit, its index is b
     INPUT_PAIRS    a struct input_pairs: pairs of a dataset, which the worker makes a column of tuples of before they are read
     INPUT_SEVERAL  pieces, one after another, each a struct input_part and its body, padded to 16: never comes from rank 0, but a worker
                    makes one of what it hands on
     INPUT_UNREADABLE  a text with its NUL: why none of the units can be read
     INPUT_FILES    spans, each a struct input_span and the path with its NUL, padded to 8 (a: split size, b: record size, layout)
     INPUT_ZIP      a struct input_member for each member (a: how many), then their bodies, each padded to 16: a unit is a tuple of
                    one of each; a single is a zip of one, the only zip that may have a member of files */
#ifndef RANKFOLD_INPUT_PIECE_H
#define RANKFOLD_INPUT_PIECE_H

#include "base/buffer.h"

enum input_kind { INPUT_RANGE = 1, INPUT_ARRAY, INPUT_COLUMN, INPUT_FILES, INPUT_ADDED, INPUT_ZIP, INPUT_PAIRS, INPUT_UNREADABLE, INPUT_SEVERAL };
enum input_layout { INPUT_SPLITS = 1, INPUT_LINES, INPUT_WHOLE, INPUT_RECORDS, INPUT_PREFIXED };

#define INPUT_MEMBERS_MOST 64           /* as many as RF_ARGS reads */
#define INPUT_DEPTH_MOST 8              /* zips in zips */

typedef struct input_piece {
    uint32_t kind, layout;
    uint64_t a, b;
    const void *body;               /* 16-aligned only where the source could; the message layer aligns what it copies */
    size_t body_size;
    bool borrowed;                  /* body is the user's array: it stays put until the job ends. Otherwise it is valid until the next
                                       source_describe of this source, or, where stored, until source_forget of its units */
    bool stored;
} input_piece;

/* Consecutive blocks of one file. Block k holds the items that start in [k * split_size, (k + 1) * split_size); for records the
   blocks are whole multiples of the record, for a .gz (of lines and splits, from two split sizes on) members.h says it. whole: one block is all of it, whatever its size (another .gz, INPUT_WHOLE, INPUT_PREFIXED, files that
   stat says are empty: those of /proc say so). */
struct input_span {
    uint64_t path_index;            /* in the source's path table; also the file's ordinal */
    uint64_t first_block, blocks;
    uint64_t file_size;             /* when rank 0 looked: a worker that finds another size reports the file as changed */
    int64_t modified;               /* nanoseconds */
    uint32_t whole, path_size;      /* path_size without the NUL */
};

/* Consecutive pairs of one part of a dataset: of a run that rank has sealed for a job by key. */
struct input_pairs {
    uint64_t keyed, run, first, count;
    int64_t rank;
};

/* A piece inside a piece. */
struct input_member {
    uint32_t kind, layout;
    uint64_t a, b;
    uint64_t body_size;                 /* without its padding */
};

/* One of several: of the units first, first + 1, ... */
struct input_part {
    uint64_t first, count;
    struct input_member piece;
};
_Static_assert(sizeof(struct input_part) % 16 == 0, "a body behind it lies as bodies must");

#endif
