#define _GNU_SOURCE
#include "run/work_job.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "run/call.h"

/* What a function does to its state nobody may see. It sees a copy of a small one (call.h); a large one cannot be written to. */
static bool state_space(struct work_job *job, size_t size)
{
    if (size <= CALL_STATE_COPIED) {
        job->state = malloc(size);
        return job->state;
    }
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    job->state = pages == MAP_FAILED ? NULL : pages;
    job->state_size = size;
    return job->state;
}

static int copy_state(struct work_job *job, const message *what)
{
    job->job.state = rf_view((rf_type)what->job.state_type, NULL, what->body_size);
    if (what->job.state_type < RF_TEXT) {               /* numbers: the body is their eight bytes */
        job->job.state.tag = what->job.state_type;
        if (what->body_size == sizeof job->job.state.u64)
            memcpy(&job->job.state.u64, what->body, sizeof job->job.state.u64);
        return RF_OK;
    }
    if (!state_space(job, what->body_size + 1))
        return error_no_memory(what->body_size + 1);
    if (what->body_size)
        memcpy(job->state, what->body, what->body_size);
    ((char *)job->state)[what->body_size] = '\0';
    job->job.state.data = job->state;
    if (job->state_size)
        mprotect(job->state, job->state_size, PROT_READ);
    return RF_OK;
}

int work_job_new(const registry *functions, const shares *has, const message *what, struct work_job **made)
{
    *made = NULL;
    const rf_registration *function = registry_at(functions, what->job.function);
    if (!function)
        return message_refuse(what, what->head.size, "a function that is not registered");
    struct work_job *job = calloc(1, sizeof *job);
    if (!job)
        return error_no_memory(sizeof *job);
    job->by_id.number = what->head.job;
    job->job.function = function;
    job->job.number = what->job.function;
    job->job.seed = what->job.seed;
    job->job.ordinal = what->job.ordinal;
    job->job.by_workers = what->job.by_workers;
    job->job.grows = what->job.grows;
    job->job.wants_tuples = what->job.wants_tuples;
    if (copy_state(job, what) || share_table_new(has, what->job.shares, &job->shares)) {
        work_job_free(job);
        return RF_ENOMEM;
    }
    job->job.shares = job->shares;
    *made = job;
    return RF_OK;
}

void work_job_free(struct work_job *job)
{
    if (!job)
        return;
    share_table_free(job->shares);
    if (job->state && job->state_size)
        munmap(job->state, job->state_size);
    else
        free(job->state);
    free(job);
}
