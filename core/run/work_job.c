#define _GNU_SOURCE
#include "run/work_job.h"

#include <math.h>
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

static int wrong_stage(const message *what)
{
    return message_refuse(what, what->head.size, "stages that make no sense, or a function that is not registered");
}

static int kind_of(uint32_t stage)
{
    return stage == STAGE_FILTER ? RF_KIND_FILTER : stage >= STAGE_STEP ? RF_KIND_FOLD : RF_KIND_MAP;
}

/* Those that fold are the last: an identity or none, a step, a merge. */
static bool is_in_order(const executor_job *job)
{
    uint32_t i = 0, count = job->stage_count;
    while (i < count && job->stages[i].kind < STAGE_IDENTITY)
        i++;
    if (i == count)
        return true;
    i += job->stages[i].kind == STAGE_IDENTITY;
    return i + 2 == count && job->stages[i].kind == STAGE_STEP && job->stages[i + 1].kind == STAGE_MERGE;
}

static int read_stages(const registry *functions, struct work_job *job, const message *what)
{
    const void *at = job->state;
    size_t left = what->body_size;
    job->job.number = UINT32_MAX;
    struct message_stage stage;
    rf_value state;
    int status;
    while ((status = message_next_stage(&at, &left, &stage, &state)) == RF_OK) {
        if (job->job.stage_count == MESSAGE_STAGES_MOST)
            return wrong_stage(what);
        bool has_function = stage.kind != STAGE_TRUTH && stage.kind != STAGE_IDENTITY;
        const rf_registration *function = has_function ? registry_at(functions, stage.function) : NULL;
        if (has_function && (!function || function->kind != kind_of(stage.kind)))
            return wrong_stage(what);
        if (function && job->job.number == UINT32_MAX)
            job->job.number = stage.function;
        job->stages[job->job.stage_count++] = (job_stage){.kind = stage.kind, .function = function, .state = state};
        job->job.folds = job->job.folds || stage.kind == STAGE_MERGE;
    }
    job->job.stages = job->stages;
    return status == RF_END && is_in_order(&job->job) ? RF_OK : wrong_stage(what);
}

/* The body, 16-aligned as memory is given; a stage takes 32 bytes of it at least. */
static int copy_stages(const registry *functions, struct work_job *job, const message *what)
{
    size_t most = what->body_size / (2 * sizeof(struct message_stage)) + 1;
    job->stages = malloc(most * sizeof *job->stages);
    if (!job->stages || !state_space(job, what->body_size + 1))
        return error_no_memory(what->body_size + most * sizeof *job->stages);
    if (what->body_size)
        memcpy(job->state, what->body, what->body_size);
    if (job->state_size)
        mprotect(job->state, job->state_size, PROT_READ);
    return read_stages(functions, job, what);
}

/* What is run in children is handed on to them as it came, whatever it says. */
static int keep_frame(struct work_job *job, const message *what)
{
    buffer *frame = &job->job.frame;
    uint8_t *space = buffer_add(frame, message_frame_size(MESSAGE_JOB, what->body_size));
    if (!space)
        return RF_ENOMEM;
    void *body = message_write(space, what, 0);
    if (what->body_size)
        memcpy(body, what->body, what->body_size);
    return RF_OK;
}

static int read_executor(struct work_job *job, const message *what)
{
    job->job.slots = what->job.slots;
    job->job.task_timeout = what->job.task_timeout > 0 ? what->job.task_timeout : INFINITY;
    job->job.task_memory = what->job.task_memory ? what->job.task_memory : UINT64_MAX;
    job->job.lifespan = what->job.lifespan ? what->job.lifespan : UINT64_MAX;
    return what->job.slots ? keep_frame(job, what) : RF_OK;
}

static int join_keyed(struct work_job *job, const shuffles *by_key, const message *what)
{
    shuffle *of = by_key ? shuffles_find(by_key, what->job.keyed) : NULL;
    int kind = what->job.phase == PHASE_REDUCE ? RF_KIND_REDUCE : RF_KIND_MAP;
    if (!of || !job->job.function || job->job.function->kind != kind)
        return message_refuse(what, what->head.size, "a part of a job by key that was not announced, or not its kind of function");
    shuffle_hold(of);
    job->job.keyed = of;
    job->job.phase = what->job.phase;
    job->job.tolerates = what->job.tolerates;
    return RF_OK;
}

int work_job_new(const registry *functions, const shares *has, const shuffles *by_key, const message *what, struct work_job **made)
{
    *made = NULL;
    const rf_registration *function = what->job.chained ? NULL : registry_at(functions, what->job.function);
    if (!function && !what->job.chained)
        return message_refuse(what, what->head.size, "a function that is not registered");
    struct work_job *job = calloc(1, sizeof *job);
    if (!job)
        return error_no_memory(sizeof *job);
    job->job.function = function;
    job->job.number = what->job.function;
    job->job.seed = what->job.seed;
    job->job.ordinal = what->job.ordinal;
    job->job.by_workers = what->job.by_workers;
    job->job.grows = what->job.grows;
    job->job.wants_tuples = what->job.wants_tuples;
    job->job.chained = what->job.chained;
    int status = what->job.chained ? copy_stages(functions, job, what) : copy_state(job, what);
    if (status == RF_OK && read_executor(job, what))
        status = RF_ENOMEM;
    if (status == RF_OK && what->job.keyed)
        status = join_keyed(job, by_key, what);
    if (status == RF_OK && has && share_table_new(has, what->job.shares, &job->shares))
        status = RF_ENOMEM;
    if (status) {
        work_job_free(job);
        return status;
    }
    job->job.shares = job->shares;
    *made = job;
    return RF_OK;
}

void work_job_free(struct work_job *job)
{
    if (!job)
        return;
    shuffle_let_go(job->job.keyed);
    buffer_free(&job->job.frame);
    share_table_free(job->shares);
    if (job->state && job->state_size)
        munmap(job->state, job->state_size);
    else
        free(job->state);
    free(job->stages);
    free(job);
}

executor_chunk work_job_chunk(const struct work_job *job, const message *what)
{
    const struct message_run *run = &what->run;
    return (executor_chunk){.task = what->head.task, .job = &job->job, .first = run->first, .count = run->count, .position = run->position,
                            .attempt = run->attempt, .predicted = run->predicted, .more = run->more, .unit = run->unit,
                            .piece = {.kind = run->kind, .layout = run->layout, .a = run->a, .b = run->b, .body = what->body,
                                      .body_size = what->body_size}};
}
