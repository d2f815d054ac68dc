/* The content of one file after another as a worker reads it: a window of bytes that moves forward, filled from the file or through
   zlib. It keeps its descriptor, its buffers and zlib's memory from file to file, and the descriptor from piece to piece.

   Of a .gz file the content may be that of one block of it (members.h), and what follows. Then nobody knows the offset in the whole
   content; a place is known by the member that it is in. */
#ifndef RANKFOLD_INPUT_CONTENT_H
#define RANKFOLD_INPUT_CONTENT_H

#include "base/buffer.h"
#include "input/gzip.h"
#include "input/members.h"
#include "input/seen_file.h"

/* A byte of a .gz is at: offset in the file of the member that holds it, times this, plus its offset in the member's content. So
   positions ascend, as content is at most 1,032 times what it was made of; and of a file of one member they are offsets in the
   content. */
#define CONTENT_SPREAD 2048

typedef struct content {            /* made by content_init, freed by content_close */
    seen_file file;
    bool gzipped;
    gzip stream;
    buffer raw;                     /* compressed bytes, of which raw_at are used */
    size_t raw_at;
    uint64_t next;                  /* offset in the file of the next byte to read */
    buffer window;                  /* 16-aligned, with room for a NUL behind */
    uint64_t offset;                /* of the window's first byte, in the content since it began */
    buffer joints;                  /* struct content_joint: where members begin, in order; */
    size_t joint;                   /* the last of them that was asked for */
    members members;
    uint64_t border;                /* of a block of a .gz: where it ends in the file; UINT64_MAX: it does not */
    uint64_t crossed;               /* and the offset at which the next block's content begins; UINT64_MAX: not known */
} content;

void content_init(content *of);
void content_close(content *of);

int content_open(content *of, const char *path, uint64_t size, int64_t modified, uint64_t at);     /* seen_open */
void content_doubt(content *of);                        /* a new piece: seen_doubt */
/* An empty window at offset; of a .gz always 0. content_begin_block: at 0 with what a .gz has from its first cut in [from, to) on;
   RF_END: there is none, and then nothing to fill. */
int content_begin(content *of, uint64_t offset);
int content_begin_block(content *of, uint64_t from, uint64_t to);
/* RF_OK: some of more bytes came, all of them before where the next block begins, or none; RF_END: the content has ended; else an error.
   After an error or RF_END it is not called again. */
int content_fill(content *of, size_t more);
void content_drop(content *of, size_t size);            /* takes bytes off the front: the rest moves to a multiple of 16 */
static inline uint64_t content_end(const content *of) { return of->offset + of->window.size; }
uint64_t content_position(content *of, uint64_t offset);        /* of a byte, as results and retries know it. Offsets asked for ascend */

#endif
