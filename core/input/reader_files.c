#include "input/reader_files.h"

#include <string.h>

#include "base/error.h"
#include "input/cut.h"
#include "input/file_spans.h"
#include "input/prefixed.h"

#define WINDOW_BYTES ((size_t)256 << 10)    /* read at once where items are small: they stay in the cache */
#define TAIL_BYTES ((size_t)4 << 10)        /* read past a block, for the end of its last line */

void file_reader_init(file_reader *from)
{
    *from = (file_reader){0};
    content_init(&from->content);
}

void file_reader_free(file_reader *from)
{
    content_close(&from->content);
    buffer_free(&from->copy);
}

const void *item_copy(buffer *to, const void *data, size_t size)
{
    to->size = 0;
    if (buffer_reserve(to, size + 1))
        return NULL;
    if (size)
        memcpy(to->data, data, size);
    to->data[size] = '\0';
    return to->data;
}

int file_reader_open(file_reader *from, const input_piece *piece, uint64_t first, uint64_t count, uint64_t position)
{
    from->spans = from->spans_end = NULL;
    from->blocks_left = 0;
    from->reading = false;
    from->hidden_at = NULL;
    if (!piece->body_size || !spans_are_sound(piece, count, position))
        return error_set(RF_EUSAGE, "usage", "a piece of %" PRIu64 " blocks of files does not fit its description",
                         count);
    from->layout = piece->layout;
    from->split_size = piece->a;
    from->record_size = piece->b;
    from->wanted = position;
    from->spans = piece->body;
    from->spans_end = from->spans + piece->body_size;
    from->next_unit = first;
    content_doubt(&from->content);
    return RF_OK;
}

/* ---- units ------------------------------------------------------------------------------------------------------ */

static bool next_unit(file_reader *from)
{
    if (!from->blocks_left) {
        if (from->spans == from->spans_end || !span_take(&from->spans, from->spans_end, &from->span, &from->path))
            return false;
        from->block = from->span.first_block;
        from->blocks_left = from->span.blocks;
    }
    uint64_t size = from->span.file_size, split = from->split_size;
    bool gzipped = gzip_named(from->path);
    from->unit = from->next_unit++;
    from->start = from->span.whole ? 0 : from->block * split;
    from->border = !from->span.whole && size - from->start > split ? from->start + split : size;
    from->end = size && !gzipped ? from->border : UINT64_MAX;
    from->compressed = gzipped && !from->span.whole;
    from->block++;
    from->blocks_left--;
    from->ended = false;
    from->at = from->scanned = 0;
    return true;
}

static bool of_lines(const file_reader *from)
{
    return from->layout == INPUT_LINES || from->layout == INPUT_SPLITS;
}

static int fill(file_reader *from, size_t more)
{
    int status = content_fill(&from->content, more);
    if (from->compressed && from->content.crossed != UINT64_MAX)
        from->end = from->content.crossed + 1;
    return status;
}

/* Moves to the first line that starts in a block which is not the file's first. RF_END: none does. */
static int find_first_line(file_reader *from)
{
    content *text = &from->content;
    size_t more = TAIL_BYTES;
    for (;;) {
        const uint8_t *newline = memchr(text->window.data, '\n', text->window.size);
        if (newline && text->offset + (uint64_t)(newline - text->window.data) < from->end - 1) {
            content_drop(text, (size_t)(newline - text->window.data) + 1);
            return RF_OK;
        }
        content_drop(text, text->window.size);
        if (text->offset >= from->end - 1)
            return RF_END;
        if (more > from->end - 1 - text->offset)
            more = (size_t)(from->end - 1 - text->offset);
        int status = fill(from, more);
        if (status)
            return status;
        more = more < WINDOW_BYTES ? 4 * more : WINDOW_BYTES;
    }
}

static int begin_unit(file_reader *from)
{
    bool early = of_lines(from) && from->start > 0;
    int status = content_open(&from->content, from->path, from->span.file_size, from->span.modified, from->start);
    if (!status && from->compressed)
        status = content_begin_block(&from->content, from->start, from->border);
    else if (!status)
        status = content_begin(&from->content, early ? from->start - 1 : from->start);
    if (!status && early)
        status = find_first_line(from);
    return status;
}

/* ---- items ------------------------------------------------------------------------------------------------------ */

static size_t fill_size(const file_reader *from)
{
    uint64_t have = content_end(&from->content);
    if (from->end == UINT64_MAX)
        return WINDOW_BYTES;
    if (have >= from->end) {
        uint64_t past = have - from->end;
        return past < TAIL_BYTES ? TAIL_BYTES : past < WINDOW_BYTES ? (size_t)past : WINDOW_BYTES;
    }
    uint64_t left = from->end - have + (of_lines(from) ? TAIL_BYTES : 0);
    bool large_items = from->layout == INPUT_SPLITS || from->layout == INPUT_WHOLE;
    return large_items || left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
}

static uint64_t least_size(const file_reader *from, uint64_t position)
{
    if (from->layout == INPUT_RECORDS)
        return from->record_size;
    return from->end - position < from->split_size ? from->end - position : from->split_size;
}

static void show_hidden(file_reader *from)
{
    if (from->hidden_at)
        *from->hidden_at = from->hidden;
    from->hidden_at = NULL;
}

static int give_pair(file_reader *from, const uint8_t *data, size_t size, uint64_t offset, reader_item *item)
{
    int status = prefixed_check(data, size, from->path, offset);
    if (!status)
        status = prefixed_pair(data, &from->copy, &item->value);
    item->rest = status != RF_OK;
    return status;
}

/* An item that starts at a multiple of 16 is given where it is; the byte behind it makes way for the NUL until the next
   call. Others are copied. */
static int give_item(file_reader *from, const cut *found, reader_item *item)
{
    uint8_t *data = from->content.window.data + from->at;
    uint64_t offset = from->content.offset + from->at;
    item->position = content_position(&from->content, offset);
    from->at += found->taken;
    from->scanned = 0;
    if (from->layout == INPUT_RECORDS && found->size < from->record_size)
        return error_set(RF_EINPUT, "input",
                         "%s: short last record at offset %" PRIu64 ": %zu bytes, records have %" PRIu64, from->path,
                         offset, found->size, from->record_size);
    if (from->layout == INPUT_PREFIXED)
        return give_pair(from, data, found->size, offset, item);
    const void *place = data;
    if ((uintptr_t)data % 16 == 0) {
        from->hidden_at = data + found->size;
        from->hidden = *from->hidden_at;
        *from->hidden_at = '\0';
    } else {
        place = item_copy(&from->copy, data, found->size);
    }
    if (!place) {
        item->rest = true;
        return RF_ENOMEM;
    }
    item->value = rf_view(cut_type(from->layout), place, found->size);
    return RF_OK;
}

/* A pair that reaches beyond the end of its file: nothing is read for it. */
static bool find_overlong(const file_reader *from, uint64_t position, cut *found)
{
    size_t have = from->content.window.size - from->at;
    if (from->layout != INPUT_PREFIXED || from->end == UINT64_MAX || have < PREFIXED_SIZES)
        return false;
    *found = (cut){.size = have, .taken = have};
    return prefixed_size(from->content.window.data + from->at) > from->end - position;
}

static bool find_item(file_reader *from, uint64_t position, cut *found)
{
    return find_overlong(from, position, found) ||
           cut_item(from->layout, least_size(from, position), from->content.window.data + from->at,
                    from->content.window.size - from->at, from->ended, &from->scanned, found);
}

static int next_item(file_reader *from, reader_item *item)
{
    content *text = &from->content;
    /* What is left of the window is mostly less than the split to come: moving it spares copying that. */
    if (from->layout == INPUT_SPLITS && from->at && text->window.size - from->at < from->split_size) {
        content_drop(text, from->at);
        from->at = 0;
    }
    for (;;) {
        cut found;
        uint64_t offset = text->offset + from->at;
        if (offset >= from->end)
            return RF_END;
        if (find_item(from, offset, &found))
            return give_item(from, &found, item);
        if (from->ended)
            return RF_END;
        content_drop(text, from->at);
        from->at = 0;
        int status = fill(from, fill_size(from));
        if (status == RF_END) {
            from->ended = true;
        } else if (status) {
            item->rest = true;
            item->position = content_position(text, offset);
            return status;
        }
    }
}

static int next_of_unit(file_reader *from, reader_item *item)
{
    item->unit = from->unit;
    item->path = from->path;
    item->path_index = from->span.path_index;
    /* Where the block begins; in a .gz one more, which no line of the block before can have. */
    item->position = from->compressed && from->start ? from->start * CONTENT_SPREAD + 1 : from->start;
    if (from->reading)
        return next_item(from, item);
    from->reading = true;
    int status = begin_unit(from);
    if (status == RF_OK)
        return next_item(from, item);
    item->rest = status != RF_END;
    return status;
}

/* The one item that is wanted, or why it cannot be had: there is always one answer. */
static int next_wanted(file_reader *from, reader_item *item)
{
    int status = next_of_unit(from, item);
    while (status == RF_OK && item->position != from->wanted) {
        show_hidden(from);
        status = next_of_unit(from, item);
    }
    from->reading = false;
    if (status == RF_END)
        status = error_set(RF_EINPUT, "input", "%s: no item starts at offset %" PRIu64, from->path, from->wanted);
    item->position = from->wanted;
    if (status)
        item->value = rf_nil();
    return status;
}

int file_reader_next(file_reader *from, reader_item *item)
{
    show_hidden(from);
    for (;;) {
        *item = (reader_item){.value = rf_nil()};
        if (!from->reading && !next_unit(from))
            return RF_END;
        if (from->wanted != UINT64_MAX)
            return next_wanted(from, item);
        int status = next_of_unit(from, item);
        if (status == RF_END || item->rest)
            from->reading = false;
        if (status != RF_END)
            return status;
    }
}
