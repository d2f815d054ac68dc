/* What comes of the tasks of a job by key. */
#include <stdlib.h>

#include "mapreduce.h"

static int add_counters(by_key_run *run, commit_view *from)
{
    const char *name;
    int64_t by;
    int status = RF_OK;
    while (!status && commit_next_counter(from, &name, &by))
        status = counters_add(&run->made->counts, name, by);
    counters_keep(&run->made->counts);
    return status;
}

static int add_passed_over(by_key_run *run, commit_view *from, const rf_result *of)
{
    struct message_failure entry;
    const char *kind, *text;
    int status = RF_OK;
    while (!status && commit_next_failure(from, &entry, &kind, &text))
        status = dataset_fail(run->made, &(rf_error){.status = entry.status, .kind = kind, .message = text, .index = entry.position, .rank = of->rank,
                                                     .host = of->host, .attempt = of->attempts});
    return status;
}

static int commit_run(by_key_run *run, uint32_t input, const rf_result *of, const commit_view *what)
{
    rf_keyed_figures *sums = &run->made->figures;
    committed its = {of->index, {.id = what->sums.run, .rank = of->rank, .input = input}};
    sums->map_tasks++;
    sums->emitted += what->sums.emitted;
    sums->combined += what->sums.records;
    sums->intermediate += what->sums.bytes;
    if (sketch_merge(&run->sample, what->sample, what->sums.sample_size))
        return error_set(RF_ENOMEM, "memory", "rank 0 has no memory for a sample of keys, or it is damaged");
    return what->sums.records ? buffer_put(&run->commits, &its, sizeof its) : RF_OK;
}

static int commit_part(by_key_run *run, const rf_result *of, const commit_view *what)
{
    rf_dataset *made = run->made;
    uint32_t partition = (uint32_t)of->index;
    made->figures.reduce_tasks++;
    made->figures.groups += what->sums.groups;
    made->figures.output += what->sums.records;
    made->figures.exchanged += what->sums.exchanged;
    made->parts[partition] = (struct input_pairs){.keyed = run->of->id, .run = what->sums.run, .count = what->sums.records, .rank = of->rank};
    output_part part = {what->sums.records, what->sums.written, what->sums.checksum};
    return run->out ? output_commit(run->out, partition, of->attempts, &part) : RF_OK;
}

static int take_commit(by_key_run *run, uint32_t part, const rf_result *of)
{
    commit_view what;
    if (commit_open(of->value, &what))
        return error_set(RF_EUSAGE, "message", "what a task by key gave cannot be read");
    run->made->figures.spilled += what.sums.spilled;
    int status = run->reduces ? commit_part(run, of, &what) : commit_run(run, part, of, &what);
    status = status ? status : add_counters(run, &what);
    return status ? status : add_passed_over(run, &what, of);
}

/* What is wrong with the disk or the memory is no item's fault, unless its memory, or its time in a child, is limited. */
static bool is_of_machine(const by_key_run *run, uint32_t part, const rf_result *of)
{
    const rf_options *settled = job_options(run->parts[part]);
    switch (of->error->status) {
    case RF_ENOMEM: return settled->executor != RF_FORK || settled->task_memory == RF_UNLIMITED;
    case RF_ETIMEOUT: return of->rank < 0;
    case RF_EOUTPUT:
    case RF_ELOST:
    case RF_ECANCELLED:
    case RF_ECLOSED:
    case RF_EHALTED:
    case RF_EINIT: return true;
    default: return false;
    }
}

/* A task that has failed for good ends it all. */
static int task_failed(by_key_run *run, uint32_t part, const rf_result *of)
{
    char text[1536], where[320] = "";
    rf_error all = *of->error;
    if (of->rank >= 0)
        snprintf(where, sizeof where, " (rank %d%s%s, attempt %u)", of->rank, of->host ? " on " : "", of->host ? of->host : "", of->attempts);
    snprintf(text, sizeof text, "%s: %s%s", run->settled.name, all.message, where);
    all.status = is_of_machine(run, part, of) ? all.status : RF_EITEMS;
    all.message = text;
    return error_of_item(&all);
}

int by_key_take(by_key_run *run, uint32_t part, const rf_result *of)
{
    return of->ok ? take_commit(run, part, of) : task_failed(run, part, of);
}

/* ---- all is mapped ------------------------------------------------------------------------------------------------ */

static int by_place(const void *a, const void *b)
{
    const committed *one = a, *other = b;
    if (one->place.input != other->place.input)
        return one->place.input < other->place.input ? -1 : 1;
    return one->unit < other->unit ? -1 : one->unit > other->unit;
}

/* Which runs count, and where ranges of keys end. */
int by_key_commit_all(by_key_run *run)
{
    size_t count = run->commits.size / sizeof(committed);
    committed *all = (committed *)(void *)run->commits.data;
    record_order order = {.compare = run->said.compare};
    int status = RF_OK;
    if (count)
        qsort(all, count, sizeof *all, by_place);
    for (size_t i = 0; i < count && !status; i++)
        status = by_key_commit(run->of, &all[i].place);
    if (!status && run->sample.limit)
        status = sketch_splitters(&run->sample, &order, run->says.partitions - 1, &run->of->splitters, &run->of->splitter_count);
    return status;
}
