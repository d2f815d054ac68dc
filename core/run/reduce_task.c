#include <stdlib.h>

#include "base/error.h"
#include "keyed/group.h"
#include "run/built_in.h"
#include "run/keyed_task.h"

#define RECORDS_A_LOOK 4096

/* Where pairs go: a part of the output, or a run of the dataset. */
typedef struct reduced {
    keyed_task *task;
    merge *from;
    rf_group *groups;
    output_writer *to_output;
    run_writer to_run;
    bool writes_run;
    buffer bytes, packed;               /* of a record on its way into the run */
    uint64_t records, looked;
    call_sink sink;
    failure *wrong;                     /* of what is read or written: no function's */
} reduced;

static int keep_wrong(reduced *of, int status)
{
    if (status < 0 && !of->wrong)
        of->wrong = failure_new(rf_last_error());
    return status;
}

/* ---- pairs out --------------------------------------------------------------------------------------------------- */

static int put_record(reduced *of, const record *it, const uint8_t *bytes, size_t size)
{
    of->records++;
    return run_add(&of->to_run, it, bytes, size);
}

static int put_pair_to_run(reduced *of, rf_value key, rf_value value)
{
    record_part parts[2];
    record made;
    int status = record_encode(key, value, parts, &of->packed, &made);
    of->bytes.size = 0;
    status = status ? status : record_put(&made, &of->bytes);
    return status ? status : put_record(of, &made, of->bytes.data, of->bytes.size);
}

static int put_pair(void *context, rf_value key, rf_value value)
{
    reduced *of = context;
    if (of->writes_run)
        return put_pair_to_run(of, key, value);
    of->records++;
    return output_pair(of->to_output, key, value);
}

/* ---- pairs in ---------------------------------------------------------------------------------------------------- */

static int next_record(void *context, const record **it, unsigned *input)
{
    reduced *of = context;
    int status = ++of->looked % RECORDS_A_LOOK ? RF_OK : keyed_task_look(of->task);
    return keep_wrong(of, status ? status : merge_next(of->from, it, input));
}

/* ---- reducers ---------------------------------------------------------------------------------------------------- */

static int pass_all(reduced *of)
{
    const record *it;
    unsigned input;
    size_t size;
    int status;
    while ((status = next_record(of, &it, &input)) == RF_OK) {
        const uint8_t *bytes = of->writes_run ? merge_bytes(of->from, &size) : NULL;
        status = of->writes_run ? put_record(of, it, bytes, size) : put_pair(of, record_key(it), record_value(it));
        if (status)
            return keep_wrong(of, status);
        of->task->ran++;
    }
    return status == RF_END ? RF_OK : status;
}

static int fold_all(reduced *of, enum fold fold)
{
    rf_value key, value;
    int status;
    while ((status = group_next_key(of->groups, &key)) == RF_OK) {
        status = group_fold(of->groups, fold, &value);
        status = status ? status : put_pair(of, key, value);
        if (status)
            return keep_wrong(of, status);
        of->task->ran++;
    }
    return status == RF_END ? RF_OK : keep_wrong(of, status);
}

/* The key is named: a reducer has no other place. */
static int fail_at_key(reduced *of, rf_value key)
{
    char named[128];
    const rf_call *call = of->task->call;
    record_tell(key, named, sizeof named);
    int status = error_set(call->status, call->kind, "%s: key %s: %s", call->function, named, call->message);
    return keep_wrong(of, status);
}

static int reduce_all(reduced *of)
{
    keyed_task *task = of->task;
    shuffle *in = task->chunk->job->keyed;
    rf_reduce_function *function = (rf_reduce_function *)task->chunk->job->function->function;
    rf_value key;
    int status;
    while ((status = group_next_key(of->groups, &key)) == RF_OK) {
        task->call->item = (call_item){record_hash(group_key(of->groups)), NULL, UINT64_MAX, task->chunk->attempt};
        logbook_enters(in->log, LOGBOOK_REDUCER, key);
        status = call_reduce(task->call, function, key, of->groups, &task->call->item);
        logbook_leaves(in->log, LOGBOOK_LIBRARY);
        if (of->wrong)
            return RF_EINPUT;
        if (status)
            return fail_at_key(of, key);
        counters_keep(&in->counts);
        task->ran++;
    }
    return status == RF_END ? RF_OK : keep_wrong(of, status);
}

static int reduce(reduced *of)
{
    keyed_task *task = of->task;
    shuffle *in = task->chunk->job->keyed;
    rf_any_function *function = task->chunk->job->function->function;
    if (built_in_passes(function))
        return pass_all(of);
    int status = group_new(next_record, of, &of->groups);
    if (status)
        return keep_wrong(of, status);
    if (in->shape.fold && built_in_fold(function) == in->shape.fold)
        return fold_all(of, in->shape.fold);
    if (in->shape.fold)
        group_set_fold(of->groups, in->shape.fold);
    of->sink = (call_sink){.pair = put_pair, .context = of};
    task->call->sink = &of->sink;
    task->call->counts = &in->counts;
    status = reduce_all(of);
    task->call->sink = NULL;
    task->call->counts = NULL;
    return status;
}

/* ---- begun and ended --------------------------------------------------------------------------------------------- */

/* A dataset's part that may be large goes to scratch at once. */
static int begin_run(reduced *of)
{
    const executor_chunk *chunk = of->task->chunk;
    shuffle *in = chunk->job->keyed;
    bool large = gather_bytes(chunk->gathers) > in->gather_memory;
    char *path = NULL;
    int status = large && !chunk->result ? shuffles_scratch(in->among, &path) : RF_OK;
    status = status ? status : run_begin(&of->to_run, &in->flat, large && chunk->result ? chunk->result : path, 0);
    of->writes_run = !status;
    free(path);
    return status;
}

static int begin(reduced *of)
{
    const executor_chunk *chunk = of->task->chunk;
    shuffle *in = chunk->job->keyed;
    const record *low, *high;
    counters_clear(&in->counts);
    in->passed.size = in->passed_count = 0;
    int status = gather_status(chunk->gathers);
    shuffle_range(in, (uint32_t)chunk->unit, &low, &high);
    status = status ? status : segments_merge(&in->shape, gather_segments(chunk->gathers), gather_count(chunk->gathers), low, high,
                                              shuffles_place(in->among), in->gather_memory, &of->from);
    if (status)
        return status;
    return *in->folder ? output_begin(in->folder, (uint32_t)chunk->unit, chunk->attempt, in->format, &of->to_output) : begin_run(of);
}

static int end_run(reduced *of, struct message_commit *sums)
{
    sealed_run *made;
    of->writes_run = false;
    int status = run_end(&of->to_run, &made);
    if (status)
        return status;
    const executor_chunk *chunk = of->task->chunk;
    sums->bytes = made->bytes;
    sums->spilled = made->path ? made->bytes : 0;
    return chunk->result ? keyed_task_give(of->task, made, sums) : shuffle_make(chunk->job->keyed, made, &sums->run);
}

static int end_output(reduced *of, struct message_commit *sums)
{
    output_part part;
    output_writer *ended = of->to_output;
    of->to_output = NULL;
    int status = output_end(ended, &part);
    sums->written = part.bytes;
    sums->checksum = part.checksum;
    return status;
}

static void put_away(reduced *of)
{
    group_free(of->groups);
    merge_free(of->from);
    if (of->writes_run)
        run_abandon(&of->to_run);
    output_abandon(of->to_output);
    buffer_free(&of->bytes);
    buffer_free(&of->packed);
    failure_free(of->wrong);
}

enum keyed_outcome reduce_task_run(keyed_task *task)
{
    reduced of = {.task = task};
    const gather *gathers = task->chunk->gathers;
    struct message_commit sums = {.exchanged = gather_exchanged(gathers)};
    int status = begin(&of);
    task->bytes_read = gather_bytes(gathers);
    if (!status && (status = reduce(&of)) && of.wrong)
        status = error_of_item(failure_error(of.wrong));
    sums.records = of.records;
    sums.groups = task->ran;
    if (!status)
        status = of.writes_run ? end_run(&of, &sums) : end_output(&of, &sums);
    put_away(&of);
    return status ? keyed_task_broke(task, status) : keyed_task_done(task, &sums, NULL);
}
