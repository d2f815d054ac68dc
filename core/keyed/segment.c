#include "keyed/segment.h"

#include <stdlib.h>

#include "base/error.h"

/* What each step of one segments_merge needs. */
typedef struct task {
    const shape *of;
    const record *low, *high;
    scratch *place;
    size_t memory;
} task;

void segment_free(segment *old)
{
    buffer_free(&old->own);
    run_free(old->made);
    *old = (segment){0};
}

int segment_cursor(cursor *to, const segment *from, size_t window)
{
    const run_stretch *blocks = &from->stretch;
    *to = (cursor){0};
    if (from->run && (blocks->offset > from->run->bytes || blocks->bytes > from->run->bytes - blocks->offset))
        return error_set(RF_EUSAGE, "usage", "%" PRIu64 " bytes at byte %" PRIu64 " are to be read of a run that has %" PRIu64,
                         blocks->bytes, blocks->offset, from->run->bytes);
    if (from->run)
        cursor_open_stretch(to, from->run, blocks);
    else if (from->bytes)
        cursor_open_bytes(to, from->name ? from->name : "a run in memory", blocks->offset, from->bytes, blocks->bytes);
    else
        cursor_open_part(to, from->path, from->at, blocks->bytes);
    cursor_window(to, window);
    return RF_OK;
}

static int merge_all(const task *in, const segment *all, uint32_t count, merge **made)
{
    int status = merge_new(&in->of->order, count, made);
    for (uint32_t i = 0; i < count && !status; i++) {
        status = segment_cursor(merge_source(*made, i), &all[i], merge_window(in->memory, count));
        cursor_limit(merge_source(*made, i), &in->of->order, in->low, in->high);
        merge_set_input(*made, i, all[i].input);
    }
    if (status) {
        merge_free(*made);
        *made = NULL;
    }
    return status;
}

/* ---- when they are too many -------------------------------------------------------------------------------------- */

static int write_merged(const task *in, const segment *all, uint32_t count, const char *path, sealed_run **made)
{
    run_writer to;
    merge *from;
    shape one = *in->of;
    one.sample = 0;
    *made = NULL;
    int status = merge_all(in, all, count, &from);
    if (status)
        return status;
    status = run_begin(&to, &one, path, 0);
    if (!status) {
        status = merge_write(&one, from, &to);
        if (status)
            run_abandon(&to);
        else
            status = run_end(&to, made);
    }
    merge_free(from);
    return status;
}

/* The first becomes what they are merged into. */
static int join(const task *in, segment *all, uint32_t count)
{
    char *path;
    sealed_run *made = NULL;
    unsigned input = all[0].input;
    int status = scratch_path(in->place, &path);
    status = status ? status : write_merged(in, all, count, path, &made);
    free(path);
    if (status)
        return status;
    for (uint32_t i = 0; i < count; i++)
        segment_free(&all[i]);
    all[0] = (segment){.input = input, .run = made, .made = made};
    return run_stretch_of(made, 0, &all[0].stretch);
}

/* How many at the front are of one input, at most most. */
static uint32_t neighbours(const segment *all, uint32_t count, uint32_t most)
{
    uint32_t many = 1;
    while (many < count && many < most && all[many].input == all[0].input)
        many++;
    return many;
}

/* One pass from the front, which joins no more than it must. After a failure the rest stays as it is. */
static int join_some(const task *in, segment *all, uint32_t *count, uint32_t most)
{
    uint32_t left = 0;
    int status = RF_OK;
    for (uint32_t at = 0, many; at < *count; at += many) {
        uint32_t still = left + *count - at, wanted = still > most && !status ? still - most + 1 : 1;
        many = neighbours(all + at, *count - at, wanted < most ? wanted : most);
        if (many > 1)
            status = join(in, all + at, many);
        for (uint32_t i = 0; i < (status ? many : 1); i++)
            all[left++] = all[at + i];
    }
    if (left < *count)
        memset(all + left, 0, (*count - left) * sizeof *all);
    *count = left;
    return status;
}

static void drop_empty(segment *all, uint32_t *count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (all[i].stretch.bytes)
            all[left++] = all[i];
        else
            segment_free(&all[i]);
    }
    if (left < *count)
        memset(all + left, 0, (*count - left) * sizeof *all);
    *count = left;
}

/* Each pass leaves fewer: of more than 16 segments of at most eight inputs two neighbours are of one. */
int segments_merge(const shape *of, segment *all, uint32_t *count, const record *low, const record *high, scratch *place, size_t memory,
                   merge **made)
{
    const task in = {of, low, high, place, memory};
    uint32_t most = merge_most(memory);
    int status = RF_OK;
    *made = NULL;
    drop_empty(all, count);
    while (*count > most && !status)
        status = join_some(&in, all, count, most);
    return status ? status : merge_all(&in, all, *count, made);
}
