#include "keyed/run.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "keyed/disk.h"
#include "keyed/run_format.h"

void run_free(sealed_run *old)
{
    if (!old)
        return;
    if (old->path && !old->kept)
        unlink(old->path);
    buffer_free(&old->memory);
    free(old->path);
    free(old->index);
    free(old);
}

int run_spill(sealed_run *of, const char *path)
{
    int file = -1, status = RF_OK;
    char *name = strdup(path);
    if (!name)
        return error_no_memory(strlen(path) + 1);
    status = disk_create(path, &file);
    status = status ? status : disk_write(file, of->memory.data, of->memory.size, path);
    if (file >= 0 && close(file) != 0 && !status)
        status = disk_fail(path, "written", of->memory.size, errno);
    if (status) {
        if (file >= 0)
            unlink(path);
        free(name);
        return status;
    }
    of->path = name;
    buffer_free(&of->memory);
    return RF_OK;
}

int run_give(sealed_run *of, const char *path)
{
    int status = RF_OK;
    if (!of->path)
        status = run_spill(of, path);
    else if (strcmp(of->path, path) && rename(of->path, path))
        status = disk_fail(path, "made of a run", 0, errno);
    of->kept = !status;
    run_free(of);
    return status;
}

int run_copy(const sealed_run *of, uint64_t offset, size_t size, uint8_t *to)
{
    if (offset > of->bytes || size > of->bytes - offset)
        return error_set(RF_EUSAGE, "usage", "%zu bytes at byte %" PRIu64 " were asked of a run that has %" PRIu64, size, offset, of->bytes);
    if (of->path)
        return disk_read_once(of->path, to, size, offset);
    if (size)
        memcpy(to, of->memory.data + offset, size);
    return RF_OK;
}

int run_stretch_of(const sealed_run *of, uint32_t partition, run_stretch *to)
{
    *to = (run_stretch){0};
    if (partition >= of->partitions)
        return error_set(RF_EUSAGE, "usage", "partition %" PRIu32 " was asked of a run that has %" PRIu32, partition, of->partitions);
    *to = (run_stretch){of->parts[partition].offset, of->parts[partition].bytes};
    return RF_OK;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static int damaged(const char *name, uint64_t offset, const char *what)
{
    return error_set(RF_EINPUT, "input", "%s: byte %" PRIu64 ": %s: this run is damaged, the task that made it must run again", name,
                     offset, what);
}

static bool tail_fits(const run_tail *tail, uint64_t size)
{
    uint64_t left = size - sizeof *tail;
    if (tail->magic != RUN_MAGIC || !tail->partitions || tail->index > left)
        return false;
    left -= tail->index;
    if (tail->partitions > left / sizeof(run_partition))
        return false;
    left -= tail->partitions * sizeof(run_partition);
    return tail->blocks <= left / sizeof(run_mark) && left - tail->blocks * sizeof(run_mark) == tail->sample_size;
}

/* Partitions follow each other without a gap, and so do their blocks. */
static bool index_fits(const sealed_run *of, const run_tail *tail)
{
    uint64_t offset = 0, block = 0, records = 0, content = 0;
    for (uint32_t p = 0; p < of->partitions; p++) {
        const run_partition *part = &of->parts[p];
        if (part->offset != offset || part->bytes > tail->index - offset || part->first_block != block ||
            part->blocks > of->blocks - block)
            return false;
        for (uint64_t b = 0; b < part->blocks; b++) {
            uint64_t at = of->marks[block + b].offset, least = b ? of->marks[block + b - 1].offset + RUN_BLOCK_HEAD : offset;
            if (at < least || at - offset >= part->bytes || (!b && at != offset))
                return false;
        }
        if (!part->blocks != !part->bytes)
            return false;
        offset += part->bytes;
        block += part->blocks;
        records += part->records;
        content += part->content;
    }
    return offset == tail->index && block == of->blocks && records == of->records && content == of->content;
}

/* index: the bytes from tail->index up to the tail. */
static int take_index(sealed_run *of, const run_tail *tail, uint8_t *index, const char *name)
{
    size_t size = (size_t)(of->bytes - sizeof *tail - tail->index);
    if (run_tail_checksum(tail, index, size) != tail->checksum)
        return damaged(name, tail->index, "the index does not match its checksum");
    of->partitions = tail->partitions;
    of->sample_limit = tail->sample_limit;
    of->records = tail->records;
    of->content = tail->content;
    of->blocks = tail->blocks;
    of->parts = (run_partition *)(void *)index;
    of->marks = (run_mark *)(void *)(of->parts + of->partitions);
    of->sample = (uint8_t *)(of->marks + of->blocks);
    of->sample_size = tail->sample_size;
    return index_fits(of, tail) ? RF_OK : damaged(name, tail->index, "the index contradicts itself");
}

int run_open_bytes(buffer *bytes, sealed_run **made)
{
    static const char name[] = "a run in memory";
    run_tail tail;
    *made = NULL;
    sealed_run *opened = calloc(1, sizeof *opened);
    int status = opened ? RF_OK : error_no_memory(sizeof *opened);
    size_t size = bytes->size;
    if (!status && size >= sizeof tail)
        memcpy(&tail, bytes->data + size - sizeof tail, sizeof tail);
    if (!status && (size < sizeof tail || !tail_fits(&tail, size)))
        status = damaged(name, size, "no run ends here");
    if (status) {
        buffer_free(bytes);
        free(opened);
        return status;
    }
    opened->bytes = size;
    opened->memory = *bytes;
    *bytes = (buffer){0};
    size_t index = (size_t)(size - sizeof tail - tail.index);
    opened->index = malloc(index);
    status = opened->index ? RF_OK : error_no_memory(index);
    if (!status) {
        memcpy(opened->index, opened->memory.data + tail.index, index);
        status = take_index(opened, &tail, opened->index, name);
    }
    if (status)
        run_free(opened);
    else
        *made = opened;
    return status;
}

static int read_file(sealed_run *to, int file, const char *path)
{
    run_tail tail;
    off_t size = lseek(file, 0, SEEK_END);
    if (size < 0)
        return error_set(RF_EINPUT, "input", "%s: %s", path, strerror(errno));
    to->bytes = (uint64_t)size;
    if (to->bytes < sizeof tail)
        return damaged(path, to->bytes, "no run ends here");
    int status = disk_read(file, &tail, sizeof tail, to->bytes - sizeof tail, path);
    if (status)
        return status;
    if (!tail_fits(&tail, to->bytes))
        return damaged(path, to->bytes - sizeof tail, "no run ends here");
    size_t index = (size_t)(to->bytes - sizeof tail - tail.index);
    to->index = malloc(index);
    if (!to->index)
        return error_no_memory(index);
    status = disk_read(file, to->index, index, tail.index, path);
    return status ? status : take_index(to, &tail, to->index, path);
}

int run_open_file(const char *path, bool owned, sealed_run **made)
{
    int file = -1;
    *made = NULL;
    sealed_run *opened = calloc(1, sizeof *opened);
    char *name = strdup(path);
    int status = opened && name ? disk_open(path, &file) : error_no_memory(sizeof *opened);
    status = status ? status : read_file(opened, file, path);
    if (file >= 0)
        close(file);
    if (status) {
        free(name);
        run_free(opened);
        return status;
    }
    opened->path = name;
    opened->kept = !owned;
    *made = opened;
    return RF_OK;
}
