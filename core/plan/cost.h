/* What a job's units cost, as measured, and how many to cut into the next chunk. Pure. */
#ifndef RANKFOLD_PLAN_COST_H
#define RANKFOLD_PLAN_COST_H

#include "rankfold.h"

typedef struct cost {
    double seconds, bytes;      /* a unit: means that forget (each measurement weighs COST_NEWEST, or its share of a warm-up) */
    uint64_t measurements;
    uint64_t largest;           /* units in the largest chunk measured: growth is by steps from it */
} cost;

typedef struct cost_limits {
    uint64_t remaining;         /* units of the input that are not cut; UINT64_MAX: unknown */
    uint64_t workers;
    size_t unit_bytes, piece_bytes;     /* of input */
} cost_limits;

void cost_measure(cost *of, uint64_t units, double seconds, size_t bytes);
bool cost_known(const cost *of);
double cost_predict(const cost *of, uint64_t units);            /* seconds; 0 unknown */
uint64_t cost_chunk(const cost *of, const cost_limits *limits); /* units, at least 1 */

#endif
