/* input/source_zip, reader_zip, source_materialise: sources side by side, wrapped, and read at once. */
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/random.h"
#include "failing_malloc.h"
#include "input/source.h"
#include "reading.h"
#include "suite.h"
#include "value/pack.h"

#define MEMBERS 4

static rf_options settled_for(uint64_t iterable_len)
{
    rf_options settled = read_options(100);
    settled.iterable_len = iterable_len;
    return settled;
}

/* ---- scripted generators: they ask nobody but their state ---- */

struct script { uint64_t next, end; int ends_with; uint64_t *random; int released; rf_value (*value)(uint64_t i); };

static int unused(rf_call *call, void *state)
{
    (void)call, (void)state;
    return RF_OK;
}

static void release(void *state)
{
    ((struct script *)state)->released++;
}

static int follow(void *caller, rf_generator_function *next, void *state, column *to)
{
    struct script *its = state;
    (void)caller, (void)next;
    if (its->random && random_below(its->random, 4) == 0)
        return RF_AGAIN;
    if (its->next == its->end)
        return its->ends_with < 0 ? error_set(its->ends_with, "input", "torn at %" PRIu64, its->next) : RF_END;
    return column_add(to, its->value(its->next++));
}

static const source_caller follower = {.call = follow};

static rf_value number(uint64_t i)
{
    return rf_of_i64((int64_t)i * 3 - 7);
}

static char long_text[3 * SOURCE_PIECE_BYTES];

/* Small and large, of all types but tuples. */
static rf_value mixed(uint64_t i)
{
    switch (i % 23) {
    case 0:
        return rf_nil();
    case 1:
        return rf_of_f64((double)i / 4);
    case 2:
        return i % 5 ? rf_of_bool(i % 2) : rf_text(long_text, SOURCE_PIECE_BYTES - 50 + i);
    default:
        return i % 2 ? rf_text(long_text, i % 90) : rf_bytes(long_text, i % 17);
    }
}

static int prepare(rf_source *source, uint64_t iterable_len)
{
    rf_options settled = settled_for(iterable_len);
    return source_prepare(source, &settled, &follower);
}

static void check_refused(rf_source *source, uint64_t iterable_len, int status, const char *text)
{
    ck_assert_ptr_nonnull(source);
    ck_assert_int_eq(prepare(source, iterable_len), status);
    ck_assert_int_eq(rf_last_error()->status, status);
    ck_assert_msg(strstr(rf_last_error()->message, text) != NULL, "%s", rf_last_error()->message);
    rf_source_free(source);
}

/* ---- lengths ---- */

static uint64_t length_of(rf_source *source, uint64_t iterable_len)
{
    ck_assert_msg(prepare(source, iterable_len) == RF_OK, "%s", rf_last_error()->message);
    uint64_t length = source_length(source);
    rf_source_free(source);
    return length;
}

START_TEST(a_zip_is_as_long_as_its_shortest_member_and_may_be_declared_shorter)
{
    static struct script endless = {.end = UINT64_MAX, .value = number};
    ck_assert_uint_eq(length_of(RF_ZIP(rf_range(0, 100), rf_range(100, 200)), 0), 100);
    ck_assert_uint_eq(length_of(RF_ZIP(rf_range(0, 100), rf_range(0, 7), rf_range(0, 50)), 0), 7);
    ck_assert_uint_eq(length_of(RF_ZIP(rf_range(0, 100), RF_VALUES(1, 2)), 2), 2);
    ck_assert_uint_eq(length_of(RF_ZIP(rf_range(0, 100), rf_range(0, 100)), 60), 60);
    ck_assert_uint_eq(length_of(RF_ZIP(rf_range(0, 100), rf_range(0, 0)), 0), 0);
    ck_assert_uint_eq(length_of(RF_ZIP(rf_range(INT64_MIN, INT64_MAX), rf_range(INT64_MIN, INT64_MAX)), 0), UINT64_MAX);
    ck_assert_uint_eq(length_of(rf_single(rf_range(0, 12)), 0), 12);
    ck_assert_uint_eq(length_of(rf_generator(unused, &endless, NULL), 0), UINT64_MAX);
    ck_assert_uint_eq(length_of(rf_single(rf_generator(unused, &endless, NULL)), 0), UINT64_MAX);
    ck_assert_uint_eq(length_of(rf_single(rf_generator(unused, &endless, NULL)), 9), 9);
    ck_assert_uint_eq(length_of(RF_ZIP(rf_generator(unused, &endless, NULL), rf_range(0, 5)), 0), 5);
    ck_assert_uint_eq(length_of(RF_ZIP(rf_generator(unused, &endless, NULL), rf_range(0, 5)), 4), 4);
}
END_TEST

START_TEST(a_length_that_contradicts_what_the_members_know_is_refused)
{
    static struct script endless = {.end = UINT64_MAX, .value = number};
    check_refused(RF_ZIP(rf_range(0, 9), rf_range(0, 7)), 8, RF_EOPTION, "iterable_len is 8, but the source has 7 items");
    check_refused(RF_ZIP(rf_range(0, 9), rf_range(0, 7)), RF_ENDLESS, RF_EOPTION, "the source has 7 items");
    check_refused(RF_ZIP(rf_range(0, 9), rf_generator(unused, &endless, NULL)), 10, RF_EOPTION, "has at most 9 items");
    check_refused(RF_ZIP(rf_range(0, 9), rf_generator(unused, &endless, NULL)), RF_ENDLESS, RF_EOPTION, "has at most 9 items");
}
END_TEST

/* ---- what travels ---- */

START_TEST(a_zip_of_ranges_sends_no_item)
{
    rf_source *source = RF_ZIP(rf_range(0, INT64_MAX), rf_range_by(0, INT64_MIN, -1));
    input_piece piece;
    uint64_t described;
    ck_assert_int_eq(prepare(source, 0), RF_OK);
    ck_assert(!source_sequential(source));
    ck_assert_uint_eq(source_unit_bytes(source), 0);
    ck_assert_int_eq(source_describe(source, 1000, UINT64_C(1) << 40, &piece, &described), RF_OK);
    ck_assert_uint_eq(described, UINT64_C(1) << 40);
    ck_assert_uint_eq(piece.body_size, 2 * sizeof(struct input_member));
    ck_assert_int_eq(source_describe(source, INT64_MAX, 1, &piece, &described), RF_EUSAGE);
    rf_source_free(source);
}
END_TEST

START_TEST(a_piece_is_of_bounded_size_also_where_the_members_cut_theirs_differently)
{
    static double numbers[50000];
    static rf_value values[50000];
    for (size_t i = 0; i < 50000; i++)
        values[i] = rf_text(long_text, i % 2000 == 777 ? 100000 : 10);
    rf_source *source = RF_ZIP(rf_range(0, 50000), RF_ARRAY(numbers, 50000), rf_values(values, 50000));
    input_piece piece;
    uint64_t described;
    ck_assert_int_eq(prepare(source, 0), RF_OK);
    for (uint64_t at = 0; at < 50000; at += described) {
        ck_assert_int_eq(source_describe(source, at, 50000 - at, &piece, &described), RF_OK);
        ck_assert_uint_ge(described, 1);
        ck_assert(described == 1 || piece.body_size <= 2 * SOURCE_PIECE_BYTES);
        ck_assert_uint_eq((uintptr_t)piece.body % 16, 0);
    }
    rf_source_free(source);
}
END_TEST

/* ---- any mix, compared with its items encoded one by one ---- */

typedef struct mix {
    struct script scripts[MEMBERS];
    int kinds[MEMBERS];
    size_t count;
    uint64_t length;
    bool sequential;
} mix;

static int64_t integers[2000];
static struct three { char bytes[3]; } threes[2000];

enum { OF_RANGE, OF_INTEGERS, OF_BYTES, OF_VALUES, OF_GENERATOR, OF_ZIP, OF_SINGLE, KINDS };

static rf_value element(int kind, uint64_t i, rf_value pair[2])
{
    switch (kind) {
    case OF_RANGE:
        return number(i);
    case OF_INTEGERS:
        return rf_of_i64(integers[i]);
    case OF_BYTES:
        return rf_bytes(&threes[i], 3);
    case OF_ZIP:
        pair[0] = number(i);
        pair[1] = mixed(i);
        return rf_tuple_of(pair, 2);
    case OF_SINGLE:
        pair[0] = mixed(i);
        return rf_tuple_of(pair, 1);
    default:
        return mixed(i);
    }
}

static rf_source *values_of(uint64_t count)
{
    static rf_value values[2000];
    for (uint64_t i = 0; i < count; i++)
        values[i] = mixed(i);
    return rf_values(values, count);
}

static rf_source *member(struct script *its, int kind, uint64_t count)
{
    switch (kind) {
    case OF_RANGE:
        return rf_range_by(-7, -7 + 3 * (int64_t)count, 3);
    case OF_INTEGERS:
        return RF_ARRAY(integers, count);
    case OF_BYTES:
        return RF_ARRAY(threes, count);
    case OF_VALUES:
        return values_of(count);
    case OF_GENERATOR:
        return rf_generator(unused, its, NULL);
    case OF_ZIP:
        return RF_ZIP(rf_range_by(-7, INT64_MAX, 3), values_of(count));
    default:
        return rf_single(rf_generator(unused, its, NULL));
    }
}

static rf_source *draw_mix(mix *of, uint64_t *random)
{
    rf_source *members[MEMBERS];
    *of = (mix){.count = 1 + random_below(random, MEMBERS), .length = UINT64_MAX};
    for (size_t i = 0; i < of->count; i++) {
        uint64_t count = random_below(random, random_below(random, 8) ? 2000 : 3);
        of->kinds[i] = (int)random_below(random, KINDS);
        of->scripts[i] = (struct script){.end = count, .random = random, .value = mixed};
        members[i] = member(&of->scripts[i], of->kinds[i], count);
        of->length = count < of->length ? count : of->length;
        of->sequential |= of->kinds[i] == OF_GENERATOR || of->kinds[i] == OF_SINGLE;
    }
    return of->count == 1 && random_below(random, 2) ? rf_single(members[0]) : rf_zip(members, of->count);
}

static void check_item(const mix *of, const read_item *item, uint64_t i)
{
    rf_value elements[MEMBERS], pairs[MEMBERS][2];
    buffer wanted = {0};
    for (size_t m = 0; m < of->count; m++)
        elements[m] = element(of->kinds[m], i, pairs[m]);
    ck_assert_int_eq(pack_value(&wanted, rf_tuple_of(elements, of->count)), RF_OK);
    ck_assert_uint_eq(item->unit, i);
    ck_assert_uint_eq(item->position, i);
    ck_assert_uint_eq(item->path_index, UINT64_MAX);
    assert_item_is(item, RF_TUPLE_TYPE, wanted.data, wanted.size);
    buffer_free(&wanted);
}

static void fill_arrays(uint64_t *random)
{
    memset(long_text, 'L', sizeof long_text);
    for (size_t i = 0; i < 2000; i++) {
        integers[i] = (int64_t)random_next(random);
        memset(&threes[i], (int)(i % 256), sizeof threes[i]);
    }
}

START_TEST(any_mix_comes_as_tuples_of_its_members_items_in_any_pieces)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    fill_arrays(&random);
    for (int round = 0; round < 10; round++) {
        mix of;
        rf_source *source = draw_mix(&of, &random);
        ck_assert_msg(prepare(source, 0) == RF_OK, "%s", rf_last_error()->message);
        ck_assert_int_eq(source_sequential(source), of.sequential);
        if (of.sequential)
            read_ahead(source, &random);
        ck_assert_uint_eq(source_length(source), of.length);
        for (uint64_t at = 0; at < of.length;) {
            uint64_t most = of.length - at, count = 1 + random_below(&random, most < 300 ? most : 300);
            reading some = read_units(source, at, count, UINT64_MAX);
            ck_assert_uint_eq(some.count, count);
            for (uint64_t i = 0; i < count; i++)
                check_item(&of, &some.items[i], at + i);
            assert_same_again(source, &some.items[random_below(&random, count)]);
            reading_free(&some);
            source_forget(source, at, count);
            at += count;
        }
        rf_source_free(source);
    }
}
END_TEST

/* ---- how sequential ones end ---- */

typedef struct ending { uint64_t count; int status; } ending;

/* What asking each member in turn, unit by unit, would have found. */
static ending ask_in_turn(const struct script *scripts, size_t count, uint64_t limit)
{
    for (uint64_t unit = 0; unit < limit; unit++)
        for (size_t i = 0; i < count; i++)
            if (scripts[i].end == unit)
                return (ending){unit, scripts[i].ends_with};
    return (ending){limit, RF_END};
}

START_TEST(a_sequential_zip_ends_as_asking_each_member_in_turn_would)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    for (int round = 0; round < 100; round++) {
        struct script scripts[MEMBERS];
        rf_source *members[MEMBERS + 1];
        size_t count = 1 + random_below(&random, MEMBERS);
        uint64_t limit = 1 + random_below(&random, 30), all = 0;
        for (size_t i = 0; i < count; i++) {
            scripts[i] = (struct script){.end = random_below(&random, 20), .random = &random, .value = number,
                                         .ends_with = random_below(&random, 2) ? RF_END : RF_EINPUT};
            members[i] = rf_generator(unused, &scripts[i], release);
        }
        members[count] = rf_range(0, (int64_t)limit);
        ending wanted = ask_in_turn(scripts, count, limit);
        rf_source *source = rf_zip(members, count + 1);
        ck_assert_int_eq(prepare(source, 0), RF_OK);
        int status = RF_OK;
        while (status == RF_OK || status == RF_AGAIN) {
            uint64_t got, want = 1 + random_below(&random, 9);
            int descriptor;
            double delay;
            status = source_read(source, want, &got, &descriptor, &delay);
            ck_assert_uint_le(got, want);
            ck_assert_int_eq(status == RF_OK, got > 0);
            ck_assert_int_eq(status == RF_AGAIN, delay < 1 && !got);
            all += got;
        }
        ck_assert_uint_eq(all, wanted.count);
        ck_assert_int_eq(status, wanted.status);
        ck_assert_uint_eq(source_length(source), wanted.count);
        if (status < 0) {
            char text[40];
            snprintf(text, sizeof text, "torn at %" PRIu64, wanted.count);
            ck_assert_str_eq(rf_last_error()->message, text);
        }
        uint64_t got;
        int descriptor;
        double delay;
        ck_assert_int_eq(source_read(source, 5, &got, &descriptor, &delay), RF_END);
        for (size_t i = 0; i < count; i++)
            ck_assert_uint_le(scripts[i].next, limit);
        rf_source_free(source);
        for (size_t i = 0; i < count; i++)
            ck_assert_int_eq(scripts[i].released, 1);
    }
}
END_TEST

START_TEST(a_member_is_read_no_further_than_those_before_it_came)
{
    struct script first = {.end = 3, .value = number}, second = {.end = 100, .value = number};
    rf_source *source = RF_ZIP(rf_generator(unused, &first, NULL), rf_generator(unused, &second, NULL));
    ck_assert_int_eq(prepare(source, 0), RF_OK);
    read_ahead(source, NULL);
    ck_assert_uint_eq(second.next, 3);
    rf_source_free(source);
}
END_TEST

/* ---- singles ---- */

START_TEST(a_single_keeps_what_files_know_of_their_items)
{
    const char *paths[] = {folder_write("one", "a\nbb\n", 5), folder_write("two", "c\n", 2)};
    rf_source *source = rf_single(rf_lines(paths, 2));
    uint64_t random = suite_seed, path_index;
    rf_options settled = settled_for(0);
    settled.split_size = 2;
    reading all = read_source(source, &settled, &random);
    ck_assert(source_read_by_workers(source));
    ck_assert_ptr_nonnull(source_paths(source));
    ck_assert_uint_eq(all.count, 3);
    assert_item_is(&all.items[0], RF_TUPLE_TYPE, "\x91\xa1" "a", 3);
    assert_item_is(&all.items[1], RF_TUPLE_TYPE, "\x91\xa2" "bb", 4);
    assert_item_is(&all.items[2], RF_TUPLE_TYPE, "\x91\xa1" "c", 3);
    ck_assert_uint_eq(all.items[1].position, 2);
    ck_assert_str_eq(all.items[1].path, paths[0]);
    ck_assert_uint_eq(all.items[2].position, 0);
    ck_assert_uint_eq(all.items[2].path_index, 1);
    ck_assert(source_path_of(source, all.items[2].unit, &path_index) && path_index == 1);
    for (size_t i = 0; i < 3; i++)
        assert_same_again(source, &all.items[i]);
    reading_free(&all);
    rf_source_free(source);
    settled.iterable_len = 3;
    source = rf_single(rf_lines(paths, 2));
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_EOPTION);
    rf_source_free(source);
}
END_TEST

START_TEST(what_cannot_be_read_of_a_single_is_a_failed_item)
{
    const char *path = folder_write("records", "abcde", 5);
    rf_options settled = settled_for(0);
    rf_source *source = rf_single(rf_records(&path, 1, 3));
    reading all = read_source(source, &settled, NULL);
    ck_assert_uint_eq(all.count, 2);
    assert_item_is(&all.items[0], RF_TUPLE_TYPE, "\x91\xc4\3abc", 6);
    assert_item_fails(&all.items[1], "short last record");
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

/* ---- wrong use ---- */

START_TEST(wrong_members_are_errors_that_wait_and_are_freed)
{
    static struct script its = {.value = number};
    rf_source *many[65], *same = rf_range(0, 3), *nested = rf_range(0, 3);
    const char *path = folder_write("lines", "a\n", 2);
    check_refused(RF_ZIP(rf_generator(unused, &its, release), NULL), 0, RF_EUSAGE, "rf_zip: source 2 of 2 is NULL");
    ck_assert_int_eq(its.released, 1);
    check_refused(rf_single(NULL), 0, RF_EUSAGE, "rf_single: source 1 of 1 is NULL");
    check_refused(RF_ZIP(same, rf_range(0, 1), same), 0, RF_EUSAGE, "sources 1 and 3 are the same one");
    check_refused(rf_zip(NULL, 0), 0, RF_EUSAGE, "0 sources");
    check_refused(rf_zip(NULL, 1), 0, RF_EUSAGE, "the array is NULL");
    for (size_t i = 0; i < 65; i++)
        many[i] = rf_range(0, 3);
    check_refused(rf_zip(many, 65), 0, RF_EUSAGE, "65 sources");
    for (int i = 0; i < 9; i++)
        nested = rf_single(nested);
    check_refused(nested, 0, RF_EUSAGE, "nest deeper than 8");
    check_refused(RF_ZIP(rf_range(0, 3), rf_range_by(0, 3, 0)), 0, RF_EUSAGE, "the step is 0");
    check_refused(RF_ZIP(rf_range(0, 3), rf_lines(&path, 1)), 0, RF_EUSAGE, "source 2 is files");
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "rf_materialise"));
    check_refused(RF_ZIP(rf_single(rf_files(&path, 1)), rf_range(0, 3)), 0, RF_EUSAGE, "source 1 is files");
    check_refused(rf_materialise(NULL), 0, RF_EUSAGE, "the source is NULL");
    check_refused(rf_materialise(rf_range_by(0, 3, 0)), 0, RF_EUSAGE, "the step is 0");
}
END_TEST

/* ---- standard input, and reading at once ---- */

static void take_as_input(const char *text)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
}

START_TEST(standard_input_can_be_zipped)
{
    const char *dash = "-";
    rf_options settled = settled_for(0);
    take_as_input("one\ntwo\nthree\n");
    rf_source *source = RF_ZIP(rf_range(0, 2), rf_lines(&dash, 1));
    reading all = read_source(source, &settled, NULL);
    ck_assert_uint_eq(all.count, 2);
    assert_item_is(&all.items[1], RF_TUPLE_TYPE, "\x92\1\xa3two", 6);
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

static void check_materialised(rf_source *source, const read_item *items, size_t count)
{
    rf_options settled = settled_for(count);
    reading all = read_source(source, &settled, NULL);
    ck_assert_uint_eq(all.count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(all.items[i].position, i);
        ck_assert_uint_eq(all.items[i].path_index, UINT64_MAX);
        if (rf_type_of(items[i].value) >= RF_TEXT)
            assert_item_is(&all.items[i], rf_type_of(items[i].value), items[i].value.data, rf_size(items[i].value));
        else
            ck_assert_uint_eq(all.items[i].value.u64, items[i].value.u64);
    }
    reading_free(&all);
    rf_source_free(source);
}

START_TEST(what_is_materialised_has_the_same_items)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    rf_options settled = settled_for(0);
    fill_arrays(&random);
    for (int round = 0; round < 4; round++) {
        uint64_t again = random;
        mix of, same;
        rf_source *source = draw_mix(&of, &random), *other = draw_mix(&same, &again);
        reading all = {0};
        ck_assert_int_eq(prepare(source, 0), RF_OK);
        if (of.sequential)
            read_ahead(source, NULL);
        if (of.length)
            all = read_units(source, 0, of.length, UINT64_MAX);
        check_materialised(source_materialise(other, &settled, &follower), all.items, all.count);
        reading_free(&all);
        rf_source_free(source);
    }
    take_as_input("a\nb\n");
    const char *paths[] = {folder_write("lines", "one\ntwo\n", 8), "-"};
    read_item lines[] = {{.value = rf_text("one", 3)}, {.value = rf_text("two", 3)}, {.value = rf_text("a", 1)}, {.value = rf_text("b", 1)}};
    check_materialised(rf_materialise(rf_lines(paths, 2)), lines, 4);
    ck_assert_uint_eq(length_of(RF_ZIP(rf_materialise(rf_lines(paths, 1)), rf_range(0, 9)), 0), 2);
    check_refused(rf_materialise(rf_records(paths, 1, 3)), 0, RF_EINPUT, "short last record");
}
END_TEST

static int counted(rf_call *call, void *state)
{
    struct { int next, asked; } *its = state;
    if (its->asked++ % 2 == 0)
        return RF_AGAIN;
    if (its->next < 5)
        return RF_RETURN(call, its->next++, "text");
    return its->next == 5 ? RF_END : rf_fail(call, "tape", "torn");
}

START_TEST(a_generator_is_run_to_its_end_without_a_pool)
{
    int next[2] = {0}, broken[2] = {6};
    ck_assert_uint_eq(length_of(rf_materialise(rf_generator(counted, next, NULL)), 0), 5);
    check_refused(rf_materialise(rf_generator(counted, broken, NULL)), 0, RF_EFUNCTION, "torn");
}
END_TEST

/* ---- memory ---- */

START_TEST(each_failing_allocation_is_an_error_that_waits_or_is_told_and_leaks_nothing)
{
    FAILING_EACH_IN_TURN(n) {
        struct script its = {.end = 10, .value = mixed};
        rf_options settled = settled_for(0);
        rf_source *source = RF_ZIP(rf_generator(unused, &its, release), rf_single(RF_VALUES("a", 2, RF_TUPLE(3))), rf_range(0, 5));
        uint64_t got = 0, all = 0, described = 0;
        int descriptor, status = source_prepare(source, &settled, &follower), items = 0;
        double delay;
        input_piece piece;
        reader *from = status ? NULL : reader_new();
        reader_item item;
        if (!status && !from)
            status = RF_ENOMEM;
        for (; !status && all < 3; all += got)
            status = source_read(source, 3 - all, &got, &descriptor, &delay);
        if (!status)
            status = source_describe(source, 0, all, &piece, &described);
        if (!status)
            status = reader_open(from, &piece, 0, described, UINT64_MAX);
        while (!status && (status = reader_next(from, &item)) == RF_OK)
            items++;
        reader_free(from);
        rf_source_free(source);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_END);
        ck_assert_int_eq(items, failed ? items : 3);
        ck_assert_int_eq(its.released, 1);
    }
    FAILING_EACH_IN_TURN(n) {
        struct script its = {.end = 10, .value = mixed};
        rf_options settled = settled_for(0);
        rf_source *source = source_materialise(rf_generator(unused, &its, release), &settled, &follower);
        int status = source_prepare(source, &settled, NULL);
        rf_source_free(source);
        ck_assert_int_eq(status, failing_malloc_stop() ? RF_ENOMEM : RF_OK);
        ck_assert_int_eq(its.released, 1);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("zip");
    TCase *zips = tcase_create("zips");
    tcase_add_test(zips, a_zip_is_as_long_as_its_shortest_member_and_may_be_declared_shorter);
    tcase_add_test(zips, a_length_that_contradicts_what_the_members_know_is_refused);
    tcase_add_test(zips, a_zip_of_ranges_sends_no_item);
    tcase_add_test(zips, a_piece_is_of_bounded_size_also_where_the_members_cut_theirs_differently);
    tcase_add_loop_test(zips, any_mix_comes_as_tuples_of_its_members_items_in_any_pieces, 0, 10);
    tcase_add_loop_test(zips, a_sequential_zip_ends_as_asking_each_member_in_turn_would, 0, 10);
    tcase_add_test(zips, a_member_is_read_no_further_than_those_before_it_came);
    tcase_add_test(zips, a_single_keeps_what_files_know_of_their_items);
    tcase_add_test(zips, what_cannot_be_read_of_a_single_is_a_failed_item);
    tcase_add_test(zips, wrong_members_are_errors_that_wait_and_are_freed);
    tcase_add_test(zips, standard_input_can_be_zipped);
    tcase_add_loop_test(zips, what_is_materialised_has_the_same_items, 0, 5);
    tcase_add_test(zips, a_generator_is_run_to_its_end_without_a_pool);
    tcase_add_test(zips, each_failing_allocation_is_an_error_that_waits_or_is_told_and_leaks_nothing);
    tcase_add_unchecked_fixture(zips, folder_make, folder_remove);
    tcase_set_timeout(zips, 120);
    suite_add_tcase(all, zips);
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
