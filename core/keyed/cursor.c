#include "keyed/cursor.h"

#include <zlib.h>

#include "base/error.h"
#include "keyed/disk.h"
#include "keyed/run_format.h"

#define DEFLATED_MOST 1100          /* zlib makes nothing smaller than a 1,032th */

static int damaged(const cursor *of, uint64_t offset, const char *what)
{
    return error_set(RF_EINPUT, "input", "%s: byte %" PRIu64 ": %s: this run is damaged, the task that made it must run again",
                     of->name, offset, what);
}

/* ---- bytes at hand ----------------------------------------------------------------------------------------------- */

/* Moves what is left of the window to the front of held, with room for size in all. */
static int slide(cursor *to, size_t size)
{
    if (to->window_size)
        memmove(to->held.data, to->window, to->window_size);
    to->held.size = to->window_size;
    if (buffer_reserve(&to->held, size - to->window_size))
        return RF_ENOMEM;
    to->window = to->held.data;
    return RF_OK;
}

/* Makes size bytes of the window, which are known to be still to come. */
static int need(cursor *to, size_t size)
{
    if (size <= to->window_size)
        return RF_OK;
    size_t wanted = size > to->window_most ? size : to->window_most;
    wanted = wanted < to->left ? wanted : to->left;
    if (slide(to, wanted))
        return RF_ENOMEM;
    size_t more = wanted - to->window_size;
    int status = disk_read_once(to->path, to->held.data + to->window_size, more, to->offset + to->window_size);
    if (status)
        return status;
    to->held.size = to->window_size = wanted;
    return RF_OK;
}

static void pass(cursor *to, size_t size)
{
    to->window += size;
    to->window_size -= size;
    to->offset += size;
    to->left -= size;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static int inflate_block(cursor *to, const run_block *head, const uint8_t *stored)
{
    uLongf size = head->raw;
    to->raw.size = 0;
    if (buffer_reserve(&to->raw, head->raw))
        return RF_ENOMEM;
    int status = uncompress(to->raw.data, &size, stored, head->stored);
    if (status == Z_MEM_ERROR)
        return error_no_memory(head->raw);
    if (status != Z_OK || size != head->raw)
        return damaged(to, to->block_offset, "a block does not decompress");
    to->at = to->raw.data;
    return RF_OK;
}

static bool head_fits(const cursor *to, const run_block *head)
{
    bool deflated = head->flags == RUN_DEFLATED;
    return head->stored <= to->left - RUN_BLOCK_HEAD && (deflated || head->flags == 0) && head->records &&
           (deflated ? head->raw / DEFLATED_MOST <= head->stored : head->raw == head->stored) && head->records <= head->raw / 3;
}

static int next_block(cursor *to)
{
    run_block head;
    if (to->at != to->end)
        return damaged(to, to->block_offset, "a block holds more than its records");
    if (!to->left)
        return RF_END;
    if (to->left < sizeof head)
        return damaged(to, to->offset, "half a block");
    int status = need(to, sizeof head);
    if (status)
        return status;
    memcpy(&head, to->window, sizeof head);
    if (!head_fits(to, &head))
        return damaged(to, to->offset, "no block begins here");
    status = need(to, sizeof head + head.stored);
    if (status)
        return status;
    const uint8_t *stored = to->window + sizeof head;
    if (run_block_checksum(&head, stored) != head.checksum)
        return damaged(to, to->offset, "a block does not match its checksum");
    to->block_offset = to->offset;
    to->at = stored;
    if (head.flags == RUN_DEFLATED)
        status = inflate_block(to, &head, stored);
    to->end = to->at + head.raw;
    to->block_left = head.records;
    pass(to, sizeof head + head.stored);
    return status;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static inline int next_record(cursor *to)
{
    while (!to->block_left) {
        int status = next_block(to);
        if (status)
            return status;
    }
    to->start = to->at;
    if (!record_take(&to->at, to->end, &to->it) || !record_sound(&to->it))
        return damaged(to, to->block_offset, "a block holds what is no record");
    to->block_left--;
    return RF_OK;
}

/* Most keys are told from the bound by their first bytes. */
static bool is_beyond(const cursor *to)
{
    uint64_t prefix = record_prefix(to->it.key, to->it.key_size);
    if (!to->order->compare && prefix != to->high_prefix)
        return prefix > to->high_prefix;
    return record_compare_keys(to->order, &to->it, &to->high) >= 0;
}

static int find_low(cursor *to)
{
    int status;
    do {
        status = next_record(to);
    } while (!status && record_compare_keys(to->order, &to->it, &to->low) < 0);
    to->has_low = status != RF_OK;
    return status;
}

int cursor_next(cursor *to)
{
    int status = to->has_low ? find_low(to) : next_record(to);
    if (status || !to->has_high || !is_beyond(to))
        return status;
    to->left = to->block_left = 0;
    to->at = to->end;
    return RF_END;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

void cursor_open_bytes(cursor *to, const char *name, uint64_t offset, const uint8_t *bytes, size_t size)
{
    *to = (cursor){.name = name, .offset = offset, .left = size, .window = bytes, .window_size = size};
}

void cursor_open_part(cursor *to, const char *path, uint64_t at, uint64_t bytes)
{
    *to = (cursor){.name = path, .path = path, .offset = at, .left = bytes, .window_most = CURSOR_WINDOW};
}

void cursor_open_stretch(cursor *to, const sealed_run *of, const run_stretch *blocks)
{
    if (of->path)
        cursor_open_part(to, of->path, blocks->offset, blocks->bytes);
    else
        cursor_open_bytes(to, "a run in memory", blocks->offset, of->memory.data + blocks->offset, blocks->bytes);
}

void cursor_open(cursor *to, const sealed_run *of, uint32_t partition)
{
    cursor_open_stretch(to, of, &(run_stretch){of->parts[partition].offset, of->parts[partition].bytes});
}

void cursor_window(cursor *to, size_t bytes)
{
    to->window_most = bytes > CURSOR_WINDOW_LEAST ? bytes : CURSOR_WINDOW_LEAST;
}

void cursor_limit(cursor *to, const record_order *order, const record *low, const record *high)
{
    to->order = low || high ? order : NULL;
    to->has_low = low != NULL;
    to->has_high = high != NULL;
    to->low = low ? *low : to->low;
    to->high = high ? *high : to->high;
    to->high_prefix = high ? record_prefix(high->key, high->key_size) : 0;
}

void cursor_close(cursor *to)
{
    buffer_free(&to->held);
    buffer_free(&to->raw);
    *to = (cursor){0};
}
