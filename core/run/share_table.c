#include "run/share_table.h"

#include <string.h>

const shared *share_find(const share_table *table, const char *name)
{
    for (size_t i = 0; table && i < table->count; i++)
        if (!strcmp(table->all[i]->name, name))
            return table->all[i];
    return NULL;
}
