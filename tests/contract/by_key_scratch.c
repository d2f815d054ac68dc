/* Row F9 of the contract: what does not fit into memory goes to the scratch folder, and what is wrong with that is told. Cases follow each other: the
   folder is missing, then full, then large enough. It is full where a small file system can be mounted, as root can. Else that
   case says that it is skipped. */
#include "by_key.h"
#include <sys/mount.h>

static char folder[300];
static bool mounted, is_rank_0;

/* Every rank has the same parent: so each finds the same name before MPI is there. */
static int name_folder(int argc, char **argv)
{
    const char *in = getenv("TMPDIR");
    (void)argc, (void)argv;
    snprintf(folder, sizeof folder, "%.200s/rankfold-by-key-scratch-%d", in && *in ? in : P_tmpdir, (int)getppid());
    return setenv("RANKFOLD_SCRATCH", folder, 1) ? RF_ENOMEM : RF_OK;
}

#define VALUE_SIZE 20000
#define VALUES 3000

static void fill(char bytes[VALUE_SIZE], uint64_t n)
{
    for (size_t i = 0; i < VALUE_SIZE; i += 8) {
        uint64_t word = mix(n, i);
        memcpy(bytes + i, &word, 8);
    }
}

/* 20 kB that zlib makes nothing of, under one of 50 keys. */
static int noise(rf_call *call, rf_value item)
{
    static char bytes[VALUE_SIZE];
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    fill(bytes, (uint64_t)n);
    return RF_EMIT(call, n % 50, rf_bytes(bytes, sizeof bytes));
}
RF_REGISTER(noise);

/* How many there were, each as it was emitted and in order. */
static int check_noise(rf_call *call, rf_value key, rf_group *values)
{
    static char bytes[VALUE_SIZE];
    int64_t n = rf_i64(key), count = 0;
    rf_value value;
    int status;
    for (; (status = rf_group_next(values, &value)) == RF_OK; n += 50, count++) {
        fill(bytes, (uint64_t)n);
        if (rf_size(value) != VALUE_SIZE || memcmp(bytes, value.data, VALUE_SIZE) != 0)
            return rf_fail(call, "bytes", "value %" PRId64, count);
    }
    return status == RF_END ? RF_EMIT(call, key, count) : status;
}
RF_REGISTER(check_noise);

/* 60 MB through workers of 8 MiB each. */
static int too_much(rf_pool *pool, const char *out, bool compress, rf_dataset **made)
{
    return rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, VALUES), .mapper = noise}}, .reducer = check_noise, .memory = 1, .output = out,
                                     .order = RF_BY_KEY_GLOBAL, .compress = compress), NULL, made);
}

CASE(F9_a_scratch_folder_that_is_missing_is_named_with_what_to_do)
{
    RF_AUTO(rf_dataset, made);
    is_rank_0 = true;
    const char *out = new_output("missing");
    CHECK_STATUS(too_much(pool, out, false, &made), RF_EOUTPUT);
    CHECK(!made);
    CHECK_HAS(rf_last_error()->message, folder);
    CHECK_HAS(rf_last_error()->message, "RANKFOLD_SCRATCH");
    CHECK_TEXT(names_in(place("missing")), "");
}

CASE(F9_a_scratch_folder_that_is_full_is_named_with_what_is_needed_and_free)
{
    mkdir(folder, 0700);
    mounted = mount("none", folder, "tmpfs", 0, "size=2m") == 0;
    if (!mounted) {
        printf("%s: SKIPPED: no file system can be mounted here\n", verifying.now);
        return;
    }
    RF_AUTO(rf_dataset, made);
    const char *out = new_output("full");
    CHECK_STATUS(too_much(pool, out, false, &made), RF_EOUTPUT);
    CHECK(!made);
    CHECK_HAS(rf_last_error()->message, folder);
    CHECK_HAS(rf_last_error()->message, "bytes more were needed");
    CHECK_HAS(rf_last_error()->message, "are free");
    CHECK_TEXT(names_in(place("full")), "");
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 100), .mapper = noise}}, .reducer = check_noise), NULL, NULL), RF_OK);
}

/* Nothing but folders that runs may lie in. */
static bool has_runs(void)
{
    char names[8192], *rest = names;
    snprintf(names, sizeof names, "%s", names_in(folder));
    for (char *name; (name = strsep(&rest, " "));)
        if (strncmp(name, "rankfold-scratch.", 17) != 0 || strcmp(names_in(below(folder, "%s", name)), "lock") != 0)
            return *name != '\0';
    return false;
}

CASE(F9_an_output_for_which_there_is_no_room_leaves_nothing)
{
    if (!mounted) {
        printf("%s: SKIPPED: no file system can be mounted here\n", verifying.now);
        return;
    }
    for (uint32_t partitions = 0; partitions < 4; partitions += 3) {
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 500), .mapper = noise}}, .format = RF_RAW, .partitions = partitions,
                                               .output = below(folder, "out")), NULL, NULL), RF_EOUTPUT);
        CHECK_HAS(rf_last_error()->message, folder);
        CHECK_HAS(rf_last_error()->message, "are free");
        while (has_runs())
            rf_poll(pool, 0.001);
    }
}

CASE(F9_more_than_memory_goes_through_scratch_which_is_empty_afterwards)
{
    if (mounted)
        CHECK(mount("none", folder, "tmpfs", MS_REMOUNT, "size=300m") == 0);
    for (int compress = 0; compress < 2; compress++) {
        RF_AUTO(rf_dataset, made);
        const char *out = new_output("spilled");
        CHECK_STATUS(too_much(pool, out, compress, &made), RF_OK);
        CHECK_(rf_dataset_figures(made).spilled > 10000000, "%" PRIu64 " bytes", rf_dataset_figures(made).spilled);
        char wanted[1000] = "";
        for (int key = 0; key < 50; key++)
            snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "%d\t60\n", key);
        CHECK_TEXT(read_text(out), wanted);
        while (has_runs())
            rf_poll(pool, 0.001);
    }
}

CASE(F9_a_dataset_lies_in_scratch_until_it_is_freed)
{
    rf_dataset *made;
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, VALUES), .mapper = noise}}, .memory = 1), NULL, &made), RF_OK);
    bool there = has_runs();
    rf_dataset_free(made);
    CHECK(there);
    while (has_runs())
        rf_poll(pool, 0.001);
}

/* All ranks have left the pool: their folders are gone. */
static int check_after(void)
{
    const char *names = names_in(folder);
    bool empty = !*names;
    if (!empty)
        printf("%s is left with %s\n", folder, names);
    if (mounted)
        umount2(folder, MNT_DETACH);
    remove_tree(folder);
    return !empty;
}

int main(int argc, char **argv)
{
    int status = rf_main_setup(argc, argv, name_folder, verify);
    return is_rank_0 ? check_after() || status : status;
}
