/* reference_kmers K FILE...: what apps/kmers prints, the plain way: one sequence after another, every k-mer as a text, sorted. */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t k, count, room;
static char *all;                       /* k-mers of k bytes and a NUL */

static char partner(char base)
{
    switch (base) {
    case 'A': return 'T';
    case 'C': return 'G';
    case 'G': return 'C';
    case 'T': return 'A';
    default: return '\0';
    }
}

static void add_kmer(const char *at)
{
    char reverse[256] = "";
    if (count == room) {
        room = 2 * room + 1000;
        if (!(all = realloc(all, room * (k + 1))))
            exit(1);
    }
    for (size_t i = 0; i < k; i++) {
        reverse[k - 1 - i] = partner(at[i]);
        if (!partner(at[i]))
            return;
    }
    memcpy(all + count++ * (k + 1), memcmp(at, reverse, k) < 0 ? at : reverse, k);
    all[count * (k + 1) - 1] = '\0';
}

/* Sequences are gathered here, an x before each. */
static char *bases;
static size_t base_count, base_room;

static void add_bases(const char *line)
{
    size_t size = strlen(line);
    if (base_count + size + 1 > base_room) {
        base_room = 2 * (base_count + size + 1);
        if (!(bases = realloc(bases, base_room)))
            exit(1);
    }
    for (; *line; line++)
        bases[base_count++] = (char)toupper((unsigned char)*line);
}

static void read_file(const char *path)
{
    FILE *from = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    char format = '\0';
    if (!from)
        exit(1);
    for (unsigned long number = 0; getline(&line, &size, from) > 0; number++) {
        line[strcspn(line, "\r\n")] = '\0';
        format = number ? format : *line;
        if (format == '>' ? *line == '>' : number % 4 == 0)
            add_bases("x");
        else if (format == '>' || number % 4 == 1)
            add_bases(line);
    }
    add_bases("x");
    free(line);
    fclose(from);
}

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

int main(int argc, char **argv)
{
    k = (size_t)atoi(argv[1]);
    for (int i = 2; i < argc; i++)
        read_file(argv[i]);
    for (size_t i = 0; i + k <= base_count; i++)
        add_kmer(bases + i);
    if (count)
        qsort(all, count, k + 1, by_text);
    for (size_t i = 0, same; i < count; i += same) {
        for (same = 1; i + same < count && strcmp(all + i * (k + 1), all + (i + same) * (k + 1)) == 0; same++)
            ;
        printf("%s\t%zu\n", all + i * (k + 1), same);
    }
    return 0;
}
