/* What tests/test_replay runs: one job that prepares, and one of which an item fails and says all that it has seen. The first argument says where
   its items come from. With "heal" the item succeeds where the file that is named next does not exist. */
#include <mpi.h>

#include <rankfold.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct model { int64_t sum; double scale; } model;

static int weigh(rf_call *call, rf_value item)
{
    return RF_RETURN(call, rf_i64(item) * 3);
}
RF_REGISTER(weigh);

static int open_worker(rf_call *call, void **worker)
{
    *worker = strdup(rf_size(rf_call_shared(call, "words")) ? "opened" : "empty");
    return *worker ? RF_OK : RF_ENOMEM;
}

/* The item is a number, a line or a record; one of them is bad. */
static int area(rf_call *call, rf_value item)
{
    const model *bound = RF_CALL_STATE(call, model);
    rf_value words = rf_call_shared(call, "words");
    double random = rf_call_random(call);
    bool bad = rf_type_of(item) == RF_I64 ? rf_i64(item) == 1017 : memchr(item.data, '!', rf_size(item)) != NULL;
    if (!bad)
        return rf_return(call, item);
    const char *path = rf_call_path(call);
    return rf_fail(call, "odd", "index %" PRIu64 " attempt %u random %.17g state %" PRId64 " %g shared %.*s worker %s path %s offset %" PRIu64
                   " size %zu", rf_call_index(call), rf_call_attempt(call), random, bound->sum, bound->scale, (int)rf_size(words),
                   (const char *)words.data, (const char *)rf_call_worker(call), path ? strrchr(path, '/') : "none", rf_call_offset(call),
                   rf_size(item));
}
RF_REGISTER(area, .init = open_worker, .exit = free, .options = {.retry = {.attempts = 2, .backoff = RF_NONE}});

static int heal(rf_call *call, rf_value item)
{
    rf_value file = rf_call_shared(call, "words");
    if (rf_i64(item) == 30 && access(file.data, F_OK) == 0)
        return rf_fail(call, "ill", "%s is there", (const char *)file.data);
    return RF_RETURN(call, rf_i64(item), "well");
}
RF_REGISTER(heal);

static int count_up(rf_call *call, void *state)
{
    uint64_t *next = state;
    if (*next % 7 == 3 && (*next)++ % 2 == 0)
        return RF_AGAIN;
    return *next < 2000 ? RF_RETURN(call, (int64_t)(*next)++) : RF_END;
}

static rf_source *source_of(const char *from, char **arguments)
{
    static uint64_t next;
    if (strcmp(from, "generator") == 0)
        return rf_generator(count_up, &next, NULL);
    if (strcmp(from, "lines") == 0)
        return rf_lines(arguments, 2);
    if (strcmp(from, "records") == 0)
        return rf_records(arguments, 1, 8);
    return rf_range(0, 2000);
}

static int run(rf_pool *pool, int argc, char **argv)
{
    RF_AUTO(rf_results, weights);
    model bound = {.scale = 0.5};
    const char *from = argc > 1 ? argv[1] : "range";
    int status = rf_map(pool, weigh, rf_range(0, 100), NULL, &weights);
    for (uint64_t i = 0; i < rf_results_len(weights); i++)
        bound.sum += rf_i64(rf_results_value(weights, i));
    if (status == RF_OK)
        status = argc > 2 && strcmp(from, "heal") == 0 ? rf_share(pool, "words", argv[2], strlen(argv[2])) : rf_share(pool, "words", "a few", 5);
    if (status)
        return status;
    if (strcmp(from, "heal") == 0)
        return rf_map(pool, heal, rf_range(0, 100), NULL, NULL);
    rf_iterator *stream;
    const rf_result *one;
    status = rf_imap(pool, area, source_of(from, argv + 2), RF_OPTIONS(.state = RF_STATE(bound), .split_size = 100), &stream);
    while (status == RF_OK && (status = rf_next(stream, &one)) == RF_OK)
        if (!one->ok) {
            rf_print_replay(stdout, one->error);
            printf("\n%s\n", one->error->message);
        }
    int ended = rf_iterator_free(stream);
    return status != RF_END ? status : ended == RF_EITEMS ? 65 : 0;
}

/* As a program that owns MPI does it; the pool before this one is another. */
static int own_mpi(int argc, char **argv)
{
    rf_pool *before, *pool;
    MPI_Init(&argc, &argv);
    int status = rf_open(MPI_COMM_WORLD, NULL, &before);
    rf_close(before);
    if (status == RF_OK)
        status = rf_open(MPI_COMM_WORLD, NULL, &pool);
    if (status == RF_OK && pool)
        status = run(pool, argc, argv);
    if (status < 0 && pool)
        printf("%s: %s\n", rf_status_name(status), rf_last_error()->message);
    if (pool && rf_map(pool, weigh, rf_range(0, 1), NULL, NULL) == RF_ECLOSED)
        printf("closed\n");
    rf_close(pool);
    MPI_Finalize();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[argc - 1], "own MPI") == 0)
        return own_mpi(argc, argv);
    return rf_main(argc, argv, run);
}
