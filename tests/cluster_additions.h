/* What the items of a cluster's jobs add to them, and the account of it: how many an item adds and what they are follows from what it is
   known by, so that functions and checks agree without a word. Trees are finite: an item adds less than one on average. */
#ifndef RANKFOLD_TESTS_CLUSTER_ADDITIONS_H
#define RANKFOLD_TESTS_CLUSTER_ADDITIONS_H

#include "cluster_work.h"

void additions_make(rf_call *call, const behaviour *does, uint64_t key);        /* inside a function */
rf_value additions_item(const behaviour *does, uint64_t index, rf_value tuple[2]);     /* tuple: room for a container's elements */
bool additions_is_added(const rf_result *result);
void additions_expect(work *one, const rf_result *parent, uint64_t key);       /* it succeeded */
const char *additions_check(work *one, const rf_result *result);               /* of an added item: it is expected, and comes once */
const char *additions_check_end(const work *one);
void additions_end(work *one);

#endif
