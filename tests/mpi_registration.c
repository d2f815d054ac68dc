/* Functions registered in two files and in a shared object that the program links, on 1, 2, 3 and 5 ranks. */
#include "registration.h"
#include "verify.h"

static int twice(rf_call *call, rf_value item)
{
    return RF_RETURN(call, 2 * rf_i64(item), "first file");
}
RF_REGISTER(twice);

static int only_here(rf_call *call, rf_value item)
{
    return RF_RETURN(call, rf_i64(item), "only here");
}
RF_REGISTER(only_here, .options = {.chunk_size = 1});

static bool keep_all(rf_call *call, rf_value item)
{
    (void)call, (void)item;
    return true;
}
RF_REGISTER(keep_all);

static void check_origin(rf_pool *pool, rf_map_function *function, const char *wanted)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, function, rf_range(0, 50), NULL, &results), RF_OK);
    for (uint64_t i = 0; i < 50; i++) {
        int64_t number;
        rf_value told = rf_results_value(results, i), origin;
        CHECK_STATUS(RF_READ(told, number, origin), RF_OK);
        CHECK(rf_size(origin) == strlen(wanted) && memcmp(origin.data, wanted, rf_size(origin)) == 0);
    }
}

CASE(B9_static_functions_of_the_same_name_in_two_files_are_two)
{
    ALSO(check_origin(pool, twice, "first file"));
    ALSO(check_origin(pool, twice_of_the_second_file(), "second file"));
}

CASE(a_shared_object_that_the_program_links_registers_too)
{
    ALSO(check_origin(pool, function_of_the_shared_object(), "shared object"));
}

CASE(B5_find_gives_a_function_by_its_name)
{
    CHECK(rf_find("only_here") == only_here);
    CHECK(rf_find("mpi_registration.c:only_here") == only_here);
    CHECK(rf_find("in_the_shared_object") == function_of_the_shared_object());
    CHECK(rf_find("nowhere") == NULL);
    ALSO(check_origin(pool, rf_find("only_here"), "only here"));
}

CASE(B5_find_wants_the_file_where_two_register_the_name)
{
    CHECK(rf_find("twice") == NULL);
    CHECK(rf_find("mpi_registration.c:twice") == twice);
    CHECK(rf_find("mpi_registration_more.c:twice") == twice_of_the_second_file());
    CHECK(rf_find("mpi_values.c:twice") == NULL);
}

CASE(find_gives_map_functions_alone)
{
    CHECK(rf_find("keep_all") == NULL);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
