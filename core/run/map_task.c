#include "base/error.h"
#include "plan/retry.h"
#include "run/keyed_task.h"

#define ITEMS_A_LOOK 1024

/* Pieces of one task come one after another; what an earlier task has left, which was stopped, goes. */
static int begin_task(keyed_task *task)
{
    shuffle *of = task->chunk->job->keyed;
    int status = shuffle_emitter(of);
    if (status || of->emits_task == task->chunk->task)
        return status;
    of->emits_task = task->chunk->task;
    of->emits_failed = false;
    of->combining.shares = task->call->shares;
    of->combining.seed = task->call->seed;
    of->combining.rank = task->call->rank;
    of->passed.size = 0;
    of->passed_count = task->chunk->passed_count;
    emit_reset(of->emits);
    counters_clear(&of->counts);
    return buffer_put(&of->passed, task->chunk->passed.data, task->chunk->passed.size);
}

bool map_task_passes_over(const executor_chunk *chunk, const char *kind)
{
    const executor_job *job = chunk->job;
    return job->tolerates && (chunk->attempt >= job->tolerates || !retry_matches(job->keyed->kinds, kind));
}

/* It has ended a child of the rank already. Such items are few. */
static bool is_passed_over(const keyed_task *task, const reader_item *item)
{
    const buffer *passed = &task->chunk->passed;
    message_results all = {.failures = passed->data, .end = passed->data + passed->size};
    struct message_failure entry;
    const char *kind, *text;
    while (message_next_failure(&all, &entry, &kind, &text))
        if (entry.source == item->unit + 1 && entry.position == item->position)
            return true;
    return false;
}

static int pass_over(keyed_task *task, const reader_item *item, int status, const char *kind, const char *text)
{
    shuffle *of = task->chunk->job->keyed;
    struct message_failure entry = {.unit = task->chunk->unit, .position = item->position, .status = status};
    of->passed_count++;
    counters_drop(&of->counts);
    status = message_add_failure(&of->passed, &entry, kind, text);
    return status ? status : emit_drop(of->emits);
}

static int run_item(keyed_task *task, const reader_item *item)
{
    rf_call *call = task->call;
    shuffle *of = task->chunk->job->keyed;
    call->item = (call_item){item->position, item->path, item->path_index, task->chunk->attempt};
    logbook_maps(of->log, item->unit, item->position, item->path_index, item->path);
    int status = call_pairs(call, (rf_map_function *)task->chunk->job->function->function, item->value, &call->item);
    logbook_leaves(of->log, LOGBOOK_LIBRARY);
    if (status)
        return status;
    counters_keep(&of->counts);
    return emit_keep(of->emits);
}

/* RF_OK, or the task has failed and *outcome says how. */
static int take_item(keyed_task *task, const reader_item *item, int read, enum keyed_outcome *outcome)
{
    rf_call *call = task->call;
    if (task->chunk->passed_count && is_passed_over(task, item))
        return RF_OK;
    int status = read < 0 ? read : run_item(task, item);
    if (status == RF_OK)
        return RF_OK;
    bool sticks = read == RF_OK && !call->status;       /* what was emitted cannot be kept: no item's failure */
    const char *kind = read == RF_OK && !sticks ? call->kind : rf_last_error()->kind;
    const char *text = read == RF_OK && !sticks ? call->message : rf_last_error()->message;
    if (!sticks && map_task_passes_over(task->chunk, kind)) {
        status = pass_over(task, item, status, kind, text);
        if (status == RF_OK)
            return RF_OK;
        kind = "memory", text = rf_last_error()->message;
    }
    *outcome = keyed_task_failed(task, item->position, sticks ? 0 : item->unit + 1, status, kind, text);
    return status;
}

static enum keyed_outcome seal(keyed_task *task)
{
    shuffle *of = task->chunk->job->keyed;
    sealed_run *made;
    struct message_commit sums = {.emitted = emit_count(of->emits)};
    int status = emit_seal(of->emits, &made);
    if (status)
        return keyed_task_broke(task, status);
    sums.records = made->records;
    sums.bytes = made->bytes;
    sums.spilled = made->path ? made->bytes : 0;
    sums.sample_size = made->sample_size;
    buffer sample = {0};
    status = buffer_put(&sample, made->sample, made->sample_size);
    if (status)
        run_free(made);
    else
        status = task->chunk->result ? keyed_task_give(task, made, &sums) : shuffle_keep(of, made, &sums.run);
    enum keyed_outcome outcome = status ? keyed_task_broke(task, status) : keyed_task_done(task, &sums, sample.data);
    buffer_free(&sample);
    return outcome;
}

enum keyed_outcome map_task_run(keyed_task *task)
{
    shuffle *of = task->chunk->job->keyed;
    reader_item item;
    enum keyed_outcome outcome = KEYED_NOTHING;
    int status = begin_task(task);
    if (status)
        return keyed_task_broke(task, status);
    if (of->emits_failed)
        return KEYED_NOTHING;
    task->call->pairs = of->emits;
    task->call->counts = &of->counts;
    while (!of->emits_failed && (status = reader_next(task->from, &item)) != RF_END) {
        task->bytes_read += rf_size(item.value);
        of->emits_failed = take_item(task, &item, status, &outcome) != RF_OK;
        if (++task->ran % ITEMS_A_LOOK == 0 && keyed_task_look(task))
            of->emits_failed = true;
    }
    task->call->pairs = NULL;
    task->call->counts = NULL;
    if (of->emits_failed)
        emit_reset(of->emits);
    return of->emits_failed || task->chunk->more ? outcome : seal(task);
}
