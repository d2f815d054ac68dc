/* Rows F15 to F18 of the contract: failures, what a tolerant job goes without, jobs that make no sense, time-outs, and other users of the pool. */
#include "by_key.h"

/* ---- F15 ----------------------------------------------------------------------------------------------------------------- */

typedef struct trouble {
    int64_t modulus;                        /* of keys */
    int64_t every, times;                   /* one item of so many fails in its first attempts, so many times */
} trouble;

/* Emits twice, and fails between the two where it does: nothing of that may be seen. */
static int troubled(rf_call *call, rf_value item)
{
    const trouble *its = RF_CALL_STATE(call, trouble);
    int64_t n;
    if (!its || RF_ARGS(call, item, n) || rf_call_count(call, "items", 1) || RF_EMIT(call, n % its->modulus, n))
        return RF_EARGS;
    if (its->every && mix(9, (uint64_t)n) % (uint64_t)its->every == 0 && rf_call_attempt(call) <= its->times)
        return rf_fail(call, "drawn", "item %" PRId64 ", attempt %u", n, rf_call_attempt(call));
    return RF_EMIT(call, n % its->modulus, -n);
}
RF_REGISTER(troubled);

static int troubled_keys(rf_call *call, rf_value key, rf_group *values)
{
    const trouble *its = RF_CALL_STATE(call, trouble);
    int64_t k = rf_i64(key);
    if (!its || rf_call_count(call, "keys", 1))
        return RF_EARGS;
    if (its->every && mix(8, (uint64_t)k) % 10 == 0 && rf_call_attempt(call) <= its->times)
        return rf_fail(call, "drawn", "key %" PRId64, k);
    return listed(call, key, values);
}
RF_REGISTER(troubled_keys);

static int up_to_2000(rf_call *call, void *state)
{
    int64_t *n = state;
    return *n == 2000 ? RF_END : RF_RETURN(call, (*n)++);
}

static const int64_t chunk_sizes[] = {1, 20, 1000};

CASE(F15_what_fails_in_a_tenth_of_the_attempts_gives_the_same_bytes)
{
    trouble none = {.modulus = 70};
    char *wanted = NULL;
    for (int64_t times = 0; times < 3; times++)
        for (size_t c = 0; c < LENGTH(chunk_sizes); c++)
            for (int generated = 0; generated < 2; generated++) {
                trouble its = {.modulus = 70, .every = 10 * chunk_sizes[c], .times = times};
                int64_t next = 0;
                const char *out = new_output("tried-again");
                RF_AUTO(rf_dataset, made);
                CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = generated ? rf_generator(up_to_2000, &next, NULL) : rf_range(0, 2000),
                                                                   .mapper = troubled, .state = times ? RF_STATE(its) : RF_STATE(none)}},
                                                       .reducer = troubled_keys, .state = times ? RF_STATE(its) : RF_STATE(none),
                                                       .order = RF_BY_KEY_GLOBAL, .output = out),
                                          RF_OPTIONS(.retry = AT_ONCE, .chunk_size = (uint64_t)chunk_sizes[c]), &made), RF_OK);
                char *text = read_text(out);
                wanted = wanted ? wanted : strdup(text);
                CHECK(text && strcmp(text, wanted) == 0);
                CHECK_INT(rf_dataset_counter(made, "items"), 2000);
                CHECK_INT(rf_dataset_counter(made, "keys"), 70);
                CHECK_INT(rf_dataset_figures(made).emitted, 4000);
                CHECK_INT(rf_dataset_figures(made).groups, 70);
            }
    free(wanted);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
