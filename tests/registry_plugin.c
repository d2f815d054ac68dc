/* The shared object that test_registry.c loads and unloads. */
#include "rankfold.h"

static int from_plugin(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(from_plugin);

static int not_registered(rf_call *call, rf_value item)
{
    return rf_return(call, item) + 1;
}

__attribute__((visibility("default"))) rf_map_function *plugin_function(void);
rf_map_function *plugin_function(void)
{
    return not_registered;
}
