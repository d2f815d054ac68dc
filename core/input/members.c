#define _GNU_SOURCE /* memmem */

#include "input/members.h"

#include <string.h>

#define SCAN_BYTES ((size_t)256 << 10)
#define RAW_BYTES ((size_t)32 << 10)
#define CONTENT_BYTES ((size_t)64 << 10)
#define SURE_BYTES ((uint64_t)64 << 10)     /* more than a compressor leaves as it is at a stretch */
#define HEADER_BYTES 4                      /* of which it is asked whether a member may begin so */
#define BGZF_BYTES 18

void members_free(members *of)
{
    gzip_free(&of->trial);
    buffer_free(&of->scanned);
    buffer_free(&of->raw);
    buffer_free(&of->content);
}

/* ---- is there a cut here? --------------------------------------------------------------------------------------- */

/* How long the member is that begins with these bytes, as the only extra field says that BGZF's writers leave; 0: it does not say. */
static uint64_t bgzf_size(const uint8_t header[BGZF_BYTES])
{
    static const uint8_t begins[4] = {0x1f, 0x8b, 8, 4}, field[6] = {6, 0, 'B', 'C', 2, 0};
    if (memcmp(header, begins, sizeof begins) || memcmp(header + 10, field, sizeof field))
        return 0;
    return ((uint64_t)header[16] | (uint64_t)header[17] << 8) + 1;
}

/* The header behind the last one that is needed is looked at too: nothing else tells that that one ended there. */
static int try_bgzf(const seen_file *file, uint64_t at, bool *cut)
{
    uint64_t end = at;
    bool sure = false;
    while (!sure && end < file->size) {
        uint8_t header[BGZF_BYTES];
        size_t got;
        int status = seen_read(file, end, header, sizeof header, &got);
        if (status)
            return status;
        uint64_t size = got == sizeof header ? bgzf_size(header) : 0;
        if (!size || size > file->size - end)
            return RF_OK;
        sure = end - at >= SURE_BYTES;
        end += size;
    }
    *cut = true;
    return RF_OK;
}

static int inflate_some(members *of, size_t *at)
{
    size_t taken, made;
    int status = gzip_inflate(&of->trial, of->raw.data + *at, of->raw.size - *at, &taken, of->content.data, CONTENT_BYTES, &made);
    *at += taken;
    return status;
}

static int try_inflating(members *of, const seen_file *file, uint64_t at, bool *cut)
{
    gzip *trial = &of->trial;
    size_t used = 0, got;
    int status = gzip_start(trial, at);
    of->raw.size = 0;
    while (!status && !*cut) {
        if (used == of->raw.size) {
            status = seen_read(file, trial->used, of->raw.data, RAW_BYTES, &got);
            of->raw.size = got;
            used = 0;
        }
        if (!status && (status = inflate_some(of, &used)) == RF_EINPUT)
            return RF_OK;
        *cut = !status && !trial->inside && (trial->used - at >= SURE_BYTES || trial->used == file->size);
    }
    return status == RF_END ? RF_OK : status;
}

static int try_place(members *of, const seen_file *file, uint64_t at, bool *cut)
{
    *cut = false;
    int status = try_bgzf(file, at, cut);
    return status || *cut ? status : try_inflating(of, file, at, cut);
}

/* ---- where is the first? ---------------------------------------------------------------------------------------- */

static bool may_begin(const uint8_t header[HEADER_BYTES])
{
    return header[0] == 0x1f && header[1] == 0x8b && header[2] == 8 && !(header[3] & 0xe0);
}

/* The next place in the bytes, from at on, at which a member may begin; size where there is none. */
static size_t next_place(const uint8_t *bytes, size_t size, size_t at)
{
    while (size - at >= HEADER_BYTES) {
        const uint8_t *found = memmem(bytes + at, size - at - 1, "\x1f\x8b\x08", 3);
        if (!found)
            break;
        at = (size_t)(found - bytes);
        if (may_begin(found))
            return at;
        at++;
    }
    return size;
}

/* Looks through some of [of->to, to), and moves of->to on as far as no cut is, or to one. */
static int look_on(members *of, const seen_file *file, uint64_t to)
{
    uint64_t left = to - of->to, start = of->to;
    size_t most = left < SCAN_BYTES ? (size_t)left + HEADER_BYTES - 1 : SCAN_BYTES, got;
    int status = seen_read(file, start, of->scanned.data, most, &got);
    size_t at = status ? 0 : next_place(of->scanned.data, got, 0);
    while (!status && at < got) {
        of->to = start + at;
        status = try_place(of, file, of->to, &of->found);
        if (status || of->found)
            return status;
        at = next_place(of->scanned.data, got, at + 1);
    }
    if (status)
        return status;
    if (start + got == file->size || got == most)
        of->to = got < SCAN_BYTES ? to : start + got - (HEADER_BYTES - 1);
    else if (got >= HEADER_BYTES)
        of->to = start + got - (HEADER_BYTES - 1);
    else
        status = seen_read(file, start + got, of->scanned.data, HEADER_BYTES, &got);       /* what is wrong there */
    return status;
}

static bool knows(const members *of, const seen_file *file, uint64_t from)
{
    return of->size == file->size && of->modified == file->modified && of->inode == file->inode && of->device == file->device &&
           of->from <= from && from <= of->to;
}

static int make_room(members *of)
{
    int status = buffer_reserve(&of->scanned, SCAN_BYTES + HEADER_BYTES);
    status = status ? status : buffer_reserve(&of->raw, RAW_BYTES - of->raw.size);
    return status ? status : buffer_reserve(&of->content, CONTENT_BYTES);
}

int members_cut(members *of, const seen_file *file, uint64_t from, uint64_t to, uint64_t *cut)
{
    int status = make_room(of);
    if (!status && !knows(of, file, from)) {
        of->device = file->device;
        of->inode = file->inode;
        of->size = file->size;
        of->modified = file->modified;
        of->from = of->to = from;
        of->found = false;
    }
    while (!status && !of->found && of->to < to)
        status = look_on(of, file, to);
    *cut = of->to;
    if (status)
        return status;
    return of->found && of->to < to ? RF_OK : RF_END;
}
