/* What tests/test_outcomes and others run: its first argument says what the driver does. Built twice; as another_program it
   registers one function more. */
#include <mpi.h>

#include <rankfold.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refuse(rf_call *call, rf_value item)
{
    (void)item;
    return rf_fail(call, "never", "attempt %u", rf_call_attempt(call));
}
RF_REGISTER(refuse);
static int refuse_by_default(rf_call *call, rf_value item)
{
    return refuse(call, item);
}
RF_REGISTER(refuse_by_default, .options = {.retry = {.attempts = 4, .backoff = RF_NONE}});

static int until_cancelled(rf_call *call, rf_value item)
{
    while (!rf_call_cancelled(call))
        ;
    return rf_return(call, item);
}
RF_REGISTER(until_cancelled);

static int draw(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, rf_call_random(call), rf_call_random(call));
}
RF_REGISTER(draw);

static int copy(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(copy);

static int without_licence(rf_call *call, void **worker)
{
    (void)worker;
    return rf_fail(call, NULL, "no licence");
}
static int never_started(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(never_started, .init = without_licence);

static int report_exit(rf_call *call, void **worker)
{
    *worker = strdup(rf_call_rank(call) == 0 ? "rank 0" : "a worker");
    return *worker ? RF_OK : RF_ENOMEM;
}
static void say_goodbye(void *worker)
{
    fprintf(stderr, "exit of %s\n", (const char *)worker);
    free(worker);
}
static int tidy(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(tidy, .init = report_exit, .exit = say_goodbye);

static int stranger(rf_call *call, rf_value item)
{
    return rf_fail(call, NULL, "%" PRId64, rf_i64(item));
}

#ifdef ANOTHER_PROGRAM
static int only_in_another_program(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(only_in_another_program);
#endif

static int print_all(rf_pool *pool, rf_map_function *function, rf_source *source)
{
    RF_AUTO(rf_results, results);
    int status = rf_map(pool, function, source, NULL, &results);
    for (uint64_t i = 0; i < rf_results_len(results); i++) {
        rf_print(stdout, rf_results_value(results, i));
        printf("\n");
    }
    return status;
}

/* How often an item was tried: with what the environment says, with what the registration says, with what the call says. */
static int print_attempts(rf_pool *pool)
{
    rf_map_function *functions[] = {refuse, refuse_by_default, refuse};
    for (int i = 0; i < 3; i++) {
        RF_AUTO(rf_results, results);
        rf_apply(pool, functions[i], rf_nil(), i == 2 ? RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE}) : NULL, &results);
        printf("%u\n", rf_results_at(results, 0).attempts);
    }
    return RF_OK;
}

/* Leaves without freeing or closing anything. */
static int leave_early(rf_pool *pool)
{
    rf_iterator *stream;
    const rf_result *one;
    rf_imap(pool, copy, rf_range(0, INT64_MAX), NULL, &stream);
    for (int i = 0; i < 3; i++)
        rf_next(stream, &one);
    return 3;
}

static int read_past_the_end(rf_pool *pool)
{
    RF_AUTO(rf_results, results);
    int status = rf_map(pool, copy, rf_range(0, 3), NULL, &results);
    rf_result none = rf_results_at(results, 3);
    return status ? status : none.error->status;
}

static int close_and_map(rf_pool *pool)
{
    rf_close(pool);
    return rf_map(pool, copy, rf_range(0, 3), NULL, NULL);
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    char *const *paths = argv + 2;
    uint64_t path_count = argc > 2 ? (uint64_t)argc - 2 : 0;
    if (strcmp(what, "return") == 0)
        return atoi(argv[2]);
    if (strcmp(what, "fail") == 0)
        return rf_map(pool, refuse, rf_range(0, 10), NULL, NULL);
    if (strcmp(what, "halt") == 0)
        return rf_map(pool, refuse, rf_range(0, 10), RF_OPTIONS(.halt = RF_HALT_SOON), NULL);
    if (strcmp(what, "option") == 0)
        return rf_map(pool, copy, rf_range(0, 10), RF_OPTIONS(.chunk_size = 1, .n_splits = 1), NULL);
    if (strcmp(what, "stranger") == 0)
        return rf_map(pool, stranger, rf_range(0, 10), NULL, NULL);
    if (strcmp(what, "lines") == 0)
        return print_all(pool, copy, rf_lines(paths, path_count));
    if (strcmp(what, "files") == 0)
        return print_all(pool, copy, rf_files(paths, path_count));
    if (strcmp(what, "late") == 0)
        return rf_map(pool, until_cancelled, rf_range(0, 4), RF_OPTIONS(.timeout = 0.1), NULL);
    if (strcmp(what, "init") == 0)
        return rf_map(pool, never_started, rf_range(0, 10), NULL, NULL);
    if (strcmp(what, "exit") == 0)
        return rf_map(pool, tidy, rf_range(0, 100), RF_OPTIONS(.chunk_size = 1), NULL);
    if (strcmp(what, "closed") == 0)
        return close_and_map(pool);
    if (strcmp(what, "past") == 0)
        return read_past_the_end(pool);
    if (strcmp(what, "early") == 0)
        return leave_early(pool);
    if (strcmp(what, "random") == 0)
        return print_all(pool, draw, rf_range(0, 1000));
    if (strcmp(what, "squares") == 0)
        return print_all(pool, copy, rf_range(0, 100000));
    if (strcmp(what, "attempts") == 0)
        return print_attempts(pool);
    return strcmp(what, "nothing") == 0 ? RF_OK : 99;
}

static int setup(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "help") == 0) {
        printf("how to use it\n");
        return RF_END;
    }
    if (strcmp(what, "setup") == 0)
        return atoi(argv[2]);
    return RF_OK;
}

/* Owns MPI, and ends it with the pool open and an iterator live. */
static int finalize_first(int argc, char **argv)
{
    rf_pool *pool;
    MPI_Init(&argc, &argv);
    int status = rf_open(MPI_COMM_WORLD, NULL, &pool);
    if (pool)
        status = leave_early(pool) == 3 ? 0 : 1;
    MPI_Finalize();
    return status;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "finalize") == 0)
        return finalize_first(argc, argv);
    return rf_main_setup(argc, argv, setup, driver);
}
