/* rf_mapreduce: a job of map tasks for each input, all at once, then a job of reduce tasks, over the same plan, workers, retries and figures as any other. What comes of
   a task is a commit (wire/message.h): its run's id and figures. Of each unit of work one is delivered, whatever was tried, so that
   counters count once and a run is read once.

       map jobs, a task a block of input  ->  committed runs, in (input, position) order  ->  reduce job, a task a partition  ->  output finished

   The output (keyed/output.h) is begun before anything runs, so that what is in its way is told at once, and removed unless it is
   finished. */
#include "mapreduce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"

#define SAMPLE_OF_PARTITION 64                  /* keys of a run's sample */
#define SAMPLE_LEAST 1024
#define SAMPLE_MOST 8192

static bool ends_in_gz(const char *path)
{
    size_t size = path ? strlen(path) : 0;
    return size > 3 && strcmp(path + size - 3, ".gz") == 0;
}

static void say_shape(by_key_run *run)
{
    const rf_job *said = &run->said;
    struct message_keyed *says = &run->says;
    uint64_t sample = (uint64_t)says->partitions * SAMPLE_OF_PARTITION;
    says->sample = (uint32_t)(sample < SAMPLE_LEAST ? SAMPLE_LEAST : sample > SAMPLE_MOST ? SAMPLE_MOST : sample);
    says->format = said->format;
    says->memory = said->memory;
    says->flags = (said->order == RF_BY_KEY_GLOBAL ? KEYED_RANGES : 0u) | (said->values == RF_BY_VALUE ? KEYED_BY_VALUE : 0u) |
                  (said->compress ? KEYED_COMPRESS : 0u) | (ends_in_gz(said->output) ? KEYED_GZIP : 0u);
    run->sample.limit = said->order == RF_BY_KEY_GLOBAL ? says->sample : 0;
}

static int begin_output(by_key_run *run)
{
    const rf_job *said = &run->said;
    output_format format = {.kind = said->format, .gzip = ends_in_gz(said->output)};
    run->says.partitions = said->partitions ? said->partitions : by_key_partitions(run);
    say_shape(run);
    run->made->parts = calloc(run->says.partitions, sizeof *run->made->parts);
    run->made->part_count = run->says.partitions;
    int status = run->made->parts ? RF_OK : error_no_memory(run->says.partitions * sizeof *run->made->parts);
    if (!status && said->output)
        status = output_new(said->output, run->says.partitions, said->partitions > 0, said->force, format, &run->out);
    return status ? status : by_key_say(run->of, &run->says, run->out ? output_folder(run->out) : "", run->settled.retry.on ? run->settled.retry.on : "",
                                        said->state);
}

static int map_all(by_key_run *run)
{
    double began = pool_now(run->pool);
    int status = by_key_make_maps(run);
    status = status ? status : begin_output(run);
    run->progress[run->inputs].total = run->says.partitions;
    status = status ? status : by_key_run_parts(run);
    run->made->figures.map_seconds = pool_now(run->pool) - began;
    return status ? status : by_key_commit_all(run);
}

static int reduce_all(by_key_run *run)
{
    double began = pool_now(run->pool);
    int status = by_key_make_reduce(run);
    status = status ? status : by_key_run_parts(run);
    if (!status && run->out)
        status = output_finish(run->out);
    run->made->figures.reduce_seconds = pool_now(run->pool) - began;
    return status;
}

static int begin(by_key_run *run, const rf_job *given)
{
    const rf_pool *pool = run->pool;
    int status = by_key_check(run, given);
    status = status ? status : options_settle(run->options, &run->reducer->options, &pool->defaults, &pool->environment, &run->settled);
    if (status)
        return status;
    if (!run->settled.name)
        run->settled.name = "rf_mapreduce";
    run->deadline = run->settled.timeout > 0 ? pool_now(pool) + run->settled.timeout : INFINITY;
    by_key_settle_progress(run);
    status = dataset_new(run->pool, run->settled.name, run->said.output, &run->made);
    return status ? status : by_key_new(pool->self->schedules, &run->of);
}

/* Sources that no job has taken. */
static void free_sources(const rf_job *said)
{
    for (uint32_t i = 0; i < RF_INPUTS_MOST; i++)
        rf_source_free(said->inputs[i].source);
}

/* A dataset without an output keeps the runs of its parts. */
static void put_away(by_key_run *run, int status)
{
    by_key_close_parts(run);
    output_free(run->out);
    if (run->of && !status)
        by_key_release_runs(run->of);
    if (run->made && !status && !run->said.output)
        run->made->of = run->of;
    else
        by_key_let_go(run->of);
    buffer_free(&run->commits);
    sketch_free(&run->sample);
    failure_free(run->wrong);
}

int rf_mapreduce(rf_pool *pool, const rf_job *given, const rf_options *options, rf_dataset **made)
{
    by_key_run run = {.pool = pool, .options = options};
    if (made)
        *made = NULL;
    int status = begin(&run, given);
    status = status ? status : map_all(&run);
    free_sources(&run.said);
    status = status ? status : reduce_all(&run);
    rf_error why = *rf_last_error();
    if (run.on_progress && run.of)
        by_key_tell_progress(&run, true);
    put_away(&run, status);
    bool whole = status == RF_OK;
    status = whole ? dataset_status(run.made) : error_of_item(&why);
    if (whole && made)
        *made = run.made;
    else
        rf_dataset_free(run.made);
    return status;
}
