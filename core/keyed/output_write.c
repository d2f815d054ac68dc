/* An attempt writes its part. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "keyed/disk.h"
#include "keyed/hash.h"
#include "keyed/output_name.h"
#include "value/pack.h"

#define WRITTEN_AT_ONCE ((size_t)262144)

struct output_writer {
    output_format format;
    int file;
    char *path;
    buffer out, deflated;           /* what is not written yet; a stretch of it through zlib */
    z_stream flow;
    bool flows;
    FILE *print;                    /* into printed: what is neither text nor a whole number */
    char *printed;
    size_t printed_size;
    output_part part;
    XXH3_state_t checksum;
};

static void free_writer(output_writer *old)
{
    if (old->flows)
        deflateEnd(&old->flow);
    if (old->print)
        fclose(old->print);
    if (old->file >= 0)
        close(old->file);
    free(old->printed);
    buffer_free(&old->out);
    buffer_free(&old->deflated);
    free(old->path);
    free(old);
}

void output_abandon(output_writer *old)
{
    if (!old)
        return;
    if (old->file >= 0)
        unlink(old->path);
    free_writer(old);
}

int output_begin(const char *folder, uint32_t partition, unsigned attempt, output_format format, output_writer **made)
{
    *made = NULL;
    output_writer *new = aligned_alloc(64, (sizeof *new + 63) / 64 * 64);     /* xxhash's state wants it */
    if (!new)
        return error_no_memory(sizeof *new);
    memset(new, 0, sizeof *new);
    new->format = format;
    new->file = -1;
    XXH3_64bits_reset(&new->checksum);
    int status = output_attempt_name(folder, partition, attempt, &new->path);
    if (!status && unlink(new->path) && errno != ENOENT)
        status = disk_fail(new->path, "removed", 0, errno);
    status = status ? status : disk_create(new->path, &new->file);
    status = status ? status : buffer_reserve(&new->out, WRITTEN_AT_ONCE + WRITTEN_AT_ONCE / 4);
    if (!status && format.gzip) {
        new->flows = deflateInit2(&new->flow, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
        status = new->flows ? RF_OK : error_no_memory(sizeof new->flow);
    }
    if (status)
        output_abandon(new);
    else
        *made = new;
    return status;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static int write_bytes(output_writer *to, const void *bytes, size_t size)
{
    int status = size ? disk_write(to->file, bytes, size, to->path) : RF_OK;
    if (size)
        XXH3_64bits_update(&to->checksum, bytes, size);
    to->part.bytes += size;
    return status;
}

static int deflate_out(output_writer *to, int flush)
{
    const uint8_t *at = to->out.data;
    size_t left = to->out.size;
    to->deflated.size = 0;
    if (buffer_reserve(&to->deflated, WRITTEN_AT_ONCE))
        return RF_ENOMEM;
    do {
        unsigned taken = left < UINT32_MAX / 2 ? (unsigned)left : UINT32_MAX / 2;
        to->flow.next_in = (uint8_t *)(uintptr_t)at;
        to->flow.avail_in = taken;
        do {
            to->flow.next_out = to->deflated.data;
            to->flow.avail_out = WRITTEN_AT_ONCE;
            (void)deflate(&to->flow, taken == left ? flush : Z_NO_FLUSH);
            int status = write_bytes(to, to->deflated.data, WRITTEN_AT_ONCE - to->flow.avail_out);
            if (status)
                return status;
        } while (to->flow.avail_out == 0);
        at += taken;
        left -= taken;
    } while (left);
    return RF_OK;
}

static int flush(output_writer *to, bool last)
{
    int status = to->flows ? deflate_out(to, last ? Z_FINISH : Z_NO_FLUSH) : write_bytes(to, to->out.data, to->out.size);
    to->out.size = 0;
    return status;
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

/* There is room nearly always: what is not written yet stays below what was reserved, but for one pair. */
static inline int append(output_writer *to, const void *bytes, size_t size)
{
    if (!buffer_has(&to->out, size))
        return buffer_put(&to->out, bytes, size);
    if (size)
        memcpy(to->out.data + to->out.size, bytes, size);
    to->out.size += size;
    return RF_OK;
}

static bool is_plain(rf_value value)
{
    return rf_type_of(value) == RF_TEXT || rf_type_of(value) == RF_BYTES;
}

static int print(output_writer *to, rf_value value)
{
    if (!to->print && !(to->print = open_memstream(&to->printed, &to->printed_size)))
        return error_no_memory(BUFSIZ);
    rewind(to->print);
    int status = rf_print(to->print, value);
    if (!status && fflush(to->print))
        status = error_no_memory(to->printed_size);
    return status ? status : append(to, to->printed, (size_t)ftell(to->print));
}

static int put_integer(output_writer *to, uint64_t number, bool negative)
{
    char digits[24], *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    if (negative)
        *--at = '-';
    return append(to, at, (size_t)(digits + sizeof digits - at));
}

static int put_text(output_writer *to, rf_value value)
{
    bool negative = value.tag == RF_I64 && value.i64 < 0;
    if (is_plain(value))
        return append(to, value.data, rf_size(value));
    if (value.tag == RF_I64 || value.tag == RF_U64)
        return put_integer(to, negative ? -value.u64 : value.u64, negative);
    return print(to, value);
}

static int put_line(output_writer *to, rf_value key, rf_value value)
{
    bool has_key = rf_type_of(key) != RF_NIL, has_value = rf_type_of(value) != RF_NIL;
    int status = has_key ? put_text(to, key) : RF_OK;
    if (!status && has_key && has_value)
        status = append(to, "\t", 1);
    if (!status && has_value)
        status = put_text(to, value);
    return status ? status : append(to, "\n", 1);
}

static int put_packed(output_writer *to, rf_value value)
{
    return is_plain(value) ? append(to, value.data, rf_size(value)) : pack_value(&to->out, value);
}

/* A record's value lies behind its key. */
static int put_raw(output_writer *to, rf_value key, rf_value value)
{
    if (is_plain(key) && is_plain(value) && (const uint8_t *)key.data + rf_size(key) == value.data)
        return append(to, key.data, rf_size(key) + rf_size(value));
    int status = put_packed(to, key);
    return status ? status : put_packed(to, value);
}

static int put_prefixed(output_writer *to, rf_value key, rf_value value)
{
    uint32_t sizes[2] = {0};
    size_t head = to->out.size, start = head + sizeof sizes;
    int status = append(to, sizes, sizeof sizes);
    status = status ? status : put_packed(to, key);
    size_t key_size = to->out.size - start;
    status = status ? status : put_packed(to, value);
    size_t value_size = to->out.size - start - key_size;
    if (!status && (key_size > UINT32_MAX || value_size > UINT32_MAX))
        status = error_set(RF_EARGS, "arguments", "%zu bytes: prefixed output ends at 4 GiB for a key or a value",
                           key_size > value_size ? key_size : value_size);
    if (status)
        return status;
    sizes[0] = (uint32_t)key_size;
    sizes[1] = (uint32_t)value_size;
    memcpy(to->out.data + head, sizes, sizeof sizes);
    return RF_OK;
}

static int put_pair(output_writer *to, rf_value key, rf_value value)
{
    switch (to->format.kind) {
    case RF_PREFIXED:
        return put_prefixed(to, key, value);
    case RF_RAW:
        return put_raw(to, key, value);
    default:
        return put_line(to, key, value);
    }
}

int output_pair(output_writer *to, rf_value key, rf_value value)
{
    size_t before = to->out.size;
    int status = put_pair(to, key, value);
    if (status) {
        to->out.size = before;
        return status;
    }
    to->part.records++;
    return to->out.size >= WRITTEN_AT_ONCE ? flush(to, false) : RF_OK;
}

int output_end(output_writer *to, output_part *part)
{
    *part = (output_part){0};
    int status = flush(to, true);
    if (!status && fsync(to->file))
        status = disk_fail(to->path, "synced", 0, errno);
    int file = to->file;
    if (!status) {
        to->file = -1;
        status = close(file) ? disk_fail(to->path, "closed", 0, errno) : RF_OK;
        if (status)
            unlink(to->path);
    }
    if (status) {
        output_abandon(to);
        return status;
    }
    to->part.checksum = XXH3_64bits_digest(&to->checksum);
    *part = to->part;
    free_writer(to);
    return RF_OK;
}
