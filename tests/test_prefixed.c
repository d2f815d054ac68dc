/* input/prefixed: pairs of length-prefixed files, plain, through zlib and from standard input; cut short at any byte, and with sizes that
   no writer gives. */
#include "reading.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/random.h"
#include "failing_malloc.h"
#include "failing_read.h"
#include "suite.h"

static void put_size(buffer *file, size_t size)
{
    const uint8_t bytes[4] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), (uint8_t)(size >> 24)};
    ck_assert_int_eq(buffer_put(file, bytes, 4), RF_OK);
}

static void put_pair(buffer *file, size_t key, size_t value, uint64_t *random)
{
    put_size(file, key);
    put_size(file, value);
    uint8_t *at = buffer_add(file, key + value);
    for (size_t i = 0; i < key + value; i++)
        at[i] = (uint8_t)random_next(random);
}

static size_t size_at(const uint8_t *at)
{
    return at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/* The pair that lies at at of the file; gives where the next one does. */
static size_t check_pair(rf_value pair, const buffer *file, size_t at)
{
    rf_value key, value, more;
    size_t key_size = size_at(file->data + at), value_size = size_at(file->data + at + 4);
    ck_assert_int_eq(rf_take(&pair, &key), RF_OK);
    ck_assert_int_eq(rf_take(&pair, &value), RF_OK);
    ck_assert_int_eq(rf_take(&pair, &more), RF_END);
    ck_assert(rf_type_of(key) == RF_BYTES && rf_type_of(value) == RF_BYTES);
    ck_assert(rf_size(key) == key_size && rf_size(value) == value_size);
    ck_assert_int_eq(memcmp(key.data, file->data + at + 8, key_size), 0);
    ck_assert_int_eq(memcmp(value.data, file->data + at + 8 + key_size, value_size), 0);
    return at + 8 + key_size + value_size;
}

static size_t draw_size(uint64_t *random)
{
    static const size_t most[] = {1, 20, 20, 300, 5000, 600000};
    return random_below(random, most[random_below(random, 6)]);
}

static void draw_pairs(buffer *file, uint64_t pairs, uint64_t *random)
{
    for (uint64_t i = 0; i < pairs; i++)
        put_pair(file, draw_size(random), draw_size(random), random);
}

START_TEST(any_pairs_come_as_they_were_written_and_again_by_position)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    for (unsigned round = 0; round < 6; round++) {
        buffer file[2] = {{0}, {0}};
        draw_pairs(&file[0], random_below(&random, 60), &random);
        draw_pairs(&file[1], 1 + random_below(&random, 60), &random);
        const char *paths[2] = {folder_write("pairs", file[0].data, file[0].size), folder_gzip("pairs.gz", file[1].data, file[1].size, 1)};
        rf_options settled = read_options(1 + random_below(&random, 100000));
        rf_source *source = rf_prefixed(paths, 2);
        failing_read_short(round % 2 ? random | 1 : 0);
        reading all = read_source(source, &settled, &random);
        failing_read_short(0);
        ck_assert_uint_eq(source_length(source), 2);
        size_t at[2] = {0, 0};
        for (size_t i = 0; i < all.count; i++) {
            uint64_t of = all.items[i].path_index;
            ck_assert_msg(all.items[i].status == RF_OK, "%s", all.items[i].message);
            ck_assert_uint_eq(all.items[i].position, at[of]);
            at[of] = check_pair(all.items[i].value, &file[of], at[of]);
        }
        ck_assert(at[0] == file[0].size && at[1] == file[1].size);
        for (unsigned i = 0; i < 5; i++)
            assert_same_again(source, &all.items[random_below(&random, all.count)]);
        reading_free(&all);
        rf_source_free(source);
        buffer_free(&file[0]);
        buffer_free(&file[1]);
    }
}
END_TEST

START_TEST(key_and_value_are_aligned_with_a_nul_behind)
{
    uint64_t random = suite_seed;
    buffer file = {0};
    draw_pairs(&file, 50, &random);
    const char *path = folder_write("pairs", file.data, file.size);
    rf_options settled = read_options(100);
    rf_source *source = rf_prefixed(&path, 1);
    input_piece piece;
    uint64_t described;
    reader_item item;
    reader *from = reader_new();
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    ck_assert_int_eq(source_describe(source, 0, 1, &piece, &described), RF_OK);
    ck_assert_int_eq(reader_open(from, &piece, 0, 1, UINT64_MAX), RF_OK);
    while (reader_next(from, &item) == RF_OK) {
        rf_value element;
        for (unsigned i = 0; i < 2; i++) {
            ck_assert_int_eq(rf_take(&item.value, &element), RF_OK);
            ck_assert_uint_eq((uintptr_t)element.data % 16, 0);
            ck_assert_int_eq(((const char *)element.data)[rf_size(element)], 0);
        }
    }
    reader_free(from);
    rf_source_free(source);
    buffer_free(&file);
}
END_TEST

START_TEST(a_file_is_read_as_it_is_needed)
{
    uint64_t random = suite_seed;
    buffer file = {0};
    while (file.size < 8 << 20)
        put_pair(&file, 10, 90, &random);
    const char *path = folder_write("long", file.data, file.size);
    rf_options settled = read_options(100);
    rf_source *source = rf_prefixed(&path, 1);
    input_piece piece;
    uint64_t described, before = failing_read_bytes();
    reader_item item;
    reader *from = reader_new();
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    ck_assert_int_eq(source_describe(source, 0, 1, &piece, &described), RF_OK);
    ck_assert_int_eq(reader_open(from, &piece, 0, 1, UINT64_MAX), RF_OK);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(reader_next(from, &item), RF_OK);
    ck_assert_uint_lt(failing_read_bytes() - before, 1 << 20);
    reader_free(from);
    rf_source_free(source);
    buffer_free(&file);
}
END_TEST

/* Pairs of path, then whatever is wrong with it, then a sound file's only pair. */
static void check_cut(const char *path, const buffer *file, size_t cut, const char *why)
{
    static const uint8_t sound[] = {1, 0, 0, 0, 2, 0, 0, 0, 'k', 'v', 'w'};
    const buffer beside = {.data = (uint8_t *)(uintptr_t)sound, .size = sizeof sound};
    const char *paths[2] = {path, folder_write("sound", sound, sizeof sound)};
    rf_options settled = read_options(100);
    rf_source *source = rf_prefixed(paths, 2);
    reading all = read_source(source, &settled, NULL);
    size_t at = 0, i = 0;
    for (; i < all.count && all.items[i].path_index == 0 && all.items[i].status == RF_OK; i++)
        at = check_pair(all.items[i].value, file, at);
    ck_assert_uint_le(at, cut);
    ck_assert(cut - at < 8 || cut - at < 8 + size_at(file->data + at) + size_at(file->data + at + 4));
    if (at < cut || why) {
        char offset[40];
        snprintf(offset, sizeof offset, "at offset %zu", at);
        assert_item_fails(&all.items[i], path);
        assert_item_fails(&all.items[i], why ? why : offset);
        ck_assert(all.items[i].rest);
        ck_assert_uint_eq(all.items[i].position, at);
        assert_same_again(source, &all.items[i]);
        i++;
    }
    ck_assert_uint_eq(all.count, i + 1);
    check_pair(all.items[i].value, &beside, 0);
    reading_free(&all);
    rf_source_free(source);
}

START_TEST(a_file_cut_at_any_byte_gives_its_whole_pairs_and_an_error_that_names_the_offset)
{
    uint64_t random = suite_seed;
    buffer file = {0};
    for (unsigned i = 0; i < 8; i++)
        put_pair(&file, random_below(&random, 6), random_below(&random, 30), &random);
    for (size_t cut = 0; cut <= file.size; cut++) {
        check_cut(folder_write("cut", file.data, cut), &file, cut, NULL);
        check_cut(folder_gzip("cut.gz", file.data, cut, 1), &file, cut, NULL);
    }
    buffer_free(&file);
}
END_TEST

START_TEST(sizes_beyond_the_end_are_an_error_at_once_and_those_that_nobody_writes_too)
{
    uint64_t random = suite_seed;
    buffer file = {0};
    put_pair(&file, 3, 4, &random);
    size_t sound = file.size;
    put_size(&file, 0x7fffffff);
    put_size(&file, 0x7fffffff);
    put_pair(&file, 100000, 2000000, &random);
    uint64_t before = failing_read_bytes();
    check_cut(folder_write("beyond", file.data, file.size), &file, sound, "has 4294967302 bytes, with a key of 2147483647");
    ck_assert_uint_lt(failing_read_bytes() - before, 1 << 20);
    check_cut(folder_gzip("beyond.gz", file.data, file.size, 1), &file, sound, "reaches beyond the end");
    file.data[sound + 7] = 0x80;
    check_cut(folder_write("huge", file.data, file.size), &file, sound, "no pair begins at offset 15");
    check_cut(folder_gzip("huge.gz", file.data, file.size, 1), &file, sound, "no pair begins at offset 15");
    buffer_free(&file);
}
END_TEST

static void take_as_input(const void *data, size_t size)
{
    int file = open(folder_write("input", data, size), O_RDONLY);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(dup2(file, STDIN_FILENO), STDIN_FILENO);
    close(file);
}

START_TEST(standard_input_gives_pairs)
{
    const char *const dash[] = {"-"};
    uint64_t random = suite_seed;
    buffer file = {0};
    draw_pairs(&file, 40, &random);
    take_as_input(file.data, file.size);
    rf_options settled = read_options(100);
    rf_source *source = rf_prefixed(dash, 1);
    reading all = read_source(source, &settled, &random);
    ck_assert_uint_eq(all.count, 40);
    for (size_t i = 0, at = 0; i < 40; i++)
        at = check_pair(all.items[i].value, &file, at);
    reading_free(&all);
    rf_source_free(source);
    buffer_free(&file);
}
END_TEST

START_TEST(standard_input_that_is_cut_short_ends_the_job_behind_its_whole_pairs)
{
    static const uint8_t bytes[] = {1, 0, 0, 0, 2, 0, 0, 0, 'k', 'v', 'w', 1, 0, 0, 0, 2, 0, 0, 0, 'k', 'v'};
    const char *const dash[] = {"-"};
    for (size_t cut = 12; cut <= sizeof bytes; cut++) {
        take_as_input(bytes, cut);
        rf_options settled = read_options(100);
        rf_source *source = rf_prefixed(dash, 1);
        uint64_t got, all = 0;
        int descriptor, status;
        double delay;
        ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
        while ((status = source_read(source, 10, &got, &descriptor, &delay)) == RF_OK || (status == RF_AGAIN && descriptor >= 0))
            all += got;
        all += got;
        ck_assert_int_eq(status, RF_EINPUT);
        ck_assert_uint_eq(all, 1);
        ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "standard input: truncated"));
        ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "at offset 11"));
        rf_source_free(source);
    }
}
END_TEST

START_TEST(each_failing_allocation_is_told_and_leaks_nothing)
{
    static const uint8_t bytes[] = {1, 0, 0, 0, 2, 0, 0, 0, 'k', 'v', 'w'};
    const char *path = folder_write("one", bytes, sizeof bytes);
    rf_options settled = read_options(4);
    FAILING_EACH_IN_TURN(n) {
        input_piece piece;
        uint64_t described;
        reader_item item;
        reader *from = NULL;
        rf_source *source = rf_prefixed(&path, 1);
        int status = source_prepare(source, &settled, NULL);
        status = status ? status : source_describe(source, 0, 1, &piece, &described);
        status = status ? status : (from = reader_new()) ? RF_OK : RF_ENOMEM;
        status = status ? status : reader_open(from, &piece, 0, 1, UINT64_MAX);
        status = status ? status : reader_next(from, &item);
        ck_assert_int_eq(status, failing_malloc_stop() ? RF_ENOMEM : RF_OK);
        reader_free(from);
        rf_source_free(source);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("prefixed");
    TCase *pairs = tcase_create("pairs");
    tcase_add_unchecked_fixture(pairs, folder_make, folder_remove);
    tcase_set_timeout(pairs, 120);
    tcase_add_loop_test(pairs, any_pairs_come_as_they_were_written_and_again_by_position, 0, 5);
    tcase_add_test(pairs, key_and_value_are_aligned_with_a_nul_behind);
    tcase_add_test(pairs, a_file_is_read_as_it_is_needed);
    tcase_add_test(pairs, a_file_cut_at_any_byte_gives_its_whole_pairs_and_an_error_that_names_the_offset);
    tcase_add_test(pairs, sizes_beyond_the_end_are_an_error_at_once_and_those_that_nobody_writes_too);
    tcase_add_test(pairs, standard_input_gives_pairs);
    tcase_add_test(pairs, standard_input_that_is_cut_short_ends_the_job_behind_its_whole_pairs);
    tcase_add_test(pairs, each_failing_allocation_is_told_and_leaks_nothing);
    suite_add_tcase(all, pairs);
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
