#include "keyed/cursor.h"

#include <unistd.h>
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
    size_t more = size > to->window_size ? size - to->window_size : 0;
    if (to->window_size)
        memmove(to->held.data, to->window, to->window_size);
    to->held.size = to->window_size;
    if (more && buffer_reserve(&to->held, more))
        return RF_ENOMEM;
    to->window = to->held.data;
    return RF_OK;
}

static int read_more(cursor *to, size_t size)
{
    size_t wanted = size > CURSOR_WINDOW ? size : CURSOR_WINDOW;
    wanted = wanted < to->left ? wanted : to->left;
    if (slide(to, wanted))
        return RF_ENOMEM;
    size_t more = wanted - to->window_size;
    int status = disk_read(to->file, to->held.data + to->held.size, more, to->offset + to->window_size, to->name);
    if (status)
        return status;
    to->held.size += more;
    to->window_size += more;
    return RF_OK;
}

static int take_arrived(cursor *to, size_t size)
{
    size_t more = to->arrived.size;
    if (to->window_size + more < size)
        return RF_AGAIN;
    if (slide(to, to->window_size + more) || buffer_put(&to->held, to->arrived.data, more))
        return RF_ENOMEM;
    to->arrived.size = 0;
    to->window = to->held.data;
    to->window_size += more;
    return RF_OK;
}

/* Makes size bytes of the window, which are known to be still to come. */
static int need(cursor *to, size_t size)
{
    if (size <= to->window_size)
        return RF_OK;
    return to->fed ? take_arrived(to, size) : read_more(to, size);
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

static __attribute__((noinline)) int next_in_range(cursor *to)
{
    int status;
    do {
        status = next_record(to);
    } while (!status && to->has_low && record_compare_keys(to->order, &to->it, &to->low) < 0);
    if (status)
        return status;
    to->has_low = false;
    if (to->has_high && record_compare_keys(to->order, &to->it, &to->high) >= 0) {
        to->left = to->block_left = 0;
        to->at = to->end;
        return RF_END;
    }
    return RF_OK;
}

int cursor_next(cursor *to)
{
    return to->order ? next_in_range(to) : next_record(to);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static int open_bytes(cursor *to, const sealed_run *of, uint64_t offset, uint64_t bytes)
{
    *to = (cursor){.file = -1, .name = of->path ? of->path : "a run in memory", .offset = offset, .left = bytes};
    if (of->path)
        return bytes ? disk_open(of->path, &to->file) : RF_OK;
    to->window = of->memory.data + offset;
    to->window_size = bytes;
    return RF_OK;
}

int cursor_open(cursor *to, const sealed_run *of, uint32_t partition)
{
    return open_bytes(to, of, of->parts[partition].offset, of->parts[partition].bytes);
}

/* The first record of block b of the partition. */
static int look_into(cursor *to, const sealed_run *of, uint64_t b)
{
    const run_partition *part = &of->parts[0];
    uint64_t offset = of->block_offsets[b];
    int file = to->file;
    buffer held = to->held, raw = to->raw;
    *to = (cursor){.file = file, .name = to->name, .held = held, .raw = raw, .offset = offset,
                   .left = part->offset + part->bytes - offset};
    if (file < 0)
        to->window = of->memory.data + offset, to->window_size = to->left;
    return cursor_next(to);
}

/* The last block that begins below low, or the first: what is not below low is in it or after it. */
static int find_block(cursor *to, const sealed_run *of, const record_order *order, const record *low, uint64_t *block)
{
    uint64_t first = 0, end = of->parts[0].blocks;
    while (end - first > 1) {
        uint64_t middle = first + (end - first) / 2;
        int status = look_into(to, of, middle);
        if (status)
            return status;
        if (record_compare_keys(order, &to->it, low) < 0)
            first = middle;
        else
            end = middle;
    }
    *block = first;
    return RF_OK;
}

int cursor_open_range(cursor *to, const sealed_run *of, const record_order *order, const record *low, const record *high)
{
    uint64_t block = 0;
    int status = cursor_open(to, of, 0);
    if (!status && low && of->parts[0].blocks > 1) {
        status = find_block(to, of, order, low, &block);
        uint64_t offset = of->block_offsets[block], end = of->parts[0].offset + of->parts[0].bytes;
        to->offset = offset;
        to->left = end - offset;
        to->window = to->file < 0 ? of->memory.data + offset : NULL;
        to->window_size = to->file < 0 ? to->left : 0;
        to->at = to->end = NULL;
        to->block_left = 0;
    }
    if (status) {
        cursor_close(to);
        return status;
    }
    to->order = order;
    to->has_low = low != NULL;
    to->has_high = high != NULL;
    to->low = low ? *low : to->low;
    to->high = high ? *high : to->high;
    return RF_OK;
}

void cursor_open_fed(cursor *to, const char *name, uint64_t offset, uint64_t bytes)
{
    *to = (cursor){.file = -1, .name = name, .offset = offset, .left = bytes, .fed = true};
}

int cursor_feed(cursor *to, const void *bytes, size_t size)
{
    if (size > to->left - to->window_size - to->arrived.size)
        return damaged(to, to->offset, "more came than the partition has");
    return buffer_put(&to->arrived, bytes, size);
}

void cursor_close(cursor *to)
{
    if (to->file >= 0)
        close(to->file);
    buffer_free(&to->held);
    buffer_free(&to->arrived);
    buffer_free(&to->raw);
    *to = (cursor){.file = -1};
}
