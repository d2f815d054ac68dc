/* rf_run: a function on one item, in this process, without a pool and without MPI: what its unit tests call. */
#include <stdlib.h>

#include "base/error.h"
#include "base/options.h"
#include "plan/retry.h"
#include "result/spans.h"
#include "run/call.h"
#include "run/registry.h"

/* A function that is not registered has no defaults and no .init. */
static rf_registration registration_of(rf_map_function *function)
{
    rf_registration found;
    if (!registry_find((rf_any_function *)function, &found))
        found = (rf_registration){.name = "function", .function = (rf_any_function *)function};
    return found;
}

static bool try_again(const rf_call *call, const rf_options *settled)
{
    return call->item.attempt < settled->retry.attempts && retry_matches(settled->retry.on, call->kind);
}

/* Attempts follow at once: a unit test waits for nothing. */
static int attempt_all(rf_call *call, rf_map_function *function, rf_value item, const rf_options *settled)
{
    int status;
    for (unsigned attempt = 1;; attempt++) {
        call_item which = {.path_index = UINT64_MAX, .attempt = attempt};
        column_cut(call->results, 0);
        column_cut(call->added, 0);
        status = call_run(call, function, item, &which);
        if (!status || !try_again(call, settled))
            return status;
    }
}

static int deliver(rf_call *call, int status, spans *to)
{
    delivery made = {.items = 1, .values = column_look(call->results), .path_index = BLOCK_NO_PATH, .attempt = call->item.attempt};
    item_failure failed = {0};
    rf_error error;
    if (status) {
        call_fill_error(call, &error);
        failed.why = failure_new(&error);
        if (!failed.why)
            return RF_ENOMEM;
        made.failures = &failed;
        made.failure_count = 1;
        error_of_item(&error);
    }
    int kept = spans_add(to, &made);
    failure_free(failed.why);
    return kept ? kept : status ? RF_EITEMS : RF_OK;
}

static int run_with(rf_call *call, const rf_registration *registered, rf_value item, const rf_options *settled, spans *to)
{
    call->function = registered->name;
    call->state = settled->state;
    call->seed = settled->seed;
    int status = registered->init ? call_init_worker(call, registered, &call->worker_state) : RF_OK;
    if (status)
        return error_set(status, call->kind, "%s", call->message);
    status = attempt_all(call, (rf_map_function *)registered->function, item, settled);
    if (registered->exit)
        registered->exit(call->worker_state);
    return deliver(call, status, to);
}

int rf_run(rf_map_function *function, rf_value item, const rf_options *options, rf_results **results)
{
    rf_registration registered = registration_of(function);
    rf_options settled, environment;
    column values = {0}, added = {0};
    rf_call call;
    call_init(&call);
    call.results = &values;
    call.added = &added;
    spans *all = NULL;
    if (results)
        *results = NULL;
    int status = options_from_environment(&environment);
    if (status == RF_OK)
        status = options_settle(options, &registered.options, NULL, &environment, &settled);
    if (status == RF_OK && !(all = spans_new(NULL, NULL)))
        status = RF_ENOMEM;
    if (status == RF_OK)
        status = run_with(&call, &registered, item, &settled, all);
    call_free(&call);
    column_free(&values);
    column_free(&added);
    if (results && (status == RF_OK || status == RF_EITEMS))
        return results_of(all, results) ? RF_ENOMEM : status;
    spans_free(all);
    return status;
}
