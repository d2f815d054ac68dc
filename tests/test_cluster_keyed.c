/* Jobs by key over simulated clusters: the verb, the coordinator, workers that gather from each other, all in one process, with delays, slow ranks and deaths drawn
   from a seed. What comes out is compared with a plain reference; where a rank died the job may be lost instead, and says so. --seed N (or
   SEED) runs that one alone. */
#include "cluster.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "suite.h"

#define PATIENCE 1e6
#define KEYS_MOST 40

typedef struct drawn {
    uint64_t seed;
    cluster_settings settings;
    uint64_t items, keys, chunk;
    uint32_t partitions, pairs;         /* pairs: of an item, below it */
    bool global, folds, fails, by_value, again;
} drawn;

static drawn now;

static void broken(const char *why)
{
    ck_abort_msg("seed %" PRIu64 ", %d ranks, %" PRIu64 " items: %s", now.seed, now.settings.network.ranks, now.items, why);
}

static void broken_status(int status)
{
    char why[1600];
    snprintf(why, sizeof why, "%s; the last error: %s", rf_status_name(status), rf_last_error()->message);
    broken(why);
}

/* ---- functions: what they do follows from seed, item and attempt ---------------------------------------------------- */

static uint64_t key_of(uint64_t item, uint32_t pair)
{
    uint64_t state = random_seed(now.seed, 1, item, pair), skewed = random_below(&state, now.keys);
    return random_below(&state, 2) ? skewed : 0;
}

static uint32_t pairs_of(uint64_t item)
{
    uint64_t state = random_seed(now.seed, 2, item, 0);
    return (uint32_t)random_below(&state, now.pairs + 1);
}

static bool fails(uint64_t kind, uint64_t which, unsigned attempt)
{
    uint64_t state = random_seed(now.seed, kind, which, attempt);
    return now.fails && attempt < 4 && random_below(&state, 10) == 0;
}

static int emit_some(rf_call *call, rf_value item)
{
    uint64_t i = rf_u64(item);
    for (uint32_t pair = 0; pair < pairs_of(i); pair++)
        if (RF_EMIT(call, key_of(i, pair), i * 1000 + pair))
            return RF_EFUNCTION;
    if (rf_call_count(call, "items", 1))
        return RF_EFUNCTION;
    return fails(3, i % 64, rf_call_attempt(call)) ? rf_fail(call, "drawn", "at item %" PRIu64, i) : RF_OK;
}
RF_REGISTER(emit_some);

static uint64_t follow(uint64_t sum, uint64_t value) { return random_seed(sum, value, 0, 0); }

/* Sees the order of values. */
static int chain_values(rf_call *call, rf_value key, rf_group *values)
{
    uint64_t sum = 0;
    rf_value value;
    while (rf_group_next(values, &value) == RF_OK)
        sum = follow(sum, rf_u64(value));
    if (fails(4, rf_u64(key), rf_call_attempt(call)))
        return rf_fail(call, "drawn", "at a key");
    return RF_EMIT(call, key, sum);
}
RF_REGISTER(chain_values);

/* ---- the reference ------------------------------------------------------------------------------------------------- */

static void expect(uint64_t expected[KEYS_MOST], bool there[KEYS_MOST])
{
    for (uint64_t i = 0; i < now.items; i++)
        for (uint32_t pair = 0; pair < pairs_of(i); pair++) {
            uint64_t key = key_of(i, pair), value = i * 1000 + pair;
            expected[key] = now.folds ? expected[key] + value : follow(expected[key], value);
            there[key] = true;
        }
}

static void compare(const rf_results *given)
{
    uint64_t expected[KEYS_MOST] = {0}, count = 0, last = 0;
    bool there[KEYS_MOST] = {0};
    expect(expected, there);
    for (uint64_t key = 0; key < now.keys; key++)
        count += there[key];
    if (rf_results_len(given) != count)
        broken("there are more keys, or fewer");
    for (uint64_t i = 0; i < count; i++) {
        rf_value pair = rf_results_value(given, i), key, value;
        if (rf_take(&pair, &key) || rf_take(&pair, &value))
            broken("no pair came");
        if (rf_u64(key) >= now.keys || !there[rf_u64(key)] || rf_u64(value) != expected[rf_u64(key)])
            broken("a key has another value");
        if (now.global && i && rf_u64(key) <= last)
            broken("keys are not in order");
        there[rf_u64(key)] = false;
        last = rf_u64(key);
    }
}

/* ---- trials -------------------------------------------------------------------------------------------------------- */

static drawn draw(uint64_t seed)
{
    uint64_t random = random_seed(seed, 0, 0, 0);
    drawn made = {.seed = seed, .items = random_below(&random, 400), .keys = 1 + random_below(&random, KEYS_MOST),
                  .chunk = 1 + random_below(&random, 50), .partitions = 1 + (uint32_t)random_below(&random, 9),
                  .pairs = (uint32_t)random_below(&random, 6), .global = random_below(&random, 2), .folds = random_below(&random, 2),
                  .fails = random_below(&random, 2), .by_value = random_below(&random, 2), .again = random_below(&random, 2)};
    made.settings = (cluster_settings){.network = {.ranks = 2 + (int)random_below(&random, 12), .seed = seed, .latency = 1e-5 * (1 << random_below(&random, 8)),
                                                   .bandwidth = random_below(&random, 2) ? 1e8 : 0, .step = 1e-6, .survivors = 1,
                                                   .death_rate = random_below(&random, 3) ? 0 : 5},
                                       .item_seconds = 1e-4 * random_unit(&random), .chunk_seconds = 1e-4, .patience = PATIENCE, .broken = broken};
    return made;
}

static int run_job(rf_pool *pool, rf_source *source, rf_map_function *mapper, rf_reduce_function *reducer, rf_dataset **made)
{
    return rf_mapreduce(pool, RF_JOB(.inputs = {{.source = source, .mapper = mapper}}, .reducer = reducer, .partitions = now.partitions,
                                     .order = now.global ? RF_BY_KEY_GLOBAL : RF_UNORDERED,
                                     .values = now.by_value && !now.folds ? RF_BY_VALUE : RF_BY_INPUT, .memory = (size_t)8 << 20),
                        RF_OPTIONS(.chunk_size = now.chunk, .retry = {.attempts = 6, .backoff = RF_NONE}), made);
}

/* A rank that was lost takes its pairs with it. */
static bool is_lost(const cluster *in, int status)
{
    if (status && !cluster_lost_any(in))
        broken_status(status);
    if (status && status != RF_ELOST && status != RF_EITEMS && status != RF_EINPUT)
        broken_status(status);
    return status != RF_OK;
}

static void run_trial(uint64_t seed)
{
    rf_pool *pool;
    RF_AUTO(rf_dataset, first);
    RF_AUTO(rf_dataset, second);
    RF_AUTO(rf_results, given);
    now = draw(seed);
    cluster *in = cluster_open(&now.settings, NULL, &pool);
    int status = pool ? run_job(pool, rf_range(0, (int64_t)now.items), emit_some, now.folds ? rf_sum : chain_values, &first) : RF_ELOST;
    bool lost = is_lost(in, status);
    if (!lost && rf_dataset_counter(first, "items") != (int64_t)now.items)
        broken("what failed was counted, or counted twice");
    if (!lost && now.again)             /* each key has one value: they pass as they are */
        lost = is_lost(in, status = run_job(pool, rf_dataset_source(first), NULL, NULL, &second));
    if (!lost && !is_lost(in, rf_dataset_collect(second ? second : first, &given)))
        compare(given);
    cluster_close(in);
}

START_TEST(keyed_jobs_are_right_on_any_cluster)
{
    bool one = getenv("SEED") != NULL;
    for (uint64_t i = 0; i < (one ? 1 : getenv("TEST_QUICK") ? 300 : 2000); i++)
        run_trial(suite_seed + i);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("cluster_keyed");
    TCase *seeds = tcase_create("seeds");
    tcase_set_timeout(seeds, 300);
    tcase_add_test(seeds, keyed_jobs_are_right_on_any_cluster);
    suite_add_tcase(all, seeds);
    return all;
}

int main(int argc, char **argv)
{
    if (argc > 2)
        setenv("SEED", argv[2], 1);
    return suite_run(suite(), argc, argv);
}
