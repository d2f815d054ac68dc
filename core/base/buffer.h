/* Bytes that grow. The data starts at a multiple of 16 and moves when it grows: hold offsets, not pointers. The owner
   frees it with buffer_free, never with free(data): large ones are not malloc's (large.h). A zeroed buffer is empty. Every
   call that can fail gives RF_ENOMEM (told in the last error) or NULL and leaves the buffer as it was.

   A fixed buffer is laid over memory that belongs to somebody else: it never moves, and is full when that is full. */
#ifndef RANKFOLD_BASE_BUFFER_H
#define RANKFOLD_BASE_BUFFER_H

#include "rankfold.h"

typedef struct buffer {
    uint8_t *data;
    size_t size, capacity;
    bool fixed;
} buffer;

static inline buffer buffer_over(void *data, size_t capacity) { return (buffer){.data = data, .capacity = capacity, .fixed = true}; }

int buffer_reserve(buffer *bytes, size_t more);                 /* room for more bytes after size */
static inline bool buffer_has(const buffer *bytes, size_t more) { return bytes->capacity - bytes->size >= more; }     /* there is room already */
void *buffer_add(buffer *bytes, size_t size);                   /* size bytes more, not zeroed */
int buffer_put(buffer *bytes, const void *data, size_t size);   /* appends a copy */
int buffer_align(buffer *bytes, size_t multiple);               /* zeros up to a multiple (a power of two) */
void buffer_free(buffer *bytes);                                /* and zeroes it; a fixed one's memory stays */

#endif
