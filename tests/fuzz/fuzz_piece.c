/* Any bytes as a piece of input, as a RUN brings it to a worker: its description, then its body. */
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "fuzz/fuzz.h"
#include "input/reader.h"
#include "input/source.h"
#include "random_value.h"
#include "value/pack.h"

#define ITEMS_MOST 300          /* a range may have any number */

const char *const fuzz_corpus = "piece";
static volatile uint64_t sum;

struct description { uint32_t kind, layout; uint64_t a, b, first, count, position; };

static void read_bytes(rf_value value)
{
    const uint8_t *bytes = value.data;
    for (size_t i = 0; i < rf_size(value); i++)
        sum += bytes[i];
    sum += bytes[rf_size(value)];       /* its NUL */
    if ((uintptr_t)bytes % 16)
        abort();
}

/* A tuple's elements are items too, of other sources. */
static void read_item(rf_value value)
{
    rf_value element;
    if (value.tag & VALUE_FLAGS)
        while (rf_take(&value, &element) == RF_OK)
            read_item(element);
    else if (rf_type_of(value) >= RF_TEXT)
        read_bytes(value);
    else
        sum += value.u64;
}

/* At a multiple of 16, with a NUL behind, as the message layer has it. */
static void *as_it_comes(const uint8_t *body, size_t size)
{
    uint8_t *copy = NULL;
    if (posix_memalign((void **)&copy, 16, size + 1))
        abort();
    if (size)
        memcpy(copy, body, size);
    copy[size] = '\0';
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static reader *from;
    struct description its;
    if (size < sizeof its || (!from && !(from = reader_new())))
        return 0;
    memcpy(&its, data, sizeof its);
    size -= sizeof its;
    void *body = as_it_comes(data + sizeof its, size);
    input_piece piece = {.kind = its.kind, .layout = its.layout, .a = its.a, .b = its.b, .body = body, .body_size = size};
    reader_item item;
    int status = reader_open(from, &piece, its.first, its.count, its.position), items = 0;
    if (status && reader_next(from, &item) != RF_END)
        abort();
    while (!status && items++ < ITEMS_MOST && (status = reader_next(from, &item)) != RF_END) {
        if (item.unit - its.first >= its.count)
            abort();
        if (status == RF_OK)
            read_item(item.value);
        else if (status != RF_EINPUT && status != RF_ENOMEM)
            abort();
        status = RF_OK;
    }
    free(body);
    return 0;
}

/* ---- legal input ---- */

static char path[256];

static void remove_file(void)
{
    unlink(path);
}

static const char *some_file(void)
{
    const char *folder = getenv("TMPDIR"), lines[] = "one\n\ntwo\nand three";
    if (*path)
        return path;
    snprintf(path, sizeof path, "%s/rankfold-fuzz-XXXXXX", folder && *folder ? folder : P_tmpdir);
    int file = mkstemp(path);
    if (file < 0 || write(file, lines, sizeof lines - 1) != sizeof lines - 1 || close(file))
        abort();
    atexit(remove_file);
    return path;
}

static rf_source *some_values(uint64_t *random, arena *memory)
{
    rf_value values[8];
    for (size_t i = 0; i < 8; i++)
        values[i] = random_value(random, memory, 2);
    return rf_values(values, 8);
}

static rf_source *some_items(uint64_t *random)
{
    const char *const paths[] = {some_file()};
    switch (random_below(random, 4)) {
    case 0:
        return rf_lines(paths, 1);
    case 1:
        return rf_splits(paths, 1);
    case 2:
        return rf_records(paths, 1, 4);
    default:
        return rf_prefixed(paths, 1);
    }
}

static rf_source *some_source(uint64_t *random, arena *memory, unsigned depth)
{
    static const struct three { char bytes[3]; } threes[8] = {{"abc"}, {"def"}};
    static const float numbers[8] = {0.5f, 1.5f};
    switch (random_below(random, depth ? 6 : 3)) {
    case 0:
        return rf_range_by(-5, 100, 3);
    case 1:
        return random_below(random, 2) ? RF_ARRAY(threes, 8) : RF_ARRAY(numbers, 8);
    case 2:
        return some_values(random, memory);
    case 3:
        return RF_ZIP(some_source(random, memory, 0), some_source(random, memory, 0), some_source(random, memory, depth - 1));
    case 4:
        return rf_single(some_source(random, memory, depth - 1));
    default:
        return depth < 2 ? rf_range(0, 9) : rf_single(some_items(random));
    }
}

static void draw_seed(uint64_t *random, buffer *input)
{
    arena memory = {0};
    rf_source *source = some_source(random, &memory, 2);
    rf_options settled = {.struct_size = sizeof settled, .split_size = 4};
    input_piece piece;
    uint64_t described;
    if (source_prepare(source, &settled, NULL))
        abort();
    uint64_t length = source_length(source), first = random_below(random, length), count = 1 + random_below(random, length - first);
    if (source_describe(source, first, count, &piece, &described))
        abort();
    bool one = !source_read_by_workers(source) && random_below(random, 4) == 0;
    struct description its = {piece.kind, piece.layout, piece.a, piece.b, first, described, one ? first : UINT64_MAX};
    if (buffer_put(input, &its, sizeof its) || buffer_put(input, piece.body, piece.body_size))
        abort();
    rf_source_free(source);
    arena_free(&memory);
}

/* What is damaged has to be small for the damage to hit what matters. */
void fuzz_seed(uint64_t *random, buffer *input)
{
    size_t before = input->size;
    do {
        input->size = before;
        draw_seed(random, input);
    } while (input->size - before > 2048);
}
