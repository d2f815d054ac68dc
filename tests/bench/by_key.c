/* Map/reduce by key where a program of apps/ does not say what has to be known.

       by_key onekey VALUES MEMORY      sums so many values of one key, one after another, within a budget of MEMORY MiB; prints their number
       by_key exchange FILE             counts the words of FILE; prints bytes sent between workers for a byte of their sealed runs
       by_key rank0 FILE                the same; prints bytes of what workers told rank 0 for a byte of their sealed runs */
#define _GNU_SOURCE
#include <rankfold.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_A_TASK ((int64_t)1000000)

static int one_key(rf_call *call, rf_value item)
{
    int64_t first = rf_i64(item) * VALUES_A_TASK;
    for (int64_t i = first; i < first + VALUES_A_TASK; i++)
        if (RF_EMIT(call, "key", i))
            return RF_EFUNCTION;
    return RF_OK;
}
RF_REGISTER(one_key);

/* Not rf_sum, which would leave one value a task. */
static int sum_values(rf_call *call, rf_value key, rf_group *values)
{
    int64_t sum = 0;
    rf_value value;
    int status;
    while ((status = rf_group_next(values, &value)) == RF_OK)
        sum += rf_i64(value);
    (void)key;
    return status == RF_END ? RF_RETURN(call, sum) : status;
}
RF_REGISTER(sum_values);

static int words(rf_call *call, rf_value text)
{
    const char *at = text.data, *end = at + rf_size(text);
    while (at < end) {
        size_t length = 0;
        while (at + length < end && (unsigned char)((at[length] | ' ') - 'a') < 26)
            length++;
        if (length && RF_EMIT(call, rf_text(at, length), 1))
            return RF_EFUNCTION;
        at += length + 1;
    }
    return RF_OK;
}
RF_REGISTER(words);

static int wrong(const char *what)
{
    fprintf(stderr, "by_key: %s\n", what);
    return 1;
}

static int one_sum(rf_pool *pool, int64_t values, size_t memory)
{
    RF_AUTO(rf_dataset, sums);
    RF_AUTO(rf_results, pairs);
    rf_value key;
    int64_t sum = 0, tasks = values / VALUES_A_TASK;
    values = tasks * VALUES_A_TASK;
    int status = rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, tasks), .mapper = one_key}}, .reducer = sum_values,
                                           .memory = memory), RF_OPTIONS(.chunk_size = 1), &sums);
    if (status == RF_OK)
        status = rf_dataset_collect(sums, &pairs);
    if (status)
        return status;
    if (rf_results_len(pairs) != 1 || RF_READ(rf_results_value(pairs, 0), key, sum) || sum != values * (values - 1) / 2)
        return wrong("the sum is wrong");
    printf("%" PRId64 "\n", values);
    return RF_OK;
}

/* What came of tasks, as it travels: commits, samples of keys, figures. */
static int told_to_rank0(rf_pool *pool, double *bytes)
{
    const rf_figures *all;
    int status = rf_insights(pool, &all);
    *bytes = 0;
    for (size_t i = 0; !status && i < all->workers; i++)
        *bytes += (double)all->worker[i].bytes_out;
    return status;
}

static int exchange(rf_pool *pool, const char *path, bool rank0)
{
    double told;
    RF_AUTO(rf_dataset, counts);
    int status = rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_splits(&path, 1), .mapper = words}}, .reducer = rf_sum,
                                           .order = RF_BY_KEY_GLOBAL), NULL, &counts);
    if (status)
        return status;
    rf_keyed_figures f = rf_dataset_figures(counts);
    if (!f.intermediate || f.groups != rf_dataset_len(counts))
        return wrong("the figures do not fit each other");
    status = told_to_rank0(pool, &told);
    printf("%.4g\n", (rank0 ? told : (double)f.exchanged) / (double)f.intermediate);
    return status;
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "onekey") == 0)
        return one_sum(pool, (int64_t)strtod(argv[2], NULL), (size_t)strtod(argv[3], NULL) << 20);
    if (argc == 3 && (strcmp(argv[1], "exchange") == 0 || strcmp(argv[1], "rank0") == 0))
        return exchange(pool, argv[2], argv[1][0] == 'r');
    fputs("usage: mpirun -n RANKS by_key MODE ..., see by_key.c\n", stderr);
    return 64;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
