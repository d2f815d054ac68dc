#include "run/fork_names.h"

#include <string.h>

#include "base/error.h"

static const rf_registration *function_at(const executor_job *job, uint32_t i)
{
    return job->chained ? job->stages[i].function : job->function;
}

static uint32_t count_of(const executor_job *job)
{
    return job->chained ? job->stage_count : 1;
}

size_t fork_name_size(const rf_registration *function)
{
    return function ? strlen(function->file) + strlen(function->name) + sizeof ":" : 1;
}

char *fork_name_put(const rf_registration *function, char *space)
{
    size_t size = fork_name_size(function);
    snprintf(space, size, "%s%s%s", function ? function->file : "", function ? ":" : "", function ? function->name : "");
    return space + size;
}

size_t fork_names_size(const executor_job *job)
{
    size_t size = 0;
    for (uint32_t i = 0; i < count_of(job); i++)
        size += fork_name_size(function_at(job, i));
    return size;
}

void fork_names_put(const executor_job *job, char *space)
{
    for (uint32_t i = 0; i < count_of(job); i++)
        space = fork_name_put(function_at(job, i), space);
}

const char *fork_names_first(const executor_job *job)
{
    for (uint32_t i = 0; i < count_of(job); i++)
        if (function_at(job, i))
            return function_at(job, i)->name;
    return NULL;
}

/* ---- the child ---- */

int fork_name_number(const registry *functions, const char *name, uint32_t *number)
{
    for (*number = 0; *number < registry_count(functions); ++*number) {
        const rf_registration *one = registry_at(functions, *number);
        size_t file = strlen(one->file);
        if (!strncmp(name, one->file, file) && name[file] == ':' && !strcmp(name + file + 1, one->name))
            return RF_OK;
    }
    return error_set(RF_EUNREGISTERED, "executor", "the function %s was registered after the process that makes children had been made, and they do "
                     "not know it: register it before rf_main or rf_prepare is called, or, without them, before the first job that forks", name);
}

int fork_names_apply(const registry *functions, message *job, const char *names)
{
    if (!job->job.chained)
        return fork_name_number(functions, names, &job->job.function);
    const void *at = job->body;
    size_t left = job->body_size;
    struct message_stage *in_place = (struct message_stage *)(uintptr_t)at, copy;
    rf_value state;
    int status;
    for (; (status = message_next_stage(&at, &left, &copy, &state)) == RF_OK; in_place = (struct message_stage *)(uintptr_t)at) {
        status = *names ? fork_name_number(functions, names, &in_place->function) : RF_OK;
        if (status)
            return status;
        names += strlen(names) + 1;
    }
    return status == RF_END ? RF_OK : message_refuse(job, job->head.size, "stages that make no sense");
}
