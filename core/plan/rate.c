#include "plan/rate.h"

double rf_rate_per_second(rf_rate said)
{
    if (said.count == RF_NONE)
        return INFINITY;
    switch (said.per) {
    case RF_SECOND: return said.count;
    case RF_MINUTE: return said.count / 60;
    case RF_HOUR: return said.count / 3600;
    default: return NAN;
    }
}

rate rate_from(rf_rate said, double now)
{
    double per_second = said.count > 0 ? rf_rate_per_second(said) : 0;
    double burst = per_second * RATE_BURST;
    return (rate){.per_second = per_second, .burst = burst < 1 ? 1 : burst, .began = now};
}

static bool is_full(const rate *of, double now)
{
    return now >= of->began + (double)of->drawn / of->per_second;
}

/* When so many tokens are at hand, if nobody draws until then. */
static double when(const rate *of, double tokens)
{
    return of->began + ((double)of->drawn + tokens - of->burst) / of->per_second;
}

static uint64_t whole(double tokens)
{
    return tokens >= 0x1p63 ? UINT64_C(1) << 63 : (uint64_t)tokens;
}

/* Asks when, as rate_wake does: at the time that it gave there is a token, however both were rounded. */
uint64_t rate_tokens(const rate *of, double now)
{
    if (!of->per_second)
        return UINT64_MAX;
    if (is_full(of, now))
        return whole(of->burst);
    double first = when(of, 1);
    if (now < first)
        return 0;
    uint64_t tokens = 1 + whole((now - first) * of->per_second), most = whole(of->burst);
    tokens += now >= when(of, (double)tokens + 1);
    return tokens < most ? tokens : most;
}

void rate_draw(rate *of, uint64_t tokens, double now)
{
    if (!of->per_second)
        return;
    if (is_full(of, now)) {
        of->began = now;
        of->drawn = 0;
    }
    of->drawn += tokens;
}

double rate_wake(const rate *of)
{
    return of->per_second ? when(of, of->burst < 2 ? 1 : of->burst / 2) : INFINITY;
}
