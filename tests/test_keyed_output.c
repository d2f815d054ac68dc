/* keyed/output: whole or not at all; keyed/spill: runs under a budget, and how large it is. */
#include "keyed_model.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "failing_malloc.h"
#include "keyed/output.h"
#include "keyed/spill.h"
#include "value/pack.h"

static char folder[64], path_space[128];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/rankfold-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *in_folder(const char *name)
{
    snprintf(path_space, sizeof path_space, "%s/%s", folder, name);
    return path_space;
}

/* Nothing is left in the folder but these names, by blanks, sorted. */
static void check_names(const char *wanted)
{
    char command[200], got[2000] = "";
    snprintf(command, sizeof command, "cd %s && find . -mindepth 1 | sort | tr '\n' ' '", folder);
    FILE *from = popen(command, "r");
    size_t size = fread(got, 1, sizeof got - 1, from);
    got[size] = '\0';
    pclose(from);
    ck_assert_str_eq(got, wanted);
}

static void remove_all(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Through zlib, which also reads what is not compressed. */
static size_t read_file(const char *name, char *to, size_t room)
{
    gzFile from = gzopen(in_folder(name), "rb");
    ck_assert_ptr_nonnull(from);
    int size = gzread(from, to, (unsigned)room);
    ck_assert_int_ge(size, 0);
    gzclose(from);
    return (size_t)size;
}

static void check_file(const char *name, const char *wanted)
{
    char got[4000];
    size_t size = read_file(name, got, sizeof got - 1);
    got[size] = '\0';
    ck_assert_str_eq(got, wanted);
}

static void write_part(output *to, uint32_t partition, unsigned attempt, output_format format, const char *key, int64_t number)
{
    output_writer *writer;
    output_part part;
    ck_assert_int_eq(output_begin(output_folder(to), partition, attempt, format, &writer), RF_OK);
    ck_assert_int_eq(output_pair(writer, rf_of_string(key), rf_of_i64(number)), RF_OK);
    ck_assert_int_eq(output_end(writer, &part), RF_OK);
    ck_assert_uint_eq(part.records, 1);
    ck_assert_int_eq(output_commit(to, partition, attempt, &part), RF_OK);
}

START_TEST(a_directory_appears_whole_with_its_manifest)
{
    output *to;
    output_writer *lost;
    const output_format format = {0};
    make_folder();
    ck_assert_int_eq(output_new(in_folder("counts/"), 2, true, false, format, &to), RF_OK);
    write_part(to, 1, 1, format, "b", -2);
    ck_assert_int_eq(output_finish(to), RF_EUSAGE);
    ck_assert_int_eq(output_begin(output_folder(to), 0, 1, format, &lost), RF_OK);
    ck_assert_int_eq(output_end(lost, &(output_part){0}), RF_OK);
    write_part(to, 0, 2, format, "a", 1);
    ck_assert_int_eq(output_commit(to, 0, 1, &(output_part){0}), RF_EUSAGE);
    ck_assert_int_ne(access(in_folder("counts"), F_OK), 0);
    ck_assert_int_eq(output_finish(to), RF_OK);
    output_free(to);
    check_names("./counts ./counts/MANIFEST ./counts/part-00000 ./counts/part-00001 ");
    check_file("counts/part-00000", "a\t1\n");
    check_file("counts/part-00001", "b\t-2\n");
    char wanted[300];
    snprintf(wanted, sizeof wanted, "rankfold-manifest 1\npart-00000\t1\t4\t%016" PRIx64 "\npart-00001\t1\t5\t%016" PRIx64 "\ntotal\t2\t9\n",
             hash_bytes("a\t1\n", 4, 0), hash_bytes("b\t-2\n", 5, 0));
    check_file("counts/MANIFEST", wanted);
    struct stat about;
    ck_assert_int_eq(stat(in_folder("counts"), &about), 0);
    mode_t mask = umask(0);
    umask(mask);
    ck_assert_uint_eq(about.st_mode & 0777, 0777 & ~mask);
    remove_all();
}
END_TEST

START_TEST(what_exists_is_refused_or_exchanged)
{
    output *to;
    const output_format format = {0};
    make_folder();
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(output_new(in_folder("counts"), 1, true, i, format, &to), RF_OK);
        write_part(to, 0, 1, format, "key", i);
        ck_assert_int_eq(output_finish(to), RF_OK);
        output_free(to);
    }
    check_names("./counts ./counts/MANIFEST ./counts/part-00000 ");
    check_file("counts/part-00000", "key\t1\n");
    ck_assert_int_eq(output_new(in_folder("counts"), 1, true, false, format, &to), RF_EEXISTS);
    ck_assert_ptr_null(to);
    ck_assert_int_eq(output_new(in_folder("counts"), 1, false, true, format, &to), RF_EEXISTS);
    ck_assert_int_eq(output_new("/nowhere/at/all", 1, true, false, format, &to), RF_EOUTPUT);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "/nowhere/at/all"));
    ck_assert_int_eq(output_new(in_folder("late"), 1, true, false, format, &to), RF_OK);
    write_part(to, 0, 1, format, "key", 3);
    ck_assert_int_eq(mkdir(in_folder("late"), 0777), 0);
    ck_assert_int_eq(mkdir(in_folder("late/other"), 0777), 0);
    ck_assert_int_eq(output_finish(to), RF_EEXISTS);
    output_free(to);
    check_names("./counts ./counts/MANIFEST ./counts/part-00000 ./late ./late/other ");
    remove_all();
}
END_TEST

START_TEST(a_file_is_joined_in_order_and_replaced)
{
    for (int gzip = 0; gzip < 2; gzip++) {
        const output_format format = {.gzip = gzip};
        output *to;
        make_folder();
        for (int round = 0; round < 2; round++) {
            ck_assert_int_eq(output_new(in_folder("out"), 3, false, false, format, &to), RF_OK);
            write_part(to, 2, 1, format, "c", round);
            write_part(to, 0, 1, format, "a", round);
            write_part(to, 1, 7, format, "b", round);
            ck_assert_int_eq(output_finish(to), RF_OK);
            output_free(to);
        }
        check_names("./out ");
        check_file("out", "a\t1\nb\t1\nc\t1\n");
        ck_assert_int_eq(output_new(in_folder("out"), 1, false, false, format, &to), RF_OK);
        write_part(to, 0, 1, format, "one", 1);
        output_free(to);        /* not finished */
        check_names("./out ");
        check_file("out", "a\t1\nb\t1\nc\t1\n");
        remove_all();
    }
}
END_TEST

static void check_link(const char *name, const char *wanted)
{
    char target[100] = "";
    ck_assert_int_gt(readlink(in_folder(name), target, sizeof target - 1), 0);
    ck_assert_str_eq(target, wanted);
}

START_TEST(a_replaced_file_keeps_its_rights_and_the_link_to_it)
{
    output *to;
    const output_format format = {0};
    struct stat about;
    make_folder();
    ck_assert_int_eq(mkdir(in_folder("there"), 0777), 0);
    ck_assert_int_eq(close(open(in_folder("there/out"), O_CREAT | O_WRONLY, 0600)), 0);
    ck_assert_int_eq(chmod(in_folder("there/out"), 0604), 0);
    ck_assert_int_eq(symlink("there/out", in_folder("link")), 0);
    ck_assert_int_eq(output_new(in_folder("link"), 2, false, false, format, &to), RF_OK);
    write_part(to, 0, 1, format, "a", 1);
    write_part(to, 1, 1, format, "b", 1);
    ck_assert_int_eq(output_finish(to), RF_OK);
    output_free(to);
    check_names("./link ./there ./there/out ");
    check_link("link", "there/out");
    check_file("there/out", "a\t1\nb\t1\n");
    ck_assert_int_eq(stat(in_folder("there/out"), &about), 0);
    ck_assert_uint_eq(about.st_mode & 07777, 0604);
    remove_all();
}
END_TEST

START_TEST(a_device_or_a_pipe_is_not_replaced)
{
    output *to;
    const output_format format = {0};
    make_folder();
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    ck_assert_int_eq(symlink("pipe", in_folder("link")), 0);
    ck_assert_int_eq(output_new(in_folder("pipe"), 1, false, false, format, &to), RF_EOUTPUT);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, in_folder("pipe")));
    ck_assert_int_eq(output_new(in_folder("link"), 1, false, false, format, &to), RF_EOUTPUT);
    check_names("./link ./pipe ");
    remove_all();
}
END_TEST

START_TEST(every_value_has_a_text)
{
    const rf_value tuple[] = {rf_of_i64(1), rf_of_string("x")};
    const rf_value pairs[][2] = {
        {rf_of_string("t"), rf_of_i64(INT64_MIN)}, {rf_of_u64(UINT64_MAX), rf_of_f64(0.5)}, {rf_of_string("only a key"), rf_nil()},
        {rf_nil(), rf_of_string("only a value")},  {rf_of_i64(0), rf_tuple_of(tuple, 2)},   {rf_of_bool(true), rf_bytes("raw", 3)}};
    const output_format format = {0};
    output *to;
    output_writer *writer;
    output_part part;
    make_folder();
    ck_assert_int_eq(output_new(in_folder("out"), 1, false, false, format, &to), RF_OK);
    ck_assert_int_eq(output_begin(output_folder(to), 0, 1, format, &writer), RF_OK);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        ck_assert_int_eq(output_pair(writer, pairs[i][0], pairs[i][1]), RF_OK);
    ck_assert_int_eq(output_end(writer, &part), RF_OK);
    ck_assert_int_eq(output_commit(to, 0, 1, &part), RF_OK);
    ck_assert_int_eq(output_finish(to), RF_OK);
    output_free(to);
    check_file("out", "t\t-9223372036854775808\n18446744073709551615\t0.5\nonly a key\nonly a value\n0\t[1, \"x\"]\ntrue\traw\n");
    remove_all();
}
END_TEST

/* Fixed records are what they were; what is no bytes is as in prefixed output. */
START_TEST(raw_output_is_keys_and_values_alone)
{
    const output_format format = {.kind = RF_RAW};
    output_writer *writer;
    output_part part;
    uint64_t random = suite_seed;
    char record[100], *wanted = malloc(2000002), *got = malloc(2000003);
    make_folder();
    ck_assert_int_eq(output_begin(folder, 0, 1, format, &writer), RF_OK);
    for (int i = 0; i < 20000; i++) {
        for (size_t j = 0; j < sizeof record; j++)
            record[j] = (char)random_below(&random, 256);
        memcpy(wanted + (size_t)i * sizeof record, record, sizeof record);
        ck_assert_int_eq(output_pair(writer, rf_bytes(record, 10), rf_text(record + 10, 90)), RF_OK);
    }
    ck_assert_int_eq(output_pair(writer, rf_of_i64(7), rf_nil()), RF_OK);
    memcpy(wanted + 2000000, "\7\xc0", 2);
    ck_assert_int_eq(output_end(writer, &part), RF_OK);
    ck_assert_uint_eq(part.records, 20001);
    ck_assert_uint_eq(part.bytes, 2000002);
    ck_assert_uint_eq(read_file("part-00000.1", got, 2000003), 2000002);
    ck_assert_mem_eq(got, wanted, 2000002);
    free(wanted);
    free(got);
    remove_all();
}
END_TEST

START_TEST(prefixed_output_is_read_back)
{
    uint64_t random = suite_seed;
    for (int gzip = 0; gzip < 2; gzip++) {
        const output_format format = {.kind = RF_PREFIXED, .gzip = gzip};
        model all = {.keys = RF_TEXT, .universe = 1000, .values = 2};
        output_writer *writer;
        output_part part;
        char key_space[200], value_space[100], *got = malloc((size_t)4 << 20);
        make_folder();
        ck_assert_int_eq(output_begin(folder, 0, 1, format, &writer), RF_OK);
        for (int i = 0; i < 30000; i++) {
            rf_value key = model_draw_key(&all, &random, key_space);
            rf_value value = i % 2 ? rf_of_i64(i) : model_draw_value(&all, &random, value_space);
            ck_assert_int_eq(output_pair(writer, key, value), RF_OK);
            model_add(&all, key, value, 0);
        }
        ck_assert_int_eq(output_end(writer, &part), RF_OK);
        ck_assert_uint_eq(part.records, 30000);
        size_t size = read_file("part-00000.1", got, (size_t)4 << 20), at = 0;
        for (size_t i = 0; i < all.count; i++) {
            uint32_t sizes[2];
            ck_assert_uint_le(at + sizeof sizes, size);
            memcpy(sizes, got + at, sizeof sizes);
            at += sizeof sizes;
            ck_assert(same_value(rf_text(got + at, sizes[0]), all.pairs[i].key, false));
            const void *value_at = got + at + sizes[0];
            size_t left = sizes[1];
            rf_value value = rf_text(value_at, left);
            if (i % 2)
                ck_assert_int_eq(unpack_value(&value_at, &left, &value), RF_OK);
            ck_assert(same_value(value, all.pairs[i].value, false));
            at += sizes[0] + sizes[1];
        }
        ck_assert_uint_eq(at, size);
        free(got);
        model_free(&all);
        remove_all();
    }
}
END_TEST

START_TEST(a_part_that_cannot_be_written_is_told)
{
    const output_format format = {0};
    output_writer *writer;
    output_part part;
    make_folder();
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){300000, 300000});
    ck_assert_int_eq(output_begin(folder, 0, 1, format, &writer), RF_OK);
    int status = RF_OK;
    for (int i = 0; i < 1000000 && !status; i++)
        status = output_pair(writer, rf_of_string("some key"), rf_of_i64(i));
    ck_assert_int_eq(status, RF_EOUTPUT);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "part-00000.1"));
    output_abandon(writer);
    ck_assert_int_eq(output_begin(folder, 0, 2, format, &writer), RF_OK);
    for (int i = 0; i < 25000; i++)
        (void)output_pair(writer, rf_of_string("some longer key"), rf_of_i64(i));
    ck_assert_int_eq(output_end(writer, &part), RF_EOUTPUT);
    check_names("");
    remove_all();
}
END_TEST

START_TEST(an_output_without_memory_leaves_nothing)
{
    make_folder();
    FAILING_EACH_IN_TURN(n) {
        const output_format format = {.gzip = n % 2};
        output *to;
        output_writer *writer = NULL;
        output_part part;
        int status = output_new(in_folder("out"), 1, true, false, format, &to);
        status = status ? status : output_begin(output_folder(to), 0, 1, format, &writer);
        if (!status && (status = output_pair(writer, rf_of_f64(1.5), rf_of_string("value"))))
            output_abandon(writer);
        status = status ? status : output_end(writer, &part);
        status = status ? status : output_commit(to, 0, 1, &part);
        status = status ? status : output_finish(to);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        output_free(to);
        if (failed)
            check_names("");
    }
    remove_all();
}
END_TEST

/* ---- spill -------------------------------------------------------------------------------------------------------- */

static sealed_run *run_of_bytes(size_t bytes, char fill)
{
    const shape of = {.partitions = 1, .memory = (size_t)64 << 20};
    emitter *to;
    sealed_run *made;
    char *value = malloc(bytes);
    memset(value, fill, bytes);
    ck_assert_int_eq(emit_new(&of, NULL, &to), RF_OK);
    ck_assert_int_eq(emit_pair(to, rf_of_string("key"), rf_text(value, bytes)), RF_OK);
    ck_assert_int_eq(emit_keep(to), RF_OK);
    ck_assert_int_eq(emit_seal(to, &made), RF_OK);
    emit_free(to);
    free(value);
    return made;
}

static void check_run(const sealed_run *of, size_t bytes, char fill)
{
    cursor from;
    cursor_open(&from, of, 0);
    ck_assert_int_eq(cursor_next(&from), RF_OK);
    ck_assert_uint_eq(from.it.value_size, bytes);
    ck_assert(from.it.value[0] == (uint8_t)fill && from.it.value[bytes - 1] == (uint8_t)fill);
    cursor_close(&from);
}

START_TEST(runs_beyond_the_budget_go_to_scratch)
{
    make_folder();
    scratch *place = scratch_new(folder);
    spill *all = spill_new(100000, place);
    ck_assert_int_eq(spill_add(all, 7, run_of_bytes(40000, 'a')), RF_OK);
    ck_assert_int_eq(spill_add(all, 3, run_of_bytes(50000, 'b')), RF_OK);
    check_names("");
    const sealed_run *used = spill_use(all, 3);
    check_run(used, 50000, 'b');
    ck_assert_int_eq(spill_add(all, 5, run_of_bytes(60000, 'c')), RF_OK);
    ck_assert_ptr_nonnull(spill_look(all, 5)->path);        /* the largest that is not in use */
    ck_assert_ptr_null(spill_look(all, 3)->path);
    ck_assert_ptr_null(spill_look(all, 7)->path);
    ck_assert_uint_le(spill_bytes(all), 100000);
    check_run(spill_use(all, 5), 60000, 'c');
    ck_assert_int_eq(spill_release(all, 5), RF_OK);
    ck_assert_int_eq(spill_add(all, 5, run_of_bytes(10, 'd')), RF_EUSAGE);
    ck_assert_int_eq(spill_release(all, 3), RF_OK);
    spill_drop(all, 5);
    ck_assert_ptr_null(spill_look(all, 5));
    ck_assert_ptr_null(spill_use(all, 4));
    spill_free(all);
    scratch_free(place);
    check_names("");
    remove_all();
}
END_TEST

START_TEST(a_run_that_cannot_be_spilled_stays)
{
    scratch *nowhere = scratch_new("/nowhere/at/all");
    spill *all = spill_new(1000, nowhere);
    ck_assert_int_eq(spill_add(all, 1, run_of_bytes(5000, 'a')), RF_EOUTPUT);
    check_run(spill_look(all, 1), 5000, 'a');
    spill_free(all);
    scratch_free(nowhere);
}
END_TEST

static void put_file(const char *name, const char *text)
{
    char command[300];
    snprintf(command, sizeof command, "mkdir -p $(dirname %s)", in_folder(name));
    ck_assert_int_eq(system(command), 0);
    FILE *to = fopen(in_folder(name), "w");
    fputs(text, to);
    fclose(to);
}

START_TEST(the_narrowest_limit_counts)
{
    make_folder();
    ck_assert_uint_eq(spill_default_memory(4, folder), (size_t)64 << 20);
    put_file("proc/meminfo", "MemTotal:       8388608 kB\nMemFree: 1 kB\n");
    ck_assert_uint_eq(spill_default_memory(4, folder), (size_t)1 << 30);
    put_file("proc/self/cgroup", "0::/job/step\n");
    put_file("sys/fs/cgroup/job/step/memory.max", "max\n");
    ck_assert_uint_eq(spill_default_memory(4, folder), (size_t)1 << 30);
    put_file("sys/fs/cgroup/job/memory.max", "4294967296\n");
    ck_assert_uint_eq(spill_default_memory(4, folder), (size_t)512 << 20);
    put_file("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/one\n0::/\n");
    put_file("sys/fs/cgroup/memory/one/memory.limit_in_bytes", "2147483648\n");
    ck_assert_uint_eq(spill_default_memory(2, folder), (size_t)512 << 20);
    remove_all();
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("keyed_output");
    TCase *cases = tcase_create("output");
    tcase_add_test(cases, a_directory_appears_whole_with_its_manifest);
    tcase_add_test(cases, what_exists_is_refused_or_exchanged);
    tcase_add_test(cases, a_file_is_joined_in_order_and_replaced);
    tcase_add_test(cases, a_replaced_file_keeps_its_rights_and_the_link_to_it);
    tcase_add_test(cases, a_device_or_a_pipe_is_not_replaced);
    tcase_add_test(cases, every_value_has_a_text);
    tcase_add_test(cases, raw_output_is_keys_and_values_alone);
    tcase_add_test(cases, prefixed_output_is_read_back);
    tcase_add_test(cases, a_part_that_cannot_be_written_is_told);
    tcase_add_test(cases, an_output_without_memory_leaves_nothing);
    tcase_add_test(cases, runs_beyond_the_budget_go_to_scratch);
    tcase_add_test(cases, a_run_that_cannot_be_spilled_stays);
    tcase_add_test(cases, the_narrowest_limit_counts);
    suite_add_tcase(all, cases);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
