/* Compressed files for the tests of the input, member by member: as gzip, as BGZF's writers, and as nobody would write them. */
#ifndef RANKFOLD_TESTS_ZIPPED_H
#define RANKFOLD_TESTS_ZIPPED_H

#include "base/buffer.h"

#define BGZF_CONTENT 65280              /* of a block, at most */

typedef struct zipped {                 /* a zeroed one is empty; freed by zipped_free */
    buffer file, content;
    buffer starts;                      /* uint64_t: of its members in the file, and of each in the content */
} zipped;

void zipped_free(zipped *of);
void zipped_member(zipped *to, const void *data, size_t size, int level);
void zipped_bgzf(zipped *to, const void *data, size_t size);            /* in as many blocks as it takes, without the empty last one */
void zipped_end(zipped *to);                                            /* that one */
/* A member of two stored blocks, the first of first bytes. */
void zipped_stored(zipped *to, const void *data, size_t size, size_t first);
size_t zipped_members(const zipped *of);
uint64_t zipped_start(const zipped *of, size_t i);                      /* past the last one: the file's size */

/* Lines of random lengths, up to most bytes each, on the whole or about size bytes. */
void draw_lines(buffer *to, size_t size, size_t most, uint64_t *random);
/* Members of random kinds and sizes, up to most bytes of content each, of such lines. */
void draw_zipped(zipped *to, size_t members, size_t most, size_t line, uint64_t *random);

#endif
