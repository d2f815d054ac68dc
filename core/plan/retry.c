#include "plan/retry.h"

#include <math.h>
#include <string.h>

static bool covers(const char *class, size_t size, const char *kind)
{
    return strncmp(class, kind, size) == 0 && (kind[size] == '\0' || kind[size] == '.');
}

bool retry_matches(const char *on, const char *kind)
{
    if (!on || !*on)
        return true;
    while (*on) {
        size_t size = strcspn(on, ", ");
        if (size && covers(on, size, kind))
            return true;
        on += size;
        on += strspn(on, ", ");
    }
    return false;
}

double retry_delay(const rf_retry *policy, unsigned attempt, double random)
{
    if (policy->backoff <= 0)
        return 0;
    double delay = policy->backoff, most = policy->max_delay < 0 ? INFINITY : policy->max_delay;
    for (unsigned k = 1; k < attempt && delay < most; k++)
        delay *= 2;
    if (delay > most)
        delay = most;
    return policy->steady == RF_ON ? delay : delay * (0.5 + 0.5 * random);
}
