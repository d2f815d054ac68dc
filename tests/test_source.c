/* input/source: what rank 0 knows of its input. Lengths, options, errors that wait, values in pages, standard input,
   generators. Files themselves are in test_reader.c. */
#include "reading.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/random.h"
#include "failing_malloc.h"
#include "failing_read.h"
#include "suite.h"

static void check_rate_of(rf_source *source, const rf_options *settled, bool here)
{
    ck_assert_int_eq(source_prepare(source, settled, NULL), RF_OK);
    ck_assert_int_eq(source_read_by_workers(source), !here);
    ck_assert_int_eq(source_sequential(source), here);
    rf_source_free(source);
}

static void check_waits(rf_source *source, int status, const char *text)
{
    rf_options settled = read_options(100);
    ck_assert_ptr_nonnull(source);
    error_set(RF_EHALTED, "other", "something else");
    ck_assert_int_eq(source_prepare(source, &settled, NULL), status);
    ck_assert_int_eq(rf_last_error()->status, status);
    ck_assert_msg(strstr(rf_last_error()->message, text) != NULL, "%s", rf_last_error()->message);
    rf_source_free(source);
}

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

static uint64_t length_of(int64_t start, int64_t stop, int64_t step)
{
    rf_options settled = read_options(100);
    rf_source *source = rf_range_by(start, stop, step);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    uint64_t length = source_length(source);
    rf_source_free(source);
    return length;
}

START_TEST(lengths_of_ranges_are_exact_for_all_bounds_and_steps)
{
    static const struct { int64_t start, stop, step; uint64_t length; } cases[] = {
        {0, 10, 1, 10}, {0, 10, 3, 4}, {0, 9, 3, 3}, {10, 0, 1, 0}, {0, 0, 1, 0}, {10, 0, -1, 10}, {10, 0, -3, 4},
        {0, 10, -1, 0}, {INT64_MIN, INT64_MAX, 1, UINT64_MAX}, {INT64_MAX, INT64_MIN, -1, UINT64_MAX},
        {INT64_MIN, INT64_MAX, INT64_MAX, 3}, {INT64_MAX, INT64_MIN, INT64_MIN, 2}, {0, INT64_MIN, INT64_MIN, 1},
        {-1, INT64_MIN, INT64_MIN, 1}, {INT64_MIN, INT64_MAX, 2, (uint64_t)1 << 63}, {5, 6, INT64_MAX, 1}, {6, 5, INT64_MIN, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_uint_eq(length_of(cases[i].start, cases[i].stop, cases[i].step), cases[i].length);
    for (int64_t start = -6; start <= 6; start++)
        for (int64_t stop = -6; stop <= 6; stop++)
            for (int64_t step = -4; step <= 4; step++) {
                uint64_t counted = 0;
                for (int64_t x = start; step && (step > 0 ? x < stop : x > stop); x += step)
                    counted++;
                if (step)
                    ck_assert_uint_eq(length_of(start, stop, step), counted);
            }
}
END_TEST

START_TEST(a_range_gives_its_numbers_from_any_unit_on)
{
    rf_options settled = read_options(100);
    rf_source *source = rf_range_by(INT64_MAX, INT64_MIN, -3);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    uint64_t length = source_length(source);
    reading all = read_units(source, length - 5, 5, UINT64_MAX);
    ck_assert_uint_eq(all.count, 5);
    for (uint64_t i = 0; i < 5; i++) {
        ck_assert_int_eq(all.items[i].value.i64, (int64_t)((uint64_t)INT64_MAX - 3 * (length - 5 + i)));
        ck_assert_uint_eq(all.items[i].position, length - 5 + i);
        assert_same_again(source, &all.items[i]);
    }
    reading_free(&all);
    rf_source_free(source);
    check_waits(rf_range_by(0, 10, 0), RF_EUSAGE, "the step is 0");
}
END_TEST

/* ---- arrays and values ------------------------------------------------------------------------------------------- */

START_TEST(arrays_that_cannot_be_are_errors_that_wait)
{
    static const int numbers[4];
    check_waits(rf_array(NULL, 4, 4, RF_I64), RF_EUSAGE, "NULL");
    check_waits(rf_array(numbers, 4, 0, RF_BYTES), RF_EUSAGE, "element size is 0");
    check_waits(rf_array(numbers, 4, 3, RF_I64), RF_EUSAGE, "3 bytes");
    check_waits(rf_array(numbers, 1, 16, RF_U64), RF_EUSAGE, "16 bytes");
    check_waits(rf_array(numbers, 1, 2, RF_F64), RF_EUSAGE, "2 bytes");
    check_waits(rf_array(numbers, 1, 4, RF_BOOL), RF_EUSAGE, "4 bytes");
    check_waits(rf_array(numbers, 1, 8, RF_TEXT), RF_EUSAGE, "RF_BYTES");
    check_waits(rf_array(numbers, UINT64_MAX / 2, 4, RF_I64), RF_EUSAGE, "memory");
    check_waits(rf_values(NULL, 1), RF_EUSAGE, "rf_values");
    check_waits(rf_strings((const char *const *)NULL, 1), RF_EUSAGE, "rf_strings");
    check_waits(rf_lines((const char *const *)NULL, 1), RF_EUSAGE, "rf_lines");
    const char *none[] = {"x", NULL};
    check_waits(rf_splits(none, 2), RF_EUSAGE, "path 1 of 2 is NULL");
    check_waits(rf_records(none, 1, 0), RF_EUSAGE, "record size is 0");
    ck_assert_uint_eq(length_of(0, 0, 1), 0);
    rf_source_free(rf_array(NULL, 0, 4, RF_I64));
    rf_source_free(NULL);
}
END_TEST

START_TEST(an_array_travels_without_a_copy_in_pieces_of_bounded_size)
{
    static double numbers[100000];
    rf_options settled = read_options(100);
    rf_source *source = RF_ARRAY(numbers, 100000);
    input_piece piece;
    uint64_t described;
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    ck_assert_int_eq(source_describe(source, 7, 99993, &piece, &described), RF_OK);
    ck_assert_ptr_eq(piece.body, &numbers[7]);
    ck_assert_uint_eq(piece.body_size, SOURCE_PIECE_BYTES);
    ck_assert_uint_eq(described, SOURCE_PIECE_BYTES / 8);
    ck_assert_uint_eq(source_unit_bytes(source), 8);
    ck_assert_int_eq(source_describe(source, 99999, 2, &piece, &described), RF_EUSAGE);
    ck_assert_int_eq(source_describe(source, UINT64_MAX, 2, &piece, &described), RF_EUSAGE);
    rf_source_free(source);
}
END_TEST

static char large_text[3 * SOURCE_PIECE_BYTES];

static rf_value draw_value(uint64_t *random, char *space)
{
    size_t size = random_below(random, 1000);
    memset(space, 'a' + (int)random_below(random, 26), size);
    switch (random_below(random, 12)) {
    case 0:
        return rf_nil();
    case 1:
        return rf_text(large_text, SOURCE_PIECE_BYTES - 200 + random_below(random, 400));
    case 2:
    case 3:
        return rf_of_i64((int64_t)random_next(random));
    case 4:
        return rf_of_f64(0.5);
    default:
        return rf_text(space, size);
    }
}

START_TEST(values_come_as_they_were_in_any_pieces)
{
    static rf_value values[2000];
    static char space[2000][1000];
    uint64_t random = suite_seed;
    memset(large_text, 'L', sizeof large_text);
    for (size_t i = 0; i < 2000; i++)
        values[i] = draw_value(&random, space[i]);
    rf_options settled = read_options(100);
    rf_source *source = rf_values(values, 2000);
    reading all = read_source(source, &settled, &random);
    ck_assert_uint_eq(all.count, 2000);
    for (size_t i = 0; i < 2000; i++) {
        ck_assert_uint_eq(all.items[i].position, i);
        ck_assert_uint_eq(all.items[i].path_index, UINT64_MAX);
        ck_assert_int_eq(rf_type_of(all.items[i].value), rf_type_of(values[i]));
        if (rf_type_of(values[i]) == RF_TEXT)
            assert_item_is(&all.items[i], RF_TEXT, values[i].data, rf_size(values[i]));
        else
            ck_assert_uint_eq(all.items[i].value.u64, values[i].u64);
    }
    for (unsigned i = 0; i < 50; i++)
        assert_same_again(source, &all.items[random_below(&random, 2000)]);
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

START_TEST(pieces_of_values_are_of_bounded_size_and_a_large_value_is_alone_and_not_copied)
{
    rf_value small = rf_text(large_text, 1000), large = rf_text(large_text, sizeof large_text), values[201];
    for (size_t i = 0; i < 201; i++)
        values[i] = i == 100 ? large : small;
    rf_options settled = read_options(100);
    rf_source *source = rf_values(values, 201);
    input_piece piece;
    uint64_t described, stored = 0;
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    for (uint64_t at = 0; at < 201; at += described) {
        ck_assert_int_eq(source_describe(source, at, 201 - at, &piece, &described), RF_OK);
        ck_assert(described == 1 || piece.body_size <= SOURCE_PIECE_BYTES);
        ck_assert_int_eq(piece.stored, at == 100);
        ck_assert_uint_eq((uintptr_t)piece.body % 16, 0);
        stored += piece.stored;
    }
    ck_assert_uint_eq(stored, 1);
    rf_source_free(source);
}
END_TEST

START_TEST(containers_and_strings_travel_as_values)
{
    const char *texts[] = {"one", "", NULL};
    rf_options settled = read_options(100);
    rf_source *source = rf_strings(texts, 3);
    reading all = read_source(source, &settled, NULL);
    assert_item_is(&all.items[0], RF_TEXT, "one", 3);
    assert_item_is(&all.items[1], RF_TEXT, "", 0);
    ck_assert_int_eq(rf_type_of(all.items[2].value), RF_NIL);
    reading_free(&all);
    rf_source_free(source);
    source = RF_VALUES(RF_TUPLE(1, "two", 3.0), RF_TUPLE(rf_text(large_text, sizeof large_text)), 7);
    all = read_source(source, &settled, NULL);
    ck_assert_uint_eq(all.count, 3);
    ck_assert_uint_eq(rf_elements(all.items[0].value), 3);
    ck_assert_uint_eq(rf_elements(all.items[1].value), 1);
    ck_assert_int_eq(all.items[2].value.i64, 7);
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

/* ---- what items add ------------------------------------------------------------------------------------------------ */

static uint64_t index_of(uint64_t i) { return SOURCE_ADDED + i * i; }

static void add_values(rf_source *source, const rf_value *added, size_t first, size_t count)
{
    column pairs = {0};
    for (size_t i = first; i < first + count; i++) {
        ck_assert_int_eq(column_add(&pairs, rf_of_u64(index_of(i))), RF_OK);
        ck_assert_int_eq(column_add(&pairs, added[i]), RF_OK);
    }
    column_view view = column_look(&pairs);
    ck_assert_int_eq(source_add(source, &view), RF_OK);
    column_free(&pairs);
}

START_TEST(A16_what_was_added_comes_with_its_indices_in_any_pieces)
{
    static rf_value added[500];
    static char space[500][1000];
    uint64_t random = suite_seed, indices[500];
    memset(large_text, 'L', sizeof large_text);
    rf_options settled = read_options(100);
    rf_source *source = rf_range(0, 10);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    for (size_t i = 0; i < 500; i++)
        added[i] = draw_value(&random, space[i]);
    for (size_t i = 0, some; i < 500; i += some) {
        some = 1 + random_below(&random, 100);
        some = some < 500 - i ? some : 500 - i;
        add_values(source, added, i, some);
    }
    for (uint64_t at = 0, some; at < 500; at += some) {
        some = 1 + random_below(&random, 60);
        some = some < 500 - at ? some : 500 - at;
        reading piece = read_units(source, SOURCE_ADDED + at, some, UINT64_MAX);
        ck_assert_uint_eq(piece.count, some);
        for (size_t i = 0; i < some; i++) {
            const read_item *got = &piece.items[i];
            ck_assert_uint_eq(got->unit, SOURCE_ADDED + at + i);
            ck_assert_uint_eq(got->position, index_of(at + i));
            ck_assert_uint_eq(got->path_index, UINT64_MAX);
            if (rf_type_of(added[at + i]) == RF_TEXT)
                assert_item_is(got, RF_TEXT, added[at + i].data, rf_size(added[at + i]));
            else
                ck_assert_uint_eq(got->value.u64, added[at + i].u64);
        }
        reading_free(&piece);
    }
    source_indices(source, SOURCE_ADDED, 500, indices);
    for (size_t i = 0; i < 500; i++)
        ck_assert_uint_eq(indices[i], index_of(i));
    reading range = read_units(source, 0, 10, UINT64_MAX);
    ck_assert_int_eq(range.items[9].value.i64, 9);
    reading_free(&range);
    rf_source_free(source);
}
END_TEST

START_TEST(what_was_added_is_there_until_it_is_forgotten)
{
    rf_value added[] = {rf_of_i64(0), rf_of_i64(1), rf_of_i64(2)};
    rf_options settled = read_options(100);
    rf_source *source = rf_range(0, 1);
    input_piece piece;
    uint64_t described, index, path;
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    ck_assert_int_eq(source_describe(source, SOURCE_ADDED, 1, &piece, &described), RF_EUSAGE);
    source_indices(source, SOURCE_ADDED, 1, &index);
    ck_assert_uint_eq(index, UINT64_MAX);
    add_values(source, added, 0, 3);
    ck_assert(!source_path_of(source, SOURCE_ADDED, &path));
    ck_assert_int_eq(source_describe(source, SOURCE_ADDED, 4, &piece, &described), RF_EUSAGE);
    source_forget(source, SOURCE_ADDED, 1);
    source_forget(source, SOURCE_ADDED + 1, 2);
    ck_assert_int_eq(source_describe(source, SOURCE_ADDED + 1, 1, &piece, &described), RF_EUSAGE);
    add_values(source, added, 0, 1);
    reading one = read_units(source, SOURCE_ADDED + 3, 1, UINT64_MAX);
    ck_assert_uint_eq(one.items[0].position, index_of(0));
    reading_free(&one);
    rf_source_free(source);
}
END_TEST

START_TEST(a_piece_of_added_values_that_lies_is_refused)
{
    rf_value added[] = {rf_of_i64(0), rf_of_i64(1), rf_of_i64(2)};
    rf_options settled = read_options(100);
    rf_source *source = rf_range(0, 1);
    reader *from = reader_new();
    input_piece piece, lies;
    uint64_t described;
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    add_values(source, added, 0, 3);
    ck_assert_int_eq(source_describe(source, SOURCE_ADDED, 3, &piece, &described), RF_OK);
    ck_assert_int_eq(reader_open(from, &piece, SOURCE_ADDED, 3, UINT64_MAX), RF_OK);
    ck_assert_int_eq(reader_open(from, &piece, SOURCE_ADDED, 2, UINT64_MAX), RF_EUSAGE);
    ck_assert_int_eq(reader_open(from, &piece, SOURCE_ADDED, UINT64_C(1) << 61, UINT64_MAX), RF_EUSAGE);
    for (int which = 0; which < 4; which++) {
        lies = piece;
        *(which < 2 ? &lies.a : &lies.body_size) += which % 2 ? 8 : (uint64_t)-8;
        ck_assert_int_eq(reader_open(from, &lies, SOURCE_ADDED, 3, UINT64_MAX), RF_EUSAGE);
    }
    reader_free(from);
    rf_source_free(source);
}
END_TEST

/* ---- rate_limit ---------------------------------------------------------------------------------------------------- */

START_TEST(E10_files_of_many_items_a_block_are_read_by_rank_0_item_by_item)
{
    const char *path = folder_write("lines", "a\nbc\nd", 6), *empty = folder_write("nothing", "", 0);
    const char *packed = folder_gzip("lines.gz", "e\nf\n", 4, 1), *all[] = {path, empty, packed, path};
    rf_options settled = read_options(2);
    settled.rate_limit.count = 5;
    check_rate_of(rf_splits(&path, 1), &settled, false);
    check_rate_of(rf_files(all, 4), &settled, false);
    check_rate_of(rf_lines(&empty, 1), &settled, true);
    check_rate_of(rf_splits(&empty, 1), &settled, false);
    check_rate_of(rf_records(&path, 1, 2), &settled, true);
    check_rate_of(rf_splits(all, 4), &settled, true);
    rf_source *source = rf_lines(all, 4);
    reading read = read_source(source, &settled, NULL);
    static const char *const wanted[] = {"a", "bc", "d", "e", "f", "a", "bc", "d"};
    ck_assert_uint_eq(read.count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_item_is(&read.items[i], RF_TEXT, wanted[i], strlen(wanted[i]));
        ck_assert_uint_eq(read.items[i].position, i);
        ck_assert_uint_eq(read.items[i].path_index, UINT64_MAX);
    }
    reading_free(&read);
    ck_assert(!source_paths(source));
    rf_source_free(source);
    settled.rate_limit.count = RF_NONE;
    check_rate_of(rf_lines(&path, 1), &settled, false);
}
END_TEST

/* ---- iterable_len ------------------------------------------------------------------------------------------------ */

START_TEST(iterable_len_cuts_a_longer_source_and_may_not_contradict_a_known_length)
{
    rf_options settled = read_options(100);
    const char *path = folder_write("lines", "a\nb\n", 4);
    static const struct { uint64_t len; int status; uint64_t length; } cases[] = {
        {0, RF_OK, 10}, {3, RF_OK, 3}, {10, RF_OK, 10}, {11, RF_EOPTION, 0}, {RF_ENDLESS, RF_EOPTION, 0}};
    for (size_t i = 0; i < 5; i++) {
        rf_source *source = rf_range(0, 10);
        settled.iterable_len = cases[i].len;
        ck_assert_int_eq(source_prepare(source, &settled, NULL), cases[i].status);
        if (cases[i].status)
            ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "iterable_len"));
        else
            ck_assert_uint_eq(source_length(source), cases[i].length);
        rf_source_free(source);
    }
    settled.iterable_len = 1;
    rf_source *source = rf_lines(&path, 1);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_EOPTION);
    rf_source_free(source);
    source = rf_files(&path, 1);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    rf_source_free(source);
}
END_TEST

/* ---- files as rank 0 describes them ------------------------------------------------------------------------------ */

START_TEST(many_small_files_travel_together_in_pieces_of_bounded_size)
{
    char name[20];
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "small-%04u", i);
        folder_write(name, "x\n", 2);
    }
    const char *folder = folder_path("%s", "");
    rf_options settled = read_options(100);
    rf_source *source = rf_lines(&folder, 1);
    input_piece piece;
    uint64_t described, pieces = 0;
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    uint64_t length = source_length(source);
    ck_assert_uint_ge(length, 2000);
    for (uint64_t at = 0; at < length; at += described, pieces++) {
        ck_assert_int_eq(source_describe(source, at, length - at, &piece, &described), RF_OK);
        ck_assert_uint_le(piece.body_size, SOURCE_PIECE_BYTES);
    }
    ck_assert_uint_lt(pieces, 10);
    ck_assert_uint_eq(source_unit_bytes(source), 0);
    ck_assert_uint_eq(strings_count(source_paths(source)), length);
    rf_source_free(source);
    check_waits(rf_lines((const char *[]){folder_path("missing")}, 1), RF_EINPUT, "missing");
}
END_TEST

/* ---- standard input ---------------------------------------------------------------------------------------------- */

static void take_as_input(const void *data, size_t size)
{
    int file = open(folder_write("input", data, size), O_RDONLY);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(dup2(file, STDIN_FILENO), STDIN_FILENO);
    close(file);
}

static reading read_input(rf_source *source, const rf_options *settled, uint64_t *random)
{
    reading all = read_source(source, settled, random);
    ck_assert(source_sequential(source) && !source_read_by_workers(source));
    ck_assert_ptr_null(source_paths(source));
    ck_assert_uint_eq(source_length(source), all.count);
    for (size_t i = 0; i < all.count; i++) {
        ck_assert_uint_eq(all.items[i].position, i);
        ck_assert_uint_eq(all.items[i].path_index, UINT64_MAX);
    }
    rf_source_free(source);
    return all;
}

static const char *const dash[] = {"-"};

START_TEST(standard_input_gives_lines_splits_records_or_all_of_it)
{
    static char text[300000];
    uint64_t random = suite_seed + (uint64_t)_i;
    size_t size = random_below(&random, 4) ? random_below(&random, sizeof text) : random_below(&random, 10), at, length;
    uint64_t density = 1 + random_below(&random, 3000);
    for (size_t i = 0; i < size; i++)
        text[i] = random_below(&random, density) ? (char)random_next(&random) : '\n';
    rf_options settled = read_options(1 + random_below(&random, 50000));
    failing_read_short(_i % 2 ? random | 1 : 0);
    take_as_input(text, size);
    reading all = read_input(rf_lines(dash, 1), &settled, &random);
    at = 0;
    for (size_t i = 0; i < all.count; i++) {
        size_t taken = reference_line((uint8_t *)text, size, at, &length);
        assert_item_is(&all.items[i], RF_TEXT, text + at, length);
        at += taken;
    }
    ck_assert_uint_eq(at, size);
    reading_free(&all);
    take_as_input(text, size);
    all = read_input(rf_splits(dash, 1), &settled, &random);
    at = 0;
    for (size_t i = 0; i < all.count; i++) {
        length = rf_size(all.items[i].value);
        assert_item_is(&all.items[i], RF_TEXT, text + at, length);
        at += length;
        ck_assert(at == size || (length >= settled.split_size && text[at - 1] == '\n'));
    }
    ck_assert_uint_eq(at, size);
    reading_free(&all);
    size_t record = 1 + random_below(&random, 5000);
    take_as_input(text, size);
    all = read_input(rf_records(dash, 1, record), &settled, &random);
    ck_assert_uint_eq(all.count, (size + record - 1) / record);
    for (size_t i = 0; i < size / record; i++)
        assert_item_is(&all.items[i], RF_BYTES, text + i * record, record);
    if (size % record) {
        char offset[60];
        snprintf(offset, sizeof offset, "short last record at offset %zu: %zu bytes", size - size % record, size % record);
        assert_item_fails(&all.items[all.count - 1], offset);
    }
    reading_free(&all);
    take_as_input(text, size);
    all = read_input(rf_files(dash, 1), &settled, &random);
    ck_assert_uint_eq(all.count, size > 0);
    if (size)
        assert_item_is(&all.items[0], RF_BYTES, text, size);
    reading_free(&all);
}
END_TEST

START_TEST(a_file_that_rank_0_cannot_read_to_its_end_ends_the_source)
{
    const char *paths[] = {folder_write("whole", "12345678", 8), folder_write("short", "123", 3), "-"};
    rf_options settled = read_options(100);
    uint64_t got;
    int descriptor;
    double delay;
    settled.rate_limit.count = 5;
    take_as_input("1234", 4);
    rf_source *source = rf_records(paths, 3, 4);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_EINPUT);
    ck_assert_uint_eq(got, 2);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, paths[1]));
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_END);
    rf_source_free(source);
}
END_TEST

START_TEST(a_slow_pipe_is_not_waited_for_and_keeps_its_flags)
{
    int ends[2], descriptor;
    double delay;
    uint64_t got;
    rf_options settled = read_options(100);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    rf_source *source = rf_lines(dash, 1);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_AGAIN);
    ck_assert_int_eq(descriptor, STDIN_FILENO);
    ck_assert_int_eq(write(ends[1], "one\ntw", 6), 6);
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_OK);
    ck_assert_uint_eq(got, 1);
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_AGAIN);
    ck_assert_int_eq(write(ends[1], "o", 1), 1);
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_AGAIN);
    ck_assert_int_eq(write(ends[1], "\nthree\nfour", 11), 11);
    ck_assert_int_eq(source_read(source, 1, &got, &descriptor, &delay), RF_OK);
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_OK);
    ck_assert_uint_eq(got, 1);
    close(ends[1]);
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_OK);
    ck_assert_uint_eq(got, 1);
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_END);
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_END);
    ck_assert_int_eq(fcntl(STDIN_FILENO, F_GETFL), flags);
    ck_assert_uint_eq(source_length(source), 4);
    reading all = read_units(source, 0, 4, UINT64_MAX);
    assert_item_is(&all.items[1], RF_TEXT, "two", 3);
    assert_item_is(&all.items[3], RF_TEXT, "four", 4);
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

START_TEST(standard_input_that_cannot_be_read_is_an_error)
{
    int descriptor;
    double delay;
    uint64_t got;
    rf_options settled = read_options(100);
    close(STDIN_FILENO);
    rf_source *source = rf_lines(dash, 1);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_EINPUT);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "standard input"));
    ck_assert_int_eq(source_read(source, 10, &got, &descriptor, &delay), RF_END);
    rf_source_free(source);
    const char *twice[] = {"-", "x", "-"};
    check_waits(rf_lines(twice, 3), RF_EUSAGE, "twice");
}
END_TEST

START_TEST(a_list_with_standard_input_in_it_comes_in_its_order)
{
    const char *paths[] = {folder_write("before", "a\nb\n", 4), "-", folder_write("after", "e\nf\ng\n", 6)};
    static const char expected[] = "abcdefg";
    uint64_t random = suite_seed;
    take_as_input("c\nd", 3);
    rf_options settled = read_options(2);
    rf_source *source = rf_lines(paths, 3);
    reading all = read_source(source, &settled, &random);
    ck_assert(source_sequential(source) && source_read_by_workers(source));
    ck_assert_uint_eq(all.count, 7);
    for (uint64_t i = 0; i < 7; i++) {
        bool input = i == 2 || i == 3;
        uint64_t path_index;
        assert_item_is(&all.items[i], RF_TEXT, expected + i, 1);
        ck_assert_uint_eq(all.items[i].position, input ? i : i < 2 ? 2 * i : 2 * (i - 4));
        ck_assert_int_eq(source_path_of(source, all.items[i].unit, &path_index), !input);
        ck_assert_uint_eq(path_index, input ? UINT64_MAX : i > 3);
        assert_same_again(source, &all.items[i]);
    }
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

/* ---- generators -------------------------------------------------------------------------------------------------- */

struct counter { int64_t next, end, again_at; int released, status; };

static int count_up(rf_call *call, void *state)
{
    (void)call, (void)state;
    return RF_OK;
}

static void release_counter(void *state)
{
    ((struct counter *)state)->released++;
}

/* What the caller above this layer does: asks the function, and gives what it returned. */
static int call_counter(void *caller, rf_generator_function *next, void *state, column *to)
{
    struct counter *counter = state;
    if (caller != counter || next != count_up || to->count)
        return error_set(RF_EUSAGE, "usage", "the source calls its generator wrongly");
    if (counter->next == counter->again_at) {
        counter->again_at = -1;
        return RF_AGAIN;
    }
    if (counter->next == counter->end)
        return counter->status ? error_set(counter->status, "input", "no more") : RF_END;
    int64_t n = counter->next++;
    return column_add(to, n % 100 == 99 ? rf_text(large_text, sizeof large_text) : rf_of_i64(n));
}

static rf_source *counting(struct counter *counter, uint64_t iterable_len)
{
    rf_options settled = read_options(100);
    settled.iterable_len = iterable_len;
    source_caller caller = {.call = call_counter, .caller = counter};
    rf_source *source = rf_generator(count_up, counter, release_counter);
    ck_assert_int_eq(source_prepare(source, &settled, &caller), RF_OK);
    return source;
}

START_TEST(a_generator_is_asked_as_far_as_it_is_wanted_and_released_once)
{
    struct counter counter = {.end = 250, .again_at = 30};
    rf_source *source = counting(&counter, 0);
    uint64_t got;
    int descriptor;
    double delay;
    ck_assert_uint_eq(source_length(source), UINT64_MAX);
    ck_assert_int_eq(source_read(source, 20, &got, &descriptor, &delay), RF_OK);
    ck_assert_uint_eq(got, 20);
    ck_assert_int_eq(counter.next, 20);
    ck_assert_int_eq(source_read(source, 20, &got, &descriptor, &delay), RF_OK);
    ck_assert_uint_eq(got, 10);
    counter.again_at = 30;
    ck_assert_int_eq(source_read(source, 20, &got, &descriptor, &delay), RF_AGAIN);
    ck_assert_int_eq(descriptor, -1);
    ck_assert(delay > 0 && delay < 1);
    ck_assert_int_eq(source_read(source, 1000, &got, &descriptor, &delay), RF_OK);
    ck_assert_uint_eq(got, 220);
    ck_assert_int_eq(source_read(source, 1000, &got, &descriptor, &delay), RF_END);
    ck_assert_uint_eq(source_length(source), 250);
    reading all = read_units(source, 0, 250, UINT64_MAX);
    for (uint64_t i = 0; i < 250; i++)
        if (i % 100 == 99)
            assert_item_is(&all.items[i], RF_TEXT, large_text, sizeof large_text);
        else
            ck_assert_int_eq(all.items[i].value.i64, (int64_t)i);
    reading_free(&all);
    ck_assert_int_eq(counter.released, 0);
    rf_source_free(source);
    ck_assert_int_eq(counter.released, 1);
    check_waits(rf_generator(NULL, &counter, release_counter), RF_EUSAGE, "NULL");
    ck_assert_int_eq(counter.released, 2);
}
END_TEST

START_TEST(a_generator_is_cut_by_iterable_len_and_told_when_it_fails)
{
    struct counter counter = {.end = 250, .again_at = -1, .status = RF_EINPUT};
    rf_source *source = counting(&counter, 40);
    uint64_t got;
    int descriptor;
    double delay;
    ck_assert_uint_eq(source_length(source), 40);
    ck_assert_int_eq(source_read(source, 1000, &got, &descriptor, &delay), RF_OK);
    ck_assert_uint_eq(got, 40);
    ck_assert_int_eq(source_read(source, 1000, &got, &descriptor, &delay), RF_END);
    ck_assert_int_eq(counter.next, 40);
    rf_source_free(source);
    source = counting(&counter, RF_ENDLESS);
    ck_assert_uint_eq(source_length(source), UINT64_MAX);
    ck_assert_int_eq(source_read(source, 1000, &got, &descriptor, &delay), RF_EINPUT);
    ck_assert_uint_eq(got, 210);
    ck_assert_str_eq(rf_last_error()->message, "no more");
    ck_assert_int_eq(source_read(source, 1000, &got, &descriptor, &delay), RF_END);
    rf_source_free(source);
}
END_TEST

START_TEST(what_is_forgotten_in_any_order_is_gone_and_the_rest_stays)
{
    struct counter counter = {.end = 100000, .again_at = -1};
    rf_source *source = counting(&counter, RF_ENDLESS);
    uint64_t random = suite_seed, got, described, order[100];
    int descriptor;
    double delay;
    input_piece piece;
    for (uint64_t round = 0; round < 20; round++) {
        uint64_t base = 1000 * round;
        ck_assert_int_eq(source_read(source, 1000, &got, &descriptor, &delay), RF_OK);
        ck_assert_uint_eq(got, 1000);
        for (size_t i = 0; i < 100; i++) {
            size_t j = random_below(&random, i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (size_t i = 0; i < 100; i++) {
            uint64_t first = base + 10 * order[i];
            reading all = read_units(source, first, 10, UINT64_MAX);
            ck_assert_uint_eq(all.count, 10);
            ck_assert_int_eq(all.items[0].value.i64, (int64_t)first);
            reading_free(&all);
            source_forget(source, first, 10);
        }
        ck_assert_int_eq(source_describe(source, base + random_below(&random, 1000), 1, &piece, &described), RF_EUSAGE);
    }
    rf_source_free(source);
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------------------------------ */

START_TEST(each_failing_allocation_is_an_error_that_waits_or_is_told_and_leaks_nothing)
{
    const char *texts[] = {"one", large_text, "three"}, *paths[] = {folder_write("before", "a\nb\n", 4), "-"};
    rf_options settled = read_options(2);
    memset(large_text, 'L', sizeof large_text - 1);
    for (unsigned kind = 0; kind < 4; kind++) {
        FAILING_EACH_IN_TURN(n) {
            struct counter counter = {.next = 98, .end = 102, .again_at = -1};
            source_caller caller = {.call = call_counter, .caller = &counter};
            failing_malloc_stop();
            take_as_input("c\nd\ne\n", 6);
            settled.rate_limit.count = kind == 2 ? 5 : RF_NONE;
            failing_malloc_at(n);
            rf_source *source = kind == 0   ? rf_strings(texts, 3)
                                : kind <= 2 ? rf_lines(paths, 2)
                                            : rf_generator(count_up, &counter, release_counter);
            uint64_t got = 3, described = 0;
            int descriptor, status = source_prepare(source, &settled, &caller);
            double delay;
            input_piece piece;
            if (!status && source_sequential(source))
                status = source_read(source, 3, &got, &descriptor, &delay);
            for (uint64_t at = 0; !status && at < 3; at += described)
                status = source_describe(source, at, 3 - at, &piece, &described);
            bool failed = failing_malloc_stop();
            ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
            ck_assert_int_eq(rf_last_error()->status == RF_ENOMEM, failed || n > 1);
            rf_source_free(source);
            ck_assert_int_eq(counter.released, kind == 3);
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("source");
    TCase *indexed = tcase_create("indexed"), *sequential = tcase_create("sequential");
    tcase_add_test(indexed, lengths_of_ranges_are_exact_for_all_bounds_and_steps);
    tcase_add_test(indexed, a_range_gives_its_numbers_from_any_unit_on);
    tcase_add_test(indexed, arrays_that_cannot_be_are_errors_that_wait);
    tcase_add_test(indexed, an_array_travels_without_a_copy_in_pieces_of_bounded_size);
    tcase_add_test(indexed, values_come_as_they_were_in_any_pieces);
    tcase_add_test(indexed, pieces_of_values_are_of_bounded_size_and_a_large_value_is_alone_and_not_copied);
    tcase_add_test(indexed, containers_and_strings_travel_as_values);
    tcase_add_test(indexed, A16_what_was_added_comes_with_its_indices_in_any_pieces);
    tcase_add_test(indexed, what_was_added_is_there_until_it_is_forgotten);
    tcase_add_test(indexed, a_piece_of_added_values_that_lies_is_refused);
    tcase_add_test(indexed, E10_files_of_many_items_a_block_are_read_by_rank_0_item_by_item);
    tcase_add_test(sequential, a_file_that_rank_0_cannot_read_to_its_end_ends_the_source);
    tcase_add_test(indexed, iterable_len_cuts_a_longer_source_and_may_not_contradict_a_known_length);
    tcase_add_test(indexed, many_small_files_travel_together_in_pieces_of_bounded_size);
    tcase_add_loop_test(sequential, standard_input_gives_lines_splits_records_or_all_of_it, 0, 20);
    tcase_add_test(sequential, a_slow_pipe_is_not_waited_for_and_keeps_its_flags);
    tcase_add_test(sequential, standard_input_that_cannot_be_read_is_an_error);
    tcase_add_test(sequential, a_list_with_standard_input_in_it_comes_in_its_order);
    tcase_add_test(sequential, a_generator_is_asked_as_far_as_it_is_wanted_and_released_once);
    tcase_add_test(sequential, a_generator_is_cut_by_iterable_len_and_told_when_it_fails);
    tcase_add_test(sequential, what_is_forgotten_in_any_order_is_gone_and_the_rest_stays);
    tcase_add_test(sequential, each_failing_allocation_is_an_error_that_waits_or_is_told_and_leaks_nothing);
    TCase *cases[] = {indexed, sequential};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tcase_add_unchecked_fixture(cases[i], folder_make, folder_remove);
        tcase_set_timeout(cases[i], 120);
        suite_add_tcase(all, cases[i]);
    }
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
