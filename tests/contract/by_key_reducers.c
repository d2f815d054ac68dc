/* Rows F3 to F5 of the contract: what built-in reducers give, combiners that nobody can tell, partitioners. */
#include "by_key.h"

/* ---- the sources of these cases ------------------------------------------------------------------------------------ */

/* A job over pairs that are said, under each of some chunk sizes, whose output in order is to be this text. */
static void gives(rf_pool *pool, rf_job job, const rf_value *pairs, size_t count, const char *wanted)
{
    static const uint64_t chunks[] = {0, 1, 3, 1000000};
    job.order = RF_BY_KEY_GLOBAL;
    for (size_t i = 0; i < LENGTH(chunks); i++) {
        RF_AUTO(rf_dataset, made);
        job.inputs[0] = (rf_input){.source = rf_values(pairs, count)};
        CHECK_STATUS(rf_mapreduce(pool, &job, RF_OPTIONS(.chunk_size = chunks[i]), &made), RF_OK);
        CHECK_TEXT(pairs_text(made), wanted);
    }
}

#define GIVES(said, wanted, ...)                                                                                       \
    do {                                                                                                               \
        const rf_value pairs_[] = {__VA_ARGS__};                                                                       \
        ALSO(gives(pool, *RF_JOB said, pairs_, LENGTH(pairs_), wanted));                                               \
    } while (0)

/* A job that fails on these pairs, and says these two things. */
static void fails(rf_pool *pool, rf_job job, const rf_value *pairs, size_t count, const char *one, const char *other)
{
    RF_AUTO(rf_dataset, made);
    job.inputs[0] = (rf_input){.source = rf_values(pairs, count)};
    int status = rf_mapreduce(pool, &job, RF_OPTIONS(.chunk_size = 2), &made);
    CHECK_(status < 0 && !made, "it is %s", rf_status_name(status));
    CHECK_HAS(rf_last_error()->message, one);
    CHECK_HAS(rf_last_error()->message, other);
}

#define FAILS(said, one, other, ...)                                                                                   \
    do {                                                                                                               \
        const rf_value pairs_[] = {__VA_ARGS__};                                                                       \
        ALSO(fails(pool, *RF_JOB said, pairs_, LENGTH(pairs_), one, other));                                           \
    } while (0)

/* ---- F3: sums ---------------------------------------------------------------------------------------------------------- */

CASE(F3_integers_are_summed_exactly_up_to_64_bits)
{
    GIVES((.reducer = rf_sum), "[\"a\", 9223372036854775807]\n[\"b\", -9223372036854775808]\n[\"c\", 0]\n",
          RF_TUPLE("a", INT64_MAX - 1), RF_TUPLE("b", INT64_MIN + 1), RF_TUPLE("a", 1), RF_TUPLE("b", -1), RF_TUPLE("c", INT64_MAX), RF_TUPLE("c", -INT64_MAX));
    /* Beyond 64 bits on the way there, or beyond what is signed. */
    GIVES((.reducer = rf_sum), "[\"a\", 5]\n[\"b\", 18446744073709551615]\n", RF_TUPLE("a", INT64_MAX), RF_TUPLE("a", INT64_MAX), RF_TUPLE("a", INT64_MAX),
          RF_TUPLE("a", INT64_MIN), RF_TUPLE("a", INT64_MIN), RF_TUPLE("a", INT64_MIN), RF_TUPLE("a", 8), RF_TUPLE("b", UINT64_MAX - 1), RF_TUPLE("b", 1));
    GIVES((.reducer = rf_sum), "[\"a\", 2]\n", RF_TUPLE("a", UINT64_MAX), RF_TUPLE("a", 3), RF_TUPLE("a", -INT64_MAX), RF_TUPLE("a", -INT64_MAX - 1),
          RF_TUPLE("a", -1), RF_TUPLE("a", 1), RF_TUPLE("a", -1));
    GIVES((.reducer = rf_sum), "[\"a\", 7]\n", RF_TUPLE("a", 7));
}

CASE(F3_a_sum_beyond_64_bits_is_an_error_that_names_the_key)
{
    FAILS((.reducer = rf_sum), "64 bits", "much", RF_TUPLE("much", UINT64_MAX), RF_TUPLE("little", 1), RF_TUPLE("much", 1));
    CHECK_TEXT(rf_last_error()->kind, "range");
    FAILS((.reducer = rf_sum), "64 bits", "12345", RF_TUPLE(12345, INT64_MIN), RF_TUPLE(12345, -1));
    FAILS((.reducer = rf_sum), "64 bits", "12345", RF_TUPLE(12345, INT64_MIN), RF_TUPLE(12345, 1), RF_TUPLE(12345, -2), RF_TUPLE(12345, 0));
}

CASE(F3_what_is_no_number_cannot_be_summed)
{
    FAILS((.reducer = rf_sum), "text", "sum", RF_TUPLE("a", "b"));
    FAILS((.reducer = rf_sum), "truth", "sum", RF_TUPLE("a", rf_of_bool(true)));
    FAILS((.reducer = rf_sum), "nil", "sum", RF_TUPLE("a", 1), RF_TUPLE("a", rf_nil()));
}

CASE(F3_with_doubles_the_sum_is_the_nearest_double_to_the_true_one)
{
    GIVES((.reducer = rf_sum), "[\"a\", 1.0]\n[\"b\", 0.0]\n[\"c\", 0.3]\n[\"d\", 2.5]\n", RF_TUPLE("a", 1e300), RF_TUPLE("a", 1.0), RF_TUPLE("a", -1e300),
          RF_TUPLE("b", 1e-300), RF_TUPLE("b", 1e300), RF_TUPLE("b", -1e300), RF_TUPLE("b", -1e-300), RF_TUPLE("c", 0.3), RF_TUPLE("d", 2), RF_TUPLE("d", 0.5));
    /* Ten times a tenth is above 1 by less than half an ulp; added one after another it is below. */
    GIVES((.reducer = rf_sum), "[\"a\", 1.0]\n", RF_TUPLE("a", 0.1), RF_TUPLE("a", 0.1), RF_TUPLE("a", 0.1), RF_TUPLE("a", 0.1), RF_TUPLE("a", 0.1),
          RF_TUPLE("a", 0.1), RF_TUPLE("a", 0.1), RF_TUPLE("a", 0.1), RF_TUPLE("a", 0.1), RF_TUPLE("a", 0.1));
    /* Beyond the doubles on the way there; integers that no double holds. */
    GIVES((.reducer = rf_sum), "[\"a\", 1.5e+308]\n[\"b\", 0.5]\n", RF_TUPLE("a", 1.5e308), RF_TUPLE("a", 1.5e308), RF_TUPLE("a", -1.5e308),
          RF_TUPLE("b", INT64_MAX), RF_TUPLE("b", 0.5), RF_TUPLE("b", -INT64_MAX));
    GIVES((.reducer = rf_sum), "[\"a\", 9007199254740994.0]\n[\"b\", 9007199254740992.0]\n", RF_TUPLE("a", 9007199254740992.0), RF_TUPLE("a", 1), RF_TUPLE("a", 1e-300),
          RF_TUPLE("b", 9007199254740992.0), RF_TUPLE("b", 1));
}

/* Integers beyond 64 bits, with doubles among them, are no error. */
CASE(F3_a_double_among_integers_lifts_the_limit)
{
    GIVES((.reducer = rf_sum), "[\"a\", 1.8446744073709552e+19]\n", RF_TUPLE("a", UINT64_MAX), RF_TUPLE("a", 1), RF_TUPLE("a", 0.0));
}

static void infinite(rf_pool *pool, double one, double other, double wanted)
{
    const rf_value pairs[] = {RF_TUPLE("a", one), RF_TUPLE("a", 1), RF_TUPLE("a", other), RF_TUPLE("a", 2.0)};
    RF_AUTO(rf_dataset, made);
    RF_AUTO(rf_results, results);
    rf_value key, value;
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_values(pairs, 4)}}, .reducer = rf_sum), RF_OPTIONS(.chunk_size = 1), &made), RF_OK);
    CHECK_STATUS(rf_dataset_collect(made, &results), RF_OK);
    rf_value pair = rf_results_value(results, 0);
    CHECK_STATUS(RF_READ(pair, key, value), RF_OK);
    CHECK(rf_type_of(value) == RF_F64 && (wanted != wanted ? value.f64 != value.f64 : value.f64 == wanted));
}

CASE(F3_sums_of_what_is_not_finite_are_what_they_are)
{
    ALSO(infinite(pool, INFINITY, 1e300, INFINITY));
    ALSO(infinite(pool, -INFINITY, -1e300, -INFINITY));
    ALSO(infinite(pool, INFINITY, -INFINITY, NAN));
    ALSO(infinite(pool, NAN, INFINITY, NAN));
    ALSO(infinite(pool, 1.7e308, 1.7e308, INFINITY));
}

/* A double of up to so many bits at scale 2^-60, which __int128 sums exactly. */
static int64_t scaled(uint64_t n) { return (int64_t)(mix(3, n) >> 11) - (INT64_C(1) << 52); }

static int scaled_doubles(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    return RF_EMIT(call, n % 5, ldexp((double)scaled((uint64_t)n), (int)(n % 3) * 20 - 60));
}
RF_REGISTER(scaled_doubles);

CASE(F3_sums_of_many_doubles_are_those_of_integers)
{
    static const uint64_t chunks[] = {0, 1, 777, 100000};
    __int128 sums[5] = {0};
    for (uint64_t n = 0; n < 5000; n++)
        sums[n % 5] += scaled(n) * ((__int128)1 << (n % 3 * 20));
    for (size_t c = 0; c < LENGTH(chunks); c++) {
        RF_AUTO(rf_dataset, made);
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 5000), .mapper = scaled_doubles}}, .reducer = rf_sum,
                                               .order = RF_BY_KEY_GLOBAL), RF_OPTIONS(.chunk_size = chunks[c]), &made), RF_OK);
        CHECK_STATUS(rf_dataset_collect(made, &results), RF_OK);
        for (uint64_t i = 0; i < 5; i++) {
            rf_value pair = rf_results_value(results, i);
            int64_t key;
            double sum;
            CHECK_STATUS(RF_READ(pair, key, sum), RF_OK);
            CHECK_(sum == ldexp((double)sums[i], -60), "key %" PRId64 ": %a, not %a", key, sum, ldexp((double)sums[i], -60));
        }
    }
}

/* ---- F3: the others ------------------------------------------------------------------------------------------------------ */

CASE(F3_min_and_max_go_by_the_order_of_values)
{
    const rf_value mixed[] = {RF_TUPLE("a", 3), RF_TUPLE("a", 2.5), RF_TUPLE("a", "text"), RF_TUPLE("b", -0.5), RF_TUPLE("b", -1), RF_TUPLE("b", UINT64_MAX),
                              RF_TUPLE("c", "b"), RF_TUPLE("c", "ab"), RF_TUPLE("c", "abc"), RF_TUPLE("d", rf_nil()), RF_TUPLE("d", rf_of_bool(false)),
                              RF_TUPLE("e", RF_TUPLE(1, 2)), RF_TUPLE("e", RF_TUPLE(1, 1))};
    ALSO(gives(pool, *RF_JOB(.reducer = rf_min), mixed, LENGTH(mixed),
               "[\"a\", 2.5]\n[\"b\", -1]\n[\"c\", \"ab\"]\n[\"d\", null]\n[\"e\", [1, 1]]\n"));
    ALSO(gives(pool, *RF_JOB(.reducer = rf_max), mixed, LENGTH(mixed),
               "[\"a\", \"text\"]\n[\"b\", 18446744073709551615]\n[\"c\", \"b\"]\n[\"d\", false]\n[\"e\", [1, 2]]\n"));
}

CASE(F3_of_equal_ones_the_first_is_kept)
{
    GIVES((.reducer = rf_min), "[\"a\", 1]\n[\"b\", 1.0]\n", RF_TUPLE("a", 1), RF_TUPLE("a", 1.0), RF_TUPLE("b", 1.0), RF_TUPLE("b", 1), RF_TUPLE("b", 2));
    GIVES((.reducer = rf_max), "[\"a\", 1]\n[\"b\", 1.0]\n", RF_TUPLE("a", 1), RF_TUPLE("a", 1.0), RF_TUPLE("b", 1.0), RF_TUPLE("b", 1), RF_TUPLE("b", 0));
}

CASE(F3_count_counts_values_of_any_type_and_first_is_the_first)
{
    const rf_value some[] = {RF_TUPLE("a", rf_nil()), RF_TUPLE("b", "second b"), RF_TUPLE("a", "x"), RF_TUPLE("b", 1), RF_TUPLE("b", RF_TUPLE(1)), RF_TUPLE("c", "")};
    ALSO(gives(pool, *RF_JOB(.reducer = rf_count), some, LENGTH(some), "[\"a\", 2]\n[\"b\", 3]\n[\"c\", 1]\n"));
    ALSO(gives(pool, *RF_JOB(.reducer = rf_first), some, LENGTH(some), "[\"a\", null]\n[\"b\", \"second b\"]\n[\"c\", \"\"]\n"));
}

CASE(F3_collect_gives_all_values_as_one_tuple)
{
    const rf_value some[] = {RF_TUPLE("a", 3), RF_TUPLE("b", "x"), RF_TUPLE("a", 1), RF_TUPLE("a", rf_nil()), RF_TUPLE("a", RF_TUPLE(1, "y")), RF_TUPLE("a", 1.5)};
    ALSO(gives(pool, *RF_JOB(.reducer = rf_collect), some, LENGTH(some), "[\"a\", [3, 1, null, [1, \"y\"], 1.5]]\n[\"b\", [\"x\"]]\n"));
    ALSO(gives(pool, *RF_JOB(.reducer = rf_collect, .values = RF_BY_VALUE), some, LENGTH(some), "[\"a\", [null, 1, 1.5, 3, [1, \"y\"]]]\n[\"b\", [\"x\"]]\n"));
}

CASE(F3_many_keys_of_each_reducer)
{
    static rf_reduce_function *const reducers[] = {rf_sum, rf_min, rf_max, rf_count, rf_first};
    static char wanted[200000];
    int64_t modulus = 3001;
    for (size_t r = 0; r < LENGTH(reducers); r++) {
        size_t used = 0;
        for (int64_t key = 0; key < modulus; key++) {
            int64_t count = (20000 - key + modulus - 1) / modulus, last = key + (count - 1) * modulus;
            int64_t all[] = {count * key + modulus * count * (count - 1) / 2, key, last, count, key};
            used += (size_t)snprintf(wanted + used, sizeof wanted - used, "[%" PRId64 ", %" PRId64 "]\n", key, all[r]);
        }
        for (uint64_t chunk = 0; chunk < 20000; chunk = 30 * chunk + 50) {
            RF_AUTO(rf_dataset, made);
            CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 20000), .mapper = by_rest, .state = RF_STATE(modulus)}},
                                                   .reducer = reducers[r], .order = RF_BY_KEY_GLOBAL), RF_OPTIONS(.chunk_size = chunk), &made), RF_OK);
            CHECK_TEXT(pairs_text(made), wanted);
        }
    }
}

/* ---- F4 -------------------------------------------------------------------------------------------------------------------- */

CASE(F4_a_built_in_combiner_goes_with_any_reducer_which_sees_one_value)
{
    int64_t modulus = 3;
    for (uint64_t chunk = 0; chunk < 3000; chunk = 9 * chunk + 10) {
        RF_AUTO(rf_dataset, made);
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 3000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .combiner = rf_sum,
                                               .reducer = listed, .order = RF_BY_KEY_GLOBAL), RF_OPTIONS(.chunk_size = chunk), &made), RF_OK);
        CHECK_TEXT(pairs_text(made), "[0, \"0:1498500 \"]\n[1, \"0:1499500 \"]\n[2, \"0:1500500 \"]\n");
    }
}

CASE(F4_a_built_in_combiner_without_a_reducer_gives_its_own_result)
{
    GIVES((.combiner = rf_max), "[\"a\", 5]\n[\"b\", 1]\n", RF_TUPLE("a", 3), RF_TUPLE("b", 1), RF_TUPLE("a", 5), RF_TUPLE("a", 4));
}

/* Adds up; returns one value. */
static int add(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int64_t sum = 0;
    int status;
    (void)key;
    while ((status = rf_group_next(values, &value)) == RF_OK)
        sum += rf_i64(value);
    return status == RF_END ? RF_RETURN(call, sum) : status;
}
RF_REGISTER(add);

/* Neighbouring texts become one, in order: exact for a reducer that puts them behind each other. */
static int put_together(rf_call *call, rf_value key, rf_group *values)
{
    char *text = NULL;
    size_t size = 0;
    rf_value value;
    int status;
    FILE *to = open_memstream(&text, &size);
    while ((status = rf_group_next(values, &value)) == RF_OK)
        fwrite(value.data, 1, rf_size(value), to);
    fclose(to);
    status = status == RF_END ? rf_emit_pair(call, key, rf_text(text, size)) : status;
    free(text);
    return status;
}
RF_REGISTER(put_together);

/* As it came, value by value. */
static int pass_on(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int status;
    while ((status = rf_group_next(values, &value)) == RF_OK)
        if (rf_emit_pair(call, key, value))
            return RF_EFUNCTION;
    return status == RF_END ? RF_OK : status;
}
RF_REGISTER(pass_on);

static int as_text(rf_call *call, rf_value item)
{
    int64_t n;
    char text[32];
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    snprintf(text, sizeof text, "%" PRId64 ",", n);
    return RF_EMIT(call, n % 7, text) ? RF_EFUNCTION : RF_EMIT(call, n % 5, text);
}
RF_REGISTER(as_text);

static int as_number(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    return RF_EMIT(call, n % 7, n) ? RF_EFUNCTION : RF_EMIT(call, n % 5000, n);
}
RF_REGISTER(as_number);

CASE(F4_the_bytes_are_the_same_with_and_without_a_combiner)
{
    static const struct { rf_map_function *mapper; rf_reduce_function *reducer, *combiner; } jobs[] = {
        {as_text, put_together, put_together}, {as_text, listed, pass_on}, {as_number, add, add}, {as_number, add, pass_on}, {as_number, rf_collect, pass_on},
        {as_number, add, rf_sum},
    };
    for (size_t j = 0; j < LENGTH(jobs); j++) {
        char *wanted = NULL;
        for (uint64_t chunk = 0; chunk < 20000; chunk = 20 * chunk + 33) {
            const char *out = new_output("combined");
            rf_job job = *RF_JOB(.reducer = jobs[j].reducer, .order = RF_BY_KEY_GLOBAL, .output = out);
            for (int with = 0; with < 2; with++) {
                job.inputs[0] = (rf_input){.source = rf_range(0, 20000), .mapper = jobs[j].mapper};
                job.combiner = with ? jobs[j].combiner : NULL;
                CHECK_STATUS(rf_mapreduce(pool, &job, RF_OPTIONS(.chunk_size = chunk), NULL), RF_OK);
                char *text = read_text(out);
                wanted = wanted ? wanted : strdup(text);
                CHECK_(text && strcmp(text, wanted) == 0, "job %zu, chunks of %" PRIu64 ", %s combiner", j, chunk, with ? "with a" : "without");
            }
        }
        free(wanted);
    }
}

static int under_another_key(rf_call *call, rf_value key, rf_group *values)
{
    (void)key, (void)values;
    return RF_EMIT(call, "another", 1);
}
RF_REGISTER(under_another_key);

static int combines_not(rf_call *call, rf_value key, rf_group *values)
{
    (void)key, (void)values;
    return rf_fail(call, "combining", "cannot combine");
}
RF_REGISTER(combines_not);

CASE(F4_a_combiner_that_fails_fails_the_job_with_what_it_says)
{
    int64_t modulus = 3;
    CHECK(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 3000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .combiner = combines_not,
                                    .reducer = add), NULL, NULL) == RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "cannot combine");
    CHECK(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 3000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .combiner = under_another_key,
                                    .reducer = add), NULL, NULL) == RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "same key");
}

/* ---- F5 -------------------------------------------------------------------------------------------------------------------- */

static uint32_t by_remainder(rf_value key, uint32_t partitions)
{
    return (uint32_t)rf_i64(key) % partitions;
}
RF_REGISTER(by_remainder);

static uint32_t one_too_far(rf_value key, uint32_t partitions)
{
    return rf_i64(key) == 1234 ? partitions : 0;
}
RF_REGISTER(one_too_far);

CASE(F5_a_partitioner_says_where_keys_go)
{
    int64_t modulus = 1000;
    const char *out = new_output("by-partitioner");
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 3000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .partitioner = by_remainder,
                                           .partitions = 4, .reducer = rf_count, .order = RF_BY_KEY, .output = out), NULL, NULL), RF_OK);
    for (int64_t p = 0; p < 4; p++) {
        char *text = read_text(below(out, "part-%05d", (int)p));
        CHECK(text);
        for (int64_t key = p; key < 1000; key += 4) {
            char line[40];
            snprintf(line, sizeof line, "%" PRId64 "\t3\n", key);
            CHECK(strncmp(text, line, strlen(line)) == 0);
            text += strlen(line);
        }
        CHECK_TEXT(text, "");
    }
}

CASE(F5_a_partition_that_is_none_is_named_with_its_key)
{
    int64_t modulus = 2000;
    static rf_reduce_function *const reducers[] = {NULL, rf_sum, listed};
    for (size_t i = 0; i < LENGTH(reducers); i++) {
        const char *out = new_output("too-far");
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 2000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .partitioner = one_too_far,
                                               .partitions = 4, .reducer = reducers[i], .output = out), NULL, NULL), RF_EITEMS);
        CHECK_HAS(rf_last_error()->message, "partitioner");
        CHECK_HAS(rf_last_error()->message, "1234");
        CHECK_HAS(rf_last_error()->message, " 4 ");
        CHECK_TEXT(names_in(place("too-far")), "");
    }
}

CASE(F5_up_to_65536_partitions)
{
    int64_t modulus = 100;
    RF_AUTO(rf_dataset, made);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 1000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .partitions = 5000,
                                           .reducer = rf_count), NULL, &made), RF_OK);
    CHECK_INT(rf_dataset_len(made), 100);
    CHECK_INT(rf_dataset_figures(made).reduce_tasks, 5000);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
