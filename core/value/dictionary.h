/* Keys of any type, in the order in which they first came, and values gathered under each: what group_by, count_by and
   rf_results_dict build on rank 0. Two keys are the same when their MessagePack is: 1 and 1u are, 1 and 1.0 are not.

   Memory: for each distinct key its bytes and some 80 more, and the bytes of the values kept under it. */
#ifndef RANKFOLD_VALUE_DICTIONARY_H
#define RANKFOLD_VALUE_DICTIONARY_H

#include "base/buffer.h"

typedef struct dictionary_entry {
    size_t key, key_size;               /* in keys */
    uint64_t hash, count;               /* count: values under it */
    buffer values;                      /* MessagePack, one after another */
} dictionary_entry;

typedef struct dictionary {             /* a zeroed one is empty; the owner frees it */
    buffer keys, entries, slots;
} dictionary;

/* RF_ENOMEM, or what pack_value says of a key or a value. *entry is valid until the next call; made where there was none. */
int dictionary_at(dictionary *of, rf_value key, dictionary_entry **entry);
int dictionary_add(dictionary *of, rf_value key, rf_value value);
int dictionary_set(dictionary *of, rf_value key, rf_value value);  /* instead of those before */
uint64_t dictionary_count(const dictionary *of);
dictionary_entry *dictionary_entry_at(const dictionary *of, uint64_t i);
const void *dictionary_key(const dictionary *of, const dictionary_entry *entry);
void dictionary_free(dictionary *of);

#endif
