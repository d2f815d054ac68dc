/* Contract rows A10, A11 and A13: lengths that are known, declared or unknown; sources side by side; items wrapped. */
#define _XOPEN_SOURCE 700
#include "../functions.h"
#include "../verify.h"

/* Its item as MessagePack, which a zip's is not yet. */
static int encode(rf_call *call, rf_value item)
{
    rf_value kept = rf_call_keep(call, item);
    return rf_return(call, rf_bytes(kept.data, rf_size(kept)));
}
RF_REGISTER(encode);

static int path_of(rf_call *call, rf_value item)
{
    rf_value line;
    if (RF_ARGS(call, item, line))
        return RF_EARGS;
    return RF_RETURN(call, rf_call_path(call), rf_call_offset(call), line);
}
RF_REGISTER(path_of);

typedef struct counter {
    int64_t next, end;
    bool fails;
} counter;

static int count(rf_call *call, void *state)
{
    counter *its = state;
    if (its->next < its->end)
        return RF_RETURN(call, its->next++);
    return its->fails ? rf_fail(call, "tape", "torn at %" PRId64, its->next) : RF_END;
}

static rf_source *counting(counter *its)
{
    return rf_generator(count, its, NULL);
}

static const char *printed(rf_value value)
{
    static char text[4096];
    FILE *to = fmemopen(text, sizeof text, "w");
    rf_print(to, value);
    fclose(to);
    return text;
}

/* A new file that holds text; to be removed. */
static const char *write_file(const char *text)
{
    static char path[256];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/rankfold-lines-XXXXXX", folder && *folder ? folder : P_tmpdir);
    int made = mkstemp(path);
    bool written = made >= 0 && write(made, text, strlen(text)) == (ssize_t)strlen(text);
    return made >= 0 && !close(made) && written ? path : NULL;
}

/* ---- A10 ---- */

CASE(A10_an_endless_generator_is_declared_so_and_taken_from_as_long_as_wanted)
{
    counter endless = {.end = INT64_MAX};
    RF_AUTO(rf_iterator, squares);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, square, counting(&endless), RF_OPTIONS(.iterable_len = RF_ENDLESS, .chunk_size = 1), &squares), RF_OK);
    for (int64_t i = 0; i < 100; i++) {
        CHECK_STATUS(rf_next(squares, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), i * i);
    }
}

CASE(A10_a_declared_length_cuts_a_longer_source_and_a_shorter_one_ends_the_job)
{
    for (int64_t length = 5; length <= 15; length += 10) {
        counter items = {.end = length};
        RF_AUTO(rf_results, results);
        CHECK_STATUS(rf_map(pool, square, counting(&items), RF_OPTIONS(.iterable_len = 10), &results), RF_OK);
        CHECK_INT(rf_results_len(results), length < 10 ? length : 10);
        CHECK(items.next <= 10);
    }
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, square, rf_range(0, INT64_MAX), RF_OPTIONS(.iterable_len = 1000), &results), RF_OK);
    CHECK_INT(rf_results_len(results), 1000);
}

static void refused(rf_pool *pool, rf_source *source, const rf_options *options, const char *text)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, echo, source, options, &results), RF_EOPTION);
    CHECK(results == NULL);
    CHECK_HAS(rf_last_error()->message, text);
}

CASE(A10_a_length_that_contradicts_what_the_source_knows_is_refused)
{
    counter items = {.end = 100};
    ALSO(refused(pool, rf_range(0, 10), RF_OPTIONS(.iterable_len = 11), "iterable_len is 11, but the source has 10 items"));
    ALSO(refused(pool, rf_range(0, 10), RF_OPTIONS(.iterable_len = RF_ENDLESS), "iterable_len is RF_ENDLESS, but the source has 10 items"));
    ALSO(refused(pool, RF_ZIP(rf_range(0, 10), rf_range(0, 20)), RF_OPTIONS(.iterable_len = 11), "the source has 10 items"));
    ALSO(refused(pool, RF_ZIP(rf_range(0, 10), counting(&items)), RF_OPTIONS(.iterable_len = 11), "the source has at most 10 items"));
    ALSO(refused(pool, counting(&items), RF_OPTIONS(.n_splits = 4), "iterable_len"));
    CHECK_INT(items.next, 0);
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 10), RF_OPTIONS(.iterable_len = 10), NULL), RF_OK);
}

CASE(A10_lengths_are_exact_in_64_bits)
{
    RF_AUTO(rf_iterator, numbers);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, echo, rf_range(INT64_MIN, INT64_MAX), NULL, &numbers), RF_OK);
    for (int64_t i = 0; i < 10; i++) {
        CHECK_STATUS(rf_next(numbers, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), INT64_MIN + i);
    }
    ALSO(refused(pool, rf_range(INT64_MIN, INT64_MAX - 2), RF_OPTIONS(.iterable_len = UINT64_MAX - 1), "has 18446744073709551613 items"));
}

/* That its chunks start at one item and grow by measured cost is a test of the scheduler (tests/test_schedule.c). */
CASE(A10_a_source_without_a_length_needs_no_chunk_size)
{
    counter items = {.end = 20000};
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, square, counting(&items), NULL, &results), RF_OK);
    CHECK_INT(rf_results_len(results), 20000);
    for (uint64_t i = 0; i < 20000; i += 371)
        CHECK_INT(rf_i64(rf_results_value(results, i)), i * i);
}

CASE(A10_a_chunk_size_out_of_bounds_is_refused_naming_the_option)
{
    ALSO(refused(pool, rf_range(0, 10), RF_OPTIONS(.chunk_size = UINT64_MAX), "chunk_size is 18446744073709551615: it must be"));
    ALSO(refused(pool, rf_range(0, 10), RF_OPTIONS(.chunk_size = (UINT64_C(1) << 40) + 1), "chunk_size"));
    ALSO(refused(pool, rf_range(0, 10), RF_OPTIONS(.n_splits = UINT64_MAX), "n_splits"));
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 10), RF_OPTIONS(.chunk_size = UINT64_C(1) << 40), NULL), RF_OK);
}

/* ---- A11 ---- */

CASE(A11_ranges_are_zipped)
{
    RF_AUTO(rf_iterator, products);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, multiply, RF_ZIP(rf_range(0, 100), rf_range(100, 200)), RF_OPTIONS(.iterable_len = 100), &products), RF_OK);
    for (int64_t i = 0; i < 100; i++) {
        CHECK_STATUS(rf_next(products, &one), RF_OK);
        CHECK_INT(one->index, i);
        CHECK_INT(rf_i64(one->value), i * (100 + i));
    }
    CHECK_STATUS(rf_next(products, &one), RF_END);
}

CASE(A11_a_declared_length_cuts_longer_sources_and_the_shortest_ends_the_job)
{
    counter endless = {.end = INT64_MAX};
    RF_AUTO(rf_results, cut);
    CHECK_STATUS(rf_map(pool, multiply, RF_ZIP(rf_range(0, 100), rf_range(100, 200)), RF_OPTIONS(.iterable_len = 7), &cut), RF_OK);
    CHECK_INT(rf_results_len(cut), 7);
    RF_AUTO(rf_results, shortest);
    CHECK_STATUS(rf_map(pool, multiply, RF_ZIP(counting(&endless), rf_range(0, 30)), NULL, &shortest), RF_OK);
    CHECK_INT(rf_results_len(shortest), 30);
    CHECK_INT(rf_i64(rf_results_value(shortest, 29)), 29 * 29);
    CHECK_INT(endless.next, 30);
    RF_AUTO(rf_results, none);
    CHECK_STATUS(rf_map(pool, multiply, RF_ZIP(counting(&endless), rf_values(NULL, 0)), NULL, &none), RF_OK);
    CHECK_INT(rf_results_len(none), 0);
}

CASE(A11_any_mix_of_what_rank_0_knows_or_reads_is_zipped)
{
    struct three { char bytes[3]; } threes[3] = {{"abc"}, {"def"}, {"ghi"}};
    double numbers[] = {0.5, 1.5, 2.5, 3.5};
    const char *const words[] = {"one", "two", "three"};
    counter items = {.next = 7, .end = 100};
    const uint64_t sizes[] = {0, 1, 2};
    for (unsigned size = 0; size < 3; size++) {
        items.next = 7;
        RF_AUTO(rf_results, tuples);
        CHECK_STATUS(rf_map(pool, echo, RF_ZIP(rf_range_by(0, -100, -1), RF_ARRAY(numbers, 4), RF_ARRAY(threes, 3), rf_strings(words, 3),
                                               counting(&items), RF_VALUES(rf_nil(), RF_TUPLE(1, "x"), RF_DICT("k", 2)),
                                               rf_single(rf_range(5, 9)), RF_ZIP(rf_range(0, 9), rf_range(1, 9))),
                            RF_OPTIONS(.chunk_size = sizes[size]), &tuples), RF_OK);
        CHECK_INT(rf_results_len(tuples), 3);
        CHECK_TEXT(printed(rf_results_value(tuples, 0)), "[0, 0.5, \"abc\", \"one\", 7, null, [5], [0, 1]]");
        CHECK_TEXT(printed(rf_results_value(tuples, 1)), "[-1, 1.5, \"def\", \"two\", 8, [1, \"x\"], [6], [1, 2]]");
        CHECK_TEXT(printed(rf_results_value(tuples, 2)), "[-2, 2.5, \"ghi\", \"three\", 9, {\"k\": 2}, [7], [2, 3]]");
    }
}

CASE(A11_a_zipped_item_can_be_had_as_message_pack)
{
    RF_AUTO(rf_results, bytes);
    CHECK_STATUS(rf_map(pool, encode, RF_ZIP(rf_range(5, 6), RF_VALUES("a")), NULL, &bytes), RF_OK);
    CHECK(rf_size(rf_results_value(bytes, 0)) == 4 && memcmp(rf_results_value(bytes, 0).data, "\x92\5\xa1" "a", 4) == 0);
}

CASE(A11_files_that_workers_read_are_refused_saying_what_to_do)
{
    const char *const path = write_file("one\n");
    CHECK(path);
    RF_AUTO(rf_results, results);
    RF_AUTO(rf_results, lines);
    int refused_status = rf_map(pool, echo, RF_ZIP(rf_range(0, 10), rf_lines(&path, 1)), NULL, &results);
    bool told = strstr(rf_last_error()->message, "source 2 is files") && strstr(rf_last_error()->message, "rf_strings");
    int status = rf_map(pool, echo, RF_ZIP(rf_range(7, 10), rf_materialise(rf_lines(&path, 1))), NULL, &lines);
    remove(path);
    CHECK_STATUS(refused_status, RF_EUSAGE);
    CHECK(results == NULL && told);
    CHECK_STATUS(status, RF_OK);
    CHECK_INT(rf_results_len(lines), 1);
    CHECK_TEXT(printed(rf_results_value(lines, 0)), "[7, \"one\"]");
}

CASE(A11_a_source_that_fails_fails_the_zip_where_it_does)
{
    counter items = {.end = 20, .fails = true};
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, multiply, RF_ZIP(counting(&items), rf_range(0, 100)), NULL, &results), RF_EFUNCTION);
    CHECK_HAS(rf_last_error()->message, "torn at 20");
    CHECK_INT(rf_results_len(results), 20);
    items = (counter){.end = 20, .fails = true};
    CHECK_STATUS(rf_map(pool, multiply, RF_ZIP(rf_range(0, 20), counting(&items)), NULL, NULL), RF_OK);
    CHECK_STATUS(rf_map(pool, multiply, RF_ZIP(rf_range(0, 20), rf_range_by(0, 1, 0)), NULL, NULL), RF_EUSAGE);
    CHECK_STATUS(rf_map(pool, multiply, rf_zip(NULL, 0), NULL, NULL), RF_EUSAGE);
}

/* ---- A13 ---- */

static void check_dictionaries(rf_pool *pool, rf_source *dictionaries)
{
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, multiply_dict, dictionaries, NULL, &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(rf_i64(one->value), 0);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(rf_i64(one->value), 101);
    CHECK_STATUS(rf_next(stream, &one), RF_END);
}

CASE(A13_each_item_is_wrapped_as_a_tuple_of_one_lazily_or_materialised)
{
    ALSO(check_dictionaries(pool, rf_single(RF_VALUES(RF_DICT("x", 0, "y", 100), RF_DICT("y", 101, "x", 1)))));
    ALSO(check_dictionaries(pool, rf_materialise(rf_single(RF_VALUES(RF_DICT("x", 0, "y", 100), RF_DICT("y", 101, "x", 1))))));
    RF_AUTO(rf_results, wrapped);
    CHECK_STATUS(rf_map(pool, echo, rf_single(RF_VALUES(1, "two", RF_TUPLE(3))), NULL, &wrapped), RF_OK);
    CHECK_TEXT(printed(rf_results_value(wrapped, 0)), "[1]");
    CHECK_TEXT(printed(rf_results_value(wrapped, 1)), "[\"two\"]");
    CHECK_TEXT(printed(rf_results_value(wrapped, 2)), "[[3]]");
    RF_AUTO(rf_results, squares);
    CHECK_STATUS(rf_map(pool, square, rf_single(rf_range(0, 100)), NULL, &squares), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(squares, 99)), 9801);
}

CASE(A13_a_wrapped_source_keeps_its_length)
{
    counter items = {.end = 50};
    ALSO(refused(pool, rf_single(rf_range(0, 10)), RF_OPTIONS(.iterable_len = 11), "the source has 10 items"));
    ALSO(refused(pool, rf_single(counting(&items)), RF_OPTIONS(.n_splits = 3), "iterable_len"));
    CHECK_STATUS(rf_map(pool, square, rf_single(rf_range(0, 10)), RF_OPTIONS(.n_splits = 3), NULL), RF_OK);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, square, rf_single(counting(&items)), RF_OPTIONS(.iterable_len = 20), &results), RF_OK);
    CHECK_INT(rf_results_len(results), 20);
    CHECK_INT(items.next, 20);
    /* Read at once it knows its length. */
    rf_source *read = rf_materialise(rf_single(counting(&items)));
    CHECK_INT(items.next, 50);
    CHECK_STATUS(rf_map(pool, square, read, RF_OPTIONS(.n_splits = 3), NULL), RF_OK);
}

CASE(A13_wrapped_lines_still_know_their_file)
{
    const char *const path = write_file("first\nsecond\n");
    CHECK(path);
    RF_AUTO(rf_results, lines);
    int status = rf_map(pool, path_of, rf_single(rf_lines(&path, 1)), NULL, &lines);
    remove(path);
    CHECK_STATUS(status, RF_OK);
    CHECK_INT(rf_results_len(lines), 2);
    rf_value told = rf_results_value(lines, 1), file, line;
    uint64_t offset;
    CHECK_STATUS(RF_READ(told, file, offset, line), RF_OK);
    CHECK(rf_size(file) == strlen(path) && memcmp(file.data, path, rf_size(file)) == 0);
    CHECK(offset == 6 && rf_size(line) == 6 && memcmp(line.data, "second", 6) == 0);
    CHECK_TEXT(rf_results_at(lines, 1).path, path);
    CHECK_INT(rf_results_at(lines, 1).index, 6);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
