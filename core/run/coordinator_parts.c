/* The way of results: a PART becomes an event of the plan, which says of each failure whether it is final, and a delivery. */
#include <stdlib.h>
#include <string.h>

#include "run/coordinator_state.h"
#include "run/replay.h"

_Static_assert(PLAN_ADDED == SOURCE_ADDED, "plan and source number what was added alike");

static bool scratch_reach(coordinator *runs, uint64_t failures)
{
    if (failures <= runs->scratch_most)
        return true;
    plan_failure *more_plan = realloc(runs->plan_failures, failures * sizeof *more_plan);
    if (more_plan)
        runs->plan_failures = more_plan;
    item_failure *more_items = realloc(runs->item_failures, failures * sizeof *more_items);
    if (more_items)
        runs->item_failures = more_items;
    uint64_t *more_again = realloc(runs->again, failures * sizeof *more_again);
    if (more_again)
        runs->again = more_again;
    if (!more_plan || !more_items || !more_again) {
        error_no_memory(failures * sizeof *more_plan);
        return false;
    }
    runs->scratch_most = failures;
    return true;
}

/* Where workers read, an item is tried again by its place in the file; one that came from standard input by its unit. */
static void list_failures(coordinator *runs, const job *of, const message *what, message_results results)
{
    struct message_failure entry;
    const char *kind, *text;
    bool by_place = of && of->by_workers && !of->by_key && what->part.path_index != BLOCK_NO_PATH;
    for (uint64_t i = 0; message_next_failure(&results, &entry, &kind, &text); i++)
        runs->plan_failures[i] = (plan_failure){.unit = entry.unit, .position = by_place ? entry.position : PLAN_ALL,
                                                .kind = kind, .final = entry.rest};
}

/* What runs the item again by itself. at: UINT64_MAX where the unit is the item. */
static void name_item(const coordinator *runs, const job *of, uint64_t unit, uint64_t at, unsigned attempt, char text[REPLAY_TEXT])
{
    replay which = {.pool = runs->number, .job = of->ordinal, .unit = unit, .at = at, .attempt = attempt, .seed = of->settled.seed,
                    .split = source_split(of->source)};
    replay_write(&which, text);
}

/* Looked for when something has failed, and not before. */
static const char *function_name(const job *of, uint32_t stage)
{
    const void *at = of->state.data;
    size_t left = of->state.size;
    struct message_stage found;
    rf_value state;
    if (!of->chained)
        return of->function->name;
    for (uint32_t i = 0; message_next_stage(&at, &left, &found, &state) == RF_OK; i++)
        if (i == stage && found.kind != STAGE_TRUTH && found.kind != STAGE_IDENTITY)
            return registry_at(of->runs->functions, found.function)->name;
    return NULL;
}

static failure *final_failure(const coordinator *runs, const job *of, const message *what, const struct message_failure *entry,
                              const char *kind, const char *text)
{
    rf_error error = {.status = entry->status, .kind = kind, .message = text, .index = entry->position,
                      .function = function_name(of, entry->stage),
                      .host = strings_at(runs->hosts, (uint64_t)what->peer), .rank = what->peer, .attempt = what->part.attempt};
    char item[REPLAY_TEXT];
    uint64_t path_index;
    uint64_t unit = of->by_key ? entry->source - 1 : entry->unit;
    if (unit < PLAN_ADDED) {
        bool by_place = of->by_workers && source_path_of(of->source, unit, &path_index);
        name_item(runs, of, unit, by_place ? entry->position : UINT64_MAX, error.attempt, item);
        error.replay = item;
    }
    return failure_new(&error);
}

/* Sorts the failures into those that are final, which the delivery tells, and those that come again, which are holes in it. */
static int sort_failures(coordinator *runs, const job *of, const message *what, message_results results, delivery *made)
{
    struct message_failure entry;
    const char *kind, *text;
    made->failures = runs->item_failures;
    made->again = runs->again;
    for (uint64_t i = 0; message_next_failure(&results, &entry, &kind, &text); i++) {
        if (runs->plan_failures[i].again) {
            runs->again[made->again_count++] = entry.item;
            continue;
        }
        failure *why = final_failure(runs, of, what, &entry, kind, text);
        if (!why)
            return RF_ENOMEM;
        runs->item_failures[made->failure_count++] = (item_failure){entry.item, why};
    }
    return RF_OK;
}

static int deliver_part(coordinator *runs, job *of, message *what, const message_results *results, const part_place *where)
{
    delivery made = {.unit = what->part.unit, .items = what->part.items, .positions = results->positions, .values = results->values,
                     .path_index = what->part.path_index, .rank = what->peer, .attempt = what->part.attempt,
                     .seconds = what->part.seconds, .own_indices = of->by_key};
    int status = sort_failures(runs, of, what, *results, &made);
    post_take_body(runs->via, what, &made.memory);
    if (status == RF_OK)
        status = job_deliver(of, &made, where);
    buffer_free(&made.memory);
    for (uint64_t i = 0; i < made.failure_count; i++)
        failure_free(runs->item_failures[i].why);
    return status;
}

/* A worker that cannot run a job is not the job's failure while there are others. */
static void tell_bench(coordinator *runs, job *of, const message *what, message_results results)
{
    struct message_failure entry;
    const char *kind, *text;
    if (!of || !message_next_failure(&results, &entry, &kind, &text))
        return;
    const char *host = strings_at(runs->hosts, (uint64_t)what->peer);
    log_warn("rank %d on %s gets no more of %s: %s", what->peer, host ? host : "?", of->name, text);
    if (!of->first_failure)
        of->first_failure = final_failure(runs, of, what, &entry, kind, text);
}

int coordinator_take_part(coordinator *runs, message *what)
{
    message_results results;
    int status = message_open_part(what, &results);
    if (status)
        return status;
    if (!scratch_reach(runs, what->part.failures))
        return RF_ENOMEM;
    job *of = coordinator_job(runs, what->head.job);
    bool benches = what->part.flags & PART_INIT_FAILED;
    bool placed = of && !of->by_key && (of->by_workers || what->part.unit >= PLAN_ADDED);
    if (of && what->part.items && placed != (bool)(what->part.flags & PART_POSITIONS) && !of->chained)
        return message_refuse(what, what->head.size, "positions that its job does not have, or none where it has");
    if (of && what->part.added && !of->grows)
        return message_refuse(what, what->head.size, "items for a job that cannot grow");
    if (benches)
        tell_bench(runs, of, what, results);
    else
        list_failures(runs, of, what, results);
    plan_part part = {.task = what->head.task, .worker = (uint32_t)what->peer, .last = what->part.flags & PART_LAST,
                      .init_failed = benches, .partly = what->part.flags & PART_PARTLY, .units = what->part.units,
                      .items = what->part.items, .ran = what->part.ran,
                      .bytes = what->part.items ? what->body_size - what->part.added_size : 0,
                      .seconds = what->part.seconds, .added = what->part.added, .added_bytes = what->part.added_size,
                      .failures = runs->plan_failures, .failure_count = benches ? 0 : what->part.failures};
    status = plan_part_done(runs->decides, &part, runs->now);
    if (status || !part.job || !of || !part.items)
        return status;
    if (part.added && source_add(of->source, &results.added))
        coordinator_job_broke(runs, of);
    status = deliver_part(runs, of, what, &results, &(part_place){part.chunk, part.bytes});
    if (status < 0)
        coordinator_job_broke(runs, of);
    return RF_OK;
}

/* ---- what was never done ---- */

static const char *why_not_done(int status, const char **kind)
{
    switch (status) {
    case RF_EHALTED: return *kind = "halted", "not run: too many items had failed, and the job was halted";
    case RF_ETIMEOUT: return *kind = "timeout", "not finished: the job ran out of time";
    case RF_EINIT: return *kind = "init", "not run: no worker could be initialised";
    case RF_ELOST: return *kind = "lost", "not finished: the ranks that had it were lost";
    case RF_ECLOSED: return *kind = "cancelled", "not finished: the pool was closed";
    case RF_ENOMEM: return *kind = "memory", "not finished: the job ran out of memory";
    default: return *kind = "cancelled", "not finished: the job was given up";
    }
}

/* Its items are units, or the one at a place in a file; added ones are known by their indices. */
static int fail_at(coordinator *runs, job *of, const plan_action *action, const uint64_t *positions)
{
    uint64_t path_index = BLOCK_NO_PATH;
    const char *kind, *text = why_not_done(action->status, &kind);
    rf_error error = {.status = action->status, .kind = kind, .message = text, .index = positions ? *positions : action->first,
                      .function = of->function ? of->function->name : NULL, .rank = -1, .attempt = action->attempt};
    char item[REPLAY_TEXT];
    if (action->attempt && action->count == 1 && action->first < PLAN_ADDED && !of->by_key) {
        name_item(runs, of, action->first, action->position, action->attempt, item);
        error.replay = item;
    }
    failure *why = failure_new(&error);
    if (!why)
        return RF_ENOMEM;
    if (action->count == 1 && !of->by_key)
        source_path_of(of->source, action->first, &path_index);
    delivery made = {.unit = action->first, .items = action->count, .positions = positions, .all_failed = why,
                     .path_index = path_index, .rank = -1, .attempt = action->attempt};
    int status = job_deliver(of, &made, &(part_place){action->chunk, 0});
    failure_free(why);
    return status;
}

static int fail_added(coordinator *runs, job *of, const plan_action *action)
{
    uint64_t *indices = malloc(action->count * sizeof *indices);
    if (!indices)
        return error_no_memory(action->count * sizeof *indices);
    source_indices(of->source, action->first, action->count, indices);
    int status = fail_at(runs, of, action, indices);
    free(indices);
    return status;
}

int coordinator_fail_units(coordinator *runs, const plan_action *action)
{
    job *of = coordinator_job(runs, action->job);
    if (action->first >= PLAN_ADDED)
        return fail_added(runs, of, action);
    return fail_at(runs, of, action, action->position != PLAN_ALL ? &action->position : NULL);
}
