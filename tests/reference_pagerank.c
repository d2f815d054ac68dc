/* reference_pagerank DAMPING < EDGES: what apps/pagerank prints, the plain way: numbered nodes, arrays, long doubles, until nothing
   moves. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **names;                    /* from, to, from, to, ...; then sorted, each once */
static size_t name_count, room;

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_name(char *name)
{
    if (name_count == room) {
        room = 2 * room + 1000;
        if (!(names = realloc(names, room * sizeof *names)))
            exit(1);
    }
    names[name_count++] = name;
}

static void read_names(void)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        char *tab = strchr(line, '\t');
        if (!tab)
            exit(1);
        tab[1 + strcspn(tab + 1, "\n")] = '\0';
        *tab = '\0';
        add_name(strdup(line));
        add_name(strdup(tab + 1));
    }
    free(line);
}

static size_t number_names(char **nodes)
{
    size_t count = 0;
    memcpy(nodes, names, name_count * sizeof *names);
    qsort(nodes, name_count, sizeof *nodes, by_bytes);
    for (size_t i = 0; i < name_count; i++)
        if (!count || strcmp(nodes[i], nodes[count - 1]) != 0)
            nodes[count++] = nodes[i];
    return count;
}

static long double iterate(const size_t *ends, size_t edges, const size_t *degree, size_t nodes, long double damping, long double *rank,
                           long double *next)
{
    long double dangling = 0, changed = 0;
    for (size_t i = 0; i < nodes; i++) {
        next[i] = 0;
        dangling += degree[i] ? 0 : rank[i];
    }
    for (size_t e = 0; e < edges; e++)
        next[ends[2 * e + 1]] += rank[ends[2 * e]] / (long double)degree[ends[2 * e]];
    for (size_t i = 0; i < nodes; i++) {
        next[i] = (1 - damping) / (long double)nodes + damping * (next[i] + dangling / (long double)nodes);
        changed += fabsl(next[i] - rank[i]);
    }
    memcpy(rank, next, nodes * sizeof *rank);
    return changed;
}

int main(int argc, char **argv)
{
    read_names();
    char **nodes = calloc(name_count + 1, sizeof *nodes);
    size_t count = nodes ? number_names(nodes) : 0, edges = name_count / 2;
    size_t *ends = calloc(name_count + 1, sizeof *ends), *degree = calloc(count + 1, sizeof *degree);
    long double *rank = calloc(2 * count + 1, sizeof *rank), damping = argc > 1 ? strtold(argv[1], NULL) : 0.85L;
    if (!nodes || !ends || !degree || !rank)
        return 1;
    for (size_t i = 0; i < name_count; i++)
        ends[i] = (size_t)((char **)bsearch(&names[i], nodes, count, sizeof *nodes, by_bytes) - nodes);
    for (size_t e = 0; e < edges; e++)
        degree[ends[2 * e]]++;
    for (size_t i = 0; i < count; i++)
        rank[i] = 1 / (long double)count;
    for (int i = 0; i < 100000 && iterate(ends, edges, degree, count, damping, rank, rank + count) > 1e-17L; i++)
        ;
    for (size_t i = 0; i < count; i++)
        printf("%s\t%.17Lg\n", nodes[i], rank[i]);
    return 0;
}
