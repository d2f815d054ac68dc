#define _GNU_SOURCE /* nftw */

#include "reading.h"

#include <ftw.h>
#include <poll.h>
#include <stdarg.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "base/random.h"
#include "suite.h"
#include "value/pack.h"

static char folder[256];

void folder_make(void)
{
    const char *below = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rankfold-input-XXXXXX", below ? below : P_tmpdir);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chmod(folder, 0755), 0);
}

static int remove_entry(const char *path, const struct stat *seen, int type, struct FTW *where)
{
    (void)seen, (void)type, (void)where;
    return remove(path);
}

void folder_remove(void)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *folder_path(const char *format, ...)
{
    static char paths[16][512];
    static unsigned turn;
    char *path = paths[turn++ % 16], name[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *folder_write(const char *name, const void *data, size_t size)
{
    const char *path = folder_path("%s", name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

const char *folder_gzip(const char *name, const void *data, size_t size, size_t members)
{
    const char *path = folder_path("%s", name);
    for (size_t i = 0, at = 0; i < members; i++) {
        size_t end = i + 1 == members ? size : at + (size - at) / (members - i);
        gzFile file = gzopen(path, i ? "ab" : "wb");
        ck_assert_ptr_nonnull(file);
        if (end > at)
            ck_assert_int_eq(gzwrite(file, (const uint8_t *)data + at, (unsigned)(end - at)), (int)(end - at));
        ck_assert_int_eq(gzclose(file), Z_OK);
        at = end;
    }
    return path;
}

uint8_t *folder_load(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

uint64_t *folder_positions(const char *path, size_t size)
{
    uint64_t *positions = malloc((size + 1) * sizeof *positions);
    bool gzipped = strlen(path) > 3 && !strcmp(path + strlen(path) - 3, ".gz");
    for (size_t i = 0; i <= size; i++)
        positions[i] = i;
    if (!gzipped)
        return positions;
    size_t file_size, at = 0, made = 0;
    uint8_t *file = folder_load(path, &file_size), *content = malloc(size + 1);
    while (at < file_size) {
        z_stream flow = {.next_in = file + at, .avail_in = (uInt)(file_size - at), .next_out = content, .avail_out = (uInt)(size + 1)};
        ck_assert_int_eq(inflateInit2(&flow, 15 + 16), Z_OK);
        int status = inflate(&flow, Z_FINISH);
        ck_assert_uint_le(made + flow.total_out, size);
        for (size_t i = 0; i <= flow.total_out; i++)
            positions[made + i] = at * 2048 + i;
        made += flow.total_out;
        at += flow.total_in;
        inflateEnd(&flow);
        if (status != Z_STREAM_END)
            break;
    }
    free(file);
    free(content);
    return positions;
}

rf_options read_options(uint64_t split_size)
{
    return (rf_options){.struct_size = sizeof(rf_options), .split_size = split_size};
}

/* A zip's tuple. */
static rf_value encoded(rf_value borrowed)
{
    buffer bytes = {0};
    ck_assert_int_eq(pack_value(&bytes, borrowed), RF_OK);
    rf_value value = rf_view(rf_type_of(borrowed), memcpy(malloc(bytes.size + 1), bytes.data, bytes.size), bytes.size);
    buffer_free(&bytes);
    return value;
}

static void keep_item(reading *to, const reader_item *item, int status)
{
    if (to->count == to->capacity) {
        to->capacity = to->capacity ? 2 * to->capacity : 64;
        to->items = realloc(to->items, to->capacity * sizeof *to->items);
        ck_assert_ptr_nonnull(to->items);
    }
    read_item *kept = &to->items[to->count];
    *kept = (read_item){.unit = item->unit, .position = item->position, .path_index = item->path_index, .status = status,
                        .rest = item->rest, .value = item->value, .order = to->count};
    to->count++;
    snprintf(kept->path, sizeof kept->path, "%s", item->path ? item->path : "");
    if (status)
        snprintf(kept->message, sizeof kept->message, "%s", rf_last_error()->message);
    if (rf_type_of(item->value) < RF_TEXT)
        return;
    ck_assert_uint_eq((uintptr_t)item->value.data % 16, 0);
    if (item->value.tag & VALUE_FLAGS) {
        kept->value = encoded(item->value);
        return;
    }
    size_t size = rf_size(item->value);
    ck_assert_int_eq(((const char *)item->value.data)[size], 0);
    void *copy = malloc(size + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, item->value.data, size + 1);
    kept->value.data = copy;
}

/* As the message layer does: at a multiple of 16, with a NUL behind, and not one byte more. */
static void *travel(input_piece *piece)
{
    void *bytes = NULL;
    ck_assert_int_eq(posix_memalign(&bytes, 16, piece->body_size + 1), 0);
    if (piece->body_size)
        memcpy(bytes, piece->body, piece->body_size);
    ((char *)bytes)[piece->body_size] = '\0';
    piece->body = bytes;
    piece->borrowed = piece->stored = false;
    return bytes;
}

static uint64_t read_piece(rf_source *source, reader *from, uint64_t first, uint64_t count, uint64_t position, reading *to)
{
    input_piece piece;
    uint64_t described;
    int status = source_describe(source, first, count, &piece, &described);
    ck_assert_msg(status == RF_OK, "%s", rf_last_error()->message);
    ck_assert_uint_ge(described, 1);
    ck_assert_uint_le(described, count);
    void *bytes = travel(&piece);
    status = reader_open(from, &piece, first, described, position);
    ck_assert_msg(status == RF_OK, "%s", rf_last_error()->message);
    reader_item item;
    while ((status = reader_next(from, &item)) != RF_END) {
        ck_assert_msg(status == RF_OK || status == RF_EINPUT, "%s", rf_last_error()->message);
        ck_assert_uint_ge(item.unit, first);
        ck_assert_uint_lt(item.unit, first + described);
        keep_item(to, &item, status);
    }
    ck_assert_int_eq(reader_next(from, &item), RF_END);
    free(bytes);
    return described;
}

static int by_unit(const void *a, const void *b)
{
    const read_item *one = a, *other = b;
    if (one->unit != other->unit)
        return one->unit < other->unit ? -1 : 1;
    return one->order < other->order ? -1 : one->order > other->order;
}

struct run { uint64_t first, count; };

static size_t cut_runs(struct run *runs, size_t room, uint64_t units, uint64_t *random)
{
    size_t count = 0;
    for (uint64_t at = 0; at < units; count++) {
        uint64_t most = units - at, size = random && count + 1 < room ? 1 + random_below(random, most < 9 ? most : 9) : most;
        runs[count] = (struct run){at, size};
        at += size;
    }
    for (size_t i = count; random && i > 1; i--) {
        size_t other = random_below(random, i);
        struct run moved = runs[i - 1];
        runs[i - 1] = runs[other];
        runs[other] = moved;
    }
    return count;
}

void read_ahead(rf_source *source, uint64_t *random)
{
    int status = RF_OK;
    while (status != RF_END) {
        uint64_t got, want = random ? 1 + random_below(random, 50) : 1000;
        int descriptor;
        double delay;
        status = source_read(source, want, &got, &descriptor, &delay);
        ck_assert_msg(status == RF_OK || status == RF_END || status == RF_AGAIN, "%s", rf_last_error()->message);
        ck_assert_uint_le(got, want);
        ck_assert((status == RF_OK) == (got > 0));
        struct pollfd input = {.fd = descriptor, .events = POLLIN};
        if (status == RF_AGAIN && descriptor >= 0)
            poll(&input, 1, -1);
    }
}

reading read_units(rf_source *source, uint64_t first, uint64_t count, uint64_t position)
{
    reading all = {0};
    reader *from = reader_new();
    ck_assert_ptr_nonnull(from);
    for (uint64_t done = 0; done < count;)
        done += read_piece(source, from, first + done, count - done, position, &all);
    reader_free(from);
    return all;
}

reading read_source(rf_source *source, const rf_options *settled, uint64_t *random)
{
    static struct run runs[1000];
    reading all = {0};
    int status = source_prepare(source, settled, NULL);
    ck_assert_msg(status == RF_OK, "%s", rf_last_error()->message);
    if (source_sequential(source))
        read_ahead(source, random);
    reader *from = reader_new();
    ck_assert_ptr_nonnull(from);
    size_t count = cut_runs(runs, 1000, source_length(source), random);
    for (size_t i = 0; i < count; i++)
        for (uint64_t done = 0; done < runs[i].count;)
            done += read_piece(source, from, runs[i].first + done, runs[i].count - done, UINT64_MAX, &all);
    reader_free(from);
    if (all.count)
        qsort(all.items, all.count, sizeof *all.items, by_unit);
    return all;
}

void reading_free(reading *of)
{
    for (size_t i = 0; i < of->count; i++)
        if (rf_type_of(of->items[i].value) >= RF_TEXT)
            free((void *)(uintptr_t)of->items[i].value.data);
    free(of->items);
    *of = (reading){0};
}

void assert_item_is(const read_item *item, rf_type type, const void *data, size_t size)
{
    ck_assert_msg(item->status == RF_OK, "%s", item->message);
    ck_assert_int_eq(rf_type_of(item->value), type);
    ck_assert_uint_eq(rf_size(item->value), size);
    ck_assert(size == 0 || memcmp(item->value.data, data, size) == 0);
}

void assert_item_fails(const read_item *item, const char *text)
{
    ck_assert_int_eq(item->status, RF_EINPUT);
    ck_assert_int_eq(rf_type_of(item->value), RF_NIL);
    ck_assert_msg(strstr(item->message, text) != NULL, "\"%s\" does not hold \"%s\"", item->message, text);
}

void assert_same_again(rf_source *source, const read_item *item)
{
    reading again = read_units(source, item->unit, 1, item->position);
    ck_assert_uint_eq(again.count, 1);
    ck_assert_uint_eq(again.items[0].unit, item->unit);
    ck_assert_uint_eq(again.items[0].position, item->position);
    ck_assert_int_eq(again.items[0].status, item->status);
    ck_assert_str_eq(again.items[0].path, item->path);
    ck_assert_str_eq(again.items[0].message, item->message);
    if (rf_type_of(item->value) >= RF_TEXT)
        assert_item_is(&again.items[0], rf_type_of(item->value), item->value.data, rf_size(item->value));
    else
        ck_assert_uint_eq(again.items[0].value.u64, item->value.u64);
    reading_free(&again);
}

size_t reference_line(const uint8_t *data, size_t size, size_t at, size_t *length)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fmemopen((void *)(uintptr_t)(data + at), size - at, "rb");
    ck_assert_ptr_nonnull(file);
    ssize_t taken = getline(&line, &room, file);
    ck_assert_int_gt(taken, 0);
    *length = (size_t)taken - (line[taken - 1] == '\n');
    free(line);
    fclose(file);
    return (size_t)taken;
}
