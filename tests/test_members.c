/* input/members: .gz files of several members, cut into blocks. What all blocks give together, in whatever order and pieces they
   are read, is what one reader of the whole file gives; what is damaged costs little beside itself and is named; nothing is lost
   or comes twice in silence. */
#include "input/members.h"
#include "reading.h"

#include <errno.h>

#include "base/random.h"
#include "failing_malloc.h"
#include "failing_read.h"
#include "suite.h"
#include "zipped.h"

static const char *write_zipped(const char *name, const zipped *file)
{
    return folder_write(name, file->file.data, file->file.size);
}

static reading read_blocks(const char *path, bool splits, uint64_t split_size, rf_source **source, uint64_t *random)
{
    rf_options settled = read_options(split_size);
    *source = splits ? rf_splits(&path, 1) : rf_lines(&path, 1);
    return read_source(*source, &settled, random);
}

static size_t line_end(const zipped *file, size_t at)
{
    const uint8_t *text = file->content.data, *newline = memchr(text + at, '\n', file->content.size - at);
    return newline ? (size_t)(newline - text) + 1 : file->content.size;
}

/* The lines, and nothing else, each at its place. */
static void check_lines(const reading *all, const zipped *file, const uint64_t *positions)
{
    size_t at = 0;
    for (size_t i = 0; i < all->count; i++) {
        ck_assert_uint_lt(at, file->content.size);
        size_t end = line_end(file, at), length = end - at - (file->content.data[end - 1] == '\n');
        assert_item_is(&all->items[i], RF_TEXT, file->content.data + at, length);
        ck_assert_uint_eq(all->items[i].position, positions[at]);
        at = end;
    }
    ck_assert_uint_eq(at, file->content.size);
}

/* Whole lines in each, split_size bytes or more but in the last one of a block. */
static void check_splits(const reading *all, const zipped *file, const uint64_t *positions, uint64_t split_size)
{
    size_t at = 0;
    for (size_t i = 0; i < all->count; i++) {
        size_t length = rf_size(all->items[i].value);
        bool last = i + 1 == all->count || all->items[i + 1].unit > all->items[i].unit;
        ck_assert_uint_le(length, file->content.size - at);
        assert_item_is(&all->items[i], RF_TEXT, file->content.data + at, length);
        ck_assert_uint_eq(all->items[i].position, positions[at]);
        at += length;
        ck_assert(at == file->content.size || file->content.data[at - 1] == '\n');
        ck_assert(last || length >= split_size);
        ck_assert(length <= split_size || !memchr(file->content.data + at - length + split_size - 1, '\n', length - split_size));
    }
    ck_assert_uint_eq(at, file->content.size);
}

static size_t units_with_items(const reading *all)
{
    size_t units = 0;
    for (size_t i = 0; i < all->count; i++)
        units += !i || all->items[i].unit != all->items[i - 1].unit;
    return units;
}

static size_t check_all(const zipped *file, uint64_t split_size, uint64_t *random)
{
    const char *path = write_zipped("members.gz", file);
    uint64_t *positions = folder_positions(path, file->content.size);
    size_t units = 0;
    for (unsigned splits = 0; splits < 2; splits++) {
        rf_source *source;
        reading all = read_blocks(path, splits, split_size, &source, random);
        uint64_t blocks = file->file.size / 2 >= split_size && file->file.size ? (file->file.size - 1) / split_size + 1 : 1;
        ck_assert_uint_eq(source_length(source), blocks);
        if (splits)
            check_splits(&all, file, positions, split_size);
        else
            check_lines(&all, file, positions);
        for (unsigned i = 0; all.count && i < 3; i++)
            assert_same_again(source, &all.items[random_below(random, all.count)]);
        units = units_with_items(&all);
        reading_free(&all);
        rf_source_free(source);
    }
    free(positions);
    return units;
}

START_TEST(any_members_in_any_blocks_give_what_one_reader_gives)
{
    static const size_t most[] = {100, 3000, 70000, 300000, 1 << 20}, line[] = {10, 100, 1000, 100000, 1 << 21};
    uint64_t random = suite_seed + (uint64_t)_i;
    for (unsigned round = 0; round < 12; round++) {
        zipped file = {0};
        size_t large = random_below(&random, 5), size = most[large];
        size_t members = 1 + random_below(&random, large > 2 ? 12 : 60);
        draw_zipped(&file, members, size, line[large > 1 ? 2 + random_below(&random, 3) : random_below(&random, 5)], &random);
        uint64_t least = file.file.size / 100 + 1;
        uint64_t split_size = least + random_below(&random, random_below(&random, 2) ? file.file.size : 2000);
        failing_read_short(round % 3 ? 0 : random | 1);
        check_all(&file, split_size, &random);
        failing_read_short(0);
        zipped_free(&file);
    }
}
END_TEST

START_TEST(any_split_size_gives_the_same_lines)
{
    uint64_t random = suite_seed;
    zipped file = {0};
    draw_zipped(&file, 12, 60, 20, &random);
    zipped_end(&file);
    for (uint64_t split_size = 1; split_size <= file.file.size; split_size++)
        check_all(&file, split_size, &random);
    zipped_free(&file);
}
END_TEST

START_TEST(members_are_read_by_the_blocks_that_they_lie_in)
{
    uint64_t random = suite_seed;
    for (unsigned bgzf = 0; bgzf < 2; bgzf++) {
        zipped file = {0};
        for (unsigned i = 0; i < 60; i++) {
            buffer lines = {0};
            draw_lines(&lines, 60000, 2000, &random);
            bgzf ? zipped_bgzf(&file, lines.data, lines.size) : zipped_member(&file, lines.data, lines.size, 6);
            buffer_free(&lines);
        }
        uint64_t split_size = file.file.size / 10 + 1;
        ck_assert_uint_eq(check_all(&file, split_size, &random), 10);
        zipped_free(&file);
    }
}
END_TEST

START_TEST(a_file_of_one_member_is_read_by_one_worker_and_looked_through_by_the_others)
{
    uint64_t random = suite_seed;
    zipped file = {0};
    buffer lines = {0};
    draw_lines(&lines, 4 << 20, 5000, &random);
    zipped_member(&file, lines.data, lines.size, 1);
    const char *path = write_zipped("single.gz", &file);
    uint64_t split_size = file.file.size / 16 + 1, before = failing_read_bytes();
    rf_source *source;
    reading all = read_blocks(path, false, split_size, &source, NULL);
    ck_assert_uint_eq(units_with_items(&all), 1);
    ck_assert_uint_eq(all.items[0].unit, 0);
    ck_assert_uint_lt(failing_read_bytes() - before, 3 * file.file.size);
    check_all(&file, split_size, &random);
    reading_free(&all);
    rf_source_free(source);
    buffer_free(&lines);
    zipped_free(&file);
}
END_TEST

START_TEST(a_line_goes_on_through_as_many_blocks_as_it_takes)
{
    uint64_t random = suite_seed;
    zipped file = {0};
    char *text = malloc(30000);
    memset(text, 'x', 30000);
    for (unsigned i = 0; i < 100; i++)
        zipped_member(&file, text, 30000, 0);
    ck_assert_uint_eq(check_all(&file, 100000, &random), 1);
    zipped_member(&file, "\n", 1, 6);
    ck_assert_uint_eq(check_all(&file, 100000, &random), 1);
    zipped_member(&file, "\nend", 4, 6);
    check_all(&file, 100000, &random);
    free(text);
    zipped_free(&file);
}
END_TEST

/* What a compressor cannot make smaller stays as it is: a .gz inside a .gz. */
START_TEST(members_that_lie_inside_another_are_not_taken_for_members)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    static const size_t most[] = {50, 5000, 60000, 300000};
    zipped outer = {0};
    for (unsigned i = 0; i < 4; i++) {
        zipped inner = {0};
        buffer text = {0};
        draw_lines(&text, 1000, 100, &random);
        draw_zipped(&inner, 20, most[random_below(&random, 4)], 100, &random);
        ck_assert_int_eq(buffer_put(&text, inner.file.data, inner.file.size), RF_OK);
        draw_lines(&text, random_below(&random, 1000), 100, &random);
        zipped_member(&outer, text.data, text.size, random_below(&random, 2) ? 0 : 6);
        buffer_free(&text);
        zipped_free(&inner);
    }
    for (unsigned i = 0; i < 4; i++)
        check_all(&outer, outer.file.size / 60 + 1 + random_below(&random, outer.file.size / 2), &random);
    zipped_free(&outer);
}
END_TEST

/* A cut inside a member: members whose stretches a stored block's head interrupts where one of them does not mind. */
static void put_member_with_hole(buffer *to, size_t *boundary)
{
    static const uint8_t head[] = {31, 139, 8, 4, 0, 0, 0, 0, 0, 255, 200, 0}, rest[] = {3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    ck_assert_int_eq(buffer_put(to, head, sizeof head), RF_OK);
    *boundary = to->size + 100;
    memset(buffer_add(to, 195), 'x', 195);
    ck_assert_int_eq(buffer_put(to, rest, sizeof rest), RF_OK);
}

START_TEST(what_nobody_can_tell_from_members_fails_and_names_both)
{
    uint64_t random = suite_seed;
    zipped inner = {0}, file = {0};
    buffer text = {0};
    size_t boundary;
    draw_lines(&text, 3000, 50, &random);
    size_t fake = text.size;
    uint8_t *noise = malloc(40000);
    for (size_t i = 0; i < 40000; i++)
        noise[i] = (uint8_t)random_next(&random);
    zipped_member(&inner, noise, 40000, 6);
    ck_assert_int_eq(buffer_put(&text, inner.file.data, inner.file.size), RF_OK);
    put_member_with_hole(&text, &boundary);
    ck_assert_int_eq(buffer_put(&text, inner.file.data, inner.file.size), RF_OK);
    draw_lines(&text, 3000, 50, &random);
    zipped_stored(&file, text.data, text.size, boundary);
    fake += 15;
    const char *path = write_zipped("fake.gz", &file);
    rf_source *source;
    reading all = read_blocks(path, false, 2000, &source, NULL);
    char offset[80];
    size_t told = 0;
    snprintf(offset, sizeof offset, "members seem to begin at offset %zu, inside the one at 0", fake);
    for (size_t i = 0; i < all.count; i++)
        if (all.items[i].status && all.items[i].unit == 0) {
            assert_item_fails(&all.items[i], path);
            assert_item_fails(&all.items[i], offset);
            told++;
        }
    ck_assert_uint_eq(told, 1);
    reading_free(&all);
    rf_source_free(source);
    check_all(&file, file.file.size, &random);
    free(noise);
    buffer_free(&text);
    zipped_free(&inner);
    zipped_free(&file);
}
END_TEST

/* ---- damage ------------------------------------------------------------------------------------------------------ */

/* Every item is a line of the file at its place, in order and once, or a failure. given[at]: the line there came. */
static size_t check_given(const reading *all, const zipped *file, const uint64_t *positions, const char *path, bool *given)
{
    size_t failed = 0, at = 0;
    memset(given, 0, file->content.size + 1);
    for (size_t i = 0; i < all->count; i++) {
        const read_item *item = &all->items[i];
        if (item->status) {
            assert_item_fails(item, path);
            assert_item_fails(item, "at offset");
            ck_assert(item->rest);
            failed++;
            continue;
        }
        while (at < file->content.size && positions[at] < item->position)
            at++;
        ck_assert(at < file->content.size && positions[at] == item->position && !given[at]);
        ck_assert(at == 0 || file->content.data[at - 1] == '\n');
        size_t end = line_end(file, at);
        assert_item_is(item, RF_TEXT, file->content.data + at, end - at - (file->content.data[end - 1] == '\n'));
        given[at] = true;
    }
    return failed;
}

/* How much content comes of the first cut bytes. */
static size_t content_before(const zipped *file, size_t cut)
{
    size_t i = 0, made = 0;
    while (i < zipped_members(file) && zipped_start(file, i + 1) <= cut)
        i++;
    if (i == zipped_members(file))
        return file->content.size;
    made = (size_t)((const uint64_t *)(const void *)file->starts.data)[2 * i + 1];
    z_stream flow = {.next_in = file->file.data + zipped_start(file, i), .avail_in = (uInt)(cut - zipped_start(file, i))};
    uint8_t *space = malloc(file->content.size + 1);
    flow.next_out = space;
    flow.avail_out = (uInt)file->content.size + 1;
    ck_assert_int_eq(inflateInit2(&flow, 15 + 16), Z_OK);
    inflate(&flow, Z_SYNC_FLUSH);
    made += flow.total_out;
    inflateEnd(&flow);
    free(space);
    return made;
}

START_TEST(a_file_cut_at_any_byte_loses_nothing_before_the_cut)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    zipped file = {0};
    draw_zipped(&file, 8, 150, 30, &random);
    uint64_t *positions = folder_positions(write_zipped("whole.gz", &file), file.content.size);
    bool *given = malloc(file.content.size + 1);
    for (size_t cut = 1; cut < file.file.size; cut++) {
        uint64_t split_size = 1 + random_below(&random, cut);
        const char *path = folder_write("cut.gz", file.file.data, cut);
        rf_source *source;
        reading all = read_blocks(path, false, split_size, &source, &random);
        size_t before = content_before(&file, cut), whole = file.content.size;
        bool clean = false;
        for (size_t i = 0; i < zipped_members(&file); i++)
            clean |= zipped_start(&file, i) == cut;
        file.content.size = clean ? before : whole;
        size_t failed = check_given(&all, &file, positions, path, given);
        file.content.size = whole;
        if (clean) {
            ck_assert_uint_eq(failed, 0);
        } else {
            char offset[60];
            snprintf(offset, sizeof offset, "ends at offset %zu inside", cut);
            ck_assert_uint_eq(failed, 1);
            assert_item_fails(&all.items[all.count - 1], offset);
        }
        for (size_t at = 0; at < before; at = line_end(&file, at))
            if (file.content.data[line_end(&file, at) - 1] == '\n' && line_end(&file, at) <= before)
                ck_assert_msg(given[at], "the line at %zu of the content is lost, of a file cut at %zu with a split_size of %" PRIu64,
                              at, cut, split_size);
        reading_free(&all);
        rf_source_free(source);
    }
    free(given);
    free(positions);
    zipped_free(&file);
}
END_TEST

/* In its check sum: then what comes before it is noticed is right. */
START_TEST(a_damaged_member_is_named_and_those_of_later_blocks_are_read)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    for (unsigned round = 0; round < 10; round++) {
        zipped file = {0};
        bool bgzf = round % 2;
        for (unsigned i = 0; i < 40; i++) {
            buffer lines = {0};
            draw_lines(&lines, 20000, 1000, &random);
            bgzf ? zipped_bgzf(&file, lines.data, lines.size) : zipped_member(&file, lines.data, lines.size, 6);
            buffer_free(&lines);
        }
        uint64_t *positions = folder_positions(write_zipped("whole.gz", &file), file.content.size);
        bool *given = malloc(file.content.size + 1);
        size_t member = random_below(&random, 40);
        uint64_t split_size = file.file.size / 20 + 1, start = zipped_start(&file, member), next = zipped_start(&file, member + 1);
        file.file.data[next - 5 - random_below(&random, 4)] ^= (uint8_t)(1 + random_below(&random, 255));
        const char *path = write_zipped("damaged.gz", &file);
        rf_source *source;
        reading all = read_blocks(path, false, split_size, &source, &random);
        ck_assert_uint_ge(check_given(&all, &file, positions, path, given), 1);
        uint64_t resumed = (next / split_size + 1) * split_size + 20000;
        for (size_t at = 0; at < file.content.size; at = line_end(&file, at)) {
            uint64_t its = positions[at] / 2048;
            ck_assert_msg(given[at] || (its + 30000 > start && its < resumed),
                          "the line of the member near %" PRIu64 " is lost, with damage in that at %" PRIu64, its,
                          start);
        }
        reading_free(&all);
        rf_source_free(source);
        free(given);
        free(positions);
        zipped_free(&file);
    }
}
END_TEST

START_TEST(what_follows_the_last_member_and_is_none_is_an_error_behind_all_lines)
{
    uint64_t random = suite_seed;
    zipped file = {0};
    draw_zipped(&file, 20, 3000, 30, &random);
    zipped_member(&file, "last\n", 5, 6);
    size_t sound = file.file.size;
    uint64_t *positions = folder_positions(write_zipped("whole.gz", &file), file.content.size);
    bool *given = malloc(file.content.size + 1);
    ck_assert_int_eq(buffer_put(&file.file, "garbage, and more of it", 23), RF_OK);
    const char *path = write_zipped("garbage.gz", &file);
    for (uint64_t split_size = 30; split_size < 2 * file.file.size; split_size = split_size * 3 / 2) {
        rf_source *source;
        char offset[60];
        reading all = read_blocks(path, false, split_size, &source, &random);
        ck_assert_uint_eq(check_given(&all, &file, positions, path, given), 1);
        snprintf(offset, sizeof offset, "corrupt at offset %zu: what follows", sound);
        assert_item_fails(&all.items[all.count - 1], offset);
        for (size_t at = 0; at < file.content.size; at = line_end(&file, at))
            ck_assert(given[at]);
        reading_free(&all);
        rf_source_free(source);
    }
    free(given);
    free(positions);
    zipped_free(&file);
}
END_TEST

START_TEST(an_unreadable_place_fails_and_costs_no_line_in_silence)
{
    uint64_t random = suite_seed;
    zipped file = {0};
    draw_zipped(&file, 30, 30000, 100, &random);
    const char *path = write_zipped("members.gz", &file);
    uint64_t *positions = folder_positions(path, file.content.size);
    bool *given = malloc(file.content.size + 1);
    for (uint64_t n = 1, reached = 1; reached; n++) {
        rf_options settled = read_options(file.file.size / 7 + 1);
        rf_source *source = rf_lines(&path, 1);
        ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
        failing_read_at(n, EIO);
        reading all = read_units(source, 0, source_length(source), UINT64_MAX);
        reached = failing_read_count() >= n;
        failing_read_at(0, 0);
        size_t failed = check_given(&all, &file, positions, path, given);
        ck_assert_int_eq(failed > 0, reached);
        size_t good = 0;
        while (good < all.count && !all.items[good].status)
            good++;
        uint64_t from = good < all.count ? all.items[good].position : UINT64_MAX;
        for (size_t at = 0; at < file.content.size && positions[at] < from; at = line_end(&file, at))
            ck_assert(given[at]);
        reading_free(&all);
        rf_source_free(source);
    }
    free(given);
    free(positions);
    zipped_free(&file);
}
END_TEST

START_TEST(each_failing_allocation_is_told_and_leaks_nothing)
{
    zipped file = {0};
    for (unsigned i = 0; i < 10; i++)
        i % 2 ? zipped_bgzf(&file, "aa\nbb\n", 6) : zipped_member(&file, "cc\ndd\n", 6, 6);
    const char *path = write_zipped("small.gz", &file);
    rf_options settled = read_options(40);
    FAILING_EACH_IN_TURN(n) {
        input_piece piece;
        uint64_t described, items = 0;
        reader_item item;
        reader *from = NULL;
        rf_source *source = rf_lines(&path, 1);
        int status = source_prepare(source, &settled, NULL), worst = RF_OK;
        status = status ? status : source_describe(source, 0, source_length(source), &piece, &described);
        status = status ? status : (from = reader_new()) ? RF_OK : RF_ENOMEM;
        status = status ? status : reader_open(from, &piece, 0, described, UINT64_MAX);
        worst = status;
        while (!status && (status = reader_next(from, &item)) != RF_END) {
            items += !status;
            worst = status ? status : worst;
            status = RF_OK;
        }
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(worst, failed ? RF_ENOMEM : RF_OK);
        ck_assert(failed || items == 20);
        reader_free(from);
        rf_source_free(source);
    }
    zipped_free(&file);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("members");
    TCase *members = tcase_create("members");
    tcase_add_unchecked_fixture(members, folder_make, folder_remove);
    tcase_set_timeout(members, 300);
    tcase_add_loop_test(members, any_members_in_any_blocks_give_what_one_reader_gives, 0, 4);
    tcase_add_test(members, any_split_size_gives_the_same_lines);
    tcase_add_test(members, members_are_read_by_the_blocks_that_they_lie_in);
    tcase_add_test(members, a_file_of_one_member_is_read_by_one_worker_and_looked_through_by_the_others);
    tcase_add_test(members, a_line_goes_on_through_as_many_blocks_as_it_takes);
    tcase_add_loop_test(members, members_that_lie_inside_another_are_not_taken_for_members, 0, 4);
    tcase_add_test(members, what_nobody_can_tell_from_members_fails_and_names_both);
    tcase_add_loop_test(members, a_file_cut_at_any_byte_loses_nothing_before_the_cut, 0, 3);
    tcase_add_loop_test(members, a_damaged_member_is_named_and_those_of_later_blocks_are_read, 0, 2);
    tcase_add_test(members, what_follows_the_last_member_and_is_none_is_an_error_behind_all_lines);
    tcase_add_test(members, an_unreadable_place_fails_and_costs_no_line_in_silence);
    tcase_add_test(members, each_failing_allocation_is_told_and_leaks_nothing);
    suite_add_tcase(all, members);
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
