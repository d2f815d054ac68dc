/* Sequences for simulated clusters: chains and folds drawn from a seed, evaluated by the public verbs, and compared with what is worked out here
   item by item: what comes out, in which order, of which item; of folds each digit. */
#ifndef RANKFOLD_TESTS_CLUSTER_CHAIN_H
#define RANKFOLD_TESTS_CLUSTER_CHAIN_H

#include "rankfold.h"

/* One evaluation. may_fail: ranks die, or memory runs out: it may end with what tells of that. NULL, or what is wrong. */
const char *chain_evaluate(rf_pool *pool, uint64_t *random, bool may_fail);

#endif
