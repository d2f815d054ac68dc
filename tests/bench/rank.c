/* The works of hand.c as Rankfold programs: a function, a line that registers it and a verb each.

       rank noop-one ITEMS                   items a second, one item a chunk, each result taken from an iterator
       rank noop-map ITEMS                   the same, results kept in order
       rank noop-auto ITEMS                  items a second, chunks as Rankfold cuts them, results kept in order
       rank fork-one ITEMS                   microseconds that a chunk of one item costs in a child, beyond inline, one worker
       rank fork-auto ITEMS                  noop-auto in children
       rank spin ITEMS LOOPS                 wall seconds for ITEMS tasks of LOOPS steps
       rank in ITEMS                         MiB a second, items of 1 MiB to the workers
       rank out ITEMS                        MiB a second, results of 1 MiB to rank 0
       rank chain ITEMS                      items a second through a map, a filter and a map in one sequence, results kept
       rank chain-apart ITEMS                the same by three maps, the second of which says which items stay
       rank idle SECONDS                     CPU seconds that rank 0 uses while it waits for workers that sleep
       rank share MIB                        memory that all ranks together have for so many MiB of shared data, over its size
       rank memory ITEMS                     KiB: the peak of rank 0's memory, results dropped
       rank stream ITEMS                     the same, results taken from an iterator by a slow consumer
       rank policies ITEMS                   noop-auto with policies that are never met
       rank empty                            a job without items */
#define _GNU_SOURCE
#include <rankfold.h>
#include "work.h"
#include <stdlib.h>

static int noop(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, work_noop(x));
}
RF_REGISTER(noop);

static bool stays(rf_call *call, rf_value item)
{
    int64_t x;
    return !RF_ARGS(call, item, x) && x % 2 == 0;
}
RF_REGISTER(stays);

static int says_stays(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, (bool)(x % 2 == 0));
}
RF_REGISTER(says_stays);

static int spin(rf_call *call, rf_value item)
{
    int64_t x;
    const uint64_t *loops = RF_CALL_STATE(call, uint64_t);
    if (!loops || RF_ARGS(call, item, x))
        return RF_EARGS;
    work_spin(*loops);
    return RF_RETURN(call, work_noop(x));
}
RF_REGISTER(spin);

static int checksum(rf_call *call, rf_value item)
{
    if (rf_size(item) != MIB)
        return rf_fail(call, "size", "%zu bytes", rf_size(item));
    return RF_RETURN(call, work_checksum(item.data));
}
RF_REGISTER(checksum);

static int large(rf_call *call, rf_value item)
{
    uint64_t index;
    if (RF_ARGS(call, item, index))
        return RF_EARGS;
    void *space = rf_return_space(call, MIB);
    if (!space)
        return RF_ENOMEM;
    work_stamp(space, index);
    return RF_OK;
}
RF_REGISTER(large);

static int sleeper(rf_call *call, rf_value item)
{
    int64_t x;
    const double *seconds = RF_CALL_STATE(call, double);
    if (!seconds || RF_ARGS(call, item, x))
        return RF_EARGS;
    work_sleep(*seconds);
    return RF_RETURN(call, work_noop(x));
}
RF_REGISTER(sleeper);

/* Bytes that this rank has of shared data's pages, those of several ranks shared out among them: each page is touched before. */
static int touch(rf_call *call, rf_value item)
{
    rf_value data = rf_call_shared(call, "data");
    uint64_t sum = 0;
    (void)item;
    for (size_t i = 0; i < rf_size(data); i += 4096)
        sum += ((const uint8_t *)data.data)[i];
    work_sleep(0.2);                    /* every worker gets one */
    return RF_RETURN(call, sum, rf_call_rank(call));
}
RF_REGISTER(touch);

static int pss(rf_call *call, rf_value item)
{
    (void)item;
    work_sleep(0.2);
    return RF_RETURN(call, rf_call_rank(call), work_pss_kib("memfd:rankfold"));
}
RF_REGISTER(pss);

typedef struct figure { double start, cpu, seconds; } figure;

static figure figure_start(void) { return (figure){.start = work_now(), .cpu = work_cpu()}; }

static void figure_stop(figure *f)
{
    f->seconds = work_now() - f->start;
    f->cpu = work_cpu() - f->cpu;
}

static int print_if(bool right, double number)
{
    if (!right) {
        fputs("rank: wrong results\n", stderr);
        return 1;
    }
    printf("%.6g\n", number);
    return 0;
}

static bool sum_is_right(const rf_results *results, int64_t items)
{
    int64_t sum = 0;
    for (uint64_t i = 0; i < rf_results_len(results); i++)
        sum += rf_i64(rf_results_value(results, i));
    return rf_results_len(results) == (uint64_t)items && sum == work_noop_sum(items);
}

static int seconds_one_by_one(rf_pool *pool, int64_t items, const rf_options *options, double *seconds)
{
    RF_AUTO(rf_iterator, each);
    figure f = figure_start();
    int status = rf_imap_unordered(pool, noop, rf_range(0, items), options, &each);
    const rf_result *result;
    int64_t sum = 0;
    while (status == RF_OK && (status = rf_next(each, &result)) == RF_OK)
        sum += rf_i64(result->value);
    figure_stop(&f);
    *seconds = sum == work_noop_sum(items) ? f.seconds : NAN;
    return status == RF_END ? RF_OK : status;
}

static int noop_one(rf_pool *pool, int64_t items)
{
    double seconds;
    int status = seconds_one_by_one(pool, items, RF_OPTIONS(.chunk_size = 1), &seconds);
    return status ? status : print_if(!isnan(seconds), (double)items / seconds);
}

static int fork_one(rf_pool *pool, int64_t items)
{
    double plain, forked = NAN;
    int status = seconds_one_by_one(pool, items, RF_OPTIONS(.chunk_size = 1, .workers = 1), &plain);
    if (status == RF_OK)
        status = seconds_one_by_one(pool, items, RF_OPTIONS(.chunk_size = 1, .workers = 1, .executor = RF_FORK), &forked);
    return status ? status : print_if(!isnan(plain + forked), (forked - plain) / (double)items * 1e6);
}

static int noop_kept(rf_pool *pool, int64_t items, const rf_options *options)
{
    RF_AUTO(rf_results, results);
    work_warm_memory((size_t)items * sizeof(rf_value));
    figure f = figure_start();
    int status = rf_map(pool, noop, rf_range(0, items), options, &results);
    figure_stop(&f);
    return status ? status : print_if(sum_is_right(results, items), (double)items / f.seconds);
}

static int efficiency(rf_pool *pool, int64_t items, uint64_t loops)
{
    RF_AUTO(rf_results, results);
    figure f = figure_start();
    int status = rf_map(pool, spin, rf_range(0, items), RF_OPTIONS(.state = RF_STATE(loops)), &results);
    figure_stop(&f);
    return status ? status : print_if(sum_is_right(results, items), f.seconds);
}

struct item { char bytes[MIB]; };

static int large_in(rf_pool *pool, int64_t items)
{
    struct item *array = work_memory((size_t)items * sizeof *array);
    for (int64_t i = 0; i < items; i++)
        work_stamp(memset(&array[i], 1, MIB), (uint64_t)i);
    RF_AUTO(rf_results, results);
    figure f = figure_start();
    int status = rf_map(pool, checksum, RF_ARRAY(array, (uint64_t)items), NULL, &results);
    figure_stop(&f);
    bool right = rf_results_len(results) == (uint64_t)items;
    for (uint64_t i = 0; i < rf_results_len(results); i++)
        right = right && rf_i64(rf_results_value(results, i)) == work_checksum_expected(i);
    free(array);
    return status ? status : print_if(right, (double)items / f.seconds);
}

static int large_out(rf_pool *pool, int64_t items)
{
    RF_AUTO(rf_results, results);
    work_warm_memory((size_t)items * MIB);
    figure f = figure_start();
    int status = rf_map(pool, large, rf_range(0, items), NULL, &results);
    figure_stop(&f);
    bool right = rf_results_len(results) == (uint64_t)items;
    for (uint64_t i = 0; i < rf_results_len(results); i++) {
        rf_value result = rf_results_value(results, i);
        right = right && rf_size(result) == MIB && work_checksum(result.data) == work_checksum_expected(i);
    }
    return status ? status : print_if(right, (double)items / f.seconds);
}

static int idle(rf_pool *pool, double seconds)
{
    RF_AUTO(rf_results, results);
    int64_t workers = (int64_t)rf_workers(pool);
    figure f = figure_start();
    int status = rf_map(pool, sleeper, rf_range(0, workers), RF_OPTIONS(.state = RF_STATE(seconds), .chunk_size = 1), &results);
    figure_stop(&f);
    return status ? status : print_if(sum_is_right(results, workers), f.cpu);
}

static int share(rf_pool *pool, int64_t mib)
{
    RF_AUTO(rf_results, touched);
    RF_AUTO(rf_results, kept);
    size_t size = (size_t)mib * MIB;
    int64_t workers = (int64_t)rf_workers(pool);
    char *data = malloc(size);
    if (!data)
        return RF_ENOMEM;
    int status = rf_share(pool, "data", memset(data, 1, size), size);
    free(data);
    if (status == RF_OK)
        status = rf_map(pool, touch, rf_range(0, workers), RF_OPTIONS(.chunk_size = 1), &touched);
    if (status == RF_OK)
        status = rf_map(pool, pss, rf_range(0, workers), RF_OPTIONS(.chunk_size = 1), &kept);
    uint64_t kib = work_pss_kib("memfd:rankfold"), sum, all_ranks = 0;
    for (uint64_t i = 0; i < rf_results_len(kept); i++) {
        int rank;
        uint64_t its;
        if (RF_READ(rf_results_value(touched, i), sum, rank) || sum != size / 4096 || RF_READ(rf_results_value(kept, i), rank, its))
            return print_if(false, 0);
        all_ranks |= UINT64_C(1) << rank;
        kib += its;
    }
    return status ? status : print_if(__builtin_popcountll(all_ranks) == workers, (double)kib / 1024 / (double)mib);
}

/* Of 0 .. items - 1, one more each, the even ones of those, one more each: items is even. */
static bool chain_is_right(const rf_results *results, int64_t items)
{
    int64_t sum = 0, half = items / 2;
    for (uint64_t i = 0; i < rf_results_len(results); i++)
        sum += rf_i64(rf_results_value(results, i));
    return rf_results_len(results) == (uint64_t)half && sum == half * (half + 2);
}

static int chain(rf_pool *pool, int64_t items)
{
    RF_AUTO(rf_results, results);
    figure f = figure_start();
    rf_seq *numbers = rf_seq_of(pool, rf_range(0, items));
    int status = rf_seq_collect(rf_seq_map(rf_seq_filter(rf_seq_map(numbers, noop), stays), noop), NULL, &results);
    figure_stop(&f);
    return status ? status : print_if(chain_is_right(results, items), (double)items / f.seconds);
}

static int chain_apart(rf_pool *pool, int64_t items)
{
    RF_AUTO(rf_results, first);
    RF_AUTO(rf_results, stay);
    RF_AUTO(rf_results, results);
    int64_t *numbers = malloc((size_t)items * sizeof *numbers), kept = 0;
    if (!numbers)
        return RF_ENOMEM;
    figure f = figure_start();
    int status = rf_map(pool, noop, rf_range(0, items), NULL, &first);
    for (int64_t i = 0; i < items && !status; i++)
        numbers[i] = rf_i64(rf_results_value(first, (uint64_t)i));
    status = status ? status : rf_map(pool, says_stays, RF_ARRAY(numbers, (uint64_t)items), NULL, &stay);
    for (int64_t i = 0; i < items && !status; i++)
        if (rf_truth(rf_results_value(stay, (uint64_t)i)))
            numbers[kept++] = numbers[i];
    status = status ? status : rf_map(pool, noop, RF_ARRAY(numbers, (uint64_t)kept), NULL, &results);
    figure_stop(&f);
    free(numbers);
    return status ? status : print_if(chain_is_right(results, items), (double)items / f.seconds);
}

static int memory(rf_pool *pool, int64_t items)
{
    int status = rf_map_unordered(pool, noop, rf_range(0, items), NULL, NULL);
    return status ? status : print_if(true, (double)work_peak_kib());
}

/* A consumer that stops for a moment now and then: what is ready waits for it. */
static int stream(rf_pool *pool, int64_t items)
{
    RF_AUTO(rf_iterator, each);
    int status = rf_imap_unordered(pool, noop, rf_range(0, items), NULL, &each);
    const rf_result *result;
    int64_t sum = 0, taken = 0;
    while (status == RF_OK && (status = rf_next(each, &result)) == RF_OK) {
        sum += rf_i64(result->value);
        if (++taken % 50000 == 0)
            work_sleep(0.002);
    }
    return status != RF_END ? status : print_if(sum == work_noop_sum(items), (double)work_peak_kib());
}

static void ignore_progress(uint64_t done, uint64_t total, bool final, void *user) { (void)done, (void)total, (void)final, (void)user; }

/* Every policy that leaves functions in the rank, set so that none is ever met. */
static int policies(rf_pool *pool, int64_t items)
{
    return noop_kept(pool, items, RF_OPTIONS(.retry = RF_RETRY, .timeout = 3600, .rate_limit = {.count = 1e12}, .halt_count = 1000000,
                                             .halt_share = 0.5, .max_active = 1000000000, .max_bytes = (uint64_t)1 << 40, .workers = 2,
                                             .seed = 7, .on_progress = ignore_progress));
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    int64_t items = argc > 2 ? (int64_t)strtod(argv[2], NULL) : 0;
    if (strcmp(mode, "empty") == 0)
        return rf_map(pool, noop, rf_range(0, 0), NULL, NULL);
    if (strcmp(mode, "idle") == 0 && argc > 2)
        return idle(pool, strtod(argv[2], NULL));
    if (strcmp(mode, "noop-one") == 0)
        return noop_one(pool, items);
    if (strcmp(mode, "noop-map") == 0)
        return noop_kept(pool, items, RF_OPTIONS(.chunk_size = 1));
    if (strcmp(mode, "noop-auto") == 0)
        return noop_kept(pool, items, NULL);
    if (strcmp(mode, "fork-one") == 0)
        return fork_one(pool, items);
    if (strcmp(mode, "fork-auto") == 0)
        return noop_kept(pool, items, RF_OPTIONS(.executor = RF_FORK));
    if (strcmp(mode, "spin") == 0 && argc > 3)
        return efficiency(pool, items, (uint64_t)strtod(argv[3], NULL));
    if (strcmp(mode, "in") == 0)
        return large_in(pool, items);
    if (strcmp(mode, "out") == 0)
        return large_out(pool, items);
    if (strcmp(mode, "share") == 0)
        return share(pool, items);
    if (strcmp(mode, "chain") == 0)
        return chain(pool, items);
    if (strcmp(mode, "chain-apart") == 0)
        return chain_apart(pool, items);
    if (strcmp(mode, "memory") == 0)
        return memory(pool, items);
    if (strcmp(mode, "stream") == 0)
        return stream(pool, items);
    if (strcmp(mode, "policies") == 0)
        return policies(pool, items);
    fputs("usage: mpirun -n RANKS rank MODE ..., see rank.c\n", stderr);
    return 64;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
