/* One source, many jobs. */
#include <stdlib.h>

#include "input/source_state.h"

static int read_before(const rf_source *source)
{
    return error_set(RF_EUSAGE, "usage",
                     "%s was read by an earlier evaluation and cannot be read again: evaluate it once, with rf_seq_foreach or "
                     "rf_seq_collect, and go on from what that gives",
                     source->kind == SOURCE_GENERATOR ? "a generator" : "standard input");
}

static bool is_read_once(const rf_source *source)
{
    return source->kind == SOURCE_GENERATOR || (source->kind == SOURCE_FILES && source->files.has_input);
}

static int share_members(rf_source *again, const struct source_zip *zip)
{
    struct zip_member *members = calloc(zip->count, sizeof *members);
    if (!members)
        return error_no_memory(zip->count * sizeof *members);
    again->zip = (struct source_zip){.members = members, .count = zip->count, .depth = zip->depth};
    for (size_t i = 0; i < zip->count; i++)
        members[i].source = source_reading(zip->members[i].source);
    return RF_OK;
}

static int share_kind(rf_source *again, rf_source *source)
{
    switch (source->kind) {
    case SOURCE_RANGE:
        again->range = source->range;
        break;
    case SOURCE_ARRAY:
        again->array = source->array;
        break;
    case SOURCE_VALUES:
        again->of = source_share(source);
        break;
    case SOURCE_FILES:
        again->files = (struct source_files){.given = strings_share(source->files.given), .has_input = source->files.has_input,
                                             .layout = source->files.layout, .record_size = source->files.record_size};
        break;
    case SOURCE_GENERATOR:
        again->generator = source->generator;
        source->generator.release = NULL;
        break;
    case SOURCE_PAIRS:
        again->pairs = pairs_share(&source->pairs);
        break;
    case SOURCE_ZIP:
        return share_members(again, &source->zip);
    }
    return RF_OK;
}

rf_source *source_reading(rf_source *source)
{
    if (source_is_out_of_memory(source))
        return source;
    rf_source *again = source_new(source->kind);
    if (source_is_out_of_memory(again))
        return again;
    if (source->wrong || source->read) {
        again->kind = SOURCE_RANGE;         /* which owns nothing */
        if (!source->wrong)
            return source_with(again, read_before(source));
        again->wrong = failure_share(source->wrong);
        return again;
    }
    source->read = is_read_once(source);
    again->length = source->length;
    again->sequential = source->sequential;
    return source_with(again, share_kind(again, source));
}

rf_source *source_share(rf_source *source)
{
    if (!source_is_out_of_memory(source))
        source->users++;
    return source;
}

bool source_can_take(const rf_source *source)
{
    return source->kind != SOURCE_FILES && source->kind != SOURCE_ZIP;
}

void source_take(rf_source *reading, uint64_t most)
{
    if (!source_is_out_of_memory(reading))
        reading->most = most < reading->most ? most : reading->most;
}
