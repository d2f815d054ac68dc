#include "run/replay.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "input/reader.h"
#include "run/chain.h"
#include "run/coordinator_state.h"
#include "run/work_job.h"

/* ---- the text ---- */

static const struct field { const char *name; size_t offset; uint64_t unsaid; } fields[] = {
    {"pool", offsetof(replay, pool), 0},
    {"job", offsetof(replay, job), UINT64_MAX},
    {"unit", offsetof(replay, unit), UINT64_MAX},
    {"at", offsetof(replay, at), UINT64_MAX},
    {"attempt", offsetof(replay, attempt), 0},
    {"seed", offsetof(replay, seed), 0},
    {"split", offsetof(replay, split), 0},
};
enum { FIELDS = sizeof fields / sizeof *fields };

static uint64_t *field_of(replay *which, int i) { return (uint64_t *)(void *)((char *)which + fields[i].offset); }

void replay_write(const replay *which, char text[REPLAY_TEXT])
{
    size_t used = 0;
    replay its = *which;
    text[0] = '\0';
    for (int i = 0; i < FIELDS; i++)
        if (*field_of(&its, i) != fields[i].unsaid)
            used += (size_t)snprintf(text + used, REPLAY_TEXT - used, "%s%s=%" PRIu64, used ? "," : "", fields[i].name, *field_of(&its, i));
}

static bool read_field(const char **text, replay *which)
{
    size_t length = strcspn(*text, "=");
    for (int i = 0; i < FIELDS; i++) {
        const char *number = *text + length + 1;
        char *end;
        if (strlen(fields[i].name) != length || strncmp(*text, fields[i].name, length) != 0 || number[-1] != '=' || *number < '0' ||
            *number > '9')
            continue;
        errno = 0;
        *field_of(which, i) = strtoull(number, &end, 10);
        *text = end + (*end == ',');
        return !errno && (!*end || (*end == ',' && end[1]));
    }
    return false;
}

int replay_read(const char *text, replay *which)
{
    const char *at = text;
    for (int i = 0; i < FIELDS; i++)
        *field_of(which, i) = fields[i].unsaid;
    bool right = true;
    while (*at && right)
        right = read_field(&at, which);
    if (right && which->job != UINT64_MAX && which->unit != UINT64_MAX && which->attempt && which->attempt <= UINT32_MAX && which->seed)
        return RF_OK;
    return error_set(RF_EOPTION, "option", "RANKFOLD_REPLAY: \"%.200s\" names no item; take the whole line from the report of its failure", text);
}

/* ---- the item ---- */

int replay_seek(coordinator *runs, job *of, const replay *which, int *descriptor, double *when)
{
    int status = RF_OK;
    uint64_t got;
    double delay = INFINITY;
    *descriptor = -1;
    while (status == RF_OK && source_sequential(of->source) && of->want <= which->unit) {
        status = source_read(of->source, 1, &got, descriptor, &delay);
        if (got && of->want != which->unit)
            source_forget(of->source, of->want, got);
        of->want += got;                /* of a job that is not started: what was read */
    }
    if (of->want > which->unit && source_sequential(of->source))
        return RF_OK;
    *when = transport_now(post_transport(runs->via)) + delay;
    bool ends = status == RF_END || (!source_sequential(of->source) && source_length(of->source) <= which->unit);
    if (ends)
        return error_set(RF_EUSAGE, "replay", "RANKFOLD_REPLAY: %s has no item %" PRIu64 " any more: its input is another", of->name, which->unit);
    return status;
}

/* A debugger stops in raise, called here: "up" shows this line, and a step over it goes into the function. */
static int stop_before(rf_call *call, rf_value item)
{
    rf_map_function *const *function = call->context;
    raise(SIGTRAP);
    return (*function)(call, item);
}

static bool is_debugged(void)
{
    char line[256];
    long tracer = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status) && sscanf(line, "TracerPid: %ld", &tracer) != 1)
        ;
    if (status)
        fclose(status);
    return tracer != 0;
}

/* As it would have come in a RUN: aligned, with a NUL behind. */
static int open_item(job *of, const replay *which, reader *from, buffer *body)
{
    input_piece piece;
    uint64_t described;
    int status = source_describe(of->source, which->unit, 1, &piece, &described);
    if (status == RF_OK)
        status = buffer_reserve(body, piece.body_size + 1);
    if (status)
        return status;
    buffer_put(body, piece.body, piece.body_size);      /* reserved */
    body->data[body->size] = '\0';
    piece.body = body->data;
    return reader_open(from, &piece, which->unit, 1, which->at);
}

static int fail_again(const rf_call *call)
{
    rf_error why;
    call_fill_error(call, &why);
    error_of_item(&why);
    return RF_EITEMS;
}

static int call_function(rf_call *call, const struct work_job *work, const reader_item *item, unsigned attempt)
{
    const rf_registration *registered = work->job.function;
    rf_map_function *function = (rf_map_function *)registered->function;
    call_item which = {.position = item->position, .path = item->path, .path_index = item->path_index, .attempt = attempt};
    if (registered->init && call_init_worker(call, registered, &call->worker_state))
        return fail_again(call);
    call->context = &function;
    int status = call_run(call, is_debugged() ? stop_before : function, item->value, &which);
    status = status ? fail_again(call) : RF_OK;
    if (registered->exit)
        registered->exit(call->worker_state);
    return status;
}

/* .init of all stages: functions that name the same one share what it leaves. */
static int begin_stages(chain *of, const struct work_job *work, uint32_t *begun)
{
    for (*begun = 0; *begun < work->job.stage_count; ++*begun) {
        const rf_registration *function = work->stages[*begun].function;
        void *worker = NULL;
        uint32_t same = 0;
        while (function && same < *begun && (!work->stages[same].function || work->stages[same].function->init != function->init))
            same++;
        if (function && function->init && same < *begun)
            worker = of->stages.rooms[same].worker;
        else if (function && function->init && call_init_worker(of->call, function, &worker))
            return fail_again(of->call);
        chain_worker(of, *begun, worker);
    }
    return RF_OK;
}

static void end_stages(const chain *of, const struct work_job *work, uint32_t begun)
{
    for (uint32_t i = 0; i < begun; i++) {
        const rf_registration *function = work->stages[i].function;
        uint32_t first = 0;
        while (function && (!work->stages[first].function || work->stages[first].function->init != function->init))
            first++;
        if (function && function->init && function->exit && first == i)
            function->exit(of->stages.rooms[i].worker);
    }
}

/* A debugger stops before the first stage. */
static int run_chain(rf_call *call, const struct work_job *work, const reader_item *item, unsigned attempt)
{
    chain of = {0};
    buffer positions = {0};
    uint32_t begun = 0;
    chain_init(&of, call, call->results, &positions);
    int status = chain_open(&of, &work->job, item->unit);
    status = status ? status : begin_stages(&of, work, &begun);
    call->item = (call_item){.position = item->position, .path = item->path, .path_index = item->path_index, .attempt = attempt};
    if (status == RF_OK && is_debugged())
        raise(SIGTRAP);
    if (status == RF_OK && chain_run(&of, item->value, item->unit))
        status = fail_again(call);
    end_stages(&of, work, begun);
    chain_free(&of);
    buffer_free(&positions);
    return status;
}

static int run_item(coordinator *runs, const job *of, const struct work_job *work, reader *from, const replay *which, column *value)
{
    reader_item item;
    int status = reader_next(from, &item);
    if (status == RF_END)
        return error_set(RF_EUSAGE, "replay", "RANKFOLD_REPLAY: there is nothing at %" PRIu64 " any more: the input is another", which->at);
    if (status)
        return RF_EITEMS;               /* it could not be read, told */
    rf_call call;
    column added = {0};
    counters counted = {0};             /* nobody reads them */
    call_init(&call);
    call.results = value;
    call.counts = of->counts ? &counted : NULL;
    call.added = work->job.grows ? &added : NULL;      /* nobody runs it */
    call.rank = 0;
    call.function = work->job.chained ? NULL : work->job.function->name;
    call.state = work->job.state;
    call.seed = work->job.seed;
    call.job = work->job.ordinal;
    call.wants_tuples = work->job.wants_tuples;
    call.shares = work->job.shares;
    bool before = runs->in_callback;
    runs->in_callback = true;
    status = (work->job.chained ? run_chain : call_function)(&call, work, &item, (unsigned)which->attempt);
    runs->in_callback = before;
    call_free(&call);
    counters_free(&counted);
    column_free(&added);
    return status;
}

int replay_run(coordinator *runs, job *of, const replay *which, column *value)
{
    struct work_job *work;
    buffer body = {0};
    message says = coordinator_job_message(of);
    int status = work_job_new(runs->functions, runs->shares, NULL, &says, &work);
    if (status)
        return status;
    reader *from = reader_new();
    status = from ? open_item(of, which, from, &body) : RF_ENOMEM;
    if (status == RF_OK)
        status = run_item(runs, of, work, from, which, value);
    reader_free(from);
    buffer_free(&body);
    work_job_free(work);
    return status;
}
