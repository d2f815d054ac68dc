/* By key where tasks run in children of the ranks, on 1, 2, 3 and 5 ranks: what a mapper, combiner or reducer does there costs one attempt of its
   task, and the output has the bytes that it has inline. */
#define _GNU_SOURCE
#include "../verify.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>

#define AGAIN {.attempts = 3, .backoff = RF_NONE}
#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- places ------------------------------------------------------------------------------------------------------ */

static char folder[200];                /* the same on each rank: all have one parent */

static const char *place(const char *name)
{
    static char paths[8][320];
    static unsigned next;
    char *path = paths[next++ % LENGTH(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool exists(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0;
}

/* The whole file with a NUL behind it. Valid until the fourth call after this. */
static const char *text_of(const char *path)
{
    static char *kept[4];
    static unsigned next;
    char **to = &kept[next++ % LENGTH(kept)];
    struct stat about;
    FILE *from = fopen(path, "r");
    free(*to);
    *to = from && fstat(fileno(from), &about) == 0 ? calloc((size_t)about.st_size + 1, 1) : NULL;
    if (*to && fread(*to, 1, (size_t)about.st_size, from) != (size_t)about.st_size)
        **to = '\0';
    if (from)
        fclose(from);
    return *to ? *to : "(no file)";
}

/* ---- what functions do ------------------------------------------------------------------------------------------- */

enum deed { NONE, SEGFAULT, ABORT, EXIT_0, LOOP, HOG, KINDS };
enum where { MAPPER, COMBINER, REDUCER };

typedef struct plot {
    enum deed deed;
    enum where where;
    int64_t at;                         /* the item, or the key */
    unsigned attempts;                  /* that do it */
    char done[256];                     /* a folder: where nobody tells a function its attempt, files in it count them */
} plot;

static void *volatile hoard;
static int *volatile nowhere;

/* A sanitizer would report it, at length, and exit. */
static void write_to_nowhere(void)
{
#ifdef __SANITIZE_ADDRESS__
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
#endif
    *nowhere = 1;
}

static void hog(void)
{
    for (;;) {
        void *piece = malloc(1 << 20);
        memset(piece, 1, 1 << 20);
        hoard = piece;
    }
}

static void misbehave(enum deed deed)
{
    volatile bool forever = true;
    switch (deed) {
    case SEGFAULT: write_to_nowhere(); break;
    case ABORT: abort();
    case EXIT_0: exit(0);
    case LOOP:
        while (forever)
            ;
        break;
    case HOG: hog(); break;
    default: break;
    }
}

/* The first so many that come here do it. */
static void misbehave_once(const plot *its)
{
    char path[300];
    for (unsigned i = 0; i < its->attempts; i++) {
        snprintf(path, sizeof path, "%s/%u", its->done, i);
        FILE *mark = fopen(path, "wx");
        if (mark) {
            fclose(mark);
            misbehave(its->deed);
        }
    }
}

/* n emits (n % 100, n) five times in all, over five keys. */
static int scatter(rf_call *call, rf_value item)
{
    int64_t n;
    const plot *its = RF_CALL_STATE(call, plot);
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    if (its && its->where == MAPPER && n == its->at && rf_call_attempt(call) <= its->attempts)
        misbehave(its->deed);
    rf_call_count(call, "mapped", 1);
    for (int64_t i = 0; i < 5; i++)
        if (RF_EMIT(call, (n + i * 7) % 100, n))
            return RF_EFUNCTION;
    return RF_OK;
}
RF_REGISTER(scatter);

static int total(rf_call *call, rf_group *values, int64_t *sum)
{
    rf_value value;
    int status;
    (void)call;
    *sum = 0;
    while ((status = rf_group_next(values, &value)) == RF_OK)
        *sum += rf_i64(value);
    return status == RF_END ? RF_OK : status;
}

static int combine(rf_call *call, rf_value key, rf_group *values)
{
    const plot *its = RF_CALL_STATE(call, plot);
    int64_t sum;
    if (its && its->where == COMBINER && rf_i64(key) == its->at)
        misbehave_once(its);
    return total(call, values, &sum) ? RF_EFUNCTION : RF_RETURN(call, sum);
}
RF_REGISTER(combine);

static int reduce(rf_call *call, rf_value key, rf_group *values)
{
    const plot *its = RF_CALL_STATE(call, plot);
    int64_t sum;
    if (its && its->where == REDUCER && rf_i64(key) == its->at && rf_call_attempt(call) <= its->attempts)
        misbehave(its->deed);
    rf_call_count(call, "reduced", 1);
    return total(call, values, &sum) ? RF_EFUNCTION : RF_RETURN(call, sum);
}
RF_REGISTER(reduce);

/* These have no call that tells them anything: they look at what was there before children were made, and do it while the folder is there. */
static plot places_plot = {.at = 42, .attempts = 1}, order_plot = {.at = 42, .attempts = 1};

static uint32_t place_of(rf_value key, uint32_t partitions)
{
    if (rf_i64(key) == places_plot.at)
        misbehave_once(&places_plot);
    return (uint32_t)rf_i64(key) % partitions;
}
RF_REGISTER(place_of);

static int descending(rf_value a, rf_value b)
{
    if (rf_i64(a) == order_plot.at || rf_i64(b) == order_plot.at)
        misbehave_once(&order_plot);
    return rf_i64(a) < rf_i64(b) ? 1 : rf_i64(a) > rf_i64(b) ? -1 : 0;
}
RF_REGISTER(descending);

/* ---- one job ------------------------------------------------------------------------------------------------------ */

#define ITEMS 3000

typedef struct made { int status; const char *text; int64_t mapped, reduced; uint64_t failed; } made;

/* The job that all cases vary: into a file, which is read. */
static made run(rf_pool *pool, const plot *its, const rf_job *others, const rf_options *options)
{
    RF_AUTO(rf_dataset, all);
    static const plot peace = {.deed = NONE};
    made result;
    rf_job job = *others;
    its = its ? its : &peace;
    job.inputs[0] = (rf_input){.source = rf_range(0, ITEMS), .mapper = scatter, .state = rf_bytes(its, sizeof *its)};
    job.state = job.inputs[0].state;
    job.combiner = job.combiner ? job.combiner : combine;
    job.reducer = reduce;
    job.output = place("out");
    unlink(job.output);
    result.status = rf_mapreduce(pool, &job, options, &all);
    result.text = result.status == RF_OK || result.status == RF_EITEMS ? text_of(job.output) : "";
    result.mapped = all ? rf_dataset_counter(all, "mapped") : -1;
    result.reduced = all ? rf_dataset_counter(all, "reduced") : -1;
    result.failed = all ? rf_dataset_figures(all).failed : 0;
    return result;
}

static const rf_job by_key = {.struct_size = sizeof(rf_job), .order = RF_BY_KEY_GLOBAL, .format = RF_LINES};

static const char *expected(rf_pool *pool)
{
    static char *text;
    if (!text)
        text = strdup(run(pool, NULL, &by_key, RF_OPTIONS(.executor = RF_INLINE, .chunk_size = 250)).text);
    return text;
}

static void check_same(rf_pool *pool, const plot *its, const rf_job *job, const rf_options *options)
{
    const char *wanted = expected(pool);
    made got = run(pool, its, job, options);
    bool same = !strcmp(got.text, wanted);
    CHECK_STATUS(got.status, RF_OK);
    CHECK_(same, "the output differs:\n%.200s\nand not\n%.200s", got.text, wanted);
    CHECK_INT(got.mapped, ITEMS);
    CHECK_INT(got.reduced, 100);
}

CASE(E2_F15_a_job_in_children_writes_the_bytes_that_it_writes_inline)
{
    ALSO(check_same(pool, NULL, &by_key, RF_OPTIONS(.executor = RF_FORK)));
    ALSO(check_same(pool, NULL, &by_key, RF_OPTIONS(.executor = RF_FORK, .chunk_size = 7)));
    ALSO(check_same(pool, NULL, &by_key, RF_OPTIONS(.slots = 2)));
    ALSO(check_same(pool, NULL, &by_key, RF_OPTIONS(.slots = 3, .chunk_size = 100)));
    ALSO(check_same(pool, NULL, &by_key, RF_OPTIONS(.task_timeout = 50)));
    ALSO(check_same(pool, NULL, &by_key, RF_OPTIONS(.lifespan = 200, .chunk_size = 50)));
    ALSO(check_same(pool, NULL, &by_key, RF_OPTIONS(.lifespan = 1)));
}

/* ---- deaths ------------------------------------------------------------------------------------------------------- */

static plot new_plot(enum deed deed, enum where where, unsigned attempts)
{
    plot its = {.deed = deed, .where = where, .at = where == MAPPER ? 1234 : 42, .attempts = attempts};
    snprintf(its.done, sizeof its.done, "%s", place("done"));
    remove_tree(its.done);
    mkdir(its.done, 0700);
    return its;
}

static bool is_possible(enum deed deed)
{
#ifdef __SANITIZE_ADDRESS__             /* its allocator ends the process by itself */
    return deed != HOG;
#endif
    return deed != NONE;
}

static rf_options with_limits(enum deed deed, rf_options options)
{
    options.executor = RF_FORK;
    options.chunk_size = 250;
    options.task_timeout = deed == LOOP ? 0.5 : 0;
    options.task_memory = deed == HOG ? 64 << 20 : 0;
    return options;
}

static void check_retried(rf_pool *pool, enum where where)
{
    for (enum deed deed = SEGFAULT; deed < KINDS; deed++) {
        if (!is_possible(deed))
            continue;
        plot its = new_plot(deed, where, 1);
        rf_options options = with_limits(deed, *RF_OPTIONS(.retry = AGAIN));
        ALSO(check_same(pool, &its, &by_key, &options));
    }
}

CASE(G1_what_a_mapper_does_to_its_child_costs_one_attempt) { ALSO(check_retried(pool, MAPPER)); }
CASE(G1_what_a_combiner_does_to_its_child_costs_one_attempt) { ALSO(check_retried(pool, COMBINER)); }
CASE(G1_what_a_reducer_does_to_its_child_costs_one_attempt) { ALSO(check_retried(pool, REDUCER)); }

static const char *says(enum deed deed)
{
    switch (deed) {
    case SEGFAULT: return "killed by signal 11 (Segmentation fault) inside the function";
    case ABORT: return "killed by signal 6 (Aborted) inside the function";
    case EXIT_0: return "exited with status 0 inside the function";
    case LOOP: return "not done after 0.5 s, which is its task_timeout";
    default: return "when the 67108864 bytes of its task_memory were used up";
    }
}

static void check_told(rf_pool *pool, enum where where, const char *at)
{
    for (enum deed deed = SEGFAULT; deed < KINDS; deed++) {
        if (!is_possible(deed))
            continue;
        plot its = new_plot(deed, where, 1000);
        rf_options options = with_limits(deed, *RF_OPTIONS(.name = "the job"));
        CHECK_STATUS(run(pool, &its, &by_key, &options).status, RF_EITEMS);
        CHECK_HAS(rf_last_error()->message, at);
        CHECK_HAS(rf_last_error()->message, says(deed));
        CHECK_TEXT(rf_last_error()->kind, deed == LOOP ? "timeout" : deed == HOG ? "memory" : "crash");
        CHECK(!exists(place("out")));
    }
}

CASE(G1_a_mapper_that_ends_its_child_is_told_with_its_item) { ALSO(check_told(pool, MAPPER, "item 1234: scatter: ")); }
CASE(G1_a_combiner_that_ends_its_child_is_told_with_its_key) { ALSO(check_told(pool, COMBINER, "combine: key 42: ")); }
CASE(G1_a_reducer_that_ends_its_child_is_told_with_its_key) { ALSO(check_told(pool, REDUCER, "reduce: key 42: ")); }

static int name_key(rf_call *call, rf_value item)
{
    const char *name;
    if (RF_ARGS(call, item, name))
        return RF_EARGS;
    if (name[0] == '(')
        return RF_EMIT(call, RF_TUPLE(1, "two"), 1);
    return RF_EMIT(call, name, 1);
}
RF_REGISTER(name_key);

static int die(rf_call *call, rf_value key, rf_group *values)
{
    (void)call, (void)key, (void)values;
    misbehave(ABORT);
    return RF_OK;
}
RF_REGISTER(die);

static void check_name(rf_pool *pool, const char *name, const char *told)
{
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = RF_VALUES(name), .mapper = name_key}}, .reducer = die),
                              RF_OPTIONS(.executor = RF_FORK), NULL), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, told);
}

CASE(G1_keys_of_every_length_and_type_are_named)
{
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ALSO(check_name(pool, "kiwi", "die: key \"kiwi\": killed by signal 6"));
    ALSO(check_name(pool, "", "die: key \"\": killed"));
    ALSO(check_name(pool, "(", "die: key [1, \"two\"]: killed"));
    ALSO(check_name(pool, name, "die: key \"xxxxxxxxxxxxxxxx\"...: killed"));
}

static void check_outside(rf_pool *pool, const plot *its, const rf_job *job)
{
    rf_options options = *RF_OPTIONS(.executor = RF_FORK, .chunk_size = 500);
    mkdir(its->done, 0700);
    CHECK_STATUS(run(pool, NULL, job, &options).status, RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "killed by signal 11");
    remove_tree(its->done);
    mkdir(its->done, 0700);
    options.retry = (rf_retry)AGAIN;
    made got = run(pool, NULL, job, &options);
    char *text = strdup(got.text);
    remove_tree(its->done);
    CHECK_STATUS(got.status, RF_OK);
    bool same = !strcmp(text, run(pool, NULL, job, RF_OPTIONS(.executor = RF_INLINE)).text);
    CHECK(same);
    free(text);
}

CASE(G1_a_partitioner_and_a_comparison_that_end_children_cost_one_attempt)
{
    rf_job placed = by_key, ordered = by_key;
    placed.order = ordered.order = RF_BY_KEY;
    placed.partitioner = place_of;
    ordered.compare = descending;
    ALSO(check_outside(pool, &places_plot, &placed));
    ALSO(check_outside(pool, &order_plot, &ordered));
}

/* ---- tolerant ----------------------------------------------------------------------------------------------------- */

static int picky(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    if (n % 500 == 250)
        misbehave(n % 1000 == 250 ? SEGFAULT : EXIT_0);
    if (n % 500 == 100)
        return rf_fail(call, "picky", "not %" PRId64, n);
    return RF_EMIT(call, n % 10, 1);
}
RF_REGISTER(picky);

CASE(G1_a_tolerant_job_goes_on_without_the_items_that_end_children)
{
    RF_AUTO(rf_dataset, all);
    RF_AUTO(rf_results, pairs);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 2000), .mapper = picky}}, .reducer = rf_sum, .tolerant = true,
                                           .order = RF_BY_KEY_GLOBAL),
                              RF_OPTIONS(.executor = RF_FORK, .retry = {.attempts = 2, .backoff = RF_NONE}, .chunk_size = 600), &all), RF_EITEMS);
    CHECK_INT(rf_dataset_figures(all).failed, 8);
    CHECK_INT(rf_dataset_figures(all).emitted, 1992);
    CHECK_STATUS(rf_dataset_collect(all, &pairs), RF_OK);
    CHECK_INT(rf_results_len(pairs), 10);
    for (uint64_t i = 0; i < 10; i++) {
        int64_t key, count;
        CHECK_INT(RF_ARGS(NULL, rf_results_value(pairs, i), key, count), RF_OK);
        CHECK_INT(key, i);
        CHECK_INT(count, i ? 200 : 192);
    }
    char *report = NULL;
    size_t size;
    FILE *to = open_memstream(&report, &size);
    rf_dataset_report(all, to);
    fclose(to);
    bool told = strstr(report, "picky: killed by signal 11") && strstr(report, "picky: exited with status 0") && strstr(report, "not 100");
    CHECK_(told, "the report is %s", report);
    free(report);
}

CASE(G1_a_tolerant_job_does_not_go_on_without_a_key)
{
    plot its = new_plot(ABORT, REDUCER, 1000);
    rf_job job = by_key;
    job.tolerant = true;
    CHECK_STATUS(run(pool, &its, &job, RF_OPTIONS(.executor = RF_FORK)).status, RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "reduce: key 42: killed by signal 6");
    CHECK(!exists(place("out")));
}

/* ---- datasets, files, memory ---------------------------------------------------------------------------------------- */

/* (key, sum) -> (key % 10, sum): parts of a dataset are several pieces of one task. */
static int coarser(rf_call *call, rf_value item)
{
    int64_t key, sum;
    if (RF_ARGS(call, item, key, sum))
        return RF_EARGS;
    if (key == 42 && rf_call_attempt(call) == 1)
        misbehave(SEGFAULT);
    return RF_EMIT(call, key % 10, sum);
}
RF_REGISTER(coarser);

static int coarser_unharmed(rf_call *call, rf_value item)
{
    int64_t key, sum;
    return RF_ARGS(call, item, key, sum) ? RF_EARGS : RF_EMIT(call, key % 10, sum);
}
RF_REGISTER(coarser_unharmed);

static char *two_jobs(rf_pool *pool, rf_map_function *second, const rf_options *options, int *status)
{
    RF_AUTO(rf_dataset, first);
    RF_AUTO(rf_dataset, coarse);
    unlink(place("out"));
    static const plot peace = {.deed = NONE};
    *status = rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, ITEMS), .mapper = scatter, .state = RF_STATE(peace)}}, .reducer = rf_sum,
                                        .partitions = 13), options, &first);
    if (*status)
        return strdup("");
    *status = rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_dataset_source(first), .mapper = second}}, .reducer = rf_sum, .partitions = 3), options,
                           &coarse);
    if (*status)
        return strdup("");
    *status = rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_dataset_source(coarse)}}, .order = RF_BY_KEY_GLOBAL, .output = place("out")), options, NULL);
    return strdup(text_of(place("out")));
}

CASE(E2_F15_datasets_go_from_job_to_job_in_children)
{
    int inlined, forked;
    char *wanted = two_jobs(pool, coarser_unharmed, RF_OPTIONS(.executor = RF_INLINE), &inlined);
    CHECK_STATUS(inlined, RF_OK);
    for (unsigned slots = 1; slots <= 2; slots++)
        for (uint64_t chunk = 0; chunk <= 60; chunk += 30) {
            char *got = two_jobs(pool, coarser, RF_OPTIONS(.executor = RF_FORK, .slots = slots, .chunk_size = chunk, .retry = AGAIN), &forked);
            bool same = !strcmp(got, wanted);
            CHECK_STATUS(forked, RF_OK);
            CHECK_(same, "the output differs:\n%s\nand not\n%s", got, wanted);
            free(got);
        }
    free(wanted);
}

static int long_words(rf_call *call, rf_value line)
{
    char word[120];
    int64_t n = strtoll(line.data, NULL, 10);
    for (int64_t i = 0; i < 8; i++) {
        int size = snprintf(word, sizeof word, "%0*" PRId64, 40 + (int)(n % 50), n * 8 + i);
        if (RF_EMIT(call, rf_text(word, (size_t)size), n))
            return RF_EFUNCTION;
    }
    return RF_OK;
}
RF_REGISTER(long_words);

static int long_words_at_last(rf_call *call, rf_value line)
{
    if (!strcmp(line.data, "77777") && rf_call_attempt(call) == 1)
        misbehave(SEGFAULT);
    return long_words(call, line);
}
RF_REGISTER(long_words_at_last);

static void write_numbers(const char *path, int64_t first, int64_t count)
{
    FILE *to = fopen(path, "w");
    for (int64_t i = 0; to && i < count; i++)
        fprintf(to, "%" PRId64 "\n", first + i);
    if (to)
        fclose(to);
}

/* What is emitted is several times the budget: map tasks spill, and reduce tasks merge what they gathered into files. */
static int sort_words(rf_pool *pool, rf_map_function *mapper, const char *output, const rf_options *options)
{
    char one[256], two[256];
    snprintf(one, sizeof one, "%s", place("one"));
    snprintf(two, sizeof two, "%s", place("two"));
    const char *paths[] = {one, two};
    return rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_lines((rf_strings_in){.constant = paths}, 2), .mapper = mapper}}, .memory = 8 << 20,
                                     .order = RF_BY_KEY_GLOBAL, .output = output), options, NULL);
}

static void check_sorted(rf_pool *pool, const char *wanted, const rf_options *options)
{
    CHECK_STATUS(sort_words(pool, long_words_at_last, place("got"), options), RF_OK);
    bool same = !strcmp(text_of(place("got")), wanted);
    CHECK(same);
}

CASE(G1_what_is_beyond_the_memory_is_sorted_in_children_and_a_crash_names_file_and_place)
{
    char where[320];
    write_numbers(place("one"), 0, 30000);
    write_numbers(place("two"), 60000, 30000);
    CHECK_STATUS(sort_words(pool, long_words, place("wanted"), RF_OPTIONS(.executor = RF_INLINE)), RF_OK);
    char *wanted = strdup(text_of(place("wanted")));
    CHECK(strlen(wanted) > 60000 * 8 * 45);
    snprintf(where, sizeof where, "%s at byte %d: long_words_at_last: killed by signal 11", place("two"), 17777 * 6);
    CHECK_STATUS(sort_words(pool, long_words_at_last, place("got"), RF_OPTIONS(.executor = RF_FORK)), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, where);
    CHECK(!exists(place("got")));
    ALSO(check_sorted(pool, wanted, RF_OPTIONS(.executor = RF_FORK, .retry = AGAIN)));
    ALSO(check_sorted(pool, wanted, RF_OPTIONS(.slots = 2, .split_size = 20000, .retry = AGAIN)));
    ALSO(check_sorted(pool, wanted, RF_OPTIONS(.task_memory = 1 << 30, .split_size = 100000, .retry = AGAIN)));
    free(wanted);
}

/* ---- what is left --------------------------------------------------------------------------------------------------- */

/* Files of runs, and folders of children. */
static unsigned left_in(const char *path, unsigned depth)
{
    unsigned count = 0;
    DIR *open = opendir(path);
    for (struct dirent *entry; open && (entry = readdir(open));) {
        if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "lock"))
            continue;
        char below[600];
        snprintf(below, sizeof below, "%.320s/%.255s", path, entry->d_name);
        count += depth ? 1 : left_in(below, 1);
    }
    if (open)
        closedir(open);
    return count;
}

CASE(G1_nothing_is_left_of_what_was_done)
{
    plot its = new_plot(SEGFAULT, MAPPER, 1);
    ALSO(check_same(pool, &its, &by_key, RF_OPTIONS(.executor = RF_FORK, .retry = AGAIN)));
    while (left_in(place("scratch"), 0))
        rf_poll(pool, 0.01);
}


int main(int argc, char **argv)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.150s/rankfold-by-key-fork-%d", temporary && *temporary ? temporary : P_tmpdir, (int)getppid());
    mkdir(folder, 0700);
    mkdir(place("scratch"), 0700);
    setenv("RANKFOLD_SCRATCH", place("scratch"), 1);
    snprintf(places_plot.done, sizeof places_plot.done, "%s", place("places"));
    snprintf(order_plot.done, sizeof order_plot.done, "%s", place("order"));
    places_plot.deed = order_plot.deed = SEGFAULT;
    int status = rf_main(argc, argv, verify);
    remove_tree(folder);                /* whoever is the last */
    return status;
}
