#include "input/content.h"

#include <string.h>

#include "base/error.h"

#define RAW_BYTES ((size_t)64 << 10)
#define WINDOW_LEAST ((size_t)4 << 10)
#define JOINTS_DONE 64              /* so many are forgotten together */

struct content_joint {
    uint64_t offset;                /* in the content */
    uint64_t member;                /* offset in the file */
};

void content_init(content *of)
{
    *of = (content){.border = UINT64_MAX};
    seen_init(&of->file);
}

void content_close(content *of)
{
    seen_close(&of->file);
    gzip_free(&of->stream);
    buffer_free(&of->raw);
    buffer_free(&of->window);
    buffer_free(&of->joints);
    members_free(&of->members);
}

void content_doubt(content *of)
{
    seen_doubt(&of->file);
}

int content_open(content *of, const char *path, uint64_t size, int64_t modified, uint64_t at)
{
    of->gzipped = gzip_named(path);
    return seen_open(&of->file, path, size, modified, at);
}

static int begin_at(content *of, uint64_t in_file, uint64_t offset)
{
    of->window.size = 0;
    of->raw.size = of->raw_at = 0;
    of->joints.size = of->joint = 0;
    of->border = of->crossed = UINT64_MAX;
    of->next = in_file;
    of->offset = offset;
    int status = buffer_reserve(&of->window, WINDOW_LEAST);
    if (!status && of->gzipped)
        status = buffer_reserve(&of->raw, RAW_BYTES);
    if (!status && of->gzipped)
        status = gzip_start(&of->stream, in_file);
    return status;
}

int content_begin(content *of, uint64_t offset)
{
    return begin_at(of, offset, offset);
}

int content_begin_block(content *of, uint64_t from, uint64_t to)
{
    uint64_t cut = 0;
    int status = from ? members_cut(&of->members, &of->file, from, to, &cut) : RF_OK;
    if (!status)
        status = begin_at(of, cut, 0);
    of->border = to;
    return status;
}

/* ---- members ---------------------------------------------------------------------------------------------------- */

static struct content_joint *joints_of(const content *of)
{
    return (struct content_joint *)(void *)of->joints.data;
}

static int add_joint(content *of)
{
    const struct content_joint joint = {content_end(of), of->stream.used};
    if (of->joint >= JOINTS_DONE) {
        of->joints.size -= of->joint * sizeof joint;
        memmove(of->joints.data, joints_of(of) + of->joint, of->joints.size);
        of->joint = 0;
    }
    return buffer_put(&of->joints, &joint, sizeof joint);
}

uint64_t content_position(content *of, uint64_t offset)
{
    const struct content_joint *joints = joints_of(of);
    size_t count = of->joints.size / sizeof *joints;
    if (!of->gzipped)
        return offset;
    if (!count)
        return of->stream.used * CONTENT_SPREAD;
    while (of->joint + 1 < count && joints[of->joint + 1].offset <= offset)
        of->joint++;
    return joints[of->joint].member * CONTENT_SPREAD + (offset - joints[of->joint].offset);
}

/* No cut may be between the block's end and end, which is where the last member says that the next one begins, or the file's end. */
static int check_passed(content *of, uint64_t end, bool *cut)
{
    uint64_t first;
    int status = members_cut(&of->members, &of->file, of->border, end < of->file.size ? end + 1 : end, &first);
    *cut = status == RF_OK;
    if (status || first == end)
        return status == RF_END ? RF_OK : status;
    return error_set(RF_EINPUT, "input",
                     "%s: whole gzip members seem to begin at offset %" PRIu64 ", inside the one at %" PRIu64
                     ": nobody can tell where to cut the file; make split_size %" PRIu64 " to have it read by one worker",
                     seen_path(&of->file), first, of->stream.member, of->file.size);
}

static bool looks_for_next_block(const content *of)
{
    return of->stream.used >= of->border && of->crossed == UINT64_MAX;
}

static int begin_member(content *of)
{
    bool cut = false;
    int status = add_joint(of);
    if (!status && looks_for_next_block(of))
        status = check_passed(of, of->stream.used, &cut);
    if (cut && !status)
        of->crossed = content_end(of);
    return status;
}

static int end_members(content *of)
{
    bool cut;
    int status = of->border < of->file.size && of->crossed == UINT64_MAX ? check_passed(of, of->file.size, &cut) : RF_OK;
    return status ? status : RF_END;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

static int read_file(content *of, uint8_t *to, size_t size, size_t *got)
{
    int status = seen_read(&of->file, of->next, to, size, got);
    of->next += *got;
    return status;
}

static int read_raw(content *of)
{
    of->raw.size = of->raw_at = 0;
    size_t got;
    int status = read_file(of, of->raw.data, RAW_BYTES, &got);
    if (status == RF_OK)
        of->raw.size = got;
    if (status != RF_END)
        return status;
    if (of->stream.inside)
        return error_set(RF_EINPUT, "input", "%s: truncated: the file ends at offset %" PRIu64 " inside the gzip member at %" PRIu64,
                         seen_path(&of->file), of->next, of->stream.member);
    return end_members(of);
}

static int tell_corrupt(const content *of)
{
    const gzip *stream = &of->stream;
    if (stream->used == stream->member)
        return error_set(RF_EINPUT, "input", "%s: corrupt at offset %" PRIu64 ": %s", seen_path(&of->file), stream->used, stream->why);
    return error_set(RF_EINPUT, "input", "%s: corrupt at offset %" PRIu64 ", in the gzip member at %" PRIu64 ": %s", seen_path(&of->file),
                     stream->used, stream->member, stream->why);
}

static int inflate_file(content *of, uint8_t *to, size_t size, size_t *got)
{
    for (*got = 0; !*got;) {
        size_t left = of->raw.size - of->raw_at, taken = 0;
        int status = left && !of->stream.inside ? begin_member(of) : RF_OK;
        if (status)
            return status;
        status = gzip_inflate(&of->stream, of->raw.data + of->raw_at, left, &taken, to, size, got);
        of->raw_at += taken;
        if (*got)
            break;
        if (status == RF_EINPUT)
            return tell_corrupt(of);
        if (!status && !taken && of->raw_at == of->raw.size)
            status = read_raw(of);
        if (status)
            return status;
    }
    return RF_OK;
}

int content_fill(content *of, size_t more)
{
    size_t got = 0;
    int status = buffer_reserve(&of->window, more + 1);
    if (status)
        return status;
    uint8_t *to = of->window.data + of->window.size;
    if (of->gzipped)
        status = inflate_file(of, to, more, &got);
    else
        status = read_file(of, to, more, &got);
    if (!status)
        of->window.size += got;
    return status;
}

void content_drop(content *of, size_t size)
{
    if (!size)
        return;
    of->window.size -= size;
    of->offset += size;
    memmove(of->window.data, of->window.data + size, of->window.size);
}
