/* Rows F12 and F13 of the contract: outputs appear whole or not at all, and in the formats that were asked for. */
#include "by_key.h"

/* (n % 100, n) of 1000 numbers, summed: a hundred lines. */
static rf_job summed(const char *out)
{
    static const int64_t modulus = 100;
    return *RF_JOB(.inputs = {{.source = rf_range(0, 1000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .reducer = rf_sum, .order = RF_BY_KEY_GLOBAL,
                   .output = out);
}

static char *summed_text(void)
{
    static char text[4000];
    size_t used = 0;
    for (int key = 0; key < 100; key++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%d\t%d\n", key, 10 * key + 4500);
    return text;
}

/* The parts of an output directory behind each other; NULL: one is missing. */
static char *parts_text(const char *folder, unsigned parts)
{
    static char text[1 << 16];
    size_t used = 0;
    text[0] = '\0';
    for (unsigned p = 0; p < parts; p++) {
        const char *part = read_text(below(folder, "part-%05u", p));
        if (!part)
            return NULL;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s", part);
    }
    return text;
}

static int refuses_666(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    return n == 666 ? rf_fail(call, "number", "this one is not liked") : RF_EMIT(call, n % 100, n);
}
RF_REGISTER(refuses_666);

static int refuses_66(rf_call *call, rf_value key, rf_group *values)
{
    (void)values;
    return rf_i64(key) == 66 ? rf_fail(call, "number", "this key is not liked") : RF_RETURN(call, 1);
}
RF_REGISTER(refuses_66);

/* ---- F12: files ---------------------------------------------------------------------------------------------------------- */

CASE(F12_a_file_that_exists_is_replaced_whole)
{
    const char *out = new_output("replaced");
    write_text(out, "something that is longer than nothing\n");
    FILE *before = fopen(out, "r");
    char first[20];
    rf_job job = summed(out);
    CHECK_STATUS(rf_mapreduce(pool, &job, NULL, NULL), RF_OK);
    CHECK_TEXT(read_text(out), summed_text());
    CHECK_TEXT(names_in(place("replaced")), "out");
    CHECK(before && fgets(first, sizeof first, before));        /* who has opened the old one reads that */
    fclose(before);
    CHECK_TEXT(first, "something that is l");
}

CASE(F12_a_new_output_has_the_rights_of_any_new_file)
{
    struct stat about;
    mode_t mask = umask(0);
    umask(mask);
    const char *out = new_output("rights");
    rf_job job = summed(out);
    CHECK_STATUS(rf_mapreduce(pool, &job, NULL, NULL), RF_OK);
    CHECK(stat(out, &about) == 0);
    CHECK_INT(about.st_mode & 0777, 0666 & ~mask);
    out = new_output("rights");
    job = summed(out);
    job.partitions = 2;
    CHECK_STATUS(rf_mapreduce(pool, &job, NULL, NULL), RF_OK);
    CHECK(stat(out, &about) == 0);
    CHECK_INT(about.st_mode & 0777, 0777 & ~mask);
    CHECK(stat(below(out, "part-00001"), &about) == 0);
    CHECK_INT(about.st_mode & 0777, 0666 & ~mask);
}

CASE(F12_a_relative_path_is_meant_from_where_the_program_runs)
{
    char name[60];
    snprintf(name, sizeof name, "by-key-output-%d", (int)getpid());
    rf_job job = summed(name);
    int status = rf_mapreduce(pool, &job, NULL, NULL);
    char *text = read_text(name);
    unlink(name);
    CHECK_STATUS(status, RF_OK);
    CHECK_TEXT(text, summed_text());
}

CASE(F12_a_directory_in_the_place_of_a_file_is_refused)
{
    const char *out = new_output("in-the-way");
    mkdir(out, 0777);
    rf_job job = summed(out);
    CHECK_STATUS(rf_mapreduce(pool, &job, NULL, NULL), RF_EEXISTS);
    CHECK_HAS(rf_last_error()->message, out);
    CHECK_TEXT(names_in(place("in-the-way")), "out");
}

/* What fails leaves the folder as it was: with the output that was there, or without any. */
static void fails_and_leaves(rf_pool *pool, rf_job job, const rf_options *options, const char *why)
{
    const char *out = new_output("left"), *before = out;
    write_text(out, "as before\n");
    if (job.partitions) {
        unlink(out);
        mkdir(out, 0777);
        write_text(before = below(out, "part-00000"), "as before\n");
    }
    job.output = out;
    job.force = job.partitions > 0;
    RF_AUTO(rf_dataset, made);
    int status = rf_mapreduce(pool, &job, options, &made);
    CHECK_(status < 0 && !made, "it is %s", rf_status_name(status));
    CHECK_HAS(rf_last_error()->message, why);
    CHECK_TEXT(read_text(before), "as before\n");
    CHECK_TEXT(names_in(place("left")), "out");
}

CASE(F12_after_a_failure_the_previous_output_is_untouched_and_nothing_is_left)
{
    static const int64_t modulus = 100;
    for (uint32_t partitions = 0; partitions < 6; partitions += 5) {
        ALSO(fails_and_leaves(pool, *RF_JOB(.inputs = {{.source = rf_range(0, 1000), .mapper = refuses_666}}, .reducer = rf_sum, .partitions = partitions),
                              RF_OPTIONS(.chunk_size = 10), "not liked"));
        ALSO(fails_and_leaves(pool, *RF_JOB(.inputs = {{.source = rf_range(0, 1000), .mapper = refuses_666}}, .partitions = partitions),
                              RF_OPTIONS(.retry = AT_ONCE), "not liked"));
        ALSO(fails_and_leaves(pool, *RF_JOB(.inputs = {{.source = rf_range(0, 1000), .mapper = by_rest, .state = RF_STATE(modulus)}}, .reducer = refuses_66,
                                            .partitions = partitions), RF_OPTIONS(.retry = AT_ONCE), "key 66: this key is not liked"));
        ALSO(fails_and_leaves(pool, *RF_JOB(.inputs = {{.source = RF_VALUES(RF_TUPLE(1, UINT64_MAX), RF_TUPLE(1, 1))}}, .reducer = rf_sum,
                                            .partitions = partitions), NULL, "64 bits"));
    }
}

CASE(F12_a_folder_that_is_not_there_is_named)
{
    const char *file = write_text(place("a-file"), "text\n");
    const char *wrong[] = {below(new_place("not-there"), "out"), below(file, "out"), "/proc/rankfold-out"};
    for (size_t i = 0; i < LENGTH(wrong); i++)
        for (uint32_t partitions = 0; partitions < 2; partitions++) {
            rf_job job = summed(wrong[i]);
            job.partitions = partitions;
            CHECK_STATUS(rf_mapreduce(pool, &job, NULL, NULL), RF_EOUTPUT);
            CHECK_HAS(rf_last_error()->message, wrong[i]);
        }
    rf_job job = summed("");
    CHECK(rf_mapreduce(pool, &job, NULL, NULL) < 0);
}

/* ---- F12: directories ------------------------------------------------------------------------------------------------------ */

/* Lines of name, records, bytes and checksum: compared with what lies there. */
static void check_manifest(const char *folder, unsigned parts, const char *suffix, uint64_t records)
{
    char first[40], name[60];
    uint64_t lines = 0, bytes = 0, count, size, checksum;
    FILE *from = fopen(below(folder, "MANIFEST"), "r");
    CHECK(from && fscanf(from, "%39[^\n]", first) == 1);
    CHECK_TEXT(first, "rankfold-manifest 1");
    for (unsigned p = 0; p < parts; p++) {
        struct stat about;
        char wanted[60];
        snprintf(wanted, sizeof wanted, "part-%05u%s", p, suffix);
        CHECK_INT(fscanf(from, "%59s %" SCNu64 " %" SCNu64 " %" SCNx64, name, &count, &size, &checksum), 4);
        CHECK_TEXT(name, wanted);
        const char *path = below(folder, "%s", name);
        CHECK(stat(path, &about) == 0);
        CHECK_INT(size, about.st_size);
        if (!*suffix) {
            uint64_t here = 0;
            for (const char *at = read_text(path); at && (at = strchr(at, '\n')); at++)
                here++;
            CHECK_INT(count, here);
        }
        lines += count;
        bytes += size;
    }
    CHECK_INT(fscanf(from, "%59s %" SCNu64 " %" SCNu64, name, &count, &size), 3);
    CHECK_TEXT(name, "total");
    CHECK_INT(count, records);
    CHECK_INT(lines, records);
    CHECK_INT(size, bytes);
    CHECK_INT(fscanf(from, "%59s", name), EOF);
    fclose(from);
}

CASE(F12_with_partitions_the_output_is_a_directory_with_a_manifest)
{
    const char *out = new_output("directory");
    rf_job job = summed(out);
    job.partitions = 5;
    CHECK_STATUS(rf_mapreduce(pool, &job, NULL, NULL), RF_OK);
    CHECK_TEXT(names_in(out), "MANIFEST part-00000 part-00001 part-00002 part-00003 part-00004");
    CHECK_TEXT(names_in(place("directory")), "out");
    CHECK_TEXT(parts_text(out, 5), summed_text());
    ALSO(check_manifest(out, 5, "", 100));
}

CASE(F12_a_slash_behind_the_directory_changes_nothing)
{
    const char *path = below(new_output("slash"), "%s", "");
    rf_job job = summed(path);
    job.partitions = 2;
    CHECK_STATUS(rf_mapreduce(pool, &job, NULL, NULL), RF_OK);
    CHECK_TEXT(parts_text(path, 2), summed_text());
    CHECK_TEXT(names_in(place("slash")), "out");
}

static int says_that_it_runs(rf_call *call, rf_value item)
{
    const char *path = rf_call_state(call, 256);
    FILE *to = path ? fopen(path, "w") : NULL;
    (void)item;
    if (to)
        fclose(to);
    return RF_OK;
}
RF_REGISTER(says_that_it_runs);

CASE(F12_a_directory_that_exists_is_refused_before_anything_runs)
{
    char sign[256] = "";
    const char *out = new_output("refused"), *path = below(out, "kept");
    snprintf(sign, sizeof sign, "%s", new_place("it-ran"));
    mkdir(out, 0777);
    write_text(path, "kept\n");
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 10), .mapper = says_that_it_runs, .state = rf_bytes(sign, sizeof sign)}},
                                           .partitions = 2, .output = out), NULL, NULL), RF_EEXISTS);
    CHECK_HAS(rf_last_error()->message, out);
    CHECK(access(sign, F_OK) != 0);
    CHECK_TEXT(read_text(path), "kept\n");
    CHECK_TEXT(names_in(place("refused")), "out");
    CHECK_TEXT(names_in(out), "kept");
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 10), .mapper = says_that_it_runs, .state = rf_bytes(sign, sizeof sign)}},
                                           .partitions = 2, .force = true, .output = out), NULL, NULL), RF_OK);
    CHECK(access(sign, F_OK) == 0);
}

CASE(F12_a_directory_is_exchanged_where_it_is_forced)
{
    const char *out = new_output("forced");
    for (uint32_t partitions = 4; partitions > 1; partitions--) {
        rf_job job = summed(out);
        job.partitions = partitions;
        job.force = true;
        CHECK_STATUS(rf_mapreduce(pool, &job, NULL, NULL), RF_OK);
        CHECK_TEXT(parts_text(out, partitions), summed_text());
        CHECK_TEXT(names_in(place("forced")), "out");
        ALSO(check_manifest(out, partitions, "", 100));
    }
    CHECK_TEXT(names_in(out), "MANIFEST part-00000 part-00001");
}

static int fails_at_first(rf_call *call, rf_value item)
{
    int64_t n;
    if (RF_ARGS(call, item, n))
        return RF_EARGS;
    return n % 100 == 50 && rf_call_attempt(call) == 1 ? rf_fail(call, "first", "not yet") : RF_EMIT(call, n % 100, n);
}
RF_REGISTER(fails_at_first);

static int sum_at_last(rf_call *call, rf_value key, rf_group *values)
{
    rf_value value;
    int64_t sum = 0;
    int status;
    while ((status = rf_group_next(values, &value)) == RF_OK)
        sum += rf_i64(value);
    if (rf_i64(key) % 30 == 17 && rf_call_attempt(call) < 3)
        return rf_fail(call, "first", "not yet");
    return status == RF_END ? RF_EMIT(call, key, sum) : status;
}
RF_REGISTER(sum_at_last);

CASE(F12_attempts_that_failed_leave_nothing_in_the_output)
{
    for (uint32_t partitions = 0; partitions < 6; partitions += 5) {
        const char *out = new_output("attempts");
        CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 1000), .mapper = fails_at_first}}, .reducer = sum_at_last,
                                               .partitions = partitions, .order = RF_BY_KEY_GLOBAL, .output = out),
                                  RF_OPTIONS(.retry = AT_ONCE, .chunk_size = 25), NULL), RF_OK);
        CHECK_TEXT(partitions ? parts_text(out, partitions) : read_text(out), summed_text());
        CHECK_TEXT(names_in(place("attempts")), "out");
        if (partitions)
            CHECK_TEXT(names_in(out), "MANIFEST part-00000 part-00001 part-00002 part-00003 part-00004");
    }
}

/* ---- F13 ------------------------------------------------------------------------------------------------------------------- */

static void written(rf_pool *pool, rf_format format, const rf_value *pairs, size_t count, const void *wanted, size_t size)
{
    const char *out = new_output("format");
    size_t got;
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_values(pairs, count)}}, .order = RF_BY_KEY_GLOBAL, .format = format, .output = out),
                              NULL, NULL), RF_OK);
    const char *bytes = read_sized(out, &got);
    CHECK(bytes);
    CHECK_(got == size && memcmp(bytes, wanted, size) == 0, "%zu bytes \"%.*s\"", got, (int)(got < 200 ? got : 200), bytes);
}

#define WRITTEN(format, wanted, ...)                                                                                   \
    do {                                                                                                               \
        const rf_value pairs_[] = {__VA_ARGS__};                                                                       \
        ALSO(written(pool, format, pairs_, LENGTH(pairs_), wanted, sizeof wanted - 1));                                \
    } while (0)

CASE(F13_lines_are_key_tab_value)
{
    WRITTEN(RF_LINES, "a\tb\n", RF_TUPLE("a", "b"));
    WRITTEN(RF_LINES, "a \"q\"\tb\0c\n", RF_TUPLE("a \"q\"", rf_text("b\0c", 3)));
    WRITTEN(RF_LINES, "\xff\xfe\t\xc3\xa4\n", RF_TUPLE(rf_bytes("\xff\xfe", 2), rf_bytes("\xc3\xa4", 2)));
    WRITTEN(RF_LINES, "1\t2.5\n2\t3.0\n", RF_TUPLE(1, 2.5), RF_TUPLE(2, 3.0));
    WRITTEN(RF_LINES, "-5\ttrue\n18446744073709551615\tfalse\n", RF_TUPLE(-5, rf_of_bool(true)), RF_TUPLE(UINT64_MAX, rf_of_bool(false)));
    WRITTEN(RF_LINES, "[1, \"x\"]\t{\"k\": [null, \"v\"]}\n", RF_TUPLE(RF_TUPLE(1, "x"), RF_DICT("k", RF_TUPLE(rf_nil(), "v"))));
    WRITTEN(RF_LINES, "alone\n", RF_TUPLE("alone", rf_nil()));
    WRITTEN(RF_LINES, "value\n", RF_TUPLE(rf_nil(), "value"));
    WRITTEN(RF_LINES, "\n", RF_TUPLE(rf_nil(), rf_nil()));
    WRITTEN(RF_LINES, "\t\n", RF_TUPLE("", ""));
}

CASE(F13_prefixed_tells_sizes_and_raw_does_not)
{
    WRITTEN(RF_PREFIXED, "\2\0\0\0\3\0\0\0abcde", RF_TUPLE("ab", rf_bytes("cde", 3)));
    WRITTEN(RF_PREFIXED, "\1\0\0\0\1\0\0\0\5\xc0", RF_TUPLE(5, rf_nil()));
    WRITTEN(RF_PREFIXED, "\0\0\0\0\3\0\0\0\x92\1\2", RF_TUPLE("", RF_TUPLE(1, 2)));
    WRITTEN(RF_PREFIXED, "\1\0\0\0\0\0\0\0a\1\0\0\0\1\0\0\0bc", RF_TUPLE("a", ""), RF_TUPLE("b", "c"));
    WRITTEN(RF_RAW, "abcde\xc3""fg\n", RF_TUPLE("ab", rf_bytes("cde", 3)), RF_TUPLE("\xc3", "fg\n"));
    WRITTEN(RF_RAW, "a\5", RF_TUPLE("a", 5));
}

#ifdef PREFIXED_IS_READ
CASE(F13_what_was_written_prefixed_is_read_by_rf_prefixed)
{
    const char *out = new_output("prefixed");
    const rf_value pairs[] = {RF_TUPLE("", "x"), RF_TUPLE("a", ""), RF_TUPLE("key", rf_text("v\0\n", 3))};
    RF_AUTO(rf_dataset, made);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_values(pairs, 3)}}, .format = RF_PREFIXED, .output = out), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_prefixed(&out, 1)}}, .order = RF_BY_KEY_GLOBAL), NULL, &made), RF_OK);
    CHECK_STATUS(rf_dataset_collect(made, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 3);
    for (uint64_t i = 0; i < 3; i++) {
        rf_value pair = rf_results_value(results, i), was = pairs[i], key, value, key_was, value_was;
        CHECK_STATUS(RF_READ(pair, key, value), RF_OK);
        CHECK_STATUS(RF_READ(was, key_was, value_was), RF_OK);
        CHECK(rf_type_of(key) == RF_BYTES && rf_size(key) == rf_size(key_was) && memcmp(key.data, key_was.data, rf_size(key)) == 0);
        CHECK(rf_type_of(value) == RF_BYTES && rf_size(value) == rf_size(value_was) && memcmp(value.data, value_was.data, rf_size(value)) == 0);
    }
}

#endif

/* What gzip makes of it, which the library does not link. */
static const char *unzipped(rf_pool *pool, const char *path)
{
    static char text[1 << 16];
    char command[600];
    snprintf(command, sizeof command, "gzip -dc %s", path);
    RF_AUTO(rf_results, results);
    if (rf_apply(pool, rf_command, RF_V(command), NULL, &results))
        return rf_last_error()->message;
    snprintf(text, sizeof text, "%s", rf_str(rf_results_value(results, 0)));
    return text;
}

CASE(F13_a_name_that_ends_in_gz_goes_through_zlib)
{
    mkdir(new_place("zipped"), 0777);
    char parts[1 << 14] = "";
    const char *path = below(place("zipped"), "out.gz");
    rf_job job = summed(path);
    CHECK_STATUS(rf_mapreduce(pool, &job, NULL, NULL), RF_OK);
    CHECK_TEXT(unzipped(pool, path), summed_text());
    const char *paths[] = {path};
    RF_AUTO(rf_dataset, counted);
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_lines(paths, 1), .mapper = rf_key_value}}, .reducer = rf_count), NULL, &counted), RF_OK);
    CHECK_INT(rf_dataset_len(counted), 100);
    path = below(place("zipped"), "parts.gz");
    job = summed(path);
    job.partitions = 3;
    CHECK_STATUS(rf_mapreduce(pool, &job, NULL, NULL), RF_OK);
    CHECK_TEXT(names_in(path), "MANIFEST part-00000.gz part-00001.gz part-00002.gz");
    for (int p = 0; p < 3; p++)
        strcat(parts, unzipped(pool, below(path, "part-%05d.gz", p)));
    CHECK_TEXT(parts, summed_text());
    ALSO(check_manifest(path, 3, ".gz", 100));
}

CASE(F13_no_pairs_make_an_empty_file)
{
    mkdir(new_place("empty"), 0777);
    const char *path = below(place("empty"), "out.gz");
    CHECK_STATUS(rf_mapreduce(pool, RF_JOB(.inputs = {{.source = rf_range(0, 0), .mapper = refuses_666}}, .output = path), NULL, NULL), RF_OK);
    CHECK_TEXT(unzipped(pool, path), "");
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
