/* Centres of clusters, and the points that are near them: for apps/kmeans. */
#ifndef RANKFOLD_APPS_CENTRES_H
#define RANKFOLD_APPS_CENTRES_H

#include <rankfold.h>

/* What is shared with all workers, as "centres". */
typedef struct centres {
    uint64_t seed;                      /* of the draws */
    uint64_t count, numbers;            /* numbers of each; 0: not known before the first is drawn */
    double at[];
} centres;

/* A pair of the dataset: a point and how often it occurs. */
typedef struct point {
    const double *at;
    uint64_t numbers;
    double weight;
} point;

static inline double *centre(centres *all, uint64_t i) { return all->at + i * all->numbers; }

/* For functions: the point, and the centres that were shared last. Not RF_OK: the item has failed, perhaps because the point has another
   number of numbers than the centres. */
int take_point(rf_call *call, rf_value pair, const centres **all, point *it);
/* Of those that are equally near, the first. *square: of the distance. */
uint64_t nearest(const centres *all, const point *to, double *square);

#endif
