/* keyed/run, cursor, sample, disk, scratch: what is sealed is read again, from memory, files, copies and by ranges; what is damaged is told. */
#include "keyed_model.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing_malloc.h"
#include "failing_read.h"

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/rankfold-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* A run of one task, and the model of it, sorted. */
static sealed_run *make_run(const shape *of, model *wanted, uint64_t *random, int pairs)
{
    char key_space[200], value_space[100];
    emitter *to;
    sealed_run *made;
    ck_assert_int_eq(emit_new(of, NULL, &to), RF_OK);
    for (int i = 0; i < pairs; i++) {
        rf_value key = model_draw_key(wanted, random, key_space), value = model_draw_value(wanted, random, value_space);
        ck_assert_int_eq(emit_pair(to, key, value), RF_OK);
        model_add(wanted, key, value, 0);
    }
    ck_assert_int_eq(emit_keep(to), RF_OK);
    ck_assert_int_eq(emit_seal(to, &made), RF_OK);
    emit_free(to);
    model_sort(wanted);
    return made;
}

/* All records of a cursor, as bytes. */
static int read_all(cursor *from, buffer *to)
{
    int status;
    while ((status = cursor_next(from)) == RF_OK)
        ck_assert_int_eq(record_put(&from->it, to), RF_OK);
    return status;
}

static void read_partition(const sealed_run *of, uint32_t p, buffer *to)
{
    cursor from;
    to->size = 0;
    cursor_open(&from, of, p);
    ck_assert_int_eq(read_all(&from, to), RF_END);
    cursor_close(&from);
}

static bool same_bytes(const buffer *a, const buffer *b)
{
    return a->size == b->size && (!a->size || memcmp(a->data, b->data, a->size) == 0);
}

/* A stretch as a peer gets it, in frames of any size, with room for size bytes before it. */
static void copy_stretch(const sealed_run *of, const run_stretch *blocks, size_t before, uint64_t *random, buffer *to)
{
    to->size = 0;
    ck_assert_ptr_nonnull(buffer_add(to, before + blocks->bytes));
    memset(to->data, 'x', before);
    for (uint64_t at = 0, size; at < blocks->bytes; at += size) {
        size = 1 + random_below(random, blocks->bytes - at);
        ck_assert_int_eq(run_copy(of, blocks->offset + at, size, to->data + before + at), RF_OK);
    }
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(write(file, bytes, size), (ssize_t)size);
    close(file);
}

/* What a peer sent is the same at hand, and in the middle of a file, read by a window of any size. */
static void check_copied(const sealed_run *of, const run_stretch *blocks, uint64_t *random, const buffer *wanted,
                         const record_order *order, const record *low, const record *high)
{
    buffer copied = {0}, got = {0};
    const size_t before = 1 + random_below(random, 1000);
    cursor from;
    copy_stretch(of, blocks, before, random, &copied);
    cursor_open_bytes(&from, "a peer's run", blocks->offset, copied.data + before, blocks->bytes);
    cursor_limit(&from, order, low, high);
    ck_assert_int_eq(read_all(&from, &got), RF_END);
    ck_assert_int_eq(cursor_next(&from), RF_END);
    ck_assert(same_bytes(wanted, &got));
    cursor_close(&from);
    write_file(in_folder("copied"), copied.data, copied.size);
    got.size = 0;
    cursor_open_part(&from, in_folder("copied"), before, blocks->bytes);
    cursor_window(&from, random_below(random, 2) ? 0 : random_below(random, 400000));
    cursor_limit(&from, order, low, high);
    ck_assert_int_eq(read_all(&from, &got), RF_END);
    ck_assert(same_bytes(wanted, &got));
    cursor_close(&from);
    unlink(in_folder("copied"));
    buffer_free(&copied);
    buffer_free(&got);
}

static shape draw_shape(uint64_t *random)
{
    return (shape){.partitions = 1 + (uint32_t)random_below(random, 4), .compress = random_below(random, 2), .memory = (size_t)64 << 20};
}

START_TEST(a_run_is_the_same_in_memory_in_a_file_and_copied)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    buffer wanted = {0};
    run_stretch blocks;
    make_folder();
    for (int round = 0; round < 4; round++) {
        shape of = draw_shape(&random);
        model all = {.keys = RF_TEXT, .universe = 5000, .values = 2};
        sealed_run *made = make_run(&of, &all, &random, (int)random_below(&random, 30000)), *opened;
        model_check(&all, &of, &made, NULL, 1);
        buffer bytes = {0};
        ck_assert_int_eq(buffer_put(&bytes, made->memory.data, made->memory.size), RF_OK);
        ck_assert_int_eq(run_spill(made, in_folder("run")), RF_OK);
        failing_read_short(random | 1);
        model_check(&all, &of, &made, NULL, 1);
        ck_assert_int_eq(run_open_file(in_folder("run"), false, &opened), RF_OK);
        for (uint32_t p = 0; p < of.partitions; p++) {
            read_partition(opened, p, &wanted);
            ck_assert_int_eq(run_stretch_of(opened, p, &blocks), RF_OK);
            check_copied(opened, &blocks, &random, &wanted, NULL, NULL, NULL);
        }
        ck_assert_int_eq(run_stretch_of(opened, of.partitions, &blocks), RF_EUSAGE);
        ck_assert_int_eq(run_copy(opened, opened->bytes - 1, 2, bytes.data), RF_EUSAGE);
        ck_assert_int_eq(run_copy(opened, UINT64_MAX, 2, bytes.data), RF_EUSAGE);
        failing_read_short(0);
        run_free(opened);
        ck_assert_int_eq(access(in_folder("run"), F_OK), 0);
        ck_assert_int_eq(run_open_bytes(&bytes, &opened), RF_OK);
        model_check(&all, &of, &opened, NULL, 1);
        run_free(opened);
        run_free(made);
        ck_assert_int_ne(access(in_folder("run"), F_OK), 0);
        model_free(&all);
    }
    buffer_free(&wanted);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

static int reversed(rf_value a, rf_value b)
{
    return -model_compare_keys(a, b);
}

/* The splitters that a job would take, count of them. */
static void take_splitters(const sealed_run *of, const record_order *order, uint32_t count, buffer *space, record *splitters)
{
    sketch keys = {.limit = 64};
    uint32_t made;
    ck_assert_int_eq(sketch_merge(&keys, of->sample, of->sample_size), RF_OK);
    ck_assert_int_eq(sketch_splitters(&keys, order, count, space, &made), RF_OK);
    ck_assert_uint_eq(made, count);
    const uint8_t *at = space->data;
    for (uint32_t i = 0; i < count; i++) {
        ck_assert(record_take(&at, space->data + space->size, &splitters[i]));
        ck_assert(!i || record_compare_keys(order, &splitters[i - 1], &splitters[i]) < 0);
    }
    sketch_free(&keys);
}

/* Only the first and the last block hold other keys as well. */
static void check_stretch(const sealed_run *of, const run_stretch *blocks, const record_order *order, const record *low, const record *high)
{
    uint64_t outside = 0;
    for (uint64_t b = 0; b < of->blocks; b++) {
        cursor from;
        uint64_t offset = of->marks[b].offset;
        run_stretch rest = {offset, of->parts[0].bytes - offset};
        if (offset < blocks->offset || offset >= blocks->offset + blocks->bytes)
            continue;
        cursor_open_stretch(&from, of, &rest);
        ck_assert_int_eq(cursor_next(&from), RF_OK);
        ck_assert_uint_eq(record_prefix(from.it.key, from.it.key_size), of->marks[b].prefix);
        outside += low && record_compare_keys(order, &from.it, low) < 0;
        ck_assert(!high || record_compare_keys(order, &from.it, high) < 0);
        cursor_close(&from);
    }
    ck_assert_uint_le(outside, 1);
}

START_TEST(ranges_between_splitters_are_the_whole_run)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    make_folder();
    for (int round = 0; round < 12; round++) {
        shape of = {.partitions = 1, .sample = 64, .memory = (size_t)64 << 20, .compress = round % 2};
        of.order.compare = round % 3 == 2 ? reversed : NULL;
        model all = {.keys = round % 2 ? RF_I64 : RF_TEXT, .universe = 5000};
        sealed_run *made = make_run(&of, &all, &random, 40000);
        buffer space = {0}, wanted = {0}, got = {0}, part = {0};
        record bounds[16];
        uint32_t count = 1 + (uint32_t)random_below(&random, 9);
        take_splitters(made, &of.order, count, &space, bounds);
        read_partition(made, 0, &wanted);
        if (round >= 6)
            ck_assert_int_eq(run_spill(made, in_folder("run")), RF_OK);
        for (uint32_t p = 0; p <= count; p++) {
            const record *low = p ? &bounds[p - 1] : NULL, *high = p < count ? &bounds[p] : NULL;
            cursor from;
            run_stretch blocks;
            part.size = 0;
            ck_assert_int_eq(cursor_open_range(&from, made, &of.order, low, high), RF_OK);
            ck_assert_int_eq(read_all(&from, &part), RF_END);
            ck_assert_int_eq(cursor_next(&from), RF_END);
            ck_assert_uint_gt(part.size, 0);
            cursor_close(&from);
            ck_assert_int_eq(run_stretch_range(made, &of.order, low, high, &blocks), RF_OK);
            check_stretch(made, &blocks, &of.order, low, high);
            check_copied(made, &blocks, &random, &part, &of.order, low, high);
            ck_assert_int_eq(buffer_put(&got, part.data, part.size), RF_OK);
        }
        ck_assert(same_bytes(&wanted, &got));
        run_free(made);
        buffer_free(&space);
        buffer_free(&wanted);
        buffer_free(&got);
        buffer_free(&part);
        model_free(&all);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(a_range_that_no_key_is_in_is_no_block)
{
    uint64_t random = suite_seed;
    const shape of = {.partitions = 1, .memory = (size_t)64 << 20};
    model all = {.keys = RF_I64, .universe = 5000}, none = {.keys = RF_I64, .universe = 1};
    sealed_run *made = make_run(&of, &all, &random, 40000), *empty = make_run(&of, &none, &random, 0);
    const record first = {.key = (const uint8_t *)"", .key_type = RF_TEXT};
    run_stretch blocks;
    ck_assert_int_eq(run_stretch_range(made, &of.order, NULL, &first, &blocks), RF_OK);
    ck_assert_uint_eq(blocks.bytes, 0);
    ck_assert_int_eq(run_stretch_range(made, &of.order, &first, NULL, &blocks), RF_OK);
    ck_assert_uint_eq(blocks.bytes, made->parts[0].bytes);
    ck_assert_int_eq(run_stretch_range(empty, &of.order, &first, NULL, &blocks), RF_OK);
    ck_assert_uint_eq(blocks.bytes, 0);
    run_free(made);
    run_free(empty);
    model_free(&all);
    model_free(&none);
}
END_TEST

/* The sample of all pairs is that of any cut of them, whatever the order in which its parts come. */
START_TEST(a_sample_does_not_know_how_the_input_was_cut)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    shape of = {.partitions = 2, .sample = 32, .memory = (size_t)64 << 20, .fold = random_below(&random, 2) ? FOLD_SUM : FOLD_NONE};
    model all = {.keys = RF_TEXT, .universe = 3000};
    sealed_run *whole = make_run(&of, &all, &random, 20000), *runs[4];
    sketch one = {.limit = 32}, other = {.limit = 32};
    buffer first = {0}, second = {0};
    uint32_t count = 0, again = 0;
    for (int r = 0; r < 4; r++) {
        emitter *to;
        ck_assert_int_eq(emit_new(&of, NULL, &to), RF_OK);
        for (size_t i = 0; i < all.count; i++) {
            if (hash_bytes(&i, sizeof i, suite_seed) % 4 == (uint64_t)r)
                ck_assert_int_eq(emit_pair(to, all.pairs[i].key, all.pairs[i].value), RF_OK);
        }
        ck_assert_int_eq(emit_keep(to), RF_OK);
        ck_assert_int_eq(emit_seal(to, &runs[r]), RF_OK);
        emit_free(to);
    }
    ck_assert_int_eq(sketch_merge(&one, whole->sample, whole->sample_size), RF_OK);
    for (int r = 3; r >= 0; r--) {
        ck_assert_int_eq(sketch_merge(&other, runs[r]->sample, runs[r]->sample_size), RF_OK);
        run_free(runs[r]);
    }
    ck_assert_int_eq(sketch_splitters(&one, &of.order, 31, &first, &count), RF_OK);
    ck_assert_int_eq(sketch_splitters(&other, &of.order, 31, &second, &again), RF_OK);
    ck_assert_uint_eq(count, again);
    ck_assert(same_bytes(&first, &second));
    ck_assert_uint_gt(count, 0);
    run_free(whole);
    sketch_free(&one);
    sketch_free(&other);
    buffer_free(&first);
    buffer_free(&second);
    model_free(&all);
}
END_TEST

/* ---- what goes wrong ---------------------------------------------------------------------------------------------- */

/* Each byte of a small run changed in turn: it is told, or (a byte of padding there is none) read as it was. */
START_TEST(a_changed_byte_is_told_with_file_and_offset)
{
    uint64_t random = suite_seed;
    make_folder();
    for (int compressed = 0; compressed < 2; compressed++) {
        shape of = {.partitions = 2, .memory = (size_t)1 << 20, .compress = compressed, .sample = 4};
        model all = {.keys = RF_TEXT, .universe = 50};
        sealed_run *made = make_run(&of, &all, &random, 60), *opened;
        buffer got = {0};
        for (size_t at = 0; at < made->memory.size; at++) {
            uint8_t changed = made->memory.data[at] ^ (uint8_t)(1 + random_below(&random, 255));
            int file = open(in_folder("damaged"), O_WRONLY | O_CREAT | O_TRUNC, 0600), status;
            ck_assert_int_eq(write(file, made->memory.data, at), (ssize_t)at);
            ck_assert_int_eq(write(file, &changed, 1), 1);
            size_t rest = made->memory.size - at - 1;
            ck_assert_int_eq(write(file, made->memory.data + at + 1, rest), (ssize_t)rest);
            close(file);
            status = run_open_file(in_folder("damaged"), false, &opened);
            for (uint32_t p = 0; p < 2 && !status; p++) {
                cursor from;
                got.size = 0;
                cursor_open(&from, opened, p);
                status = read_all(&from, &got);
                status = status == RF_END ? RF_OK : status;
                cursor_close(&from);
            }
            ck_assert_msg(status == RF_EINPUT, "byte %zu of %zu", at, made->memory.size);
            ck_assert_ptr_nonnull(strstr(rf_last_error()->message, in_folder("damaged")));
            ck_assert_ptr_nonnull(strstr(rf_last_error()->message, ": byte "));
            run_free(opened);
        }
        buffer_free(&got);
        run_free(made);
        model_free(&all);
        unlink(in_folder("damaged"));
    }
    rmdir(folder);
}
END_TEST

START_TEST(a_file_that_ends_early_or_fails_is_told)
{
    uint64_t random = suite_seed;
    shape of = {.partitions = 1, .memory = (size_t)64 << 20};
    model all = {.keys = RF_TEXT, .universe = 100000};
    sealed_run *made = make_run(&of, &all, &random, 60000), *opened;
    buffer got = {0};
    cursor from;
    make_folder();
    ck_assert_int_eq(run_spill(made, in_folder("run")), RF_OK);
    cursor_open(&from, made, 0);
    ck_assert_int_eq(cursor_next(&from), RF_OK);
    ck_assert_int_eq(truncate(in_folder("run"), 300000), 0);
    ck_assert_int_eq(read_all(&from, &got), RF_EINPUT);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "ends at byte 300000"));
    cursor_close(&from);
    ck_assert_int_eq(run_open_file(in_folder("run"), false, &opened), RF_EINPUT);
    ck_assert_ptr_null(opened);
    cursor_open(&from, made, 0);
    failing_read_at(1, EIO);
    ck_assert_int_eq(cursor_next(&from), RF_EINPUT);
    failing_read_at(0, 0);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, strerror(EIO)));
    cursor_close(&from);
    run_free(made);
    ck_assert_int_eq(run_open_file(in_folder("run"), false, &opened), RF_EINPUT);
    buffer_free(&got);
    model_free(&all);
    rmdir(folder);
}
END_TEST

/* A real small disk where this process may mount one, else a limit on the size of files. */
START_TEST(a_full_disk_is_told_and_leaves_nothing)
{
    uint64_t random = suite_seed;
    const shape of = {.partitions = 3, .memory = 500000, .fold = FOLD_NONE};
    make_folder();
    bool mounted = mount("none", folder, "tmpfs", 0, "size=1m") == 0;
    if (!mounted) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){400000, 400000});
    }
    model all = {.keys = RF_TEXT, .universe = 100000};
    char space[200];
    scratch *place = scratch_new(folder);
    emitter *to;
    sealed_run *made;
    int status = RF_OK;
    ck_assert_int_eq(emit_new(&of, place, &to), RF_OK);
    for (int i = 0; i < 200000 && !status; i++)
        status = emit_pair(to, model_draw_key(&all, &random, space), rf_of_string("a value"));
    ck_assert_int_eq(status, RF_EOUTPUT);
    char message[500];
    snprintf(message, sizeof message, "%s", rf_last_error()->message);
    ck_assert_ptr_nonnull(strstr(message, folder));
    ck_assert_msg(!mounted || (strstr(message, "bytes more were needed") && strstr(message, "are free")), "%s", message);
    ck_assert_int_eq(emit_keep(to), RF_EOUTPUT);
    ck_assert_int_eq(emit_seal(to, &made), RF_EOUTPUT);
    ck_assert_int_eq(emit_pair(to, rf_of_string("again"), rf_nil()), RF_OK);
    ck_assert_int_eq(emit_keep(to), RF_OK);
    ck_assert_int_eq(emit_seal(to, &made), RF_OK);
    run_free(made);
    emit_free(to);
    scratch_free(place);
    if (mounted)
        umount(folder);
    ck_assert_int_eq(rmdir(folder), 0);
    model_free(&all);
}
END_TEST

START_TEST(reading_without_memory_is_told)
{
    uint64_t random = suite_seed;
    shape of = {.partitions = 1, .memory = (size_t)1 << 20, .compress = true, .sample = 8};
    model all = {.keys = RF_TEXT, .universe = 100};
    sealed_run *made = make_run(&of, &all, &random, 200);
    make_folder();
    ck_assert_int_eq(run_spill(made, in_folder("run")), RF_OK);
    FAILING_EACH_IN_TURN(n) {
        sealed_run *opened;
        cursor from = {0};
        int status = run_open_file(in_folder("run"), false, &opened);
        if (!status)
            cursor_open(&from, opened, 0);
        while (!status)
            status = cursor_next(&from);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_END);
        cursor_close(&from);
        run_free(opened);
    }
    run_free(made);
    model_free(&all);
    rmdir(folder);
}
END_TEST

/* ---- scratch ------------------------------------------------------------------------------------------------------ */

static int folders_in(const char *place)
{
    char command[200];
    int count = 0;
    snprintf(command, sizeof command, "ls -d %s/rankfold-scratch.* 2>/dev/null | wc -l", place);
    FILE *from = popen(command, "r");
    ck_assert_int_eq(fscanf(from, "%d", &count), 1);
    pclose(from);
    return count;
}

START_TEST(what_a_crash_left_is_removed_by_the_next_run)
{
    make_folder();
    pid_t child = fork();
    if (child == 0) {
        char *path;
        scratch *lost = scratch_new(folder);
        if (scratch_path(lost, &path) || close(open(path, O_CREAT | O_WRONLY, 0600)))
            _exit(1);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(folders_in(folder), 1);
    setenv("RANKFOLD_SCRATCH", folder, 1);
    scratch *next = scratch_new(NULL), *beside = scratch_new(NULL);
    char *path, *other;
    ck_assert_int_eq(scratch_path(next, &path), RF_OK);
    ck_assert_int_eq(folders_in(folder), 1);
    ck_assert_int_eq(scratch_path(beside, &other), RF_OK);
    ck_assert_int_eq(folders_in(folder), 2);
    ck_assert_str_ne(path, other);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    scratch_free(next);
    scratch_free(beside);
    ck_assert_int_eq(folders_in(folder), 0);
    free(path);
    free(other);
    rmdir(folder);
}
END_TEST

START_TEST(a_scratch_folder_that_cannot_be_is_named)
{
    char *path;
    scratch *nowhere = scratch_new("/nowhere/at/all");
    ck_assert_int_eq(scratch_path(nowhere, &path), RF_EOUTPUT);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "/nowhere/at/all"));
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "RANKFOLD_SCRATCH"));
    scratch_free(nowhere);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("keyed_run");
    TCase *cases = tcase_create("run");
    tcase_add_loop_test(cases, a_run_is_the_same_in_memory_in_a_file_and_copied, 0, 4);
    tcase_add_loop_test(cases, ranges_between_splitters_are_the_whole_run, 0, 2);
    tcase_add_test(cases, a_range_that_no_key_is_in_is_no_block);
    tcase_add_loop_test(cases, a_sample_does_not_know_how_the_input_was_cut, 0, 4);
    tcase_add_test(cases, a_changed_byte_is_told_with_file_and_offset);
    tcase_add_test(cases, a_file_that_ends_early_or_fails_is_told);
    tcase_add_test(cases, a_full_disk_is_told_and_leaves_nothing);
    tcase_add_test(cases, reading_without_memory_is_told);
    tcase_add_test(cases, what_a_crash_left_is_removed_by_the_next_run);
    tcase_add_test(cases, a_scratch_folder_that_cannot_be_is_named);
    suite_add_tcase(all, cases);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
