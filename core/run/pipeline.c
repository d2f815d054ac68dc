#include "run/pipeline.h"

#include <stdlib.h>

#include "base/error.h"
#include "wire/message.h"

static int reserve_rooms(pipeline *of, uint32_t count)
{
    if (count <= of->room_count)
        return RF_OK;
    struct pipeline_room *rooms = realloc(of->rooms, count * sizeof *rooms);
    if (!rooms)
        return error_no_memory(count * sizeof *rooms);
    for (uint32_t i = of->room_count; i < count; i++)
        rooms[i] = (struct pipeline_room){0};
    of->rooms = rooms;
    of->room_count = count;
    return RF_OK;
}

int pipeline_open(pipeline *of, const executor_job *job, uint32_t count)
{
    of->stages = job->stages;
    of->count = count;
    return reserve_rooms(of, job->stage_count);
}

void pipeline_free(pipeline *of)
{
    for (uint32_t i = 0; i < of->room_count; i++) {
        column_free(&of->rooms[i].made);
        column_free(&of->rooms[i].out);
    }
    free(of->rooms);
    of->rooms = NULL;
    of->room_count = 0;
}

/* The call as the function of this stage sees it. */
static const job_stage *enter(pipeline *of, uint32_t at)
{
    const job_stage *stage = &of->stages[at];
    of->at = at;
    of->call->function = stage->function->name;
    of->call->state = stage->state;
    of->call->worker_state = of->rooms[at].worker;
    of->call->turn++;
    return stage;
}

static int out_of_memory(pipeline *of, int status)
{
    of->call->status = RF_OK;           /* the functions before it had succeeded, if there were any */
    return call_fail_last(of->call, status);
}

static int filter(pipeline *of, uint32_t at, rf_value item, bool *keep)
{
    if (of->stages[at].kind == STAGE_TRUTH) {
        *keep = rf_truth(item);
        return RF_OK;
    }
    rf_filter_function *function = (rf_filter_function *)enter(of, at)->function->function;
    return call_filter(of->call, function, item, &of->call->item, keep);
}

static int map(pipeline *of, uint32_t at, rf_value item, column *to)
{
    rf_map_function *function = (rf_map_function *)enter(of, at)->function->function;
    of->call->results = to;
    return call_run(of->call, function, item, &of->call->item);
}

static int pair_with_key(pipeline *of, uint32_t at, rf_value item, column *to)
{
    column *made = &of->rooms[at].made;
    column_rewind(made);
    int status = map(of, at, item, made);
    if (status)
        return status;
    const rf_value pair[] = {column_peek(made, 0), item};
    status = column_add(to, rf_tuple_of(pair, 2));
    return status ? out_of_memory(of, status) : RF_OK;
}

static int run_from(pipeline *of, uint32_t at, uint64_t word, uint64_t tag);

static int run_on(pipeline *of, uint32_t at, rf_value item)
{
    return run_from(of, at, item.u64, item.tag);
}

/* Each of what this stage gives goes through the rest before the next one does. */
static int spread(pipeline *of, uint32_t at, rf_value item)
{
    struct pipeline_room *room = &of->rooms[at];
    bool ends = at + 1 == of->count;
    column *to = ends ? of->outputs : &room->out;
    if (!ends)
        column_rewind(to);
    rf_map_function *function = (rf_map_function *)enter(of, at)->function->function;
    int status = call_flatten(of->call, function, item, &of->call->item, &room->made, to);
    for (uint64_t i = 0; !ends && status == RF_OK && i < to->count; i++)
        status = run_on(of, at + 1, column_peek(to, i));
    return status;
}

static inline rf_value value_of(uint64_t word, uint64_t tag)
{
    rf_value value;
    value.u64 = word;
    value.tag = tag;
    return value;
}

/* From stage at on. Recursion is as deep as there are flat maps. The item is kept as two words: as one struct that changes, gcc keeps it in
   memory, written in halves and read as a whole, and each item waits for that. */
static int run_from(pipeline *of, uint32_t at, uint64_t word, uint64_t tag)
{
    for (; at < of->count; at++) {
        bool keep = true, ends = at + 1 == of->count;
        column *to = ends ? of->outputs : &of->rooms[at].out;
        int status = RF_OK;
        switch (of->stages[at].kind) {
        case STAGE_FLAT_MAP:
            return spread(of, at, value_of(word, tag));
        case STAGE_FILTER:
        case STAGE_TRUTH:
            status = filter(of, at, value_of(word, tag), &keep);
            if (status || !keep)
                return status;
            continue;
        }
        if (!ends)
            column_rewind(to);
        if (of->stages[at].kind == STAGE_KEY)
            status = pair_with_key(of, at, value_of(word, tag), to);
        else
            status = map(of, at, value_of(word, tag), to);
        if (status || ends)
            return status;
        rf_value made = column_peek(to, 0);
        word = made.u64;
        tag = made.tag;
    }
    int status = column_add(of->outputs, value_of(word, tag));
    return status ? out_of_memory(of, status) : RF_OK;
}

int pipeline_run(pipeline *of, rf_value item, column *outputs)
{
    uint64_t before = outputs->count;
    of->outputs = outputs;
    of->call->turn = 0;
    of->at = 0;
    int status = run_on(of, 0, item);
    if (status)
        column_cut(outputs, before);
    return status;
}
