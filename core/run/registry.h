/* The registry: RF_REGISTER's constructors link their registrations into one list (the library's one global beside the
   last error and the log sink). A pool takes a snapshot when it opens: sorted by file:name (the file without its
   folders), so that a function's number is the same on every rank that has the same functions. Pools use it, and
   rf_find. */
#ifndef RANKFOLD_RUN_REGISTRY_H
#define RANKFOLD_RUN_REGISTRY_H

#include "base/buffer.h"

typedef struct registry registry;

/* RF_EREGISTRY, told: two functions of one name in one file name, or folded by the linker into one address (say how to
   switch that off); RF_ENOMEM. An empty registry is legal. */
int registry_snapshot(registry **made);
void registry_free(registry *all);
uint64_t registry_count(const registry *all);

/* NULL past the end. A copy: fields that the program's rankfold.h did not have yet are zero, name and file (without its
   folders) are the registry's. */
const rf_registration *registry_at(const registry *all, uint32_t number);

/* The number of a function of that kind, in O(log n). RF_EUNREGISTERED names it (dladdr, else the program's own ELF
   symbol table, which knows static functions, else its address) and the line to add; a nested function or one that was
   registered after the pool opened is told as such; RF_EUSAGE: it is registered as another kind. *number is UINT32_MAX
   after a failure. */
int registry_number(const registry *all, rf_any_function *function, int kind, uint32_t *number);
const char *registry_kind_name(int kind);               /* "map" */

bool registry_find(rf_any_function *function, rf_registration *copy);   /* as it is registered now; else zeros */
uint64_t registry_fingerprint(const registry *all);     /* of names and kinds */
const void *registry_names(const registry *all, size_t *size);  /* "kind file:name\0" each: what a HELLO carries */

/* How the functions of rank differ from ours: appends a line such as "rank 3 (host b) lacks geometry.c:area and has
   geometry.c:volume besides" to text, nothing where they do not; names are not trusted. RF_OK, RF_ENOMEM. text is
   NUL-terminated (size does not count it). */
int registry_compare(const registry *all, int rank, const char *host, const void *names, size_t size, buffer *text);

#endif
