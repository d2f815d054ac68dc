/* Hosts that have more workers than cores. */
#define _GNU_SOURCE             /* qsort_r */
#include <stdlib.h>
#include <string.h>

#include "run/coordinator_state.h"

static int by_host(const void *a, const void *b, void *context)
{
    const coordinator *runs = context;
    return strcmp(runs->host_of[*(const int *)a], runs->host_of[*(const int *)b]);
}

/* Workers, since rank 0 sleeps beside them. One line for all hosts; which of them it names first is the same in each run. */
void coordinator_warn_of_crowds(coordinator *runs)
{
    int ranks = transport_size(post_transport(runs->via)), workers = 0, crowded = 0;
    uint32_t there = 0, cores = 0;
    const char *host = NULL;
    int *order = malloc((size_t)ranks * sizeof *order);
    if (!order)
        return;
    for (int rank = ranks > 1; rank < ranks; rank++)
        if (runs->host_of[rank][0])
            order[workers++] = rank;
    qsort_r(order, (size_t)workers, sizeof *order, by_host, runs);
    for (int i = 0, end; i < workers; i = end) {
        for (end = i + 1; end < workers && !strcmp(runs->host_of[order[i]], runs->host_of[order[end]]); end++)
            ;
        uint32_t its = runs->cores_of[order[i]];
        if (!its || (uint32_t)(end - i) <= its)
            continue;
        if (!crowded++)
            host = runs->host_of[order[i]], there = (uint32_t)(end - i), cores = its;
    }
    free(order);
    if (crowded)
        log_warn("host %s has %u workers on %u cores%s, and they take turns: start one rank more than there are cores, or use .workers",
                 host, there, cores, crowded > 1 ? " (it is not the only one)" : "");
}
