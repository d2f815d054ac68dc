/* shared DICTIONARY TEXT...: how many words of each text a dictionary does not have, and the first of them. It teaches shared data: the
   dictionary, one word a line, is read once, kept once on each host, and searched where it lies. */
#include <rankfold.h>
#include <stdlib.h>
#include <string.h>

/* The dictionary as it is shared: words in order, each found by where it starts, since a pointer means nothing on another rank.

       count, starts[count + 1], the words one after another with their NULs */
typedef struct dictionary { uint64_t count, starts[]; } dictionary;

static const char *word_at(const dictionary *words, uint64_t i)
{
    return (const char *)words + words->starts[i];
}

static bool has(const dictionary *words, const char *word)
{
    uint64_t first = 0, end = words->count;
    while (first < end) {
        uint64_t middle = first + (end - first) / 2;
        int order = strcmp(word, word_at(words, middle));
        if (order == 0)
            return true;
        if (order < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return false;
}

static int unknown(rf_call *call, rf_value text)
{
    const dictionary *words = rf_call_shared(call, "dictionary").data;
    if (!words)
        return RF_EARGS;                                /* and the item has failed: the message names what is missing */
    rf_value copy = rf_call_keep(call, text), first = rf_nil();
    uint64_t missing = 0;
    char *rest;
    for (char *word = strtok_r((char *)(uintptr_t)copy.data, " \t\r\n", &rest); word; word = strtok_r(NULL, " \t\r\n", &rest))
        if (!has(words, word) && missing++ == 0)
            first = rf_of_string(word);
    return RF_RETURN(call, missing, first);
}
RF_REGISTER(unknown);

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* malloc'ed, *size bytes of it; NULL: out of memory. */
static dictionary *pack(char **words, uint64_t count, size_t *size)
{
    *size = sizeof(dictionary) + (count + 1) * sizeof(uint64_t);
    for (uint64_t i = 0; i < count; i++)
        *size += strlen(words[i]) + 1;
    dictionary *made = malloc(*size);
    uint64_t at = sizeof(dictionary) + (count + 1) * sizeof(uint64_t);
    for (uint64_t i = 0; made && i < count; i++) {
        made->starts[i] = at;
        strcpy((char *)made + at, words[i]);
        at += strlen(words[i]) + 1;
    }
    if (made)
        made->count = count;
    return made;
}

static int share_dictionary(rf_pool *pool, const char *path)
{
    char *line = NULL, **words = NULL;
    size_t room = 0, size;
    uint64_t count = 0;
    FILE *from = fopen(path, "r");
    if (!from) {
        perror(path);
        return 66;
    }
    for (ssize_t length; (length = getline(&line, &room, from)) >= 0;) {
        words = realloc(words, (count + 1) * sizeof *words);
        line[strcspn(line, "\r\n")] = '\0';
        words[count++] = strdup(line);
    }
    fclose(from);
    if (count)
        qsort(words, count, sizeof *words, by_bytes);
    dictionary *made = pack(words, count, &size);
    int status = made ? rf_share(pool, "dictionary", made, size) : RF_ENOMEM;
    for (uint64_t i = 0; i < count; i++)
        free(words[i]);
    free(made);                                         /* it was copied */
    free(words);
    free(line);
    return status;
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: shared DICTIONARY TEXT...\n", stderr);
        return 64;
    }
    int status = share_dictionary(pool, argv[1]);
    RF_AUTO(rf_results, results);
    if (status == RF_OK)
        status = rf_map(pool, unknown, rf_files(argv + 2, (uint64_t)argc - 2), NULL, &results);
    for (uint64_t i = 0; i < rf_results_len(results); i++) {
        rf_result one = rf_results_at(results, i);
        uint64_t missing;
        rf_value first;
        if (one.ok && RF_READ(one.value, missing, first) == RF_OK)
            printf("%s: %" PRIu64 "%s%.*s\n", one.path, missing, missing ? ", first: " : "", (int)rf_size(first), (const char *)first.data);
    }
    return status;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
