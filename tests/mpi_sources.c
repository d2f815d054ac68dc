/* Every source, on 1, 2, 3 and 5 ranks. Files are written to a folder of their own, by rank 0. */
#define _XOPEN_SOURCE 700
#include "functions.h"
#include "verify.h"
#include <ftw.h>
#include <sys/stat.h>
#include <zlib.h>

/* path, offset, size and first byte of an item that came from a file */
static int place(rf_call *call, rf_value item)
{
    const char *path = rf_call_path(call);
    return RF_RETURN(call, path ? path : "", rf_call_offset(call), rf_size(item), rf_size(item) ? *(const char *)item.data : 0,
                     rf_call_index(call));
}
RF_REGISTER(place);

static int count_lines(rf_call *call, rf_value item)
{
    rf_value line;
    uint64_t lines = 0, bytes = 0;
    while (rf_take_line(&item, &line) == RF_OK) {
        lines++;
        bytes += rf_size(line);
    }
    return RF_RETURN(call, lines, bytes);
}
RF_REGISTER(count_lines);

static int fail_some_first(rf_call *call, rf_value item)
{
    if (rf_call_attempt(call) == 1 && atoi(rf_str(item)) % 13 == 0)
        return rf_fail(call, "once", "not yet");
    return rf_return(call, item);
}
RF_REGISTER(fail_some_first);

static char folder[256];

static const char *in_folder(const char *name)
{
    static char paths[8][sizeof folder + 64];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%.60s", folder, name);
    return path;
}

static const char *write_file(const char *name, const char *text, size_t size)
{
    const char *path = in_folder(name);
    FILE *to = fopen(path, "w");
    if (to && fwrite(text, 1, size, to) != size)
        printf("%s could not be written\n", path);
    if (to)
        fclose(to);
    return path;
}

/* lines "0", "1", ... */
static const char *write_numbers(const char *name, int count)
{
    const char *path = in_folder(name);
    FILE *to = fopen(path, "w");
    for (int i = 0; to && i < count; i++)
        fprintf(to, "%d\n", i);
    if (to)
        fclose(to);
    return path;
}

static void check_numbers(rf_pool *pool, rf_source *source, const int64_t *wanted, uint64_t count)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, echo, source, NULL, &results), RF_OK);
    CHECK_INT(rf_results_len(results), count);
    for (uint64_t i = 0; i < count; i++) {
        CHECK_INT(rf_results_at(results, i).index, i);
        CHECK_INT(rf_i64(rf_results_value(results, i)), wanted[i]);
    }
}

CASE(ranges_go_up_and_down_to_the_ends_of_int64)
{
    ALSO(check_numbers(pool, rf_range(-2, 2), (const int64_t[]){-2, -1, 0, 1}, 4));
    ALSO(check_numbers(pool, rf_range_by(0, 10, 4), (const int64_t[]){0, 4, 8}, 3));
    ALSO(check_numbers(pool, rf_range_by(5, -5, -5), (const int64_t[]){5, 0}, 2));
    ALSO(check_numbers(pool, rf_range_by(5, -6, -5), (const int64_t[]){5, 0, -5}, 3));
    ALSO(check_numbers(pool, rf_range(INT64_MAX - 2, INT64_MAX), (const int64_t[]){INT64_MAX - 2, INT64_MAX - 1}, 2));
    ALSO(check_numbers(pool, rf_range_by(INT64_MIN, INT64_MAX, INT64_MAX), (const int64_t[]){INT64_MIN, -1, INT64_MAX - 1}, 3));
    ALSO(check_numbers(pool, rf_range_by(INT64_MAX, INT64_MIN, INT64_MIN), (const int64_t[]){INT64_MAX, -1}, 2));
}

CASE(a_step_of_nothing_is_refused_by_the_verb)
{
    int status = rf_map(pool, echo, rf_range_by(0, 10, 0), NULL, NULL);
    CHECK(status == RF_EINPUT || status == RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, "step");
}

CASE(strings_arrive_in_order)
{
    const char *const words[] = {"one", "", "three"};
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, echo, rf_strings(words, 3), NULL, &results), RF_OK);
    for (uint64_t i = 0; i < 3; i++)
        CHECK_TEXT(rf_str(rf_results_value(results, i)), words[i]);
}

CASE(lines_of_files_are_items_that_know_their_place)
{
    write_numbers("numbers", 10000);
    write_file("open end", "x\n\ny", 4);
    const char *const paths[] = {in_folder("numbers"), in_folder("open end")};
    const uint64_t sizes[] = {0, 1, 100, 4096};
    for (unsigned size = 0; size < 4; size++) {
        RF_AUTO(rf_results, lines);
        RF_AUTO(rf_results, places);
        CHECK_STATUS(rf_map(pool, echo, rf_lines(paths, 2), RF_OPTIONS(.split_size = sizes[size]), &lines), RF_OK);
        CHECK_INT(rf_results_len(lines), 10003);
        for (int i = 0; i < 10000; i++)
            CHECK_INT(atoi(rf_str(rf_results_value(lines, (uint64_t)i))), i);
        CHECK_TEXT(rf_str(rf_results_value(lines, 10000)), "x");
        CHECK_TEXT(rf_str(rf_results_value(lines, 10001)), "");
        CHECK_TEXT(rf_str(rf_results_value(lines, 10002)), "y");
        CHECK_STATUS(rf_map(pool, place, rf_lines(paths, 2), RF_OPTIONS(.split_size = sizes[size]), &places), RF_OK);
        rf_result one = rf_results_at(places, 10002);
        CHECK_TEXT(one.path, paths[1]);
        CHECK_INT(one.offset, 3);
        CHECK_INT(one.index, 3);
        rf_value path;
        uint64_t offset, length, index;
        int first;
        CHECK_STATUS(RF_READ(one.value, path, offset, length, first, index), RF_OK);
        CHECK(offset == 3 && length == 1 && first == 'y' && index == 3);
        CHECK(rf_size(path) == strlen(paths[1]) && memcmp(path.data, paths[1], rf_size(path)) == 0);
    }
}

CASE(splits_of_files_hold_whole_lines)
{
    const char *const path = write_numbers("numbers", 10000);
    const uint64_t sizes[] = {0, 1, 7, 1000};
    for (unsigned size = 0; size < 4; size++) {
        RF_AUTO(rf_results, blocks);
        CHECK_STATUS(rf_map(pool, count_lines, rf_splits(&path, 1), RF_OPTIONS(.split_size = sizes[size]), &blocks), RF_OK);
        uint64_t all = 0, digits = 0;
        for (uint64_t i = 0; i < rf_results_len(blocks); i++) {
            uint64_t lines, bytes;
            rf_value block = rf_results_value(blocks, i);
            CHECK_STATUS(RF_READ(block, lines, bytes), RF_OK);
            CHECK(lines >= 1);
            all += lines;
            digits += bytes;
        }
        CHECK_INT(all, 10000);
        CHECK_INT(digits, 38890);
    }
}

CASE(files_are_items_in_the_order_given_and_folders_in_byte_order)
{
    mkdir(in_folder("tree"), 0700);
    mkdir(in_folder("tree/b"), 0700);
    write_file("tree/b/z", "second", 6);
    write_file("tree/a", "first", 5);
    write_file("tree/c", "third", 5);
    write_file("alone", "a\0b", 3);
    const char *const paths[] = {in_folder("alone"), in_folder("tree")};
    RF_AUTO(rf_results, files);
    CHECK_STATUS(rf_map(pool, echo, rf_files(paths, 2), NULL, &files), RF_OK);
    CHECK_INT(rf_results_len(files), 4);
    const char *const wanted[] = {"a\0b", "first", "second", "third"};
    const size_t sizes[] = {3, 5, 6, 5};
    for (uint64_t i = 0; i < 4; i++) {
        rf_value got = rf_results_value(files, i);
        CHECK_INT(rf_size(got), sizes[i]);
        CHECK(memcmp(got.data, wanted[i], sizes[i]) == 0);
    }
    CHECK_TEXT(rf_results_at(files, 2).path, in_folder("tree/b/z"));
}

CASE(records_are_items_and_a_short_last_one_fails)
{
    char bytes[1003];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i / 10 % 100);
    const char *const path = write_file("records", bytes, sizeof bytes);
    RF_AUTO(rf_results, places);
    CHECK_STATUS(rf_map(pool, place, rf_records(&path, 1, 10), RF_OPTIONS(.split_size = 64), &places), RF_EITEMS);
    CHECK_INT(rf_results_len(places), 101);
    for (uint64_t i = 0; i < 100; i++) {
        rf_result one = rf_results_at(places, i);
        CHECK_INT(one.ok, true);
        CHECK_INT(one.offset, 10 * i);
        rf_value file;
        uint64_t offset, size, index;
        int first;
        CHECK_STATUS(RF_READ(one.value, file, offset, size, first, index), RF_OK);
        CHECK(size == 10 && first == (int)i && offset == 10 * i);
    }
    rf_result last = rf_results_at(places, 100);
    CHECK(!last.ok);
    CHECK_STATUS(last.error->status, RF_EINPUT);
    CHECK_HAS(last.error->message, path);
    CHECK_HAS(last.error->message, "1000");
}

CASE(a_path_that_is_missing_is_refused_by_the_verb_and_named)
{
    const char *const paths[] = {write_numbers("numbers", 10), in_folder("nowhere")};
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, echo, rf_lines(paths, 2), NULL, &results), RF_EINPUT);
    CHECK(results == NULL);
    CHECK_HAS(rf_last_error()->message, paths[1]);
    rf_iterator *stream;
    CHECK_STATUS(rf_imap(pool, echo, rf_files(paths, 2), NULL, &stream), RF_EINPUT);
    CHECK(stream == NULL);
}

/* members members of so many numbers each, "0" and on; in one file. */
static const char *write_members(const char *name, int members, int numbers)
{
    const char *path = in_folder(name);
    remove(path);
    for (int member = 0; member < members; member++) {
        gzFile to = gzopen(path, "ab1");
        for (int i = 0; to && i < numbers; i++)
            gzprintf(to, "%d\n", member * numbers + i);
        if (to)
            gzclose(to);
    }
    return path;
}

/* All numbers below count in order, each once; how many ranks had some. */
static void check_count(const rf_results *lines, int count, int *ranks)
{
    uint64_t workers = 0;
    CHECK_INT(rf_results_len(lines), count);
    for (int i = 0; i < count; i++) {
        rf_result one = rf_results_at(lines, (uint64_t)i), before = rf_results_at(lines, i ? (uint64_t)i - 1 : 0);
        CHECK_INT(atoi(rf_str(one.value)), i);
        CHECK(!i || one.index > before.index);
        workers |= UINT64_C(1) << one.rank;
    }
    *ranks = __builtin_popcountll(workers);
}

CASE(a_gz_of_many_members_is_read_by_many_workers_and_its_lines_are_the_same)
{
    const char *const path = write_members("members.gz", 40, 2000);
    const uint64_t sizes[] = {3000, 10007, 50000, 10000000};
    int ranks;
    for (unsigned size = 0; size < 4; size++) {
        RF_AUTO(rf_results, lines);
        CHECK_STATUS(rf_map(pool, echo, rf_lines(&path, 1), RF_OPTIONS(.split_size = sizes[size], .chunk_size = 1), &lines), RF_OK);
        ALSO(check_count(lines, 80000, &ranks));
        CHECK_INT(ranks > 1, size < 3 && rf_workers(pool) > 1);
        RF_AUTO(rf_results, blocks);
        uint64_t all = 0;
        CHECK_STATUS(rf_map(pool, count_lines, rf_splits(&path, 1), RF_OPTIONS(.split_size = sizes[size]), &blocks), RF_OK);
        for (uint64_t i = 0; i < rf_results_len(blocks); i++) {
            uint64_t count, bytes;
            CHECK_STATUS(RF_READ(rf_results_value(blocks, i), count, bytes), RF_OK);
            all += count;
        }
        CHECK_INT(all, 80000);
    }
}

CASE(a_gz_of_one_member_is_read_by_one_worker)
{
    const char *const path = write_members("one.gz", 1, 80000);
    RF_AUTO(rf_results, lines);
    CHECK_STATUS(rf_map(pool, echo, rf_lines(&path, 1), RF_OPTIONS(.split_size = 10007, .chunk_size = 1), &lines), RF_OK);
    int ranks;
    ALSO(check_count(lines, 80000, &ranks));
    CHECK_INT(ranks, 1);
    CHECK_INT(rf_results_at(lines, 79999).offset, 468884);
}

CASE(a_retry_finds_its_line_again_in_a_gz_of_many_members)
{
    const char *const path = write_members("members.gz", 40, 200);
    RF_AUTO(rf_results, lines);
    CHECK_STATUS(rf_map(pool, fail_some_first, rf_lines(&path, 1),
                        RF_OPTIONS(.split_size = 3000, .retry = {.attempts = 2, .backoff = RF_NONE}), &lines), RF_OK);
    int ranks;
    ALSO(check_count(lines, 8000, &ranks));
}

CASE(pairs_of_prefixed_files_are_items)
{
    static const char bytes[] = "\3\0\0\0\2\0\0\0keyva" "\0\0\0\0\0\0\0\0" "\1\0\0\0\5\0\0\0kv";
    const char *const path = write_file("pairs", bytes, sizeof bytes - 1);
    RF_AUTO(rf_results, pairs);
    CHECK_STATUS(rf_map(pool, echo, rf_prefixed(&path, 1), NULL, &pairs), RF_EITEMS);
    CHECK_INT(rf_results_len(pairs), 3);
    rf_value pair = rf_results_value(pairs, 0), key, value;
    CHECK_STATUS(RF_READ(pair, key, value), RF_OK);
    CHECK(rf_size(key) == 3 && memcmp(key.data, "key", 3) == 0 && rf_size(value) == 2 && memcmp(value.data, "va", 2) == 0);
    CHECK_INT(rf_results_at(pairs, 1).offset, 13);
    CHECK_INT(rf_elements(rf_results_value(pairs, 1)), 2);
    rf_result last = rf_results_at(pairs, 2);
    CHECK(!last.ok);
    CHECK_STATUS(last.error->status, RF_EINPUT);
    CHECK_HAS(last.error->message, path);
    CHECK_HAS(last.error->message, "at offset 21");
}

CASE(a_broken_gz_is_a_failed_item_that_names_it_and_costs_nothing_else)
{
    const char *const paths[] = {write_numbers("before", 100), write_file("broken.gz", "\x1f\x8b\x08\0garbage garbage", 19),
                                 write_numbers("after", 100)};
    RF_AUTO(rf_results, lines);
    CHECK_STATUS(rf_map(pool, echo, rf_lines(paths, 3), NULL, &lines), RF_EITEMS);
    uint64_t good = 0, bad = 0, at = 0;
    for (uint64_t i = 0; rf_results_next_success(lines, &i); i++)
        good++;
    for (uint64_t i = 0; rf_results_next_failure(lines, &i); i++, bad++)
        at = i;
    CHECK_INT(good, 200);
    CHECK_INT(bad, 1);
    CHECK_STATUS(rf_results_at(lines, at).error->status, RF_EINPUT);
    CHECK_HAS(rf_results_at(lines, at).error->message, paths[1]);
}

typedef struct script {
    int64_t next, end;
    int ends_with;
} script;

static int follow(rf_call *call, void *state)
{
    script *its = state;
    if (its->next < its->end)
        return RF_RETURN(call, its->next++);
    return its->ends_with == RF_EFUNCTION ? rf_fail(call, "tape", "torn at %" PRId64, its->next) : its->ends_with;
}

CASE(A10_a_longer_generator_is_cut_and_a_shorter_one_ends_the_job)
{
    for (int64_t length = 5; length <= 15; length += 10) {
        script items = {.end = length, .ends_with = RF_END};
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map(pool, echo, rf_generator(follow, &items, NULL), RF_OPTIONS(.iterable_len = 10), &results), RF_OK);
        CHECK_INT(rf_results_len(results), length < 10 ? length : 10);
        CHECK(items.next <= 10);
    }
}

CASE(a_generator_that_fails_ends_its_job_and_keeps_what_it_gave)
{
    script items = {.end = 20, .ends_with = RF_EFUNCTION};
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, echo, rf_generator(follow, &items, NULL), NULL, &results), RF_EFUNCTION);
    CHECK_HAS(rf_last_error()->message, "torn at 20");
    CHECK_INT(rf_results_len(results), 20);
    for (uint64_t i = 0; i < 20; i++)
        CHECK_INT(rf_i64(rf_results_value(results, i)), i);
}

CASE(a_source_that_no_verb_took_is_freed)
{
    rf_source_free(rf_range(0, 10));
    rf_source_free(rf_strings((const char *const[]){"a"}, 1));
    rf_source_free(rf_lines((const char *const[]){"/nowhere/at/all"}, 1));
}

CASE(without_a_pool_a_function_runs_in_this_process)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_run(echo, RF_V("text"), NULL, &results), RF_OK);
    CHECK_TEXT(rf_str(rf_results_value(results, 0)), "text");
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status, (void)kind, (void)at;
    return remove(path);
}

static int with_folder(rf_pool *pool, int argc, char **argv)
{
    const char *all = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rankfold-sources-XXXXXX", all && *all ? all : P_tmpdir);
    if (!mkdtemp(folder))
        return RF_EOUTPUT;
    int status = verify(pool, argc, argv);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return status;
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, with_folder);
}
