#include "input/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "input/source_state.h"

/* ---- making one ------------------------------------------------------------------------------------------------- */

/* What a constructor gives when there is no memory for a source. Nobody writes to it. */
static const rf_source out_of_memory = {0};

bool source_is_out_of_memory(const rf_source *source)
{
    return source == &out_of_memory;
}

rf_source *source_new(enum source_kind kind)
{
    rf_source *source = calloc(1, sizeof *source);
    if (!source) {
        error_no_memory(sizeof *source);
        return (rf_source *)(uintptr_t)&out_of_memory;
    }
    source->kind = kind;
    source->length = source->limit = source->most = UINT64_MAX;
    return source;
}

rf_source *source_with(rf_source *source, int status)
{
    if (!status)
        return source;
    source->wrong = failure_new(rf_last_error());
    if (source->wrong)
        return source;
    rf_source_free(source);
    return (rf_source *)(uintptr_t)&out_of_memory;
}

int source_wrong_use(const char *function, const char *why)
{
    return error_set(RF_EUSAGE, "usage", "%s: %s", function, why);
}

/* Exact in uint64 for all bounds and steps: differences are taken modulo 2^64, where they cannot overflow, once it is
   known which bound is the larger. The most there can be, INT64_MIN to INT64_MAX by 1, is 2^64 - 1. */
static uint64_t range_length(int64_t start, int64_t stop, int64_t step)
{
    bool up = step > 0;
    if (up ? stop <= start : stop >= start)
        return 0;
    uint64_t distance = up ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    uint64_t stride = up ? (uint64_t)step : 0 - (uint64_t)step;
    return (distance - 1) / stride + 1;
}

rf_source *rf_range_by(int64_t start, int64_t stop, int64_t step)
{
    rf_source *source = source_new(SOURCE_RANGE);
    if (source_is_out_of_memory(source))
        return source;
    if (!step)
        return source_with(source, source_wrong_use("rf_range_by", "the step is 0; use another one"));
    source->range = (struct source_range){start, step};
    source->length = range_length(start, stop, step);
    return source;
}

rf_source *rf_range(int64_t start, int64_t stop)
{
    return rf_range_by(start, stop, 1);
}

static int check_array(const void *base, uint64_t count, size_t element_size, rf_type type)
{
    size_t bytes;
    bool integer = type == RF_I64 || type == RF_U64, power = element_size && !(element_size & (element_size - 1));
    if (!base && count)
        return source_wrong_use("rf_array", "the array is NULL");
    if (!element_size)
        return source_wrong_use("rf_array", "the element size is 0");
    if (__builtin_mul_overflow(count, element_size, &bytes) || bytes > PTRDIFF_MAX)
        return source_wrong_use("rf_array", "count times element size is more than memory can hold");
    if (!integer && type != RF_F64 && type != RF_BOOL && type != RF_BYTES)
        return source_wrong_use("rf_array", "elements are RF_I64, RF_U64, RF_F64, RF_BOOL or RF_BYTES");
    bool fits = type == RF_BYTES || (integer && power && element_size <= 8) || (type == RF_BOOL && element_size == 1) ||
                (type == RF_F64 && (element_size == 4 || element_size == 8));
    if (!fits)
        return error_set(RF_EUSAGE, "usage",
                         "rf_array: there is no number of that type of %zu bytes; use RF_BYTES, or RF_ARRAY", element_size);
    return RF_OK;
}

rf_source *rf_array(const void *base, uint64_t count, size_t element_size, rf_type type)
{
    rf_source *source = source_new(SOURCE_ARRAY);
    if (source_is_out_of_memory(source))
        return source;
    source->array = (struct source_array){base, element_size, type};
    source->length = count;
    return source_with(source, check_array(base, count, element_size, type));
}

rf_source *rf_values(const rf_value *values, uint64_t count)
{
    rf_source *source = source_new(SOURCE_VALUES);
    if (source_is_out_of_memory(source))
        return source;
    source->length = count;
    if (!values && count)
        return source_with(source, source_wrong_use("rf_values", "the array is NULL"));
    return source_with(source, values_fill(source, values, count));
}

rf_source *rf_strings(rf_strings_in texts, uint64_t count)
{
    rf_source *source = source_new(SOURCE_VALUES);
    if (source_is_out_of_memory(source))
        return source;
    source->length = count;
    if (!texts.constant && count)
        return source_with(source, source_wrong_use("rf_strings", "the array is NULL"));
    return source_with(source, strings_fill(source, texts.constant, count));
}

static int copy_paths(struct source_files *files, const char *function, const char *const *list, uint64_t count)
{
    bool standard_input = false;
    if (!list && count)
        return source_wrong_use(function, "the array of paths is NULL");
    files->given = strings_new();
    int status = files->given ? RF_OK : RF_ENOMEM;
    for (uint64_t i = 0; !status && i < count; i++) {
        if (!list[i])
            return error_set(RF_EUSAGE, "usage", "%s: path %" PRIu64 " of %" PRIu64 " is NULL", function, i, count);
        if (!strcmp(list[i], "-") && standard_input)
            return source_wrong_use(function, "\"-\" is given twice, but standard input can be read only once");
        standard_input = files->has_input = standard_input || !strcmp(list[i], "-");
        status = strings_add(files->given, list[i]);
    }
    return status;
}

static rf_source *files_new(enum input_layout layout, const char *function, const char *const *list, uint64_t count,
                            size_t record_size)
{
    rf_source *source = source_new(SOURCE_FILES);
    if (source_is_out_of_memory(source))
        return source;
    source->files.layout = layout;
    source->files.record_size = record_size;
    if (layout == INPUT_RECORDS && !record_size)
        return source_with(source, source_wrong_use(function, "the record size is 0"));
    int status = copy_paths(&source->files, function, list, count);
    source->sequential = source->files.has_input;
    return source_with(source, status);
}

rf_source *rf_lines(rf_strings_in list, uint64_t count)
{
    return files_new(INPUT_LINES, "rf_lines", list.constant, count, 0);
}

rf_source *rf_splits(rf_strings_in list, uint64_t count)
{
    return files_new(INPUT_SPLITS, "rf_splits", list.constant, count, 0);
}

rf_source *rf_files(rf_strings_in list, uint64_t count)
{
    return files_new(INPUT_WHOLE, "rf_files", list.constant, count, 0);
}

rf_source *rf_records(rf_strings_in list, uint64_t count, size_t record_size)
{
    return files_new(INPUT_RECORDS, "rf_records", list.constant, count, record_size);
}

rf_source *rf_prefixed(rf_strings_in list, uint64_t count)
{
    return files_new(INPUT_PREFIXED, "rf_prefixed", list.constant, count, 0);
}

rf_source *rf_generator(rf_generator_function *next, void *state, void (*release)(void *state))
{
    rf_source *source = source_new(SOURCE_GENERATOR);
    if (source_is_out_of_memory(source)) {
        if (release)
            release(state);
        return source;
    }
    source->generator = (struct source_generator){.next = next, .state = state, .release = release};
    source->sequential = true;
    return next ? source : source_with(source, source_wrong_use("rf_generator", "the function is NULL"));
}

static void free_kind(rf_source *source)
{
    if (source->kind == SOURCE_GENERATOR && source->generator.release)
        source->generator.release(source->generator.state);
    if (source->kind == SOURCE_ZIP)
        zip_free(&source->zip);
    if (source->kind == SOURCE_PAIRS)
        pairs_free(&source->pairs);
    if (source->kind != SOURCE_FILES)
        return;
    strings_free(source->files.given);
    paths_free(&source->files.found);
    reader_free(source->files.here);
    buffer_free(&source->files.body);
}

void rf_source_free(rf_source *source)
{
    if (!source || source_is_out_of_memory(source) || source->users) {
        if (source && source->users)
            source->users--;
        return;
    }
    free_kind(source);
    rf_source_free(source->of);
    pages_free(&source->pages);
    if (source->added)
        growth_free(source->added);
    free(source->added);
    buffer_free(&source->standard_input.window);
    buffer_free(&source->standard_input.pair);
    failure_free(source->wrong);
    free(source);
}

/* The values of a source of values, or what was read of a sequential one. */
static pages *pages_of(const rf_source *source)
{
    return source->of ? &source->of->pages : (pages *)(uintptr_t)&source->pages;
}

/* ---- using one -------------------------------------------------------------------------------------------------- */

bool source_sequential(const rf_source *source)
{
    return source->sequential;
}

uint64_t source_length(const rf_source *source)
{
    return source->length;
}

/* What the items of a zip of one come from: a file, where the member has one. */
static const rf_source *within(const rf_source *source)
{
    while (source->kind == SOURCE_ZIP && source->zip.count == 1)
        source = source->zip.members[0].source;
    return source;
}

bool source_read_by_workers(const rf_source *source)
{
    source = within(source);
    return source->kind == SOURCE_FILES && !source->files.here && paths_count(&source->files.found);
}

size_t source_unit_bytes(const rf_source *source)
{
    if (source->kind == SOURCE_ARRAY)
        return source->array.element_size;
    if (source->kind == SOURCE_ZIP)
        return zip_unit_bytes(source);
    const pages *held = pages_of(source);
    return held->count ? (size_t)(held->bytes / held->count) : 0;
}

static int limit_length(rf_source *source, uint64_t iterable_len)
{
    if (!iterable_len)
        return RF_OK;
    if (source_read_by_workers(source) && within(source)->files.layout != INPUT_WHOLE)
        return error_set(RF_EOPTION, "usage",
                         "iterable_len: workers read these files in blocks, whose items nobody has counted; "
                         "leave it out, or read from \"-\"");
    if (source->sequential && source->length == UINT64_MAX) {
        source->limit = source->length = iterable_len;
        return RF_OK;
    }
    const char *has = source->sequential ? "at most " : "";
    if (iterable_len == RF_ENDLESS && source->length != RF_ENDLESS)
        return error_set(RF_EOPTION, "usage",
                         "iterable_len is RF_ENDLESS, but the source has %s%" PRIu64 " items; leave it out", has,
                         source->length);
    if (iterable_len > source->length)
        return error_set(RF_EOPTION, "usage",
                         "iterable_len is %" PRIu64 ", but the source has %s%" PRIu64 " items; leave it out", iterable_len, has,
                         source->length);
    source->limit = source->length = iterable_len;
    return RF_OK;
}

int source_prepare(rf_source *source, const rf_options *settled, const source_caller *caller)
{
    if (source_is_out_of_memory(source))
        return error_no_memory(sizeof *source);
    if (source->wrong)
        return error_of_item(failure_error(source->wrong));
    int status = RF_OK;
    if (source->kind == SOURCE_FILES)
        status = files_prepare(source, settled);
    if (source->kind == SOURCE_ZIP)
        status = zip_prepare(source, settled, caller);
    if (source->kind == SOURCE_GENERATOR && caller)
        source->generator.caller = *caller;
    if (status == RF_OK)
        status = limit_length(source, settled->iterable_len);
    source->limit = source->limit < source->most ? source->limit : source->most;
    source->length = source->length < source->most ? source->length : source->most;
    return status;
}

int source_read(rf_source *source, uint64_t want, uint64_t *got, int *descriptor, double *delay)
{
    *got = 0;
    *descriptor = -1;
    *delay = INFINITY;
    if (!source->sequential)
        return error_set(RF_EUSAGE, "usage", "only sequential sources are read ahead");
    return source->kind == SOURCE_ZIP ? zip_read(source, want, got, descriptor, delay)
                                      : sequential_read(source, want, got, descriptor, delay);
}

static int describe_kind(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    switch (source->kind) {
    case SOURCE_RANGE:
        range_describe(source, first, count, piece, described);
        return RF_OK;
    case SOURCE_ARRAY:
        array_describe(source, first, count, piece, described);
        return RF_OK;
    case SOURCE_VALUES:
        return pages_describe(pages_of(source), first, count, piece, described);
    case SOURCE_ZIP:
        return zip_describe(source, first, count, piece, described);
    case SOURCE_PAIRS:
        pairs_describe(source, first, count, piece, described);
        return RF_OK;
    default:
        return files_describe(source, first, count, piece, described);
    }
}

static int no_such_units(uint64_t first, uint64_t count, uint64_t known)
{
    return error_set(RF_EUSAGE, "usage", "units %" PRIu64 " to %" PRIu64 " of a source that has %" PRIu64, first, first + count, known);
}

static int describe_added(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    uint64_t known = source->added ? source->added->indices.count : 0;
    if (!count || first >= known || count > known - first)
        return no_such_units(first, count, known);
    return growth_describe(source->added, first, count, piece, described);
}

static uint64_t units_known(const rf_source *source)
{
    if (!source->sequential)
        return source->length;
    return source->kind == SOURCE_ZIP ? source->zip.known : source->pages.count;
}

int source_describe(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    *piece = (input_piece){0};
    *described = 0;
    if (first >= SOURCE_ADDED)
        return describe_added(source, first - SOURCE_ADDED, count, piece, described);
    uint64_t known = units_known(source);
    if (!count || first >= known || count > known - first)
        return no_such_units(first, count, known);
    if (source->sequential && source->kind != SOURCE_ZIP)
        return sequential_describe(source, first, count, piece, described);
    return describe_kind(source, first, count, piece, described);
}

void source_forget(rf_source *source, uint64_t first, uint64_t count)
{
    if (first >= SOURCE_ADDED && source->added)
        growth_forget(source->added, first - SOURCE_ADDED, count);
    else if (source->kind == SOURCE_ZIP)
        zip_forget(source, first, count);
    else if (source->sequential)
        pages_forget(&source->pages, first, count);
}

int source_add(rf_source *source, const column_view *pairs)
{
    if (!source->added && !(source->added = calloc(1, sizeof *source->added)))
        return error_no_memory(sizeof *source->added);
    return growth_add(source->added, pairs);
}

void source_indices(const rf_source *source, uint64_t first, uint64_t count, uint64_t *to)
{
    if (source->added)
        growth_indices(source->added, first - SOURCE_ADDED, count, to);
    else
        memset(to, 0xff, count * sizeof *to);
}

void source_in_blocks(rf_source *source, uint64_t most)
{
    while (source->kind == SOURCE_ZIP && source->zip.count == 1)
        source = source->zip.members[0].source;
    if (source->kind == SOURCE_FILES)
        source->files.split_most = most;
}

uint64_t source_split(const rf_source *source)
{
    return source_read_by_workers(source) ? within(source)->files.split_size : 0;
}

uint64_t source_bytes(const rf_source *source)
{
    source = within(source);
    if (source->kind == SOURCE_FILES)
        return files_bytes(&source->files);
    uint64_t bytes;
    bool known = source->length != UINT64_MAX && !__builtin_mul_overflow(source->length, source_unit_bytes(source), &bytes);
    return known ? bytes : 0;
}

/* Files that are read in turn with standard input are pages of their own, of blocks. */
static uint64_t read_stretch(const rf_source *source, uint64_t first, uint64_t most, uint64_t bytes)
{
    uint64_t count = 0, sum = 0, each = source_unit_bytes(source);
    for (; count < most; count++) {
        const page *of = pages_find(&source->pages, first + count);
        sum += of && of->file != UINT64_MAX ? source->files.split_size : each;
        if (count && sum > bytes)
            break;
    }
    return count;
}

uint64_t source_stretch(const rf_source *source, uint64_t first, uint64_t most, uint64_t bytes)
{
    source = within(source);
    if (source->kind == SOURCE_FILES)
        return source->sequential ? read_stretch(source, first, most, bytes) : files_stretch(&source->files, first, most, bytes);
    size_t each = source_unit_bytes(source);
    uint64_t count = each ? bytes / each : most;
    return count < 1 ? 1 : count < most ? count : most;
}

strings *source_paths(const rf_source *source)
{
    return source_read_by_workers(source) ? within(source)->files.found.names : NULL;
}

bool source_path_of(const rf_source *source, uint64_t unit, uint64_t *path_index)
{
    *path_index = UINT64_MAX;
    if (!source_read_by_workers(source) || unit >= SOURCE_ADDED)
        return false;
    source = within(source);
    if (source->sequential) {
        const page *of = pages_find(&source->pages, unit);
        *path_index = of ? of->file : UINT64_MAX;
    } else if (unit < source->length) {
        *path_index = paths_of_unit(&source->files.found, unit);
    }
    return *path_index != UINT64_MAX;
}
