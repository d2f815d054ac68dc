/* A directory that a job by key has written: its MANIFEST (keyed/output.h) tells the parts, which are what there is to read. paths.c
   asks it while it walks; anything that differs is an output that somebody has changed, and an error that names it. */
#ifndef RANKFOLD_INPUT_MANIFEST_H
#define RANKFOLD_INPUT_MANIFEST_H

#include "base/buffer.h"

#define MANIFEST_NAME "MANIFEST"

typedef struct manifest {               /* zeroed: none; freed by manifest_free, also after an error */
    const char *path;                   /* the caller's */
    buffer text;                        /* all of it, a NUL for each tab and newline; */
    buffer parts;                       /* struct manifest_part, by name; */
} manifest;

/* Reads it where path is a manifest by its first line; else *ours is false, and it is a file like any other. RF_EINPUT: it cannot be
   read, or is damaged. */
int manifest_read(manifest *of, const char *path, bool *ours);
int manifest_meet(manifest *of, const char *path, uint64_t size);   /* a file beside it. RF_EINPUT: it is no part, or not of that size */
int manifest_done(const manifest *of);                              /* RF_EINPUT: a part was not met */
void manifest_free(manifest *of);

#endif
