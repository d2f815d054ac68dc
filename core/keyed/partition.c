#include "keyed/partition.h"

#include "base/error.h"

int partition_ask(const shape *of, rf_value key, uint32_t *partition)
{
    char name[200];
    *partition = of->partitioner(key, of->partitions);
    if (*partition < of->partitions)
        return RF_OK;
    record_tell(key, name, sizeof name);
    return error_set(RF_EFUNCTION, "function", "the partitioner gave %" PRIu32 " for key %s: partitions are 0 to %" PRIu32,
                     *partition, name, of->partitions - 1);
}
