/* Datasets: what is left of a job by key. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

int dataset_new(rf_pool *pool, const char *name, const char *output, rf_dataset **made)
{
    rf_dataset *new = *made = calloc(1, sizeof *new);
    if (!new)
        return error_no_memory(sizeof *new);
    new->pool = pool;
    new->name = strdup(name);
    new->output = output ? strdup(output) : NULL;
    if (new->name && (new->output || !output))
        return RF_OK;
    rf_dataset_free(new);
    *made = NULL;
    return error_no_memory(strlen(name));
}

void rf_dataset_free(rf_dataset *old)
{
    if (!old)
        return;
    by_key_let_go(old->of);
    for (size_t i = 0; i < DATASET_FAILURES_KEPT; i++)
        failure_free(old->failures[i]);
    counters_free(&old->counts);
    free(old->parts);
    free(old->name);
    free(old->output);
    free(old);
}

int dataset_fail(rf_dataset *of, const rf_error *error)
{
    uint64_t at = of->figures.failed++;
    if (at < DATASET_FAILURES_KEPT && !(of->failures[at] = failure_new(error)))
        return RF_ENOMEM;
    return RF_OK;
}

int dataset_status(const rf_dataset *of)
{
    if (!of->figures.failed)
        return RF_OK;
    rf_error first = *failure_error(of->failures[0]);
    first.status = RF_EITEMS;
    return error_of_item(&first);
}

/* ---- read -------------------------------------------------------------------------------------------------------- */

static void let_go(void *held)
{
    by_key_let_go(held);
}

rf_source *rf_dataset_source(rf_dataset *of)
{
    if (!of)
        return source_failed(error_set(RF_EUSAGE, "usage", "rf_dataset_source: the dataset is NULL"));
    if (!of->of)
        return source_failed(error_set(RF_EUSAGE, "usage", "rf_dataset_source: the pairs of %s are in its output, %s: read it from there, or name no output",
                                       of->name, of->output ? of->output : "a file"));
    by_key_hold(of->of);
    return source_pairs(of->parts, of->part_count, let_go, of->of);
}

static int item_as_it_is(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(item_as_it_is);

int rf_dataset_collect(rf_dataset *of, rf_results **results)
{
    *results = NULL;
    if (!of)
        return error_set(RF_EUSAGE, "usage", "rf_dataset_collect: the dataset is NULL");
    return rf_map(of->pool, item_as_it_is, rf_dataset_source(of), RF_OPTIONS(.name = of->name, .executor = RF_INLINE, .slots = 1, .task_timeout = RF_NONE,
                                                                                  .task_memory = RF_UNLIMITED, .lifespan = RF_UNLIMITED), results);
}

uint64_t rf_dataset_len(const rf_dataset *of)
{
    return of ? of->figures.output : 0;
}

int64_t rf_dataset_counter(const rf_dataset *of, const char *name)
{
    for (size_t i = 0; of && i < counters_count(&of->counts); i++)
        if (strcmp(counters_at(&of->counts, i)->name, name) == 0)
            return counters_at(&of->counts, i)->kept;
    return 0;
}

rf_keyed_figures rf_dataset_figures(const rf_dataset *of)
{
    return of ? of->figures : (rf_keyed_figures){0};
}

/* ---- told -------------------------------------------------------------------------------------------------------- */

static void row(FILE *to, const char *what, uint64_t number, const char *unit)
{
    fprintf(to, "  %-22s %20" PRIu64 "%s%s\n", what, number, *unit ? " " : "", unit);
}

static void tell_failures(const rf_dataset *of, FILE *to)
{
    uint64_t told = of->figures.failed < DATASET_FAILURES_KEPT ? of->figures.failed : DATASET_FAILURES_KEPT;
    row(to, "items gone without", of->figures.failed, "");
    for (uint64_t i = 0; i < told; i++)
        fprintf(to, "    %s\n", failure_error(of->failures[i])->message);
    if (told < of->figures.failed)
        fprintf(to, "    and %" PRIu64 " more\n", of->figures.failed - told);
}

int rf_dataset_report(const rf_dataset *of, FILE *to)
{
    if (!of)
        return error_set(RF_EUSAGE, "usage", "rf_dataset_report: the dataset is NULL");
    const rf_keyed_figures *its = &of->figures;
    fprintf(to, "%s%s%s: %.3f s of map tasks, %.3f s of reduce tasks\n", of->name, of->output ? " to " : "", of->output ? of->output : "",
            its->map_seconds, its->reduce_seconds);
    row(to, "map tasks", its->map_tasks, "");
    row(to, "pairs emitted", its->emitted, "");
    row(to, "pairs combined to", its->combined, "");
    row(to, "intermediate", its->intermediate, "bytes");
    row(to, "exchanged", its->exchanged, "bytes");
    row(to, "written to scratch", its->spilled, "bytes");
    row(to, "reduce tasks", its->reduce_tasks, "");
    row(to, "keys reduced", its->groups, "");
    row(to, "pairs of output", its->output, "");
    for (size_t i = 0; i < counters_count(&of->counts); i++)
        fprintf(to, "  %-22s %20" PRId64 "\n", counters_at(&of->counts, i)->name, counters_at(&of->counts, i)->kept);
    if (its->failed)
        tell_failures(of, to);
    return ferror(to) ? error_set(RF_EOUTPUT, "output", "the report of %s could not be written", of->name) : RF_OK;
}
