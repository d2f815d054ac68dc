/* What the workers tell of themselves, as rank 0 keeps it. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "run/coordinator_state.h"

static worker_figures *figures_of(coordinator *runs, int rank)
{
    size_t ranks = (size_t)transport_size(post_transport(runs->via));
    if (!runs->figures && !(runs->figures = calloc(ranks, sizeof *runs->figures)))
        error_no_memory(ranks * sizeof *runs->figures);
    return runs->figures ? &runs->figures[rank] : NULL;
}

static bool is_well_formed(const coordinator *runs, const struct message_long *one)
{
    return one->seconds >= 0 && one->seconds < INFINITY && one->function < registry_count(runs->functions) &&
           memchr(one->path, '\0', sizeof one->path) && memchr(one->item, '\0', sizeof one->item);
}

int coordinator_take_figures(coordinator *runs, const message *what)
{
    const struct message_long *told = what->body;
    for (uint64_t i = 0; i < what->figures.longest; i++)
        if (!is_well_formed(runs, &told[i]))
            return message_refuse(what, what->head.size, "an item that cannot have taken long");
    worker_figures *its = figures_of(runs, what->peer);
    if (!its)                           /* then nobody has asked */
        return RF_OK;
    for (uint64_t i = 0; i < what->figures.longest; i++) {
        struct message_long one = told[i];
        one.rank = what->peer;
        long_items_add(&runs->longest, &one);
    }
    its->sum = what->figures;
    its->at = runs->now;
    if (what->figures.answers)
        its->answered = what->figures.answers;
    return RF_OK;
}

int coordinator_worker_ranks(const coordinator *runs, int *first)
{
    int ranks = transport_size(post_transport(runs->via));
    *first = ranks > 1;
    return ranks - *first;
}

int coordinator_ask_figures(coordinator *runs)
{
    int first, end = coordinator_worker_ranks(runs, &first) + first;
    if (!figures_of(runs, 0))
        return RF_ENOMEM;
    message ask = {.head.kind = MESSAGE_ASK, .ask.number = ++runs->asked};
    for (int rank = first; rank < end; rank++) {
        int status = runs->gone[rank] ? RF_OK : post_send(runs->via, rank, &ask, NULL, 0);
        if (status < 0)
            return status;
    }
    return RF_OK;
}

static bool has_answered(const coordinator *runs, int rank)
{
    return runs->figures && runs->figures[rank].answered == runs->asked;
}

bool coordinator_figures_answered(const coordinator *runs, bool excuse_busy)
{
    int first, end = coordinator_worker_ranks(runs, &first) + first;
    for (int rank = first; rank < end; rank++)
        if (!runs->gone[rank] && !has_answered(runs, rank) && !(excuse_busy && plan_busy(runs->decides, (uint32_t)rank)))
            return false;
    return true;
}

void coordinator_figures_of(const coordinator *runs, int rank, rf_worker_figures *to)
{
    const worker_figures *its = runs->figures ? &runs->figures[rank] : &(worker_figures){.at = runs->opened};
    const struct message_figures *sum = &its->sum;
    *to = (rf_worker_figures){.rank = rank, .host = strings_at(runs->hosts, (uint64_t)rank), .items = sum->items, .failed = sum->failed,
                              .chunks = sum->chunks, .bytes_in = sum->bytes_in, .bytes_out = sum->bytes_out,
                              .working = sum->working, .waiting = sum->waiting, .starting = sum->starting, .init = sum->init,
                              .lost = runs->gone[rank]};
    to->busy = !to->lost && !has_answered(runs, rank);
    to->age = has_answered(runs, rank) ? 0 : runs->now - (its->at > 0 ? its->at : runs->opened);
}

size_t coordinator_longest(const coordinator *runs, long_items *kept, rf_long_item to[RF_LONGEST])
{
    *kept = runs->longest;
    for (size_t i = 0; i < kept->count; i++) {
        const struct message_long *one = &kept->items[i];
        to[i] = (rf_long_item){.seconds = one->seconds, .function = registry_at(runs->functions, one->function)->name,
                               .index = one->index, .items = one->items, .rank = one->rank,
                               .host = strings_at(runs->hosts, (uint64_t)one->rank), .path = one->path[0] ? one->path : NULL,
                               .item = one->item};
    }
    return kept->count;
}

double coordinator_opened(const coordinator *runs) { return runs->opened; }
