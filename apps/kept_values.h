/* Values of a group that a reducer holds on to, in their order. The memory is the call's: nobody frees it. */
#ifndef RANKFOLD_APPS_KEPT_VALUES_H
#define RANKFOLD_APPS_KEPT_VALUES_H

#include <rankfold.h>

typedef struct kept_values {            /* begins as {0} */
    rf_value *at;
    size_t count, room;
} kept_values;

int keep_value(rf_call *call, kept_values *kept, rf_value value);       /* copies. RF_ENOMEM: the item has failed */

#endif
