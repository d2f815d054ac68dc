#define _GNU_SOURCE
#include "first_centres.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

int share_centres(rf_pool *pool, const centres *all)
{
    return rf_share(pool, "centres", all, sizeof *all + all->count * all->numbers * sizeof(double));
}

static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);      /* the end of splitmix64 */
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Of a point, a draw and the seed alone: above 0, below 1. */
static double uniform(const point *of, uint64_t seed, uint64_t number_of_draw)
{
    uint64_t hash = mixed(seed + number_of_draw * UINT64_C(0x9e3779b97f4a7c15));
    for (uint64_t i = 0; i < of->numbers; i++) {
        uint64_t bits;
        memcpy(&bits, &of->at[i], sizeof bits);
        hash = mixed(hash ^ bits) + UINT64_C(0x9e3779b97f4a7c15);
    }
    return ((double)(hash >> 11) + 0.5) * 0x1p-53;
}

/* The point whose -log(u) / weight is the least is drawn with a chance that is as its weight: its square distance from the centres that
   there are, times how often it occurs. Before the point stands that number, positive and so as bytes in the order of doubles: rf_min
   finds the point. */
static int draw(rf_call *call, rf_value pair)
{
    const centres *all;
    point it;
    if (take_point(call, pair, &all, &it))
        return RF_EARGS;
    double square = 1;
    if (all->count)
        nearest(all, &it, &square);
    if (square == 0)
        return RF_OK;
    double late = -log(uniform(&it, all->seed, all->count)) / (it.weight * square);
    size_t size = it.numbers * sizeof *it.at;
    uint64_t bits;
    char *drawn = rf_call_alloc(call, sizeof bits + size);
    if (!drawn)
        return RF_ENOMEM;
    memcpy(&bits, &late, sizeof bits);
    bits = htobe64(bits);
    memcpy(mempcpy(drawn, &bits, sizeof bits), it.at, size);
    return RF_EMIT(call, 0, rf_bytes(drawn, sizeof bits + size));
}
RF_REGISTER(draw);

/* There is room for those wanted as soon as their size is known. */
static int add_centre(rf_value drawn, uint64_t wanted, centres **all)
{
    size_t size = rf_size(drawn) - sizeof(uint64_t);
    if (!(*all)->numbers) {
        centres *wider = realloc(*all, sizeof **all + wanted * size);
        if (!wider)
            return RF_ENOMEM;
        *all = wider;
        wider->numbers = size / sizeof(double);
    }
    memcpy((*all)->at + (*all)->count++ * (*all)->numbers, (const char *)drawn.data + sizeof(uint64_t), size);
    return RF_OK;
}

static int draw_centre(rf_pool *pool, const keyed_options *said, rf_dataset *points, uint64_t wanted, centres **all)
{
    RF_AUTO(rf_dataset, least);
    RF_AUTO(rf_results, rows);
    rf_value zero, drawn;
    int status = share_centres(pool, *all);
    if (status == RF_OK)
        status = rf_mapreduce(pool,
                              RF_JOB(.inputs = {{.source = rf_dataset_source(points), .mapper = draw}}, .reducer = rf_min,
                                     .memory = said->memory),
                              RF_OPTIONS(KEYED_RUN(*said)), &least);
    status = status ? status : rf_dataset_collect(least, &rows);
    if (status || !rf_results_len(rows))
        return status ? status : RF_END;
    return RF_READ(rf_results_value(rows, 0), zero, drawn) ? RF_EARGS : add_centre(drawn, wanted, all);
}

int draw_centres(rf_pool *pool, const keyed_options *said, rf_dataset *points, uint64_t wanted, uint64_t seed, centres **all)
{
    if (!(*all = calloc(1, sizeof **all)))
        return RF_ENOMEM;
    (*all)->seed = seed;
    int status = RF_OK;
    while ((*all)->count < wanted && status == RF_OK)
        status = draw_centre(pool, said, points, wanted, all);
    return status;
}
