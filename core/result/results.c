#include "result/spans.h"

#include <stdlib.h>

int results_of(spans *all, rf_results **made)
{
    *made = malloc(sizeof **made);
    if (!*made) {
        spans_free(all);
        return error_no_memory(sizeof **made);
    }
    **made = (rf_results){.all = all};
    return RF_OK;
}

int results_new(strings *hosts, strings *paths, rf_results **made)
{
    spans *all = spans_new(hosts, paths);
    *made = NULL;
    return all ? results_of(all, made) : RF_ENOMEM;
}

void rf_results_free(rf_results *results)
{
    if (!results)
        return;
    spans_free(results->all);
    arena_free(&results->made);
    free(results);
}

uint64_t rf_results_len(const rf_results *results)
{
    return results ? spans_count(results->all) : 0;
}

static const rf_error *range_error(const rf_results *results, uint64_t i)
{
    uint64_t length = rf_results_len(results);
    char message[128];
    snprintf(message, sizeof message, "there is no result %" PRIu64 ": the set has %" PRIu64 "%s", i, length,
             length ? ", counted from 0" : "");
    error_of_item(&(rf_error){.status = RF_ERANGE, .kind = "usage", .message = message, .index = i, .rank = -1});
    return rf_last_error();
}

rf_result rf_results_at(const rf_results *results, uint64_t i)
{
    if (i < rf_results_len(results))
        return spans_at(results->all, i);
    return (rf_result){.index = i, .value = rf_nil(), .error = range_error(results, i), .rank = -1};
}

rf_value rf_results_value(const rf_results *results, uint64_t i)
{
    if (i < rf_results_len(results))
        return spans_value(results->all, i);
    range_error(results, i);
    return rf_nil();
}

bool rf_results_ok(const rf_results *results)
{
    return !results || !spans_failed(results->all);
}

/* The first failure's error, with the count of all as its status and in front of its message. */
int rf_results_check(const rf_results *results)
{
    uint64_t i = 0;
    if (rf_results_ok(results) || !rf_results_next_failure(results, &i))
        return RF_OK;
    rf_error error = *spans_at(results->all, i).error;
    char message[1536];
    snprintf(message, sizeof message, "%" PRIu64 " of %" PRIu64 " items failed; the first: %s",
             spans_failed(results->all), spans_count(results->all), error.message);
    error.status = RF_EITEMS;
    error.message = message;
    return error_of_item(&error);
}

bool rf_results_next_failure(const rf_results *results, uint64_t *i)
{
    return results && spans_find(results->all, true, i);
}

bool rf_results_next_success(const rf_results *results, uint64_t *i)
{
    return results && spans_find(results->all, false, i);
}
