/* Many values as columns: what a chunk of items and a block of results are, in memory and on the wire alike.

   Sealed bytes, 16-aligned, native byte order (ranks of one job are of one kind):

       payload      texts, bytes and MessagePack, each at a multiple of 16, a NUL after it; padded to 16
       words        uint64_t[count]: the number itself, or the offset in payload
       tags         uint64_t[count], only when mixed: size << 8 | type
       tail         struct column_tail

   The tail is last so that payload is written once, in place, while it is not yet known how many values there will be.
   Cost: numbers of one type take 8 bytes each and one store; nothing is allocated per value. A value costs one copy. */
#ifndef RANKFOLD_VALUE_COLUMN_H
#define RANKFOLD_VALUE_COLUMN_H

#include "base/buffer.h"

typedef struct column {             /* a zeroed column is empty; the owner frees it */
    buffer payload, words, tags;
    uint64_t count;
    uint64_t tag;                   /* of all values while not mixed */
    bool mixed;
} column;

struct column_tail { uint64_t count, tag, mixed, payload; };

int column_add(column *values, rf_value value);     /* copies (not from this column itself); borrowed containers become MessagePack */
void *column_add_space(column *values, rf_type type, size_t size);      /* size bytes to fill, and a NUL after them; valid until the next change */
void column_cut(column *values, uint64_t count);                        /* drops all values from count on */
size_t column_bytes(const column *values);                              /* what it takes sealed */
int column_seal(column *values, buffer *sealed);    /* moves the bytes into *sealed (owned by the caller, who frees what was in it before) and empties the column,
                                                       which keeps its words and tags for reuse; payload is not copied. Not for a fixed one */
void column_seal_into(const column *values, void *space);               /* writes column_bytes bytes at space */
void column_free(column *values);
bool column_sound(const column *values);    /* for one that somebody else has filled: it can be read, as column_open would say once it was sealed */

typedef struct column_view {        /* sealed bytes (or a column) to read; the bytes belong to somebody else */
    const uint8_t *payload;
    const uint64_t *words, *tags;   /* tags NULL: all have tag */
    uint64_t tag, count;
} column_view;

/* Checks the bytes (sizes, offsets, types: all, so that reading needs no checks) and gives the view. RF_EARGS: not a column. */
int column_open(column_view *view, const void *sealed, size_t size);
column_view column_look(const column *values);      /* valid until the column changes */

static inline rf_value column_at(const column_view *view, uint64_t i)
{
    rf_value value;
    value.tag = view->tags ? view->tags[i] : view->tag;
    value.u64 = view->words[i];
    if ((value.tag & 15) >= RF_TEXT)
        value.data = view->payload + value.u64;
    return value;
}

/* Drops all values and keeps the room, and the tag: the next number of that type goes the short way of column_add. */
static inline void column_rewind(column *values)
{
    values->payload.size = values->words.size = values->tags.size = 0;
    values->count = 0;
    values->mixed = false;
}

/* The same of a column that is being filled: valid until it changes. */
static inline rf_value column_peek(const column *values, uint64_t i)
{
    rf_value value;
    value.tag = values->mixed ? ((const uint64_t *)(const void *)values->tags.data)[i] : values->tag;
    value.u64 = ((const uint64_t *)(const void *)values->words.data)[i];
    if ((value.tag & 15) >= RF_TEXT)
        value.data = values->payload.data + value.u64;
    return value;
}

#endif
