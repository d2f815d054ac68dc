/* The reducers, combiners and mappers that the library brings along, registered in every program. What they fold is folded where it is emitted, sealed and
   merged (keyed/fold.h); called by a user's own reducer they fold the values that are left. */
#ifndef RANKFOLD_RUN_BUILT_IN_H
#define RANKFOLD_RUN_BUILT_IN_H

#include "keyed/fold.h"

enum fold built_in_fold(rf_any_function *function);     /* FOLD_NONE: it is none of them, or rf_collect */
bool built_in_collects(rf_any_function *function);

/* Where a job names none: a mapper for items that are pairs already; a reducer that is never called: pairs pass as they are. */
rf_map_function *built_in_mapper(void);
rf_reduce_function *built_in_reducer(void);
bool built_in_passes(rf_any_function *function);

#endif
