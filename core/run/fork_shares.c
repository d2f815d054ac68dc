#include "run/fork_shares.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

/* struct told_all, and for each piece a struct told_one and its name with its NUL, up to a multiple of 8. */
struct told_all { int64_t process; uint64_t count, size; };     /* size: with all that follows */
struct told_one { uint64_t version, size; int64_t fd; uint64_t name_size; };

static size_t name_size(const char *name)
{
    return (strlen(name) + 1 + 7) & ~(size_t)7;
}

size_t fork_shares_size(const share_table *table)
{
    size_t size = sizeof(struct told_all);
    for (size_t i = 0; table && i < table->count; i++)
        size += sizeof(struct told_one) + name_size(table->all[i]->name);
    return size;
}

void fork_shares_put(const share_table *table, void *space)
{
    struct told_all *all = space;
    uint8_t *at = (uint8_t *)(all + 1);
    *all = (struct told_all){.process = getpid(), .count = table ? table->count : 0, .size = fork_shares_size(table)};
    for (uint64_t i = 0; i < all->count; i++) {
        const shared *one = table->all[i];
        struct told_one *told = (struct told_one *)(void *)at;
        *told = (struct told_one){.version = one->version, .size = one->size, .fd = one->fd, .name_size = name_size(one->name)};
        strcpy((char *)(told + 1), one->name);
        at += sizeof *told + told->name_size;
    }
}

static const uint8_t *map(int64_t process, const struct told_one *told)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/fd/%" PRId64, process, told->fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, told->size + 1, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        error_set(RF_ENOMEM, "executor", "a child cannot map the shared data \"%s\" (%s, errno %d)", (const char *)(told + 1), path, errno);
    if (fd >= 0)
        close(fd);
    return at == MAP_FAILED ? NULL : at;
}

/* One allocation: the table, its pieces, and a copy of what was told, for the names. */
static share_table *table_new(const struct told_all *all, const struct told_one **first)
{
    size_t size = sizeof(share_table) + all->count * (sizeof(shared *) + sizeof(shared));
    share_table *table = calloc(1, size + all->size);
    if (!table) {
        error_no_memory(size + all->size);
        return NULL;
    }
    table->all = (const shared **)(void *)(table + 1);
    shared *pieces = (shared *)(void *)(table->all + all->count);
    for (uint64_t i = 0; i < all->count; i++)
        table->all[i] = &pieces[i];
    struct told_all *copy = memcpy(pieces + all->count, all, all->size);
    *first = (const struct told_one *)(copy + 1);
    return table;
}

int fork_shares_open(const void *told, share_table **made, size_t *bytes)
{
    const struct told_all *all = told;
    const struct told_one *one;
    *made = NULL;
    *bytes = 0;
    if (!all->count)
        return RF_OK;
    share_table *table = table_new(all, &one);
    if (!table)
        return RF_ENOMEM;
    for (; table->count < all->count; table->count++) {
        const uint8_t *data = map(all->process, one);
        if (!data) {
            fork_shares_close(table);
            return RF_ENOMEM;
        }
        *(shared *)(uintptr_t)table->all[table->count] = (shared){.name = (const char *)(one + 1), .version = one->version, .data = data,
                                                                  .size = one->size, .fd = -1};
        *bytes += one->size + 1;
        one = (const struct told_one *)(const void *)((const uint8_t *)(one + 1) + one->name_size);
    }
    *made = table;
    return RF_OK;
}

void fork_shares_close(share_table *table)
{
    for (size_t i = 0; table && i < table->count; i++)
        munmap((void *)(uintptr_t)table->all[i]->data, table->all[i]->size + 1);
    free(table);
}
