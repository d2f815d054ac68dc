#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

struct strings {
    size_t users;
    arena texts;
    buffer places;      /* const char *[]: where each text is */
};

strings *strings_new(void)
{
    strings *table = calloc(1, sizeof *table);
    if (!table) {
        error_no_memory(sizeof *table);
        return NULL;
    }
    table->users = 1;
    return table;
}

strings *strings_share(strings *table)
{
    if (table)
        table->users++;
    return table;
}

void strings_free(strings *table)
{
    if (!table || --table->users)
        return;
    arena_free(&table->texts);
    buffer_free(&table->places);
    free(table);
}

int strings_add(strings *table, const char *text)
{
    size_t size = strlen(text) + 1;
    if (buffer_reserve(&table->places, sizeof(char *)))
        return RF_ENOMEM;
    char *copy = arena_add(&table->texts, size);
    if (!copy)
        return RF_ENOMEM;
    memcpy(copy, text, size);
    return buffer_put(&table->places, &copy, sizeof copy);
}

uint64_t strings_count(const strings *table)
{
    return table ? table->places.size / sizeof(char *) : 0;
}

const char *strings_at(const strings *table, uint64_t i)
{
    return i < strings_count(table) ? ((const char *const *)(const void *)table->places.data)[i] : NULL;
}
