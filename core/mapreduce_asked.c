/* What the caller of rf_mapreduce asks for, and whether it makes sense. */
#include <string.h>

#include "mapreduce.h"
#include "run/built_in.h"

#define PARTITIONS_MOST 65536
#define PARTITION_BYTES ((uint64_t)32 << 20)    /* of input, for a reduce task */
#define PARTITIONS_LEAST 8                      /* automatic: a small input is for several workers, too */
#define PARTITIONS_MANY 4096

static int unusable(const char *why)
{
    return error_set(RF_EUSAGE, "usage", "rf_mapreduce: %s", why);
}

static int copy_job(by_key_run *run, const rf_job *given)
{
    if (!given)
        return unusable("the job is NULL: RF_JOB makes one");
    if (!given->struct_size || given->struct_size > sizeof run->said)
        return error_set(RF_EOPTION, "option", "rf_mapreduce: struct_size is %zu: make the job with RF_JOB, of this library's header", given->struct_size);
    memcpy(&run->said, given, given->struct_size);
    return RF_OK;
}

static uint32_t inputs_of(const rf_job *said)
{
    uint32_t count = 0;
    while (count < RF_INPUTS_MOST && said->inputs[count].source)
        count++;
    return count;
}

static int check_order(const rf_job *said, enum fold fold)
{
    if (said->order > RF_BY_KEY_GLOBAL || said->values > RF_BY_VALUE || said->format > RF_RAW)
        return error_set(RF_EOPTION, "option", "order, values or format is none of their names");
    if (said->partitioner && said->order == RF_BY_KEY_GLOBAL)
        return error_set(RF_EOPTION, "option", "partitioner: with RF_BY_KEY_GLOBAL partitions are ranges of keys; say one of the two");
    if (said->partitions > PARTITIONS_MOST)
        return error_set(RF_EOPTION, "option", "partitions: %" PRIu32 ", but at most %d", said->partitions, PARTITIONS_MOST);
    if (fold && said->values == RF_BY_VALUE)
        return error_set(RF_EOPTION, "option", "values: RF_BY_VALUE orders what a reducer sees, but a built-in one folds it before; leave one of them out");
    return RF_OK;
}

/* What is folded where it is emitted. A reducer brings its own; a built-in combiner goes with any other reducer. */
static int find_fold(by_key_run *run)
{
    const rf_job *said = &run->said;
    enum fold brings = built_in_fold((rf_any_function *)said->reducer), asked = built_in_fold((rf_any_function *)said->combiner);
    if (said->combiner && brings && asked != brings)
        return unusable("rf_sum, rf_min, rf_max, rf_count and rf_first bring their own combiner: leave .combiner out");
    if (built_in_collects((rf_any_function *)said->combiner))
        return unusable("rf_collect is no combiner");
    run->says.fold = (uint32_t)(asked ? asked : brings);
    if (!said->reducer)
        run->said.reducer = asked ? said->combiner : built_in_reducer();
    return check_order(said, (enum fold)run->says.fold);
}

static int number_of(const by_key_run *run, rf_any_function *function, int kind, uint32_t *number)
{
    *number = KEYED_NO_FUNCTION;
    return function ? registry_number(run->pool->self->functions, function, kind, number) : RF_OK;
}

static int find_functions(by_key_run *run)
{
    const rf_job *said = &run->said;
    bool folds = run->says.fold != FOLD_NONE;
    int status = number_of(run, (rf_any_function *)said->reducer, RF_KIND_REDUCE, &run->reducer_number);
    status = status ? status : number_of(run, folds ? NULL : (rf_any_function *)said->combiner, RF_KIND_REDUCE, &run->says.combiner);
    status = status ? status : number_of(run, (rf_any_function *)said->partitioner, RF_KIND_PARTITION, &run->says.partitioner);
    status = status ? status : number_of(run, (rf_any_function *)said->compare, RF_KIND_COMPARE, &run->says.compare);
    run->reducer = status ? NULL : registry_at(run->pool->self->functions, run->reducer_number);
    return status;
}

static int check_inputs(by_key_run *run)
{
    run->inputs = inputs_of(&run->said);
    for (uint32_t i = run->inputs; i < RF_INPUTS_MOST; i++)
        if (run->said.inputs[i].source)
            return error_set(RF_EUSAGE, "usage", "rf_mapreduce: inputs[%" PRIu32 "] has a source, inputs[%" PRIu32 "] has none: leave no gap", i, run->inputs);
    return run->inputs ? RF_OK : unusable("there is no input: say .inputs = {{.source = ..., .mapper = ...}}");
}

int by_key_check(by_key_run *run, const rf_job *given)
{
    int status = pool_usable(run->pool);
    status = status ? status : copy_job(run, given);
    status = status ? status : check_inputs(run);
    status = status ? status : find_fold(run);
    return status ? status : find_functions(run);
}

/* From the input alone, so that any number of ranks makes the same partitions. */
uint32_t by_key_partitions(const by_key_run *run)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < run->part_count; i++)
        bytes += coordinator_input_bytes(run->parts[i]);
    uint64_t many = bytes / PARTITION_BYTES;
    return (uint32_t)(many < PARTITIONS_LEAST ? PARTITIONS_LEAST : many > PARTITIONS_MANY ? PARTITIONS_MANY : many);
}
