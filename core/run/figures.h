/* A worker's figures: what it has done so far, and the items that took it longest. Counted by the part, from what is measured anyway; told
   to rank 0 when it asks, and once a second beside the work, so that rank 0 knows of one that is long in a function what it did before. */
#ifndef RANKFOLD_RUN_FIGURES_H
#define RANKFOLD_RUN_FIGURES_H

#include "run/executor.h"
#include "wire/post.h"

/* The longest first. */
typedef struct long_items {
    struct message_long items[RF_LONGEST];
    size_t count;
} long_items;
void long_items_add(long_items *among, const struct message_long *one);

typedef struct work_figures {
    struct message_figures sum;         /* waiting and starting: without what the stretch in hand adds */
    long_items longest;                    /* not told yet */
    double opened, idle_since, told;
    uint64_t told_chunks;
    uint64_t asked;                     /* the ASK that is not answered; 0: none */
    bool idle, begun;
} work_figures;

void figures_begin(work_figures *of, double now);
void figures_busy(work_figures *of, double now);     /* it has something to do now */
void figures_idle(work_figures *of, double now);     /* it has not; both may be said again */
void figures_count(work_figures *of, const executor_part *part, uint32_t function, size_t bytes, bool ends_chunk);
bool figures_due(const work_figures *of, double now);
int figures_tell(work_figures *of, post *via, double now);   /* RF_ENOMEM: still due */

#endif
