/* The first hundred squares of an endless generator. It teaches lazy iteration: rank 0 makes only as many items as
   the window holds, and freeing the iterator stops what is on its way. */
#include <rankfold.h>

static int square(rf_call *call, rf_value item)
{
    uint64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, x * x);
}
RF_REGISTER(square);

static int naturals(rf_call *call, void *state)         /* runs on rank 0: needs no registration */
{
    uint64_t *n = state;
    return RF_RETURN(call, (*n)++);
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    uint64_t n = 0;
    rf_iterator *squares;
    int status = rf_imap(pool, square, rf_generator(naturals, &n, NULL),
                         RF_OPTIONS(.iterable_len = RF_ENDLESS, .chunk_size = 1), &squares);
    const rf_result *result;
    for (int i = 0; i < 100 && status == RF_OK && (status = rf_next(squares, &result)) == RF_OK; i++)
        printf("%" PRIu64 "\n", rf_u64(result->value));
    int ended = rf_iterator_free(squares);
    return status ? status : ended;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
