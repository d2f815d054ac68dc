/* rf_materialise: a source read at once, on rank 0, without a pool. */
#include "base/error.h"
#include "base/options.h"
#include "input/source.h"
#include "run/call.h"

static int generate(void *caller, rf_generator_function *next, void *state, column *to)
{
    rf_call *call = caller;
    call->results = to;
    int status = call_generate(call, next, state);
    if (status >= 0)
        return status;
    rf_error why;
    call_fill_error(call, &why);
    return error_of_item(&why);
}

rf_source *rf_materialise(rf_source *source)
{
    rf_options settled;
    rf_call call;
    call_init(&call);
    call.function = "the generator";
    options_settle(NULL, NULL, NULL, NULL, &settled);      /* nothing said: it cannot fail */
    source = source_materialise(source, &settled, &(source_caller){generate, &call});
    call_free(&call);
    return source;
}
