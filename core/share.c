/* rf_share: data that functions read on every host, by name. */
#include <string.h>

#include "base/error.h"
#include "pool.h"

#define NAME_MOST 255

int rf_share(rf_pool *pool, const char *name, const void *data, size_t size)
{
    int status = pool_usable(pool);
    if (status)
        return status;
    if (!name || !*name || strlen(name) > NAME_MOST)
        return error_set(RF_EUSAGE, "usage", "rf_share: a name has 1 to %d bytes", NAME_MOST);
    if (!data && size)
        return error_set(RF_EUSAGE, "usage", "rf_share: \"%s\" is %zu bytes at NULL", name, size);
    if (size >= PTRDIFF_MAX)
        return error_no_memory(size);
    return coordinator_share(pool->self->schedules, name, data, size);
}
