/* Programs that own MPI and let functions run in children, on 1, 2 and 3 ranks. Built twice: with rf_prepare, whose children are copies of the
   program before MPI_Init, and without, where they are copies of the rank.
   ranks: 1 2 3 */
#include <mpi.h>

#include "../verify.h"

static int64_t set_before_mpi, set_after_mpi;

static int globals(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, set_before_mpi, set_after_mpi);
}
RF_REGISTER(globals);

static int crash_at_seven(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    if (x % 10 == 7)
        abort();
    return RF_RETURN(call, x);
}
RF_REGISTER(crash_at_seven);

static int open_another(rf_call *call, rf_value item)
{
    (void)item;
    rf_pool *inner;
    return RF_RETURN(call, (int64_t)rf_open(MPI_COMM_SELF, NULL, &inner));
}
RF_REGISTER(open_another);

CASE(E2_children_are_copies_of_the_program_as_it_was_prepared)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, globals, rf_range(0, 20), RF_OPTIONS(.executor = RF_FORK), &results), RF_OK);
    for (uint64_t i = 0; i < 20; i++) {
        int64_t before, after;
        CHECK_STATUS(RF_READ(rf_results_value(results, i), before, after), RF_OK);
        CHECK_INT(before, 1);
#ifdef PREPARED
        CHECK_INT(after, 0);
#else
        CHECK_INT(after, 2);
#endif
    }
}

CASE(E2_a_crash_costs_one_item_in_programs_that_own_mpi)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, crash_at_seven, rf_range(0, 30), RF_OPTIONS(.executor = RF_FORK, .chunk_size = 12), &results), RF_EITEMS);
    for (uint64_t i = 0; i < 30; i++)
        CHECK_INT(rf_results_at(results, i).ok, i % 10 != 7);
    CHECK_HAS(rf_results_at(results, 7).error->message, "killed by signal 6 (Aborted) inside the function");
}

CASE(E2_a_pool_is_closed_while_a_function_in_a_child_runs)
{
    rf_iterator *open;
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, crash_at_seven, rf_range(0, 1000), RF_OPTIONS(.slots = 2, .chunk_size = 1), &open), RF_OK);
    CHECK_STATUS(rf_next(open, &one), RF_OK);
    CHECK_STATUS(rf_close(pool), RF_OK);
    rf_iterator_free(open);
}

CASE(B10_a_pool_inside_a_child_is_refused)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, open_another, rf_range(0, 3), RF_OPTIONS(.executor = RF_FORK), &results), RF_OK);
    for (uint64_t i = 0; i < 3; i++)
        CHECK_INT(rf_i64(rf_results_value(results, i)), RF_EUSAGE);
}

int main(int argc, char **argv)
{
    set_before_mpi = 1;
#ifdef PREPARED
    if (rf_prepare() || rf_prepare())
        return 1;
#endif
    MPI_Init(&argc, &argv);
    set_after_mpi = 2;
    int status = verify_pools(argc, argv);
    MPI_Finalize();
    return status;
}
