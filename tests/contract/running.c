/* Rows D1 and D2 on 1, 2, 3 and 5 ranks: how a job is cut into chunks, and what runs before the first and after the last of them. */
#define _GNU_SOURCE
#include <mpi.h>

#include "../functions.h"
#include "../verify.h"

static int where(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, rf_call_rank(call));
}
RF_REGISTER(where);

static uint64_t chunks_so_far(rf_pool *pool)
{
    const rf_figures *all;
    uint64_t chunks = 0;
    if (rf_insights(pool, &all))
        return UINT64_MAX;
    for (uint64_t i = 0; i < all->workers; i++)
        chunks += all->worker[i].chunks;
    return chunks;
}

CASE(D1_chunks_have_the_size_that_was_asked_for)
{
    static const uint64_t sizes[] = {1, 7, 10, 333, 1000, 5000};
    uint64_t before = chunks_so_far(pool);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map(pool, where, rf_range(0, 1000), RF_OPTIONS(.chunk_size = sizes[i]), &results), RF_OK);
        for (uint64_t item = 0; item < 1000; item++)        /* the items of a chunk are run in one place */
            CHECK_INT(rf_i64(rf_results_value(results, item)), rf_i64(rf_results_value(results, item - item % sizes[i])));
        uint64_t now = chunks_so_far(pool);
        CHECK_INT(now - before, (1000 + sizes[i] - 1) / sizes[i]);
        before = now;
    }
}

CASE(D1_a_job_is_cut_into_so_many_splits)
{
    static const uint64_t splits[] = {1, 2, 7, 64, 999, 1000, 4000};
    uint64_t before = chunks_so_far(pool);
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        CHECK_STATUS(rf_map(pool, where, rf_range(0, 1000), RF_OPTIONS(.n_splits = splits[i]), NULL), RF_OK);
        uint64_t now = chunks_so_far(pool);
        CHECK_INT(now - before, splits[i] < 1000 ? splits[i] : 1000);
        before = now;
    }
}

CASE(D1_automatic_chunks_hold_many_tiny_items_and_the_order)
{
    uint64_t before = chunks_so_far(pool);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 100000), NULL, &results), RF_OK);
    for (uint64_t i = 0; i < 100000; i++)
        CHECK_INT(rf_i64(rf_results_value(results, i)), i * i);
    uint64_t chunks = chunks_so_far(pool) - before;
    CHECK(chunks >= 1 && chunks < 20000);
    RF_AUTO(rf_results, oracle);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 1000), NULL, &oracle), RF_OK);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK_INT(rf_i64(rf_results_value(oracle, i)), i * i);
}

CASE(D1_both_ways_to_say_it_contradict_each_other)
{
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), RF_OPTIONS(.chunk_size = 1, .n_splits = 2), NULL), RF_EOPTION);
    CHECK_HAS(rf_last_error()->message, "n_splits");
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), RF_OPTIONS(.chunk_size = UINT64_MAX), NULL), RF_EOPTION);
    CHECK_HAS(rf_last_error()->message, "chunk_size");
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 10), NULL, NULL), RF_OK);
}

/* ---- D2 ------------------------------------------------------------------------------------------------------------ */

static int starts;                      /* of this process */
static int start(rf_call *call, void **worker)
{
    (void)call;
    starts++;
    *worker = &starts;
    return RF_OK;
}
static int tell_starts(rf_call *call, rf_value item)
{
    (void)item;
    return rf_call_worker(call) == &starts ? RF_RETURN(call, rf_call_rank(call), starts) : rf_fail(call, NULL, "no state");
}
RF_REGISTER(tell_starts, .init = start);

/* Jobs until each worker has had something. */
CASE(D2_an_initializer_is_called_once_by_each_worker)
{
    unsigned called[8] = {0};
    uint64_t workers = 0;
    while (workers < rf_workers(pool)) {
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map(pool, tell_starts, rf_range(0, 200), RF_OPTIONS(.chunk_size = 1), &results), RF_OK);
        for (uint64_t i = 0; i < 200; i++) {
            unsigned rank, count;
            CHECK_STATUS(RF_READ(rf_results_value(results, i), rank, count), RF_OK);
            CHECK(rank < 8 && count == 1);
            workers += !called[rank];
            called[rank] = count;
        }
    }
    CHECK_INT(workers, rf_workers(pool));       /* 4 workers, 4 calls */
}

static int start_nowhere(rf_call *call, void **worker)
{
    *worker = NULL;
    return rf_fail(call, "licence", "no licence on rank %d", rf_call_rank(call));
}
static int never_started(rf_call *call, rf_value item) { return rf_return(call, item); }
RF_REGISTER(never_started, .init = start_nowhere);

static int start_but_on_rank_1(rf_call *call, void **worker)
{
    return rf_call_rank(call) == 1 ? start_nowhere(call, worker) : start(call, worker);
}
static int started_elsewhere(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, rf_call_rank(call));
}
RF_REGISTER(started_elsewhere, .init = start_but_on_rank_1);

CASE(D2_an_initializer_may_fail_and_says_why)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, never_started, rf_range(0, 50), NULL, &results), RF_EINIT);
    CHECK_HAS(rf_last_error()->message, "no licence on rank ");
    CHECK_INT(rf_results_len(results), 50);
    CHECK_TEXT(rf_results_at(results, 49).error->kind, "init");
    CHECK_STATUS(rf_map(pool, square, rf_range(0, 50), NULL, NULL), RF_OK);     /* the pool goes on */
}

static char warning[512];
static void keep_warning(const char *text, void *user)
{
    (void)user;
    snprintf(warning, sizeof warning, "%s", text);
}

CASE(D2_a_worker_that_cannot_be_initialised_is_benched)
{
    rf_log_to(keep_warning, NULL);
    RF_AUTO(rf_results, results);
    int status = rf_map(pool, started_elsewhere, rf_range(0, 100), RF_OPTIONS(.chunk_size = 1), &results);
    rf_log_to(NULL, NULL);
    if (rf_workers(pool) == 1) {
        CHECK(status == RF_OK || status == RF_EINIT);       /* rank 0 alone, or rank 1 alone */
        return;
    }
    CHECK_STATUS(status, RF_OK);
    for (uint64_t i = 0; i < 100; i++)
        CHECK(rf_results_at(results, i).rank > 1 && rf_results_at(results, i).attempts == 1);
    CHECK(!warning[0] || (strstr(warning, "rank 1 ") && strstr(warning, "no licence")));
}

/* .exit leaves a mark for each process in a folder; the workers have gone for good when the next case's pool is open. */
static char folder[] = "/tmp/rankfold-running-XXXXXX";
typedef struct mark { char path[100]; } mark;
static int begin_mark(rf_call *call, void **worker)
{
    *worker = calloc(1, sizeof(mark));
    return *worker ? RF_OK : rf_fail(call, "memory", "none");
}
static void leave_mark(void *worker)
{
    FILE *file = fopen(((mark *)worker)->path, "a");
    if (file) {
        fputs("left\n", file);
        fclose(file);
    }
    free(worker);
}
static int prepare_mark(rf_call *call, rf_value item)
{
    mark *its = rf_call_worker(call);
    snprintf(its->path, sizeof its->path, "%s/%d", rf_str(item), rf_call_rank(call));
    return RF_RETURN(call, rf_call_rank(call));
}
RF_REGISTER(prepare_mark, .init = begin_mark, .exit = leave_mark);

static int marked[8];
CASE(D2_exit_is_called_when_the_pool_closes)
{
    CHECK(mkdtemp(folder) != NULL);
    rf_value items[20];
    for (int i = 0; i < 20; i++)
        items[i] = rf_of_string(folder);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, prepare_mark, rf_values(items, 20), RF_OPTIONS(.chunk_size = 1), &results), RF_OK);
    for (uint64_t i = 0; i < 20; i++)
        marked[rf_i64(rf_results_value(results, i))] = 1;
    for (int rank = 0; rank < 8; rank++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%d", folder, rank);
        CHECK(access(path, F_OK) < 0);
    }
}
CASE(D2_exit_was_called_once_by_each_worker)
{
    if (!strcmp(folder + strlen(folder) - 6, "XXXXXX"))
        return;                         /* this case alone was asked for */
    for (int rank = 0; rank < 8; rank++) {
        char path[200], text[64] = "";
        snprintf(path, sizeof path, "%s/%d", folder, rank);
        FILE *file = fopen(path, "r");
        CHECK((file != NULL) == (marked[rank] != 0));
        if (!file)
            continue;
        CHECK_INT(fread(text, 1, sizeof text - 1, file), 5);
        fclose(file);
        unlink(path);
    }
    rmdir(folder);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int status = verify_pools(argc, argv);
    MPI_Finalize();
    return status;
}
