/* Writing a run: blocks as records come, then the index. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "keyed/disk.h"
#include "keyed/run_format.h"

#define WRITTEN_AT_ONCE ((size_t)1 << 20)
#define NO_BLOCK SIZE_MAX
#define SAMPLE_LIKELY ((size_t)64)      /* bytes of a key in the sample: where they are more a run in memory is moved to where it fits */

static run_partition *part_in_work(const run_writer *to)
{
    return (run_partition *)(void *)(to->parts.data + to->parts.size - sizeof(run_partition));
}

static uint64_t blocks_of(const run_writer *to)
{
    return to->marks.size / sizeof(run_mark);
}

static int begin_partition(run_writer *to)
{
    run_partition part = {.offset = to->written + to->out.size, .first_block = blocks_of(to)};
    return buffer_put(&to->parts, &part, sizeof part);
}

static void free_writer(run_writer *to)
{
    buffer_free(&to->out);
    buffer_free(&to->raw);
    buffer_free(&to->parts);
    buffer_free(&to->marks);
    buffer_free(&to->last_key);
    sketch_free(&to->sample);
    free(to->path);
    *to = (run_writer){.file = -1};
}

void run_abandon(run_writer *to)
{
    if (to->file >= 0) {
        close(to->file);
        unlink(to->path);
    }
    free_writer(to);
}

int run_begin(run_writer *to, const shape *of, const char *path, size_t expected)
{
    *to = (run_writer){.of = of, .head = NO_BLOCK, .file = -1, .sample = {.limit = of->sample}};
    size_t heads = expected / 1024 + 4096, samples = of->sample * SAMPLE_LIKELY;
    size_t reserved = path ? WRITTEN_AT_ONCE + RUN_BLOCK : expected + heads + samples;
    int status = buffer_reserve(&to->out, reserved);
    if (!status && path && !(to->path = strdup(path)))
        status = error_no_memory(strlen(path) + 1);
    status = status ? status : begin_partition(to);
    if (!status && path)
        status = disk_create(path, &to->file);
    if (status)
        run_abandon(to);
    return status;
}

static int write_out(run_writer *to)
{
    if (to->file < 0)
        return RF_OK;
    int status = disk_write(to->file, to->out.data, to->out.size, to->path);
    to->written += to->out.size;
    to->out.size = 0;
    return status;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

/* Where the records of the block in work go: behind its head, or aside until they are compressed. */
static buffer *records_of(run_writer *to)
{
    return to->of->compress ? &to->raw : &to->out;
}

static int begin_block(run_writer *to, const record *first)
{
    size_t head = to->out.size;
    if (!buffer_add(&to->out, RUN_BLOCK_HEAD))
        return RF_ENOMEM;
    to->head = head;
    to->raw.size = 0;
    to->block_prefix = record_prefix(first->key, first->key_size);
    return RF_OK;
}

static int deflate_block(run_writer *to, run_block *head)
{
    uLongf size = compressBound(to->raw.size);
    uint8_t *space = buffer_add(&to->out, size);
    if (!space)
        return RF_ENOMEM;
    int failed = compress2(space, &size, to->raw.data, to->raw.size, Z_BEST_SPEED);
    if (failed)
        return error_no_memory(size);
    head->raw = to->raw.size;
    head->flags = RUN_DEFLATED;
    if (size >= to->raw.size) {
        size = to->raw.size;
        head->flags = 0;
        memcpy(space, to->raw.data, size);
    }
    to->out.size = to->head + RUN_BLOCK_HEAD + size;
    return RF_OK;
}

static int end_block(run_writer *to)
{
    if (to->head == NO_BLOCK)
        return RF_OK;
    run_block head = {.records = to->block_records};
    int status = to->of->compress ? deflate_block(to, &head) : RF_OK;
    run_mark mark = {to->written + to->head, to->block_prefix};
    status = status ? status : buffer_put(&to->marks, &mark, sizeof mark);
    if (status)
        return status;
    const uint8_t *stored = to->out.data + to->head + RUN_BLOCK_HEAD;
    head.stored = to->out.size - to->head - RUN_BLOCK_HEAD;
    head.raw = to->of->compress ? head.raw : head.stored;
    head.checksum = run_block_checksum(&head, stored);
    memcpy(to->out.data + to->head, &head, sizeof head);
    part_in_work(to)->records += head.records;
    part_in_work(to)->content += to->block_content;
    part_in_work(to)->blocks++;
    to->head = NO_BLOCK;
    to->block_records = 0;
    to->block_content = 0;
    return to->out.size >= WRITTEN_AT_ONCE ? write_out(to) : RF_OK;
}

/* ---- the sample -------------------------------------------------------------------------------------------------- */

static int end_key(run_writer *to)
{
    uint64_t weight = to->of->fold || to->of->combine ? 0 : to->last_weight;
    return to->last_weight ? sketch_add(&to->sample, &to->last, to->last_hash, weight) : RF_OK;
}

/* Its key is one of the least so far: it waits until all of its records, which are neighbours, have been counted. */
static __attribute__((noinline)) int sample_slowly(run_writer *to, const record *it, uint64_t hash)
{
    if (to->last_weight && record_same_key(&to->last, it)) {
        to->last_weight++;
        return RF_OK;
    }
    int status = end_key(to);
    to->last_key.size = 0;
    status = status ? status : buffer_put(&to->last_key, it->key, it->key_size);
    to->last = *it;
    to->last.key = to->last_key.data;
    to->last_hash = hash;
    to->last_weight = 1;
    return status;
}

static inline int sample_record(run_writer *to, const record *it)
{
    if (it->key_size > SKETCH_KEY_MOST)
        return RF_OK;
    uint64_t hash = sketch_hash(it);
    return sketch_wants(&to->sample, hash) ? sample_slowly(to, it, hash) : RF_OK;
}

/* ---- records, partitions, the end -------------------------------------------------------------------------------- */

int run_add(run_writer *to, const record *it, const uint8_t *bytes, size_t size)
{
    buffer *records = records_of(to);
    if (to->head == NO_BLOCK && begin_block(to, it))
        return RF_ENOMEM;
    if (records->capacity - records->size < size && buffer_reserve(records, size))
        return RF_ENOMEM;
    memcpy(records->data + records->size, bytes, size);
    records->size += size;
    to->block_content += (uint64_t)it->key_size + it->value_size;
    to->block_records++;
    if (to->sample.limit && sample_record(to, it))
        return RF_ENOMEM;
    size_t before = to->of->compress ? 0 : to->head + RUN_BLOCK_HEAD;
    return records->size - before >= RUN_BLOCK ? end_block(to) : RF_OK;
}

static int finish_partition(run_writer *to)
{
    int status = end_block(to);
    part_in_work(to)->bytes = to->written + to->out.size - part_in_work(to)->offset;
    return status;
}

int run_end_partition(run_writer *to)
{
    int status = finish_partition(to);
    return status ? status : begin_partition(to);
}

static int write_index(run_writer *to)
{
    size_t start = to->out.size, before;
    uint32_t partitions = (uint32_t)(to->parts.size / sizeof(run_partition));
    run_tail tail = {.magic = RUN_MAGIC, .index = to->written + start, .blocks = blocks_of(to), .partitions = partitions,
                     .sample_limit = to->sample.limit};
    const run_partition *parts = (const run_partition *)(const void *)to->parts.data;
    for (uint32_t p = 0; p < partitions; p++) {
        tail.records += parts[p].records;
        tail.content += parts[p].content;
    }
    int status = buffer_put(&to->out, to->parts.data, to->parts.size);
    if (!status && to->marks.size)
        status = buffer_put(&to->out, to->marks.data, to->marks.size);
    before = to->out.size;
    status = status ? status : sketch_put(&to->sample, &to->out);
    tail.sample_size = to->out.size - before;
    if (status)
        return status;
    tail.checksum = run_tail_checksum(&tail, to->out.data + start, to->out.size - start);
    status = buffer_put(&to->out, &tail, sizeof tail);
    return status ? status : write_out(to);
}

int run_end(run_writer *to, sealed_run **made)
{
    *made = NULL;
    int status = finish_partition(to);
    status = status ? status : end_key(to);
    status = status ? status : write_index(to);
    if (!status && to->file >= 0 && close(to->file) != 0) {
        to->file = -1;
        status = disk_fail(to->path, "written", 0, errno);
        unlink(to->path);
    }
    if (status) {
        run_abandon(to);
        return status;
    }
    if (to->path) {
        status = run_open_file(to->path, true, made);
        if (status)
            unlink(to->path);
    } else {
        status = run_open_bytes(&to->out, made);
    }
    to->file = -1;
    free_writer(to);
    return status;
}
