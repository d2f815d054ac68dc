#include "input/source_state.h"

#define ASK_AGAIN 0.001                 /* seconds after which a generator that had nothing is asked again */

static int generator_read(rf_source *source, uint64_t want, uint64_t *got, double *delay)
{
    struct source_generator *generator = &source->generator;
    int status = RF_OK;
    if (!generator->caller.call)
        return error_set(RF_EUSAGE, "usage", "a generator cannot be run here");
    while (status == RF_OK && *got < want) {
        column_cut(&source->pages.incoming, 0);
        status = generator->caller.call(generator->caller.caller, generator->next, generator->state,
                                        &source->pages.incoming);
        if (status == RF_OK)
            status = pages_add_incoming(&source->pages);
        if (status == RF_OK)
            ++*got;
    }
    if (status == RF_AGAIN)
        *delay = ASK_AGAIN;
    return status;
}

/* The files of a list up to end, a page each. RF_END: none is left. */
static int list_files(rf_source *source, uint64_t end, uint64_t want, uint64_t *got)
{
    if (source->next_file == end)
        return RF_END;
    const input_file *file = paths_file(&source->files.found, source->next_file);
    uint64_t blocks = file->blocks - source->next_block;
    blocks = blocks < want - *got ? blocks : want - *got;
    int status = pages_add_blocks(&source->pages, source->next_file, source->next_block, blocks);
    if (status)
        return status;
    *got += blocks;
    source->next_block += blocks;
    if (source->next_block == file->blocks) {
        source->next_block = 0;
        source->next_file++;
    }
    return RF_OK;
}

/* The items of the files up to end. RF_END: none is left. */
static int read_files(rf_source *source, uint64_t end, uint64_t want, uint64_t *got)
{
    reader *here = source->files.here;
    reader_item item;
    int status = RF_OK;
    while (status == RF_OK && *got < want) {
        input_piece piece;
        status = reader_next(here, &item);
        if (status == RF_OK)
            status = pages_add(&source->pages, item.value);
        if (status == RF_OK)
            ++*got;
        if (status != RF_END || source->next_file == end)
            continue;
        const input_file *file = paths_file(&source->files.found, source->next_file);
        status = files_describe_blocks(source, source->next_file++, 0, file->blocks, &piece);
        if (status == RF_OK)
            status = reader_open(here, &piece, file->first_unit, file->blocks, UINT64_MAX);
    }
    return status;
}

static int list_read(rf_source *source, uint64_t want, uint64_t *got, int *descriptor)
{
    const paths *found = &source->files.found;
    int status = RF_OK;
    while (status == RF_OK && *got < want) {
        uint64_t end = source->standard_input.ended ? paths_count(found) : found->before_input;
        status = source->files.here ? read_files(source, end, want, got) : list_files(source, end, want, got);
        if (status != RF_END || source->standard_input.ended)
            continue;
        status = standard_input_read(source, want, got);
        if (status == RF_END)
            status = RF_OK;
        if (status == RF_AGAIN)
            *descriptor = 0;
    }
    return status;
}

int sequential_read(rf_source *source, uint64_t want, uint64_t *got, int *descriptor, double *delay)
{
    uint64_t left = source->limit - source->pages.count;
    int status = RF_END;
    want = want < left ? want : left;
    if (!source->ended && want)
        status = source->kind == SOURCE_GENERATOR ? generator_read(source, want, got, delay)
                                                  : list_read(source, want, got, descriptor);
    if (status == RF_OK || (status == RF_AGAIN && !*got))
        return status;
    if (status == RF_AGAIN)
        return RF_OK;
    source->ended = true;
    source->length = source->pages.count;
    return status == RF_END && *got ? RF_OK : status;
}

int sequential_describe(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    const page *of = pages_find(&source->pages, first);
    if (of && of->file != UINT64_MAX) {
        uint64_t left = of->first + of->count - first;
        *described = count < left ? count : left;
        return files_describe_blocks(source, of->file, of->block + (first - of->first), *described, piece);
    }
    int status = pages_describe(&source->pages, first, count, piece, described);
    if (!status && source->kind == SOURCE_FILES && source->files.layout == INPUT_RECORDS) {
        piece->layout = INPUT_RECORDS;
        piece->a = (first - source->standard_input.first_unit) * source->files.record_size;
        piece->b = source->files.record_size;
    }
    return status;
}
