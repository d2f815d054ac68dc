/* A table of strings that several owners share by reference count: paths of a source, host names of a pool. It may grow
   while it is shared; strings never move once added. The owner that lets go last frees it. Not for several threads. */
#ifndef RANKFOLD_BASE_STRINGS_H
#define RANKFOLD_BASE_STRINGS_H

#include "rankfold.h"

typedef struct strings strings;

strings *strings_new(void);                             /* NULL: out of memory, told */
strings *strings_share(strings *table);                 /* NULL gives NULL */
void strings_free(strings *table);                      /* lets go; NULL is legal */
int strings_add(strings *table, const char *text);      /* a copy, at the end */
uint64_t strings_count(const strings *table);
const char *strings_at(const strings *table, uint64_t i);   /* NULL past the end, or where table is NULL */

#endif
