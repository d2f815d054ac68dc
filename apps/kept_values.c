#include "kept_values.h"

#include <string.h>

static int widen(rf_call *call, kept_values *kept)
{
    size_t room = 2 * kept->room + 16;
    rf_value *wider = rf_call_alloc(call, room * sizeof *wider);
    if (!wider)
        return RF_ENOMEM;
    if (kept->count)
        memcpy(wider, kept->at, kept->count * sizeof *wider);
    kept->at = wider;
    kept->room = room;
    return RF_OK;
}

int keep_value(rf_call *call, kept_values *kept, rf_value value)
{
    if (kept->count == kept->room && widen(call, kept))
        return RF_ENOMEM;
    rf_value copy = rf_call_keep(call, value);
    if (rf_type_of(copy) != rf_type_of(value))
        return RF_ENOMEM;
    kept->at[kept->count++] = copy;
    return RF_OK;
}
