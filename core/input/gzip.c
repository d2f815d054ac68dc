#include "input/gzip.h"

#include <string.h>

#include "base/error.h"

#define MOST_AT_ONCE ((size_t)1 << 30)  /* zlib counts in unsigned */
#define GZIP_WINDOW (15 + 16)           /* the largest window, gzip headers only */

bool gzip_named(const char *path)
{
    size_t size = strlen(path);
    return size >= 3 && !strcmp(path + size - 3, ".gz");
}

int gzip_start(gzip *stream, uint64_t at)
{
    int status = stream->made ? inflateReset(&stream->flow) : inflateInit2(&stream->flow, GZIP_WINDOW);
    if (status != Z_OK)
        return error_set(RF_ENOMEM, "memory", "out of memory: zlib could not start");
    *stream = (gzip){.flow = stream->flow, .made = true, .used = at, .member = at};
    return RF_OK;
}

void gzip_free(gzip *stream)
{
    if (stream->made)
        inflateEnd(&stream->flow);
    *stream = (gzip){0};
}

static int inflate_error(gzip *stream, int status)
{
    if (status == Z_MEM_ERROR)
        return error_set(RF_ENOMEM, "memory", "out of memory: zlib could not go on");
    bool header = stream->used - stream->member <= 2;
    stream->why = stream->flow.msg ? stream->flow.msg : "corrupt gzip data";
    if (header) {
        stream->used = stream->member;
        stream->why = stream->member ? "what follows the last gzip member is not another one" : "not in gzip format";
    }
    return RF_EINPUT;
}

static size_t at_most(size_t size)
{
    return size < MOST_AT_ONCE ? size : MOST_AT_ONCE;
}

int gzip_inflate(gzip *stream, const void *in, size_t in_size, size_t *taken, void *out, size_t room, size_t *made)
{
    z_stream *flow = &stream->flow;
    *taken = *made = 0;
    if (!stream->inside) {
        if (!in_size)
            return RF_OK;
        inflateReset(flow);
        stream->inside = true;
        stream->member = stream->used;
    }
    in_size = at_most(in_size);
    room = at_most(room);
    flow->next_in = (z_const Bytef *)(uintptr_t)in;
    flow->avail_in = (uInt)in_size;
    flow->next_out = out;
    flow->avail_out = (uInt)room;
    int status = inflate(flow, Z_NO_FLUSH);
    *taken = in_size - flow->avail_in;
    *made = room - flow->avail_out;
    stream->used += *taken;
    if (status == Z_STREAM_END)
        stream->inside = false;
    if (status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR)
        return RF_OK;
    return inflate_error(stream, status);
}
