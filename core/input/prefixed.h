/* Pairs as a job by key writes them in RF_PREFIXED: | key size 4 | value size 4 | key | value |, little-endian. Where one ends is for cut.h
   to say; this is what one holds, for files (reader_files.c) and for standard input (standard_input.c). */
#ifndef RANKFOLD_INPUT_PREFIXED_H
#define RANKFOLD_INPUT_PREFIXED_H

#include "base/buffer.h"

#define PREFIXED_SIZES ((size_t)8)      /* before the key */

/* Bytes of the record that begins with PREFIXED_SIZES bytes at text; 0: a key or a value of 2 GiB or more, which none has. */
uint64_t prefixed_size(const uint8_t *text);

/* What cut_item has found at offset of name: RF_OK, or RF_EINPUT, which names both. size: how much of it is there. */
int prefixed_check(const uint8_t *text, size_t size, const char *name, uint64_t offset);

/* A whole record as the tuple (key, value), a borrowed one. Both are copied into to, where each starts at a multiple of 16 and has
   a NUL behind. RF_ENOMEM. */
int prefixed_pair(const uint8_t *text, buffer *to, rf_value *pair);

#endif
