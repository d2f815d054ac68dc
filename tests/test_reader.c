/* input/reader: what workers read. Lines, splits, records and whole files against getline over the same bytes, with any
   split size, in pieces cut and ordered at random; what goes wrong with files; pieces that nobody sane would send. */
#include "reading.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "failing_malloc.h"
#include "failing_read.h"
#include "suite.h"

static rf_source *of_layout(enum input_layout layout, const char *const *paths, uint64_t count, size_t record)
{
    switch (layout) {
    case INPUT_LINES:
        return rf_lines(paths, count);
    case INPUT_SPLITS:
        return rf_splits(paths, count);
    case INPUT_WHOLE:
        return rf_files(paths, count);
    default:
        return rf_records(paths, count, record);
    }
}

/* ---- against the reference --------------------------------------------------------------------------------------- */

static void check_lines(const read_item *items, size_t count, const uint8_t *data, size_t size, const uint64_t *positions)
{
    size_t at = 0, length;
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_lt(at, size);
        size_t taken = reference_line(data, size, at, &length);
        ck_assert_uint_eq(items[i].position, positions[at]);
        assert_item_is(&items[i], RF_TEXT, data + at, length);
        at += taken;
    }
    ck_assert_uint_eq(at, size);
}

/* Whole lines, one after another; in plain files at most one item a block, whose first byte is in the block. */
static void check_splits(const read_item *items, size_t count, const uint8_t *data, size_t size, size_t split, bool plain,
                         const uint64_t *positions)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = rf_size(items[i].value);
        ck_assert_uint_eq(items[i].position, positions[at]);
        ck_assert_uint_gt(length, 0);
        ck_assert_uint_le(length, size - at);
        assert_item_is(&items[i], RF_TEXT, data + at, length);
        at += length;
        ck_assert(at == size || data[at - 1] == '\n');
        if (plain && i)
            ck_assert_uint_gt(items[i].position / split, items[i - 1].position / split);
        const uint8_t *newline = length > split ? memchr(data + at - length + split, '\n', length - split) : NULL;
        ck_assert(!newline || newline == data + at - 1);
    }
    ck_assert_uint_eq(at, size);
}

static void check_records(const read_item *items, size_t count, const uint8_t *data, size_t size, size_t record, const uint64_t *positions)
{
    ck_assert_uint_eq(count, (size + record - 1) / record);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(items[i].position, positions[i * record]);
        if ((i + 1) * record <= size)
            assert_item_is(&items[i], RF_BYTES, data + i * record, record);
        else
            assert_item_fails(&items[i], "short last record");
    }
}

static void check_items(enum input_layout layout, const read_item *items, size_t count, const uint8_t *data, size_t size, size_t split,
                        size_t record, const char *path, bool plain)
{
    uint64_t *positions = folder_positions(path, size);
    if (layout == INPUT_LINES)
        check_lines(items, count, data, size, positions);
    if (layout == INPUT_SPLITS)
        check_splits(items, count, data, size, split, plain, positions);
    if (layout == INPUT_RECORDS)
        check_records(items, count, data, size, record, positions);
    if (layout == INPUT_WHOLE) {
        ck_assert_uint_eq(count, size > 0);
        if (count)
            assert_item_is(&items[0], RF_BYTES, data, size);
    }
    free(positions);
}

static void draw_text(uint8_t *data, size_t size, uint64_t *random)
{
    uint64_t density = 1 + random_below(random, 60), kind = random_below(random, 4);
    for (size_t i = 0; i < size; i++) {
        bool newline = kind && random_below(random, density) == 0;
        data[i] = newline ? '\n' : kind == 3 ? (uint8_t)random_next(random) : (uint8_t)('a' + random_below(random, 26));
    }
}

#define FILES 3
#define MOST 3000

struct drawn { uint8_t data[FILES][MOST]; size_t size[FILES]; bool gzipped[FILES]; char path[FILES][512]; };

static void draw_files(struct drawn *drawn, uint64_t *random)
{
    for (unsigned i = 0; i < FILES; i++) {
        drawn->size[i] = random_below(random, 8) ? random_below(random, 1 + random_below(random, MOST)) : 0;
        drawn->gzipped[i] = random_below(random, 3) == 0;
        draw_text(drawn->data[i], drawn->size[i], random);
        char name[32];
        snprintf(name, sizeof name, "drawn-%u%s", i, drawn->gzipped[i] ? ".gz" : "");
        const char *path = drawn->gzipped[i]
                               ? folder_gzip(name, drawn->data[i], drawn->size[i], 1 + random_below(random, 3))
                               : folder_write(name, drawn->data[i], drawn->size[i]);
        snprintf(drawn->path[i], sizeof drawn->path[i], "%s", path);
    }
}

static void check_drawn(struct drawn *drawn, uint64_t *random)
{
    enum input_layout layout = (enum input_layout)(1 + random_below(random, 4));
    size_t split = 1 + random_below(random, random_below(random, 2) ? 20 : 2000), record = 1 + random_below(random, 100);
    const char *const paths[FILES] = {drawn->path[0], drawn->path[1], drawn->path[2]};
    rf_source *source = of_layout(layout, paths, FILES, record);
    rf_options settled = read_options(split);
    reading all = read_source(source, &settled, random);
    ck_assert(source_read_by_workers(source) && !source_sequential(source));
    size_t from = 0;
    for (unsigned i = 0; i < FILES; i++) {
        size_t to = from;
        for (; to < all.count && all.items[to].path_index == i; to++) {
            uint64_t path_index;
            ck_assert_str_eq(all.items[to].path, drawn->path[i]);
            ck_assert(source_path_of(source, all.items[to].unit, &path_index));
            ck_assert_uint_eq(path_index, i);
        }
        check_items(layout, all.count ? all.items + from : NULL, to - from, drawn->data[i], drawn->size[i], split, record,
                    drawn->path[i], !drawn->gzipped[i]);
        from = to;
    }
    ck_assert_uint_eq(from, all.count);
    for (unsigned i = 0; all.count && i < 20; i++)
        assert_same_again(source, &all.items[random_below(random, all.count)]);
    reading_free(&all);
    rf_source_free(source);
}

START_TEST(any_files_in_any_pieces_give_what_getline_gives)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    static struct drawn drawn;
    for (unsigned round = 0; round < 100; round++) {
        draw_files(&drawn, &random);
        failing_read_short(round % 2 ? random_next(&random) | 1 : 0);
        check_drawn(&drawn, &random);
        failing_read_short(0);
    }
}
END_TEST

/* ---- lines and blocks -------------------------------------------------------------------------------------------- */

static reading read_one_path(enum input_layout layout, const char *path, uint64_t split, rf_source **source)
{
    rf_options settled = read_options(split);
    *source = of_layout(layout, &path, 1, 8);
    return read_source(*source, &settled, NULL);
}

START_TEST(the_last_line_needs_no_newline_and_a_carriage_return_stays)
{
    static const char text[] = "a\r\n\n\0b\nend";
    rf_source *source;
    reading all = read_one_path(INPUT_LINES, folder_write("lines", text, sizeof text - 1), 7, &source);
    ck_assert_uint_eq(all.count, 4);
    assert_item_is(&all.items[0], RF_TEXT, "a\r", 2);
    assert_item_is(&all.items[1], RF_TEXT, "", 0);
    assert_item_is(&all.items[2], RF_TEXT, "\0b", 2);
    assert_item_is(&all.items[3], RF_TEXT, "end", 3);
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

START_TEST(an_empty_file_has_no_items)
{
    for (int layout = INPUT_SPLITS; layout <= INPUT_RECORDS; layout++) {
        rf_source *source;
        reading all = read_one_path((enum input_layout)layout, folder_write("empty", "", 0), 7, &source);
        ck_assert_uint_eq(all.count, 0);
        rf_source_free(source);
    }
}
END_TEST

START_TEST(a_block_in_which_no_line_starts_reads_nothing_beyond_itself)
{
    size_t size = 4 << 20, split = 16 << 10;
    char *text = malloc(size);
    memset(text, 'x', size);
    const char *path = folder_write("endless", text, size);
    uint64_t before = failing_read_bytes();
    rf_source *source;
    reading all = read_one_path(INPUT_SPLITS, path, split, &source);
    ck_assert_uint_eq(all.count, 1);
    assert_item_is(&all.items[0], RF_TEXT, text, size);
    ck_assert_uint_le(failing_read_bytes() - before, 2 * size + size / split);
    reading_free(&all);
    rf_source_free(source);
    free(text);
}
END_TEST

START_TEST(files_that_say_they_are_empty_are_read_to_their_end)
{
    if (access("/proc/self/status", R_OK))
        return;
    rf_source *source;
    reading all = read_one_path(INPUT_LINES, "/proc/self/status", 7, &source);
    ck_assert_uint_gt(all.count, 5);
    ck_assert_int_eq(strncmp(all.items[0].value.data, "Name:", 5), 0);
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

/* ---- what goes wrong with files ---------------------------------------------------------------------------------- */

/* A prepared source over two files of 3 lines each in blocks of 4 bytes, of which first is then spoilt. */
static rf_source *two_files(char path[512])
{
    const char *paths[2] = {folder_write("first", "aa\nbb\ncc\n", 9), folder_write("second", "dd\nee\nff\n", 9)};
    snprintf(path, 512, "%s", paths[0]);
    rf_source *source = rf_lines(paths, 2);
    rf_options settled = read_options(4);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    ck_assert_uint_eq(source_length(source), 6);
    return source;
}

static void check_spoilt(rf_source *source, const char *path, const char *text)
{
    reading all = read_units(source, 0, 6, UINT64_MAX);
    ck_assert_uint_eq(all.count, 6);
    for (uint64_t i = 0; i < 3; i++) {
        assert_item_fails(&all.items[i], path);
        assert_item_fails(&all.items[i], text);
        ck_assert_uint_eq(all.items[i].unit, i);
        ck_assert_uint_eq(all.items[i].position, 4 * i);
        ck_assert(all.items[i].rest);
        assert_same_again(source, &all.items[i]);
    }
    assert_item_is(&all.items[3], RF_TEXT, "dd", 2);
    assert_item_is(&all.items[5], RF_TEXT, "ff", 2);
    reading_free(&all);
    rf_source_free(source);
}

START_TEST(a_file_that_grew_is_an_error_that_names_it_and_both_sizes)
{
    char path[512];
    rf_source *source = two_files(path);
    folder_write("first", "aa\nbb\ncc\ndd\n", 12);
    check_spoilt(source, path, "changed while it was read: 9 bytes at the start, 12 now");
}
END_TEST

START_TEST(a_file_that_was_truncated_is_an_error_that_names_it)
{
    char path[512];
    rf_source *source = two_files(path);
    ck_assert_int_eq(truncate(path, 3), 0);
    check_spoilt(source, path, "9 bytes at the start, 3 now");
}
END_TEST

START_TEST(a_file_that_was_written_over_is_an_error_that_names_it)
{
    char path[512];
    rf_source *source = two_files(path);
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    check_spoilt(source, path, "written to since the start");
}
END_TEST

START_TEST(a_file_that_is_gone_is_an_error_that_names_it)
{
    char path[512];
    rf_source *source = two_files(path);
    ck_assert_int_eq(unlink(path), 0);
    check_spoilt(source, path, strerror(ENOENT));
}
END_TEST

START_TEST(a_file_that_became_a_fifo_is_an_error_and_nobody_waits_for_it)
{
    char path[512];
    rf_source *source = two_files(path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    check_spoilt(source, path, "not a regular file now");
    unlink(path);
}
END_TEST

START_TEST(an_unreadable_file_is_an_error_that_names_it)
{
    char path[512];
    rf_source *source = two_files(path);
    ck_assert_int_eq(chmod(path, 0), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    check_spoilt(source, path, strerror(EACCES));
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    chmod(path, 0600);
}
END_TEST

START_TEST(a_file_that_is_replaced_between_pieces_is_not_read_through_the_old_descriptor)
{
    const char *path = folder_write("first", "old line\n", 9);
    rf_options settled = read_options(100);
    reader *from = reader_new();
    for (unsigned round = 0; round < 2; round++) {
        input_piece piece;
        reader_item item;
        uint64_t described;
        rf_source *source = rf_lines(&path, 1);
        ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
        ck_assert_int_eq(source_describe(source, 0, 1, &piece, &described), RF_OK);
        ck_assert_int_eq(reader_open(from, &piece, 0, 1, UINT64_MAX), RF_OK);
        ck_assert_int_eq(reader_next(from, &item), RF_OK);
        ck_assert_str_eq(rf_str(item.value), round ? "new line" : "old line");
        rf_source_free(source);
        ck_assert_int_eq(rename(folder_write("next", "new line\n", 9), path), 0);
    }
    reader_free(from);
}
END_TEST

START_TEST(an_error_in_the_middle_fails_one_item_at_that_offset_and_the_rest_goes_on)
{
    static char text[3 << 20];
    memset(text, 'x', sizeof text);
    for (size_t i = 99; i < sizeof text; i += 100)
        text[i] = '\n';
    const char *path = folder_write("long", text, sizeof text);
    rf_options settled = read_options(2 << 20);
    rf_source *source = rf_lines(&path, 1);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    failing_read_at(3, EIO);
    reading all = read_units(source, 0, 1, UINT64_MAX);
    failing_read_at(0, 0);
    ck_assert_uint_gt(all.count, 100);
    for (size_t i = 0; i + 1 < all.count; i++)
        assert_item_is(&all.items[i], RF_TEXT, text, 99);
    const read_item *last = &all.items[all.count - 1];
    assert_item_fails(last, path);
    assert_item_fails(last, strerror(EIO));
    ck_assert_uint_eq(last->position, (all.count - 1) * 100);
    ck_assert(last->rest);
    reading_free(&all);
    all = read_units(source, 1, 1, UINT64_MAX);
    ck_assert_int_eq(all.items[0].status, RF_OK);
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

START_TEST(a_file_that_changes_while_its_block_is_read_gives_nothing_that_was_read_after_that)
{
    static char text[3 << 20];
    memset(text, 'x', sizeof text);
    for (size_t i = 99; i < sizeof text; i += 100)
        text[i] = '\n';
    const char *path = folder_write("long", text, sizeof text);
    rf_options settled = read_options(2 << 20);
    rf_source *source = rf_lines(&path, 1);
    reader *from = reader_new();
    input_piece piece;
    reader_item item;
    uint64_t described, lines = 0;
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    ck_assert_int_eq(source_describe(source, 0, 1, &piece, &described), RF_OK);
    ck_assert_int_eq(reader_open(from, &piece, 0, 1, UINT64_MAX), RF_OK);
    ck_assert_int_eq(reader_next(from, &item), RF_OK);
    memset(text, 'y', sizeof text);
    folder_write("long", text, sizeof text - 1);
    int status;
    while ((status = reader_next(from, &item)) == RF_OK && ++lines < 30000)
        ck_assert_int_eq(rf_str(item.value)[0], 'x');
    ck_assert_int_eq(status, RF_EINPUT);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "3145728 bytes at the start, 3145727 now"));
    ck_assert(item.rest);
    ck_assert_int_eq(reader_next(from, &item), RF_END);
    reader_free(from);
    rf_source_free(source);
}
END_TEST

START_TEST(a_position_at_which_no_item_starts_is_a_failed_item)
{
    const char *path = folder_write("first", "aa\nbb\n", 6);
    rf_options settled = read_options(100);
    rf_source *source = rf_lines(&path, 1);
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    reading all = read_units(source, 0, 1, 4);
    ck_assert_uint_eq(all.count, 1);
    assert_item_fails(&all.items[0], "no item starts at offset 4");
    ck_assert_uint_eq(all.items[0].position, 4);
    reading_free(&all);
    rf_source_free(source);
}
END_TEST

/* ---- pieces from a network that is not to be trusted ------------------------------------------------------------- */

static int open_and_read(const input_piece *piece, uint64_t first, uint64_t count, uint64_t position)
{
    reader *from = reader_new();
    reader_item item;
    int status = reader_open(from, piece, first, count, position);
    if (status)
        ck_assert_int_eq(reader_next(from, &item), RF_END);
    for (unsigned i = 0; !status && i < 1000 && reader_next(from, &item) != RF_END; i++)
        if (rf_type_of(item.value) >= RF_TEXT && rf_size(item.value))
            ck_assert_int_eq(((const char *)item.value.data)[rf_size(item.value)], 0);
    reader_free(from);
    return status;
}

START_TEST(pieces_that_do_not_fit_their_description_are_refused)
{
    static _Alignas(16) uint64_t words[4] = {1, 2, 3, 4};
    input_piece range = {.kind = INPUT_RANGE, .b = 1}, array = {.kind = INPUT_ARRAY, .a = 8, .b = RF_I64, .body = words, .body_size = 32};
    ck_assert_int_eq(open_and_read(&range, 0, 5, UINT64_MAX), RF_OK);
    ck_assert_int_eq(open_and_read(&range, 0, 0, UINT64_MAX), RF_EUSAGE);
    ck_assert_int_eq(open_and_read(&range, UINT64_MAX, 1, UINT64_MAX), RF_EUSAGE);
    ck_assert_int_eq(open_and_read(&range, 5, 5, 10), RF_EUSAGE);
    ck_assert_int_eq(open_and_read(&array, 0, 4, UINT64_MAX), RF_OK);
    ck_assert_int_eq(open_and_read(&array, 0, 5, UINT64_MAX), RF_EUSAGE);
    ck_assert_int_eq(open_and_read(&array, 0, UINT64_MAX / 8 + 5, UINT64_MAX), RF_EUSAGE);
    array.a = 16;
    ck_assert_int_eq(open_and_read(&array, 0, 2, UINT64_MAX), RF_EUSAGE);
    array.a = 8, array.b = RF_TEXT;
    ck_assert_int_eq(open_and_read(&array, 0, 4, UINT64_MAX), RF_EUSAGE);
    array.b = UINT64_MAX;
    ck_assert_int_eq(open_and_read(&array, 0, 4, UINT64_MAX), RF_EUSAGE);
    input_piece column = {.kind = INPUT_COLUMN, .body = words, .body_size = 32}, none = {.kind = 77, .body = words, .body_size = 32};
    ck_assert_int_eq(open_and_read(&column, 0, 4, UINT64_MAX), RF_EUSAGE);
    ck_assert_int_eq(open_and_read(&none, 0, 4, UINT64_MAX), RF_EUSAGE);
}
END_TEST

static int open_span(struct input_span span, const char *path, size_t path_room, uint32_t layout, uint64_t count)
{
    struct { struct input_span span; char path[64]; } body = {.span = span};
    memcpy(body.path, path, path_room);
    input_piece piece = {.kind = INPUT_FILES, .layout = layout, .a = 4, .b = 4, .body = &body, .body_size = sizeof span + path_room};
    return open_and_read(&piece, 0, count, UINT64_MAX);
}

START_TEST(spans_that_lead_astray_are_refused)
{
    struct input_span sound = {.blocks = 3, .file_size = 9, .path_size = 4}, span = sound;
    ck_assert_int_eq(open_span(span, "file\0\0\0", 8, INPUT_LINES, 3), RF_OK);
    ck_assert_int_eq(open_span(span, "file\0\0\0", 8, INPUT_LINES, 2), RF_EUSAGE);
    ck_assert_int_eq(open_span(span, "file\0\0\0", 8, INPUT_LINES, 4), RF_EUSAGE);
    ck_assert_int_eq(open_span(span, "file\0\0\0", 8, INPUT_WHOLE, 3), RF_EUSAGE);
    ck_assert_int_eq(open_span(span, "filefile", 8, INPUT_LINES, 3), RF_EUSAGE);
    ck_assert_int_eq(open_span(span, "fi\0e\0\0\0", 8, INPUT_LINES, 3), RF_EUSAGE);
    ck_assert_int_eq(open_span(span, "file\0\0\0", 7, INPUT_LINES, 3), RF_EUSAGE);
    ck_assert_int_eq(open_span(span, "a.gz\0\0\0", 8, INPUT_LINES, 3), RF_OK);
    ck_assert_int_eq(open_span(span, "a.gz\0\0\0", 8, INPUT_RECORDS, 3), RF_EUSAGE);
    ck_assert_int_eq(open_span(span, "file\0\0\0", 8, INPUT_PREFIXED, 3), RF_EUSAGE);
    span = sound, span.blocks = 4;
    ck_assert_int_eq(open_span(span, "file\0\0\0", 8, INPUT_LINES, 4), RF_EUSAGE);
    span = sound, span.first_block = UINT64_MAX;
    ck_assert_int_eq(open_span(span, "file\0\0\0", 8, INPUT_LINES, 3), RF_EUSAGE);
    span = sound, span.path_size = UINT32_MAX;
    ck_assert_int_eq(open_span(span, "file\0\0\0", 8, INPUT_LINES, 3), RF_EUSAGE);
    span = sound, span.file_size = UINT64_MAX;
    ck_assert_int_eq(open_span(span, "file\0\0\0", 8, INPUT_LINES, 3), RF_EUSAGE);
    span = sound, span.whole = 1;
    ck_assert_int_eq(open_span(span, "file\0\0\0", 8, INPUT_LINES, 3), RF_EUSAGE);
}
END_TEST

/* A sound piece of files, whose bytes are then changed: it is refused, or read like any other, but never followed astray. */
START_TEST(spans_of_drawn_bytes_are_refused_or_read)
{
    const char *paths[2] = {folder_write("first", "aa\nbb\ncc\n", 9), folder_write("second", "dd\nee\nff\n", 9)};
    rf_options settled = read_options(4);
    rf_source *source = rf_lines(paths, 2);
    input_piece sound;
    uint64_t described, random = suite_seed, refused = 0;
    ck_assert_int_eq(source_prepare(source, &settled, NULL), RF_OK);
    ck_assert_int_eq(source_describe(source, 0, 6, &sound, &described), RF_OK);
    ck_assert_uint_eq(described, 6);
    for (unsigned round = 0; round < 20000; round++) {
        input_piece piece = sound;
        piece.body_size = random_below(&random, 4) ? sound.body_size : random_below(&random, sound.body_size + 1);
        uint8_t *bytes = malloc(piece.body_size + 1);
        memcpy(bytes, sound.body, piece.body_size);
        piece.body = bytes;
        for (uint64_t changes = random_below(&random, 4); changes && piece.body_size; changes--)
            bytes[random_below(&random, piece.body_size)] = (uint8_t)(random_below(&random, 2) ? random_next(&random) : 0);
        if (random_below(&random, 8) == 0)
            piece.a = random_below(&random, 3) ? random_below(&random, 20) : random_next(&random);
        if (random_below(&random, 8) == 0)
            piece.layout = (uint32_t)random_below(&random, 7);
        if (random_below(&random, 8) == 0)
            piece.b = random_below(&random, 5);
        uint64_t count = random_below(&random, 8) ? 6 : random_below(&random, 10);
        refused += open_and_read(&piece, 0, count, random_below(&random, 8) ? UINT64_MAX : 3) == RF_EUSAGE;
        free(bytes);
    }
    ck_assert_uint_gt(refused, 5000);
    ck_assert_uint_lt(refused, 19000);
    rf_source_free(source);
}
END_TEST

/* ---- elements of arrays ------------------------------------------------------------------------------------------ */

#define CHECK_NUMBERS(TYPE, ...)                                                                                         \
    do {                                                                                                               \
        TYPE numbers[] = {__VA_ARGS__};                                                                                  \
        rf_source *source = RF_ARRAY(numbers, sizeof numbers / sizeof *numbers);                                       \
        rf_options settled = read_options(1);                                                                          \
        reading all = read_source(source, &settled, NULL);                                                             \
        ck_assert_uint_eq(all.count, sizeof numbers / sizeof *numbers);                                                \
        for (size_t i = 0; i < all.count; i++) {                                                                       \
            rf_value expected = RF_V(numbers[i]);                                                                      \
            ck_assert_uint_eq(all.items[i].value.u64, expected.u64);                                                   \
            ck_assert_int_eq(rf_type_of(all.items[i].value), RF_ELEMENT_TYPE_(numbers[0]));                            \
            ck_assert_uint_eq(all.items[i].position, i);                                                               \
            assert_same_again(source, &all.items[i]);                                                                  \
        }                                                                                                              \
        reading_free(&all);                                                                                            \
        rf_source_free(source);                                                                                        \
    } while (0)

START_TEST(numbers_of_all_sizes_come_as_they_are)
{
    CHECK_NUMBERS(int8_t, -128, -1, 0, 127);
    CHECK_NUMBERS(int16_t, INT16_MIN, -1, 0, INT16_MAX);
    CHECK_NUMBERS(int32_t, INT32_MIN, -1, 0, INT32_MAX);
    CHECK_NUMBERS(int64_t, INT64_MIN, -1, 0, INT64_MAX);
    CHECK_NUMBERS(uint16_t, 0, UINT16_MAX);
    CHECK_NUMBERS(uint32_t, 0, UINT32_MAX);
    CHECK_NUMBERS(uint64_t, 0, UINT64_MAX);
    CHECK_NUMBERS(float, 0, -1.5f, 3e38f);
    CHECK_NUMBERS(double, 0, -1.5, 3e300);
    CHECK_NUMBERS(bool, true, false);
}
END_TEST

START_TEST(elements_of_bytes_lie_at_a_multiple_of_16_with_a_nul_behind)
{
    static const _Alignas(16) struct three { char bytes[3]; } triples[] = {{"abc"}, {"def"}, {"ghi"}};
    rf_source *source = RF_ARRAY(triples, 3);
    rf_options settled = read_options(1);
    reading all = read_source(source, &settled, NULL);
    ck_assert_uint_eq(all.count, 3);
    assert_item_is(&all.items[1], RF_BYTES, "def", 3);
    reading_free(&all);
    input_piece piece;
    reader_item item;
    uint64_t described;
    reader *from = reader_new();
    for (uint64_t i = 0; i < 2; i++) {
        ck_assert_int_eq(source_describe(source, i, 1, &piece, &described), RF_OK);
        ck_assert_ptr_eq(piece.body, &triples[i]);
        ck_assert(piece.borrowed);
        ck_assert_int_eq(reader_open(from, &piece, i, 1, UINT64_MAX), RF_OK);
        ck_assert_int_eq(reader_next(from, &item), RF_OK);
        ck_assert_uint_eq((uintptr_t)item.value.data % 16, 0);
        ck_assert_mem_eq(item.value.data, i ? "def" : "abc", 4);
    }
    reader_free(from);
    rf_source_free(source);
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static int read_with(reader *from, const input_piece *piece, uint64_t units)
{
    reader_item item;
    int failed = reader_open(from, piece, 0, units, UINT64_MAX), status = failed;
    while (status != RF_END) {
        status = reader_next(from, &item);
        if (status < 0)
            failed = status;
    }
    return failed;
}

START_TEST(each_failing_allocation_is_told_and_leaks_nothing)
{
    const char *paths[2] = {folder_write("first", "aa\nbb\ncc\n", 9), folder_gzip("second.gz", "dd\nee\nff\n", 9, 2)};
    rf_options settled = read_options(4);
    FAILING_EACH_IN_TURN(n) {
        input_piece piece;
        uint64_t described;
        reader *from = NULL;
        rf_source *source = rf_lines(paths, 2);
        int status = source_prepare(source, &settled, NULL);
        if (!status)
            status = source_describe(source, 0, 4, &piece, &described);
        if (!status)
            from = reader_new();
        if (!status)
            status = from ? read_with(from, &piece, 4) : RF_ENOMEM;
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        reader_free(from);
        rf_source_free(source);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("reader");
    TCase *random = tcase_create("random"), *lines = tcase_create("lines"), *wrong = tcase_create("wrong"),
          *rest = tcase_create("rest");
    tcase_add_loop_test(random, any_files_in_any_pieces_give_what_getline_gives, 0, 5);
    tcase_add_test(lines, the_last_line_needs_no_newline_and_a_carriage_return_stays);
    tcase_add_test(lines, an_empty_file_has_no_items);
    tcase_add_test(lines, a_block_in_which_no_line_starts_reads_nothing_beyond_itself);
    tcase_add_test(lines, files_that_say_they_are_empty_are_read_to_their_end);
    tcase_add_test(wrong, a_file_that_grew_is_an_error_that_names_it_and_both_sizes);
    tcase_add_test(wrong, a_file_that_was_truncated_is_an_error_that_names_it);
    tcase_add_test(wrong, a_file_that_was_written_over_is_an_error_that_names_it);
    tcase_add_test(wrong, a_file_that_is_gone_is_an_error_that_names_it);
    tcase_add_test(wrong, a_file_that_became_a_fifo_is_an_error_and_nobody_waits_for_it);
    tcase_add_test(wrong, an_unreadable_file_is_an_error_that_names_it);
    tcase_add_test(wrong, a_file_that_is_replaced_between_pieces_is_not_read_through_the_old_descriptor);
    tcase_add_test(wrong, an_error_in_the_middle_fails_one_item_at_that_offset_and_the_rest_goes_on);
    tcase_add_test(wrong, a_file_that_changes_while_its_block_is_read_gives_nothing_that_was_read_after_that);
    tcase_add_test(wrong, a_position_at_which_no_item_starts_is_a_failed_item);
    tcase_add_test(rest, pieces_that_do_not_fit_their_description_are_refused);
    tcase_add_test(rest, spans_that_lead_astray_are_refused);
    tcase_add_test(rest, spans_of_drawn_bytes_are_refused_or_read);
    tcase_add_test(rest, numbers_of_all_sizes_come_as_they_are);
    tcase_add_test(rest, elements_of_bytes_lie_at_a_multiple_of_16_with_a_nul_behind);
    tcase_add_test(rest, each_failing_allocation_is_told_and_leaks_nothing);
    TCase *cases[] = {random, lines, wrong, rest};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tcase_add_unchecked_fixture(cases[i], folder_make, folder_remove);
        tcase_set_timeout(cases[i], 120);
        suite_add_tcase(all, cases[i]);
    }
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
