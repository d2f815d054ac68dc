/* Contract rows B5, B6, B7 and B9: what can be passed as a function, and what is refused. Owns MPI, because one of its pools is
   opened by ranks that do not agree about their functions. */
#include <mpi.h>

#include "../verify.h"

static int square(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, x * x);
}
RF_REGISTER(square);

int visible(rf_call *call, rf_value item);
int visible(rf_call *call, rf_value item)
{
    return RF_RETURN(call, rf_i64(item) + 1);
}
RF_REGISTER(visible);

int stranger(rf_call *call, rf_value item);
int stranger(rf_call *call, rf_value item)
{
    return RF_RETURN(call, rf_i64(item) + 2);
}

static int static_stranger(rf_call *call, rf_value item)
{
    return RF_RETURN(call, rf_i64(item) + 3);
}

static int echo(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(echo);

static void check_works(rf_pool *pool, rf_map_function *function, int64_t (*wanted)(int64_t))
{
    RF_AUTO(rf_results, results);
    CHECK(function != NULL);
    CHECK_STATUS(rf_map(pool, function, rf_range(0, 100), NULL, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 100);
    for (int64_t i = 0; i < 100; i++)
        CHECK_INT(rf_i64(rf_results_value(results, (uint64_t)i)), wanted(i));
}

static int64_t squared(int64_t x) { return x * x; }
static int64_t next_of(int64_t x) { return x + 1; }

/* ---- B5 ---- */

CASE(B5_a_function_is_passed_by_pointer_or_by_name)
{
    ALSO(check_works(pool, square, squared));
    ALSO(check_works(pool, rf_find("square"), squared));
    ALSO(check_works(pool, rf_find("functions.c:square"), squared));
    ALSO(check_works(pool, rf_find("visible"), next_of));
    CHECK(rf_find("squares") == NULL);
    CHECK(rf_find("nowhere.c:square") == NULL);
}

/* Filled before the cases run, on every rank. */
static struct {
    int status, statuses[64], ranks;
    bool pool;
    char message[1024];
} mismatch;

CASE(B5_ranks_that_register_other_functions_are_told_with_their_names)
{
    if (mismatch.ranks == 1)
        CHECK_STATUS(mismatch.status, RF_OK);
    for (int rank = 0; mismatch.ranks > 1 && rank < mismatch.ranks; rank++)
        CHECK_STATUS(mismatch.statuses[rank], RF_EREGISTRY);
    if (mismatch.ranks > 1) {
        CHECK(!mismatch.pool);
        CHECK_HAS(mismatch.message, "rank 1");
        CHECK_HAS(mismatch.message, "functions.c:on_one_rank");
    }
    ALSO(check_works(pool, square, squared));       /* agreeing again, the same ranks open a pool */
}

static int on_one_rank(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}

static void open_disagreeing(void)
{
    static rf_registration alone = {.struct_size = sizeof alone, .name = "on_one_rank", .file = "functions.c", .line = 1,
                                    .kind = RF_KIND_MAP, .function = (rf_any_function *)on_one_rank};
    int rank;
    rf_pool *pool;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &mismatch.ranks);
    if (rank == 1)
        rf_register(&alone);
    mismatch.status = rf_open(MPI_COMM_WORLD, NULL, &pool);
    mismatch.pool = pool != NULL;
    snprintf(mismatch.message, sizeof mismatch.message, "%s", rf_last_error()->message);
    MPI_Gather(&mismatch.status, 1, MPI_INT, mismatch.statuses, 1, MPI_INT, 0, MPI_COMM_WORLD);
    rf_close(pool);
    if (rank == 1)
        rf_unregister(&alone);
}

/* ---- B6, B7 ---- */

static int count(rf_call *call, void *state)
{
    ++*(int *)state;
    return RF_RETURN(call, 1);
}

/* By every verb, before the source was read or anything was sent. */
static void check_refused(rf_pool *pool, rf_map_function *function, const char *text, const char *more)
{
    int asked = 0;
    RF_AUTO(rf_results, results);
    rf_iterator *stream;
    CHECK_STATUS(rf_map(pool, function, rf_generator(count, &asked, NULL), NULL, &results), RF_EUNREGISTERED);
    CHECK(results == NULL);
    CHECK_HAS(rf_last_error()->message, text);
    CHECK_HAS(rf_last_error()->message, more);
    CHECK_STATUS(rf_map_unordered(pool, function, rf_range(0, 10), NULL, &results), RF_EUNREGISTERED);
    CHECK_STATUS(rf_apply(pool, function, rf_of_i64(1), NULL, &results), RF_EUNREGISTERED);
    CHECK_STATUS(rf_imap(pool, function, rf_generator(count, &asked, NULL), NULL, &stream), RF_EUNREGISTERED);
    CHECK(stream == NULL);
    CHECK_STATUS(rf_imap_unordered(pool, function, rf_range(0, 10), NULL, &stream), RF_EUNREGISTERED);
    CHECK_INT(asked, 0);
    ALSO(check_works(pool, square, squared));
}

CASE(B6_an_unregistered_function_is_refused_naming_it_and_the_line_to_add)
{
    ALSO(check_refused(pool, stranger, "the function stranger is not registered", "RF_REGISTER(stranger);"));
    ALSO(check_refused(pool, static_stranger, "the function static_stranger is not registered", "RF_REGISTER(static_stranger);"));
}

CASE(B7_code_of_no_file_as_a_closure_is_refused_pointing_at_bound_state)
{
    /* A closure's address is on the stack, where the compiler has put a trampoline. */
    char trampoline[16] = {0};
    ALSO(check_refused(pool, (rf_map_function *)(uintptr_t)trampoline, ".state", "RF_REGISTER"));
}

#if defined __GNUC__ && !defined __clang__
CASE(B7_a_nested_function_is_refused_by_name_pointing_at_bound_state)
{
    int inner(rf_call *call, rf_value item)
    {
        return RF_RETURN(call, rf_i64(item));
    }
    ALSO(check_refused(pool, inner, "the function inner is nested in another one", ".state = RF_STATE(object)"));
}
#endif

/* ---- B9 ---- */

CASE(B9_a_static_function_works)
{
    ALSO(check_works(pool, square, squared));
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_apply(pool, echo, RF_V("text"), NULL, &results), RF_OK);
    CHECK_TEXT(rf_str(rf_results_value(results, 0)), "text");
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    open_disagreeing();
    int status = verify_pools(argc, argv);
    MPI_Finalize();
    return status;
}
