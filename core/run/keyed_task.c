#include "run/keyed_task.h"

#include "base/error.h"

#define GIVEN_IN_MEMORY ((uint64_t)4 << 20)     /* a file costs more than two copies of less */

enum keyed_outcome keyed_task_failed(keyed_task *task, uint64_t at, uint64_t source, int status, const char *kind, const char *text)
{
    struct message_failure entry = {.unit = task->chunk->unit, .position = at, .status = status, .source = source};
    if (message_add_failure(task->failures, &entry, kind, text) || column_add(task->values, rf_nil()))
        return KEYED_NOTHING;           /* the unit is not covered: it runs again */
    return KEYED_FAILED;
}

enum keyed_outcome keyed_task_broke(keyed_task *task, int status)
{
    const rf_error *last = rf_last_error();
    return status == RF_ECANCELLED ? KEYED_NOTHING : keyed_task_failed(task, task->chunk->unit, 0, status, last->kind, last->message);
}

static int put_counters(const counters *all, buffer *to)
{
    int status = RF_OK;
    for (size_t i = 0; i < counters_count(all) && !status; i++)
        status = commit_add_counter(to, counters_at(all, i)->name, counters_at(all, i)->kept);
    return status;
}

enum keyed_outcome keyed_task_done(keyed_task *task, struct message_commit *sums, const void *sample)
{
    shuffle *of = task->chunk->job->keyed;
    buffer counted = {0}, body = {0};
    sums->counters = counters_count(&of->counts);
    sums->failures = of->passed_count;
    sums->spilled += shuffle_spilled(of);
    int status = put_counters(&of->counts, &counted);
    status = status ? status : commit_write(sums, sample, &counted, &of->passed, &body);
    status = status ? status : column_add(task->values, rf_bytes(body.data, body.size));
    buffer_free(&counted);
    buffer_free(&body);
    return status ? keyed_task_broke(task, status) : KEYED_DONE;
}

int keyed_task_give(keyed_task *task, sealed_run *made, struct message_commit *sums)
{
    if (made->path || made->bytes > GIVEN_IN_MEMORY) {
        sums->spilled = made->bytes;
        return run_give(made, task->chunk->result);
    }
    int status = column_add(task->added, rf_bytes(made->memory.data, made->memory.size));
    run_free(made);
    return status;
}

int keyed_task_look(const keyed_task *task)
{
    rf_call_progress(task->call);
    return rf_call_cancelled(task->call) ? error_set(RF_ECANCELLED, "cancelled", "nobody wants this task any more") : RF_OK;
}
