/* Values as MessagePack (msgpack.org/specification). Written with msgpack-c's packer; read by a cursor of our own, because
   a function reads its arguments once an item and msgpack-c's reader builds a tree in allocated memory each time. The
   cursor never trusts what it reads: every size is checked against what is left, nothing recurses.

   A container rf_value in memory is one of (the library's four tag bits, VALUE_FLAGS):
     VALUE_PACKED  (0)  data, size: one whole MessagePack array or map
     VALUE_OPENED       data, size: what is left of its elements after the first rf_take
     VALUE_BORROWED     data: an array of rf_value; size: how many (rf_tuple_of, rf_dict_of) */
#ifndef RANKFOLD_VALUE_PACK_H
#define RANKFOLD_VALUE_PACK_H

#include "base/buffer.h"

#define VALUE_FLAGS 0xf0u
enum { VALUE_PACKED = 0, VALUE_OPENED = 0x10, VALUE_BORROWED = 0x20 };
#define PACK_DEPTH 64               /* nesting that is written; deeper is RF_EUSAGE */

/* Appends value. RF_ENOMEM; RF_EUSAGE: too deep, half a pair in a dictionary, no value at all; RF_EARGS: a text, bytes or container
   above the 4 GiB that the format can say. The buffer is then as it was. */
int pack_value(buffer *to, rf_value value);
int pack_dict_head(buffer *to, uint64_t pairs);         /* likewise, key and value by turns */
int pack_tuple_head(buffer *to, uint64_t count);        /* the head of a tuple whose elements the caller appends */

/* Takes one object off the front, as a view. RF_END at the end; RF_EARGS: malformed, or an extension type (neither is told in
   the last error: the caller knows what it read). Where it is not RF_OK the front stays and value is nil. */
int unpack_value(const void **at, size_t *left, rf_value *value);

/* Takes the head of a container of this type off the front; count: its elements, for a dictionary keys and values. RF_EARGS
   when it is none, or too short to hold that many. */
int unpack_head(const void **at, size_t *left, rf_type type, uint64_t *count);
size_t unpack_skip(const void *at, size_t left, uint64_t count);    /* the bytes that count objects take; SIZE_MAX: malformed */
bool value_is_container(rf_value value);

#endif
