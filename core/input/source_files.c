#include <string.h>

#include "input/gzip.h"
#include "input/source_state.h"

/* Records lie in blocks of whole records: as many as a split has room for, and at least one. */
static uint64_t block_size(const struct source_files *files, uint64_t split_size)
{
    if (files->layout != INPUT_RECORDS)
        return split_size;
    uint64_t records = split_size / files->record_size;
    return files->record_size * (records ? records : 1);
}

/* Some block may hold many items. Of splits only one that is decompressed does: files that say that they are empty mostly are. */
static bool holds_crowds(const struct source_files *files)
{
    bool any = false;
    for (uint64_t i = 0; i < paths_count(&files->found) && !any; i++) {
        const input_file *file = paths_file(&files->found, i);
        any = files->layout != INPUT_SPLITS || (file->size && gzip_named(strings_at(files->found.names, i)));
    }
    return any && files->layout != INPUT_WHOLE;
}

static int read_here(rf_source *source)
{
    source->files.here = reader_new();
    source->standard_input.ended = source->files.found.before_input == UINT64_MAX;
    source->sequential = true;
    source->length = UINT64_MAX;
    return source->files.here ? RF_OK : RF_ENOMEM;
}

uint64_t files_bytes(const struct source_files *files)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < paths_count(&files->found); i++)
        bytes += paths_file(&files->found, i)->size;
    return bytes;
}

#define BLOCK_LEAST ((uint64_t)16 << 20)    /* of a large input: then most of what repeats is combined, and runs are few */
#define BLOCK_SMALL ((uint64_t)1 << 20)
#define BLOCKS_MANY 64                      /* as many as are merged in one go */
#define BLOCKS_FEW 8                        /* a small input is for several workers, too */

static uint64_t split_of(uint64_t bytes, uint64_t most)
{
    uint64_t many = bytes / BLOCKS_MANY, few = bytes / BLOCKS_FEW;
    uint64_t split = many > BLOCK_LEAST ? many : few < BLOCK_LEAST ? few : BLOCK_LEAST;
    split = split > BLOCK_SMALL ? split : BLOCK_SMALL;
    return split < most ? split : most;
}

int files_prepare(rf_source *source, const rf_options *settled)
{
    struct source_files *files = &source->files;
    int status = paths_find(&files->found, files->given);
    uint64_t split_size = files->split_most ? split_of(files_bytes(files), files->split_most) : settled->split_size;
    files->split_size = block_size(files, split_size ? split_size : 1);
    if (!status)
        status = paths_cut(&files->found, files->layout, files->split_size);
    if (status)
        return status;
    source->sequential = files->found.before_input != UINT64_MAX;
    source->length = source->sequential ? UINT64_MAX : files->found.units;
    return settled->rate_limit.count > 0 && holds_crowds(files) ? read_here(source) : RF_OK;
}

static uint64_t unit_bytes(const struct source_files *files, const input_file *file, uint64_t block)
{
    uint64_t start = block * files->split_size;
    if (file->whole || start >= file->size)
        return file->whole ? file->size : 0;
    return file->size - start < files->split_size ? file->size - start : files->split_size;
}

uint64_t files_stretch(const struct source_files *files, uint64_t first, uint64_t most, uint64_t bytes)
{
    uint64_t i = paths_of_unit(&files->found, first), count = 0, sum = 0;
    for (; count < most; i++) {
        const input_file *file = paths_file(&files->found, i);
        for (uint64_t block = first + count - file->first_unit; block < file->blocks && count < most; block++, count++) {
            sum += unit_bytes(files, file, block);
            if (count && sum > bytes)
                return count;
        }
    }
    return count;
}

static int add_span(struct source_files *files, uint64_t i, uint64_t block, uint64_t blocks)
{
    const input_file *file = paths_file(&files->found, i);
    const char *path = strings_at(files->found.names, i);
    size_t size = strlen(path);
    struct input_span span = {
        .path_index = i,
        .first_block = block,
        .blocks = blocks,
        .file_size = file->size,
        .modified = file->modified,
        .whole = file->whole,
        .path_size = (uint32_t)size,
    };
    int status = buffer_put(&files->body, &span, sizeof span);
    if (!status)
        status = buffer_put(&files->body, path, size + 1);
    return status ? status : buffer_align(&files->body, 8);
}

static void begin_piece(struct source_files *files, input_piece *piece)
{
    files->body.size = 0;
    *piece = (input_piece){
        .kind = INPUT_FILES,
        .layout = files->layout,
        .a = files->split_size,
        .b = files->record_size,
    };
}

static void end_piece(const struct source_files *files, input_piece *piece)
{
    piece->body = files->body.data;
    piece->body_size = files->body.size;
}

/* A span a file, while the piece has room: many small files travel together. */
int files_describe(rf_source *source, uint64_t first, uint64_t count, input_piece *piece, uint64_t *described)
{
    struct source_files *files = &source->files;
    uint64_t i = paths_of_unit(&files->found, first), done = 0;
    begin_piece(files, piece);
    while (done < count && files->body.size < SOURCE_PIECE_BYTES) {
        const input_file *file = paths_file(&files->found, i);
        uint64_t block = first + done - file->first_unit, blocks = file->blocks - block;
        blocks = blocks < count - done ? blocks : count - done;
        size_t before = files->body.size;
        int status = add_span(files, i++, block, blocks);
        if (status)
            return status;
        if (done && files->body.size > SOURCE_PIECE_BYTES) {
            files->body.size = before;
            break;
        }
        done += blocks;
    }
    *described = done;
    end_piece(files, piece);
    return RF_OK;
}

int files_describe_blocks(rf_source *source, uint64_t file, uint64_t block, uint64_t blocks, input_piece *piece)
{
    begin_piece(&source->files, piece);
    int status = add_span(&source->files, file, block, blocks);
    end_piece(&source->files, piece);
    return status;
}
