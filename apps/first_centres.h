/* k-means++: the first centres are points, each drawn with a chance that is as the square of its distance from those drawn before. No rank
   decides: the draw is the least of numbers that depend on the points and the seed alone. For apps/kmeans. */
#ifndef RANKFOLD_APPS_FIRST_CENTRES_H
#define RANKFOLD_APPS_FIRST_CENTRES_H

#include "centres.h"
#include "keyed_options.h"

/* points: a dataset of points (bytes: doubles) and how often each occurs. *all is the caller's to free, also after a failure. RF_END: there
   are no more different points than *all has. */
int draw_centres(rf_pool *pool, const keyed_options *said, rf_dataset *points, uint64_t wanted, uint64_t seed, centres **all);

int share_centres(rf_pool *pool, const centres *all);       /* what functions find with take_point */

#endif
