/* input/gzip: files read through zlib. All members, wherever they end; truncated anywhere, corrupt anywhere. */
#include "reading.h"


#include "base/random.h"
#include "input/gzip.h"
#include "suite.h"

static const char poem[] = "to see a world\nin a grain of sand\nand a heaven\nin a wild flower";
#define POEM_SIZE (sizeof poem - 1)

static size_t load(const char *path, uint8_t *bytes, size_t room)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

/* The lines of path and then of a sound file beside it. */
static reading read_beside(const char *path, rf_source **source)
{
    const char *paths[2] = {path, folder_write("beside", "sound\n", 6)};
    rf_options settled = read_options(100);
    *source = rf_lines(paths, 2);
    reading all = read_source(*source, &settled, NULL);
    ck_assert_uint_ge(all.count, 1);
    assert_item_is(&all.items[all.count - 1], RF_TEXT, "sound", 5);
    ck_assert_uint_eq(all.items[all.count - 1].unit, 1);
    return all;
}

/* How many of the poem's lines come first in all. positions: of its bytes. */
static size_t good_lines(const reading *all, const uint64_t *positions, size_t *end)
{
    size_t i = 0, at = 0, length;
    while (at < POEM_SIZE && all->items[i].unit == 0 && all->items[i].status == RF_OK) {
        size_t taken = reference_line((const uint8_t *)poem, POEM_SIZE, at, &length);
        ck_assert_uint_eq(all->items[i].position, positions[at]);
        assert_item_is(&all->items[i], RF_TEXT, poem + at, length);
        at += taken;
        i++;
    }
    *end = at;
    return i;
}

START_TEST(names_that_end_in_gz_are_read_through_zlib)
{
    ck_assert(gzip_named("a.gz") && gzip_named("/x/.gz"));
    ck_assert(!gzip_named("gz") && !gzip_named("") && !gzip_named("a.gz/b") && !gzip_named("a.GZ"));
}
END_TEST

START_TEST(a_file_truncated_at_any_byte_gives_its_whole_lines_and_an_error_that_names_the_offset)
{
    uint8_t bytes[1000];
    size_t first = load(folder_gzip("one.gz", poem, 40, 1), bytes, sizeof bytes);
    size_t whole = 0, end;
    folder_gzip("both.gz", poem, 40, 1);
    gzFile more = gzopen(folder_path("both.gz"), "ab");
    gzwrite(more, poem + 40, (unsigned)(POEM_SIZE - 40));
    gzclose(more);
    size_t size = load(folder_path("both.gz"), bytes, sizeof bytes);
    uint64_t *positions = folder_positions(folder_path("both.gz"), POEM_SIZE);
    ck_assert_uint_gt(size, first);
    for (size_t cut = 0; cut <= size; cut++) {
        rf_source *source;
        const char *path = folder_write("cut.gz", bytes, cut);
        reading all = read_beside(path, &source);
        if (cut == 0)
            ck_assert_uint_eq(all.count, 1);
        size_t good = cut == first ? 0 : good_lines(&all, positions, &end);
        if (cut == size) {
            ck_assert_uint_eq(end, POEM_SIZE);
        } else if (cut && cut != first) {
            char offset[60];
            snprintf(offset, sizeof offset, "ends at offset %zu inside", cut);
            ck_assert_uint_eq(all.count, good + 2);
            assert_item_fails(&all.items[good], path);
            assert_item_fails(&all.items[good], offset);
            ck_assert_uint_eq(all.items[good].position, positions[end]);
            ck_assert(all.items[good].rest);
            assert_same_again(source, &all.items[good]);
        }
        whole += cut == first || cut == size;
        reading_free(&all);
        rf_source_free(source);
    }
    ck_assert_uint_eq(whole, 2);
    free(positions);
}
END_TEST

/* Streamed content is given before the member's check sum has come, so what is wrong may have been given: but never
   without a failed item behind it. */
START_TEST(no_flipped_bit_of_the_data_goes_unnoticed)
{
    uint8_t bytes[1000];
    size_t size = load(folder_gzip("sound.gz", poem, POEM_SIZE, 2), bytes, sizeof bytes), noticed = 0;
    uint64_t *positions = folder_positions(folder_path("sound.gz"), POEM_SIZE);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        rf_source *source;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        const char *path = folder_write("flipped.gz", bytes, size);
        reading all = read_beside(path, &source);
        const read_item *last = &all.items[all.count - (all.count > 1 ? 2 : 1)];
        if (last->status) {
            noticed++;
            assert_item_fails(last, path);
            assert_same_again(source, last);
        } else {
            size_t end;
            ck_assert_uint_eq(good_lines(&all, positions, &end), all.count - 1);
            ck_assert_uint_eq(end, POEM_SIZE);
        }
        reading_free(&all);
        rf_source_free(source);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_uint_gt(noticed, 6 * size);
    free(positions);
}
END_TEST

START_TEST(what_follows_the_last_member_and_is_none_is_an_error_behind_all_lines)
{
    uint8_t bytes[1000];
    size_t size = load(folder_gzip("sound.gz", poem, POEM_SIZE, 2), bytes, sizeof bytes), end;
    uint64_t *positions = folder_positions(folder_path("sound.gz"), POEM_SIZE);
    char offset[60];
    memcpy(bytes + size, "garbage", 7);
    rf_source *source;
    reading all = read_beside(folder_write("garbage.gz", bytes, size + 7), &source);
    size_t good = good_lines(&all, positions, &end);
    snprintf(offset, sizeof offset, "corrupt at offset %zu: ", size);
    /* Its last line has no newline: nobody knows whether it was whole. */
    ck_assert_uint_eq(good, 3);
    assert_item_fails(&all.items[good], offset);
    assert_item_fails(&all.items[good], "not another one");
    free(positions);
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

START_TEST(a_file_that_is_no_gzip_file_is_an_error_that_says_so)
{
    rf_source *source;
    reading all = read_beside(folder_write("plain.gz", poem, POEM_SIZE), &source);
    ck_assert_uint_eq(all.count, 2);
    assert_item_fails(&all.items[0], "corrupt at offset");
    assert_item_fails(&all.items[0], "not in gzip format");
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

START_TEST(a_compressed_file_that_changed_is_an_error)
{
    const char *path = folder_gzip("grows.gz", poem, POEM_SIZE, 1);
    rf_options settled = read_options(100);
    rf_source *source = rf_files(&path, 1);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    folder_gzip("grows.gz", poem, POEM_SIZE, 3);
    reading all = read_units(source, 0, 1, UINT64_MAX);
    ck_assert_uint_eq(all.count, 1);
    assert_item_fails(&all.items[0], "changed while it was read");
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

/* Larger than every buffer, of bytes that do not compress and of such that do. */
START_TEST(splits_of_a_large_file_are_whole_lines_and_come_again_by_position)
{
    size_t size = 3 << 20, split = 100000;
    uint8_t *text = malloc(size);
    uint64_t random = suite_seed;
    for (size_t i = 0; i < size; i++)
        text[i] = i < size / 2 ? (uint8_t)random_next(&random) : (i % 64 ? 'x' : '\n');
    const char *path = folder_gzip("large.gz", text, size, 20);
    rf_options settled = read_options(split);
    rf_source *source = rf_splits(&path, 1);
    reading all = read_source(source, &settled, NULL);
    uint64_t *positions = folder_positions(path, size);
    size_t at = 0;
    for (size_t i = 0; i < all.count; i++) {
        size_t length = rf_size(all.items[i].value);
        bool last = i + 1 == all.count || all.items[i + 1].unit > all.items[i].unit;
        ck_assert_uint_eq(all.items[i].position, positions[at]);
        assert_item_is(&all.items[i], RF_TEXT, text + at, length);
        ck_assert(at + length == size || ((length >= split || last) && text[at + length - 1] == '\n'));
        at += length;
    }
    free(positions);
    ck_assert_uint_eq(at, size);
    for (unsigned i = 0; i < 3; i++)
        assert_same_again(source, &all.items[random_below(&random, all.count)]);
    reading_free(&all);
    rf_source_free(source);
    source = rf_files(&path, 1);
    all = read_source(source, &settled, NULL);
    ck_assert_uint_eq(all.count, 1);
    assert_item_is(&all.items[0], RF_BYTES, text, size);
    reading_free(&all);
    rf_source_free(source);
    free(text);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("gzip");
    TCase *gzip = tcase_create("gzip");
    tcase_add_unchecked_fixture(gzip, folder_make, folder_remove);
    tcase_set_timeout(gzip, 120);
    tcase_add_test(gzip, names_that_end_in_gz_are_read_through_zlib);
    tcase_add_test(gzip, a_file_truncated_at_any_byte_gives_its_whole_lines_and_an_error_that_names_the_offset);
    tcase_add_test(gzip, no_flipped_bit_of_the_data_goes_unnoticed);
    tcase_add_test(gzip, what_follows_the_last_member_and_is_none_is_an_error_behind_all_lines);
    tcase_add_test(gzip, a_file_that_is_no_gzip_file_is_an_error_that_says_so);
    tcase_add_test(gzip, a_compressed_file_that_changed_is_an_error);
    tcase_add_test(gzip, splits_of_a_large_file_are_whole_lines_and_come_again_by_position);
    suite_add_tcase(all, gzip);
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
