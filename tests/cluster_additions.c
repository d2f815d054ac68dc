#include "cluster_additions.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cluster_input.h"
#include "run/call.h"

struct added_item { uint64_t index; bool there, seen; };

static uint64_t children(const behaviour *does, uint64_t key)
{
    uint64_t random = random_seed(does->seed, key, 2, 0);
    return random_below(&random, 1000) < does->growing ? 1 + random_below(&random, 3) : 0;
}

rf_value additions_item(const behaviour *does, uint64_t index, rf_value tuple[2])
{
    uint64_t random = random_seed(does->seed, index, 3, 0), at = random_below(&random, PATTERN / 4);
    size_t size = random_below(&random, 40);
    if (random_below(&random, 100) == 0)
        size = LARGE_LEAST + random_below(&random, LARGE_SPAN);
    tuple[0] = rf_of_u64(index);
    tuple[1] = rf_text((const char *)input_pattern(at), size);
    uint64_t form = random_below(&random, 3);
    return form == 0 ? tuple[0] : form == 1 ? tuple[1] : rf_tuple_of(tuple, 2);
}

static call_item parent_of(const work *one, const rf_result *result)
{
    call_item its = {.position = result->index, .path_index = UINT64_MAX};
    uint64_t file = input_file_number(result->path);
    for (uint64_t f = 0; file && f < one->file_count; f++)
        if (one->files[f] == file - 1)
            its.path_index = f;
    return its;
}

void additions_make(rf_call *call, const behaviour *does, uint64_t key)
{
    rf_value tuple[2];
    for (uint64_t i = 0, count = children(does, key); i < count; i++)
        rf_call_add(call, additions_item(does, call_added_index(&call->item, i), tuple));
}

/* ---- the account ------------------------------------------------------------------------------------------------- */

bool additions_is_added(const rf_result *result) { return !result->path && result->index >> 63; }

/* Where an index is or would be, in a table that is never full. */
static added_item *place_of(const work *one, uint64_t index)
{
    uint64_t at = index % one->added_most;
    while (one->added[at].there && one->added[at].index != index)
        at = (at + 1) % one->added_most;
    return &one->added[at];
}

static void grow_table(work *one)
{
    work larger = {.added_most = one->added_most ? 2 * one->added_most : 64};
    size_t size = larger.added_most * sizeof *larger.added;
    larger.added = memset(aligned_alloc(16, size), 0, size);        /* malloc may fail (failing_malloc.h) */
    for (uint64_t i = 0; i < one->added_most; i++)
        if (one->added[i].there)
            *place_of(&larger, one->added[i].index) = one->added[i];
    free(one->added);
    one->added = larger.added;
    one->added_most = larger.added_most;
}

void additions_expect(work *one, const rf_result *parent, uint64_t key)
{
    call_item its = parent_of(one, parent);
    for (uint64_t i = 0, count = children(&one->does, key); i < count; i++) {
        if (2 * one->added_count >= one->added_most)
            grow_table(one);
        uint64_t index = call_added_index(&its, i);
        *place_of(one, index) = (added_item){.index = index, .there = true};
        one->added_count++;
    }
}

const char *additions_check(work *one, const rf_result *result)
{
    added_item *its = one->added_most ? place_of(one, result->index) : NULL;
    one->added_taken++;
    if (!its || !its->there)
        return one->short_of_memory ? NULL : "an item that nobody has added";
    if (its->seen)
        return "an added item was delivered twice";
    its->seen = true;
    return NULL;
}

const char *additions_check_end(const work *one)
{
    for (uint64_t i = 0; i < one->added_most; i++)
        if (one->added[i].there && !one->added[i].seen)
            return "an added item was lost";
    return NULL;
}

void additions_end(work *one)
{
    free(one->added);
    one->added = NULL;
}
