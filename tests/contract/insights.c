/* Row D7 on 1, 2, 3 and 5 ranks: what the workers of a pool have done. Times are compared with what functions have measured themselves. */
#define _GNU_SOURCE
#include <mpi.h>

#include "../functions.h"
#include "../verify.h"

static int repeat(rf_call *call, rf_value item)
{
    uint64_t size = rf_size(item);
    char *to = rf_return_space(call, 10 * size);
    for (int i = 0; to && i < 10; i++)
        memcpy(to + (uint64_t)i * size, item.data, size);
    return RF_OK;
}
RF_REGISTER(repeat);

static int fail_at_first(rf_call *call, rf_value item)
{
    return rf_call_attempt(call) == 1 ? rf_fail(call, "first", "not yet") : rf_return(call, item);
}
RF_REGISTER(fail_at_first, .options = {.retry = {.attempts = 2, .backoff = RF_NONE}});

/* Returns how long it took by its own clock. */
static int take(rf_call *call, rf_value item)
{
    double seconds, began = MPI_Wtime(), now;
    rf_value what;
    if (RF_ARGS(call, item, seconds, what))
        return RF_EARGS;
    while ((now = MPI_Wtime()) < began + seconds)
        ;
    return RF_RETURN(call, now - began);
}
RF_REGISTER(take);

static int slow_start(rf_call *call, void **worker)
{
    (void)call;
    *worker = NULL;
    for (double end = MPI_Wtime() + 0.005; MPI_Wtime() < end;)
        ;
    return RF_OK;
}
static int started(rf_call *call, rf_value item) { return rf_return(call, item); }
RF_REGISTER(started, .init = slow_start);

static int one_is_long(rf_call *call, rf_value item)
{
    const double *seconds = RF_CALL_STATE(call, double);
    for (double end = MPI_Wtime() + (seconds ? *seconds : 0); rf_i64(item) == 777 && MPI_Wtime() < end;)
        ;
    return rf_return(call, item);
}
RF_REGISTER(one_is_long);

static int until_cancelled(rf_call *call, rf_value item)
{
    while (rf_i64(item) == 1 && !rf_call_cancelled(call))
        ;
    return rf_return(call, item);
}
RF_REGISTER(until_cancelled);

static rf_worker_figures total(const rf_figures *all)
{
    rf_worker_figures sum = {0};
    for (uint64_t i = 0; i < all->workers; i++) {
        const rf_worker_figures *of = &all->worker[i];
        sum.items += of->items;
        sum.failed += of->failed;
        sum.chunks += of->chunks;
        sum.bytes_in += of->bytes_in;
        sum.bytes_out += of->bytes_out;
        sum.working += of->working;
        sum.init += of->init;
        sum.busy |= of->busy;
        sum.lost |= of->lost;
    }
    return sum;
}

CASE(D7_every_worker_is_told_of_before_it_has_worked)
{
    const rf_figures *all;
    CHECK_STATUS(rf_insights(pool, &all), RF_OK);
    CHECK_INT(all->workers, rf_workers(pool));
    for (uint64_t i = 0; i < all->workers; i++) {
        const rf_worker_figures *of = &all->worker[i];
        CHECK(of->rank == (int)i + (all->workers > 1 || of->rank == 1) && of->host && of->host[0]);
        CHECK(of->items == 0 && of->chunks == 0 && of->working <= 0 && of->waiting <= 0 && of->starting >= 0 && of->age <= 0);
        CHECK(!of->busy && !of->lost);
    }
    CHECK_INT(all->longest_count, 0);
    CHECK(all->seconds > 0);
}

CASE(D7_items_chunks_and_bytes_add_up)
{
    const rf_figures *all;
    CHECK_STATUS(rf_map(pool, repeat, rf_strings((const char *[]){"abcdefgh", "ijklmnop"}, 2), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_insights(pool, &all), RF_OK);
    rf_worker_figures sum = total(all);
    CHECK(sum.items == 2 && sum.failed == 0 && sum.chunks >= 1 && sum.chunks <= 2);
    CHECK(sum.bytes_in >= 16 && sum.bytes_in < 1000 && sum.bytes_out >= 160 && sum.bytes_out < 1000);
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 1000), RF_OPTIONS(.chunk_size = 10), NULL), RF_OK);
    CHECK_STATUS(rf_insights(pool, &all), RF_OK);
    rf_worker_figures now = total(all);
    CHECK_INT(now.items - sum.items, 1000);
    CHECK_INT(now.chunks - sum.chunks, 100);
    CHECK_STATUS(rf_map(pool, fail_at_first, rf_range(0, 30), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_insights(pool, &all), RF_OK);
    sum = total(all);
    CHECK_INT(sum.items - now.items, 60);
    CHECK_INT(sum.failed - now.failed, 30);
}

CASE(D7_what_workers_read_themselves_counts_as_bytes_in)
{
    char name[] = "/tmp/rankfold-insights-XXXXXX";
    int file = mkstemp(name);
    CHECK(file >= 0);
    for (int i = 0; i < 1000; i++)
        CHECK(write(file, "123456789\n", 10) == 10);
    close(file);
    const rf_figures *all;
    const char *paths[] = {name};
    int status = rf_map(pool, echo, rf_lines(paths, 1), NULL, NULL);
    unlink(name);
    CHECK_STATUS(status, RF_OK);
    CHECK_STATUS(rf_insights(pool, &all), RF_OK);
    CHECK(total(all).bytes_in >= 9000 && total(all).bytes_in < 20000);
    CHECK_INT(total(all).items, 1000);
}

CASE(D7_working_and_init_are_at_least_what_functions_took)
{
    const rf_figures *all;
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, take, RF_VALUES(RF_TUPLE(0.002, 1), RF_TUPLE(0.002, 2), RF_TUPLE(0.002, 3)), NULL, &results), RF_OK);
    double took = 0;
    for (uint64_t i = 0; i < 3; i++)
        took += rf_f64(rf_results_value(results, i));
    CHECK_STATUS(rf_insights(pool, &all), RF_OK);
    CHECK(total(all).working >= took);
    CHECK(total(all).init <= 0);
    CHECK_STATUS(rf_map(pool, started, rf_range(0, 1), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_insights(pool, &all), RF_OK);
    CHECK(total(all).init >= 0.005);
    for (uint64_t i = 0; i < all->workers; i++)
        CHECK(all->worker[i].waiting >= 0 && all->worker[i].starting >= 0);
}

CASE(D7_the_longest_items_are_told_with_their_arguments)
{
    rf_value items[8];
    char text[200];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    rf_value pairs[8][2];
    for (int i = 0; i < 8; i++) {
        pairs[i][0] = rf_of_f64(0.0015);
        pairs[i][1] = rf_text(text, (size_t)(i + 1) * 20);
        items[i] = rf_tuple_of(pairs[i], 2);
    }
    const rf_figures *all;
    CHECK_STATUS(rf_map(pool, take, rf_values(items, 8), RF_OPTIONS(.chunk_size = 1), NULL), RF_OK);
    CHECK_STATUS(rf_insights(pool, &all), RF_OK);
    CHECK_INT(all->longest_count, RF_LONGEST);
    for (int i = 0; i < RF_LONGEST; i++) {
        const rf_long_item *one = &all->longest[i];
        CHECK(one->seconds >= 0.0015 && (i == 0 || one->seconds <= one[-1].seconds));
        CHECK_TEXT(one->function, "take");
        CHECK(one->index < 8 && one->items == 1 && one->rank >= 0 && one->host && !one->path);
        char wanted[300];
        snprintf(wanted, sizeof wanted, "[0.0015, \"%.*s\"]", (int)(one->index + 1) * 20, text);
        if (strlen(wanted) > 63)
            strcpy(wanted + 60, "...");
        CHECK_TEXT(one->item, wanted);
    }
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 100), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_insights(pool, &all), RF_OK);
    CHECK_INT(all->longest_count, RF_LONGEST);
}

/* Others take long, too, where the machine is busy: then it has to take longer still. */
CASE(D7_a_long_item_among_tiny_ones_is_found)
{
    const rf_figures *all;
    bool found = false;
    for (double seconds = 0.002; !found; seconds *= 2) {
        CHECK_STATUS(rf_map(pool, one_is_long, rf_range(0, 5000), RF_OPTIONS(.chunk_size = 1000, .state = RF_STATE(seconds)), NULL), RF_OK);
        CHECK_STATUS(rf_insights(pool, &all), RF_OK);
        for (uint64_t i = 0; i < all->longest_count; i++) {
            const rf_long_item *one = &all->longest[i];
            found |= one->seconds >= seconds && one->index <= 777 && 777 < one->index + one->items;
        }
    }
}

/* One rank alone cannot ask while it runs a function. */
CASE(D7_one_that_is_long_in_a_function_is_not_waited_for)
{
    if (rf_workers(pool) < 2)
        return;
    const rf_figures *all;
    const rf_result *one;
    rf_iterator *both;
    CHECK_STATUS(rf_imap(pool, until_cancelled, rf_range(0, 2), RF_OPTIONS(.chunk_size = 1), &both), RF_OK);
    CHECK_STATUS(rf_next(both, &one), RF_OK);
    uint64_t busy;
    do {
        CHECK_STATUS(rf_insights(pool, &all), RF_OK);
        busy = 0;
        for (uint64_t i = 0; i < all->workers; i++) {
            busy += all->worker[i].busy;
            CHECK(all->worker[i].busy == (all->worker[i].age > 0));
        }
    } while (!busy);
    CHECK_INT(busy, 1);
    CHECK_STATUS(rf_iterator_free(both), RF_OK);
    do
        CHECK_STATUS(rf_insights(pool, &all), RF_OK);
    while (total(all).busy);
    CHECK_INT(total(all).items, 2);
}

CASE(D7_the_report_is_a_table)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    CHECK_STATUS(rf_map(pool, take, RF_VALUES(RF_TUPLE(0.002, "first"), RF_TUPLE(0.002, "second")), RF_OPTIONS(.chunk_size = 1), NULL), RF_OK);
    CHECK_STATUS(rf_report(pool, to), RF_OK);
    fclose(to);
    uint64_t lines = 0;
    size_t width = 0;
    for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
        if (lines == 1)
            width = (size_t)(end - at);
        if (lines > 1 && lines < 2 + rf_workers(pool))
            CHECK_INT((size_t)(end - at), width);
    }
    CHECK_INT(lines, 2 + rf_workers(pool) + (rf_workers(pool) > 1) + 3);
    CHECK_HAS(text, "rank  host");
    CHECK_HAS(text, "bytes out");
    CHECK_HAS(text, "[0.002, \"first\"]");
    CHECK((strstr(text, "   all  ") != NULL) == (rf_workers(pool) > 1));
    free(text);
    FILE *full = fopen("/dev/full", "w");
    if (full) {
        CHECK_STATUS(rf_report(pool, full), RF_EOUTPUT);
        fclose(full);
    }
}

CASE(D7_a_closed_pool_has_no_figures)
{
    const rf_figures *all = (const rf_figures *)(const void *)"";
    CHECK_STATUS(rf_insights(NULL, &all), RF_EUSAGE);
    CHECK_STATUS(rf_close(pool), RF_OK);
    CHECK_STATUS(rf_insights(pool, &all), RF_ECLOSED);
    CHECK(all == NULL);
    CHECK_STATUS(rf_report(pool, stdout), RF_ECLOSED);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int status = verify_pools(argc, argv);
    MPI_Finalize();
    return status;
}
