#include "cluster_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "reading.h"

static _Alignas(16) uint8_t pattern[PATTERN];
static struct { uint8_t *data; size_t size; const char *path; bool gzip; uint64_t *positions; } files[FILES_MADE];

const uint8_t *input_pattern(uint64_t at) { return pattern + at; }
bool input_is_compressed(uint64_t file) { return files[file].gzip; }

uint64_t input_file_number(const char *path)
{
    const char *name = path ? strrchr(path, '/') : NULL;
    return name ? strtoull(name + 2, NULL, 10) + 1 : 0;
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

void work_files_make(void)
{
    uint64_t random = 7;
    for (size_t i = 0; i < PATTERN; i++)
        pattern[i] = (uint8_t)(33 + random_below(&random, 90));
    folder_make();
    for (size_t f = 0; f < FILES_MADE; f++) {
        size_t size = f == 0 ? 0 : (size_t)random_below(&random, UINT64_C(1) << (3 + f));
        uint64_t line = 1 + random_below(&random, 60);
        files[f].data = malloc(size + 1);
        for (size_t i = 0; i < size; i++)
            files[f].data[i] = random_below(&random, line) ? (uint8_t)random_below(&random, 256) : '\n';
        files[f].size = size;
        files[f].gzip = f % 4 == 3;
        char name[16];
        snprintf(name, sizeof name, "f%zu%s", f, files[f].gzip ? ".gz" : "");
        files[f].path = strdup(files[f].gzip ? folder_gzip(name, files[f].data, size, 2) : folder_write(name, files[f].data, size));
        files[f].positions = folder_positions(files[f].path, size);
    }
}

void work_files_remove(void)
{
    folder_remove();
    for (size_t f = 0; f < FILES_MADE; f++) {
        free(files[f].data);
        free(files[f].positions);
        free((char *)(uintptr_t)files[f].path);
    }
}

bool input_of_files(const work *one) { return one->input >= WORK_LINES; }

/* A text that is no longer than the pattern, by the item's number; one in so many is large. */
static rf_value text_of(const work *one, uint64_t i)
{
    uint64_t random = random_seed(one->does.seed, i, 1, 0);
    uint64_t at = random_below(&random, PATTERN / 4), size = random_below(&random, 40);
    if (random_below(&random, 1000) < one->large_items)
        size = LARGE_LEAST + random_below(&random, LARGE_SPAN);
    return rf_text((const char *)pattern + at, size);
}

/* Item i of a source that is not files; tuple has room for a container's elements. */
static rf_value item_of(const work *one, uint64_t i, rf_value tuple[2])
{
    int64_t number = one->start + (int64_t)i * one->step;
    switch (one->input) {
    case WORK_RANGE: return rf_of_i64(number);
    case WORK_ARRAY: return one->element ? rf_bytes(pattern + i * one->element, one->element) : rf_of_i64(number);
    case WORK_STRINGS: return text_of(one, i);
    default: break;
    }
    switch (one->input == WORK_ZIP ? 3 : i % 4) {
    case 0: return rf_of_i64(number);
    case 1: return rf_of_f64((double)i / 8);
    case 2: return text_of(one, i);
    default: break;
    }
    tuple[0] = rf_of_i64(number);
    tuple[1] = text_of(one, i);
    return rf_tuple_of(tuple, 2);
}

static int generate(rf_call *call, void *state)
{
    work *one = state;
    rf_value tuple[2];
    if (one->again && random_below(&one->random, one->again) == 0)
        return RF_AGAIN;
    if (one->produced == one->fails_at)
        return rf_fail(call, "source", "no more");
    if (one->produced == one->count)
        return RF_END;
    return rf_return(call, item_of(one, one->produced++, tuple));
}

/* Also where malloc fails (failing_malloc.h). */
static void *room(size_t size) { return aligned_alloc(16, (size + 16) & ~(size_t)15); }

static rf_source *strings_source(const work *one)
{
    char **texts = room(one->count * sizeof *texts);
    for (uint64_t i = 0; i < one->count; i++) {
        rf_value text = text_of(one, i);
        texts[i] = strndup(text.data, rf_size(text));
    }
    rf_source *made = rf_strings(texts, one->count);
    for (uint64_t i = 0; i < one->count; i++)
        free(texts[i]);
    free(texts);
    return made;
}

static rf_source *values_source(const work *one)
{
    rf_value *values = room(one->count * sizeof *values), (*tuples)[2] = room(one->count * sizeof *tuples);
    for (uint64_t i = 0; i < one->count; i++)
        values[i] = item_of(one, i, tuples[i]);
    rf_source *made = rf_values(values, one->count);
    free(values);
    free(tuples);
    return made;
}

static rf_source *array_source(work *one)
{
    if (one->element) {
        one->array = memcpy(room(one->count * one->element), pattern, one->count * one->element);
        return rf_array(one->array, one->count, one->element, RF_BYTES);
    }
    int64_t *numbers = one->array = room(one->count * sizeof *numbers);
    for (uint64_t i = 0; i < one->count; i++)
        numbers[i] = one->start + (int64_t)i * one->step;
    return RF_ARRAY(numbers, one->count);
}

rf_source *work_source(work *one)
{
    const char *paths[4];
    for (uint64_t f = 0; f < one->file_count; f++)
        paths[f] = files[one->files[f]].path;
    switch (one->input) {
    case WORK_RANGE: return rf_range_by(one->start, one->start + (int64_t)one->count * one->step, one->step);
    case WORK_ARRAY: return array_source(one);
    case WORK_VALUES: return values_source(one);
    case WORK_STRINGS: return strings_source(one);
    case WORK_ZIP: return RF_ZIP(rf_range_by(one->start, one->start + (int64_t)(one->count + 1) * one->step, one->step), strings_source(one));
    case WORK_GENERATOR: return rf_generator(generate, one, NULL);
    case WORK_LINES: return rf_lines(paths, one->file_count);
    case WORK_SPLITS: return rf_splits(paths, one->file_count);
    default: return rf_records(paths, one->file_count, one->record_size);
    }
}

/* ---- what items of files are expected ------------------------------------------------------------------------------ */

static void expect_item(work *one, uint64_t file, uint64_t offset, uint64_t size)
{
    if (!(one->item_count & (one->item_count + 1)))         /* full, as a power of two less one */
        one->items = realloc(one->items, (2 * one->item_count + 2) * sizeof *one->items);
    one->items[one->item_count++] = (expected_item){file, offset, size};
}

/* The end of the line at at, with its newline. */
static size_t line_end(uint64_t file, size_t at)
{
    const uint8_t *data = files[file].data, *found = memchr(data + at, '\n', files[file].size - at);
    return found ? (size_t)(found - data) + 1 : files[file].size;
}

static size_t item_end(const work *one, uint64_t file, size_t at)
{
    size_t size = files[file].size, end = at + one->record_size;
    if (one->input == WORK_RECORDS)
        return end < size ? end : size;
    end = line_end(file, at);
    size_t block_end = (at / one->options.split_size + 1) * one->options.split_size;
    while (one->input == WORK_SPLITS && end < block_end && end < size)
        end = line_end(file, end);
    return end;
}

static void expect_file(work *one, uint64_t file)
{
    one->file_first[file] = one->item_count;
    for (size_t at = 0; at < files[file].size;) {
        size_t end = item_end(one, file, at);
        bool newline = one->input == WORK_LINES && files[file].data[end - 1] == '\n';
        expect_item(one, file, at, end - at - newline);
        at = end;
    }
}

void input_expect(work *one)
{
    for (uint64_t f = 0; f < one->file_count; f++)
        expect_file(one, one->files[f]);
}

bool input_find(const work *one, const rf_result *result, uint64_t *item)
{
    *item = result->index;
    if (!input_of_files(one))
        return result->index < one->item_count && !result->path;
    if (!result->path)
        return false;
    uint64_t file = input_file_number(result->path) - 1;
    for (*item = one->file_first[file]; *item < one->item_count && one->items[*item].file == file; ++*item)
        if (files[file].positions[one->items[*item].offset] == result->index)
            return result->offset == result->index;
    return false;
}

rf_value input_value(const work *one, uint64_t item, rf_value tuple[2])
{
    if (!input_of_files(one))
        return item_of(one, item, tuple);
    const expected_item *its = &one->items[item];
    return rf_view(one->input == WORK_RECORDS ? RF_BYTES : RF_TEXT, files[its->file].data + its->offset, its->size);
}

bool input_short_record(const work *one, uint64_t item)
{
    return one->input == WORK_RECORDS && one->items[item].size < one->record_size;
}

rf_value input_shared(uint64_t seed)
{
    uint64_t random = random_seed(seed, 0, 0, 0);
    size_t size = random_below(&random, 2) ? random_below(&random, 5000) : random_below(&random, PATTERN / 2);
    return rf_bytes(input_pattern(random_below(&random, PATTERN / 2)), size);
}
