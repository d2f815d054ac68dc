/* Merging runs into larger ones. */
#include "keyed/merge.h"

#include <stdlib.h>

#include "keyed/group.h"

static int open_all(const shape *of, sealed_run *const *runs, uint32_t count, uint32_t partition, merge **made)
{
    int status = merge_new(&of->order, count, made);
    for (uint32_t i = 0; i < count && !status; i++) {
        cursor_open(merge_source(*made, i), runs[i], partition);
        cursor_window(merge_source(*made, i), merge_window(of->memory, count));
    }
    return status;
}

/* Without a fold records are passed on as they are. */
static int copy(run_writer *to, merge *from)
{
    const record *it;
    unsigned input;
    size_t size;
    int status;
    while ((status = merge_next(from, &it, &input)) == RF_OK) {
        const uint8_t *bytes = merge_bytes(from, &size);
        status = run_add(to, it, bytes, size);
        if (status)
            return status;
    }
    return status == RF_END ? RF_OK : status;
}

/* Of each key one partial. */
static int fold(run_writer *to, merge *from, enum fold how)
{
    rf_group *groups;
    rf_value key;
    buffer bytes = {0};
    int status = group_new(group_from_merge, from, &groups);
    while (!status && (status = group_next_key(groups, &key)) == RF_OK) {
        record made;
        uint8_t space[EXACT_PACKED_MOST];
        status = group_fold_partial(groups, how, &made, space);
        bytes.size = 0;
        status = status ? status : record_put(&made, &bytes);
        status = status ? status : run_add(to, &made, bytes.data, bytes.size);
    }
    group_free(groups);
    buffer_free(&bytes);
    return status == RF_END ? RF_OK : status;
}

int merge_write(const shape *of, merge *from, run_writer *to)
{
    return of->fold ? fold(to, from, of->fold) : copy(to, from);
}

int merge_runs(const shape *of, sealed_run *const *runs, uint32_t count, const char *path, sealed_run **made)
{
    run_writer to;
    size_t expected = 0;
    *made = NULL;
    for (uint32_t i = 0; i < count; i++)
        expected += runs[i]->bytes;
    int status = run_begin(&to, of, path, expected);
    if (status)
        return status;
    for (uint32_t p = 0; p < runs[0]->partitions && !status; p++) {
        merge *from;
        status = p ? run_end_partition(&to) : RF_OK;
        int opened = open_all(of, runs, count, p, &from);
        status = status ? status : opened;
        if (!status)
            status = merge_write(of, from, &to);
        merge_free(from);
    }
    if (!status)
        return run_end(&to, made);
    run_abandon(&to);
    return status;
}

/* How many runs at the front are merged into one: as many as wanted, of one input, at most at_once. */
static uint32_t stretch(const unsigned *inputs, uint32_t count, uint32_t wanted, uint32_t at_once)
{
    uint32_t many = 1;
    wanted = wanted < at_once ? wanted : at_once;
    while (many < count && many < wanted && inputs[many] == inputs[0])
        many++;
    return many;
}

static int merge_stretch(const shape *of, sealed_run **runs, uint32_t many, scratch *place)
{
    char *path;
    sealed_run *made = NULL;
    int status = scratch_path(place, &path);
    status = status ? status : merge_runs(of, runs, many, path, &made);
    free(path);
    if (status)
        return status;
    for (uint32_t i = 0; i < many; i++)
        run_free(runs[i]);
    runs[0] = made;
    return RF_OK;
}

/* One pass; gives how many runs are left, in front. After a failure the rest stays as it is. */
static uint32_t merge_pass(const shape *of, sealed_run **runs, unsigned *inputs, uint32_t count, uint32_t most, scratch *place,
                           int *status)
{
    uint32_t left = 0;
    for (uint32_t at = 0, many; at < count; at += many) {
        uint32_t still = left + count - at;
        many = *status || still <= most ? 1 : stretch(inputs + at, count - at, still - most + 1, merge_most(of->memory));
        if (many > 1)
            *status = merge_stretch(of, runs + at, many, place);
        for (uint32_t i = 0; i < (*status ? many : 1); i++) {
            inputs[left] = inputs[at + i];
            runs[left++] = runs[at + i];
        }
    }
    return left;
}

/* Each pass makes fewer: of more than 16 runs of at most eight inputs two neighbours are of one. */
int merge_down(const shape *of, sealed_run **runs, unsigned *inputs, uint32_t *count, uint32_t most, scratch *place)
{
    int status = RF_OK;
    while (*count > most && !status)
        *count = merge_pass(of, runs, inputs, *count, most, place, &status);
    return status;
}
