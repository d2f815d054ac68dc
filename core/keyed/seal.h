/* Sealing: rows, sorted partition by partition, become a run. A user's combiner is called here, on groups of equal keys. */
#ifndef RANKFOLD_KEYED_SEAL_H
#define RANKFOLD_KEYED_SEAL_H

#include "keyed/rows.h"
#include "keyed/run.h"

/* What a user's combiner emits goes through it: to the run that is being written, under the group's key. */
typedef struct seal_output {
    run_writer *to;
    const record *key;              /* NULL: no combiner is running */
    buffer bytes, packed;
} seal_output;

int seal_combined(seal_output *to, rf_value key, rf_value value);   /* RF_EUSAGE: another key, or no combiner runs */

/* path NULL: in memory. The entries of rows are sorted, nothing else in them changes. space is used again by the next one. into: what a
   combiner is given; output is in it. A combiner that sees fewer than one repeated key among eight records of a partition
   would cost more than it saves there and is not called: it is exact, so that nobody can tell. Nor is it called under a
   secondary sort, whose order of values it could break. */
int seal_rows(const shape *of, rows *from, buffer *space, const char *path, struct emitter *into, seal_output *output,
              sealed_run **made);

#endif
