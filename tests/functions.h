/* Functions that many tests map, registered where this is included. */
#ifndef RANKFOLD_TESTS_FUNCTIONS_H
#define RANKFOLD_TESTS_FUNCTIONS_H

#include <rankfold.h>

static int nothing(rf_call *call, rf_value item)
{
    (void)call, (void)item;
    return RF_OK;
}
RF_REGISTER(nothing);

static int echo(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(echo);

static int square(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, x * x);
}
RF_REGISTER(square);

static int multiply(rf_call *call, rf_value item)
{
    int64_t x, y;
    if (RF_ARGS(call, item, x, y))
        return RF_EARGS;
    return RF_RETURN(call, x * y);
}
RF_REGISTER(multiply);

static int multiply_dict(rf_call *call, rf_value item)
{
    rf_value d;
    int64_t x, y;
    if (RF_ARGS(call, item, d) || RF_ARGS(call, d, x, y))
        return RF_EARGS;
    return RF_RETURN(call, x * y);
}
RF_REGISTER(multiply_dict);

static int refuse_odd(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return x % 2 ? rf_fail(call, "odd", "%" PRId64 " is odd", x) : RF_RETURN(call, x);
}
RF_REGISTER(refuse_odd);

static int refuse_sevens(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return x % 7 == 0 ? rf_fail(call, "seven", "%" PRId64 " is one of them", x) : RF_RETURN(call, -x);
}
RF_REGISTER(refuse_sevens);

static int refuse_from_ten(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return x >= 10 ? rf_fail(call, "late", "%" PRId64, x) : RF_RETURN(call, x);
}
RF_REGISTER(refuse_from_ten);

static int fail_as_told(rf_call *call, rf_value item)
{
    const char *kind, *text;
    if (RF_ARGS(call, item, kind, text))
        return RF_EARGS;
    return rf_fail(call, kind[0] ? kind : NULL, "%s", text);
}
RF_REGISTER(fail_as_told);

static int always_fails(rf_call *call, rf_value item)
{
    (void)item;
    return rf_fail(call, "never", "attempt %u", rf_call_attempt(call));
}
RF_REGISTER(always_fails);
static int fails_four_times(rf_call *call, rf_value item)
{
    return always_fails(call, item);
}
RF_REGISTER(fails_four_times, .options = {.retry = {.attempts = 4, .backoff = RF_NONE}});

#endif
