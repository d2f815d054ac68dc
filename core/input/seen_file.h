/* A file that rank 0 has looked at, as a worker reads it: at any offset, by pread. Bytes are given only after a look (fstat) has
   shown that it is still what rank 0 saw, so that no item is made of a file that has changed. Errors (RF_EINPUT) name path
   and offset. */
#ifndef RANKFOLD_INPUT_SEEN_FILE_H
#define RANKFOLD_INPUT_SEEN_FILE_H

#include <sys/types.h>

#include "base/buffer.h"

typedef struct seen_file {          /* made by seen_init, freed by seen_close */
    int descriptor;                 /* -1: none is open */
    buffer path;                    /* of it, with its NUL */
    dev_t device;
    ino_t inode;
    uint64_t size;                  /* when rank 0 looked. 0: read to the end, whatever it is */
    int64_t modified;               /* nanoseconds */
} seen_file;

void seen_init(seen_file *of);
void seen_close(seen_file *of);
static inline const char *seen_path(const seen_file *of) { return (const char *)of->path.data; }

/* Makes path the file that is read; refuses it when it is not what rank 0 saw. at: the offset named in errors. */
int seen_open(seen_file *of, const char *path, uint64_t size, int64_t modified, uint64_t at);
void seen_doubt(seen_file *of);     /* the open file is used again only if its path still leads to it */

/* Up to size bytes at at. RF_OK: *got of them, at least one; fewer than size at the file's end, or when an error comes after some: the next
   call meets it again. RF_END: nothing is there any more. */
int seen_read(const seen_file *of, uint64_t at, void *to, size_t size, size_t *got);

#endif
