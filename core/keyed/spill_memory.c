/* How much memory a worker may take when nobody says. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "keyed/spill.h"

#define LEAST ((uint64_t)64 << 20)

/* The first number in a file; UINT64_MAX: there is none ("max"), or no file. */
static uint64_t number_in(const char *path)
{
    unsigned long long number;
    FILE *from = fopen(path, "r");
    bool read = from && fscanf(from, "%llu", &number) == 1;
    if (from)
        fclose(from);
    return read ? number : UINT64_MAX;
}

/* The limits of a control group and of all above it: group is shortened on the way up. */
static uint64_t group_limit(const char *root, const char *tree, char *group, const char *file)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        char path[8192];
        snprintf(path, sizeof path, "%s/sys/fs/cgroup%s%s/%s", root, tree, group, file);
        uint64_t limit = number_in(path);
        least = limit < least ? limit : least;
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

/* Lines of /proc/self/cgroup: "0::/path" of version 2, "N:memory:/path" of version 1. */
static uint64_t groups_limit(const char *root)
{
    char path[4200], line[4096];
    uint64_t least = UINT64_MAX;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *from = fopen(path, "r");
    while (from && fgets(line, sizeof line, from)) {
        line[strcspn(line, "\n")] = '\0';
        char *kind = strchr(line, ':'), *group = kind ? strchr(kind + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        bool second = kind[1] == '\0', first = strcmp(kind + 1, "memory") == 0;
        uint64_t limit = second  ? group_limit(root, "", group, "memory.max")
                         : first ? group_limit(root, "/memory", group, "memory.limit_in_bytes")
                                 : UINT64_MAX;
        least = limit < least ? limit : least;
    }
    if (from)
        fclose(from);
    return least;
}

static uint64_t node_memory(const char *root)
{
    char path[4200], line[256];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    FILE *from = fopen(path, "r");
    while (from && !kib && fgets(line, sizeof line, from))
        (void)sscanf(line, "MemTotal: %llu kB", &kib);
    if (from)
        fclose(from);
    return kib ? (uint64_t)kib * 1024 : UINT64_MAX;
}

size_t spill_default_memory(unsigned ranks, const char *root)
{
    uint64_t node = node_memory(root), groups = groups_limit(root), all = node < groups ? node : groups;
    if (all == UINT64_MAX)
        all = 0;
    uint64_t share = all / 2 / (ranks ? ranks : 1);
    return share > LEAST ? share : LEAST;
}
