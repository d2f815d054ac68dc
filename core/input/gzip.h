/* Gzip data out, content in: all members of a stream, one after another (RFC 1952; so BGZF too). Bytes in memory only;
   content.h reads the file. A zeroed gzip is ready for gzip_start. */
#ifndef RANKFOLD_INPUT_GZIP_H
#define RANKFOLD_INPUT_GZIP_H

#include <zlib.h>

#include "rankfold.h"

typedef struct gzip {
    z_stream flow;
    bool made;                      /* flow holds zlib's memory */
    bool inside;                    /* a member has begun and has not ended */
    uint64_t used;                  /* offset in the file of the next byte to take in */
    uint64_t member;                /* and of the first byte of the last member */
    const char *why;                /* after RF_EINPUT: what is wrong at used */
} gzip;

bool gzip_named(const char *path);      /* does the name say that the file is read through zlib? */

int gzip_start(gzip *stream, uint64_t at);      /* at a member that begins there in its file; again for the next file */
void gzip_free(gzip *stream);

/* Takes bytes from in, *taken of them, and makes at most room bytes of content at out, *made of them. Nothing taken and nothing made:
   more input is needed. RF_OK, RF_EINPUT, RF_ENOMEM; what was made before an error is good. */
int gzip_inflate(gzip *stream, const void *in, size_t in_size, size_t *taken, void *out, size_t room, size_t *made);

#endif
