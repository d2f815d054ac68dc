/* The content of one file after another as a worker reads it: a window of bytes that moves forward, filled by pread or through
   zlib. It keeps its descriptor, its buffers and zlib's memory from file to file, and the descriptor from piece to piece.

   Bytes get into the window only after a look at the file (fstat) has shown that it is still what rank 0 saw, so that no
   item is made of a file that has changed. Errors name path and offset. */
#ifndef RANKFOLD_INPUT_CONTENT_H
#define RANKFOLD_INPUT_CONTENT_H

#include <sys/types.h>

#include "base/buffer.h"
#include "input/gzip.h"

typedef struct content {            /* zeroed by content_init, freed by content_close */
    int file;                       /* -1: none is open */
    buffer path;                    /* of it, with its NUL */
    dev_t device;
    ino_t inode;
    uint64_t size;                  /* when rank 0 looked. 0: read to the end, whatever it is */
    int64_t modified;               /* nanoseconds */
    bool gzipped;
    gzip stream;
    buffer raw;                     /* compressed bytes, of which raw_at are used */
    size_t raw_at;
    uint64_t next;                  /* offset in the file of the next byte to read */
    buffer window;                  /* 16-aligned, with room for a NUL behind */
    uint64_t offset;                /* of the window's first byte in the content */
} content;

void content_init(content *of);
void content_close(content *of);

/* Makes path the file that is read; refuses it (RF_EINPUT) when it is not what rank 0 saw. at: the offset named in errors. */
int content_open(content *of, const char *path, uint64_t size, int64_t modified, uint64_t at);
void content_doubt(content *of);                        /* a new piece: the open file is used again only if its path still leads to it */
int content_begin(content *of, uint64_t offset);        /* an empty window at offset; of a .gz always 0 */
int content_fill(content *of, size_t more);             /* RF_OK: some of more bytes came; RF_END: the content has ended; else an error */
void content_drop(content *of, size_t size);            /* takes bytes off the front: the rest moves to a multiple of 16 */
static inline uint64_t content_end(const content *of) { return of->offset + of->window.size; }

#endif
