#define _GNU_SOURCE
#include "wire/idle.h"
#include <poll.h>
#include <sched.h>

/* Seconds. Idle for 3 s that costs 0.07 s of CPU; what comes after 1 ms of idling is seen 0.1 ms later, after 10 ms 0.5 ms. */
#define LOOK_UNTIL 50e-6
#define YIELD_UNTIL 200e-6
#define NAP_SHARE 0.125
#define NAP_MOST 1e-3

static bool sleep_on(int descriptor, double seconds)
{
    struct pollfd on = {.fd = descriptor, .events = POLLIN};
    struct timespec time = {.tv_nsec = (long)(seconds * 1e9)};
    return ppoll(&on, descriptor >= 0, &time, NULL) > 0;
}

bool idle_pause(double idle, double most, int descriptor, bool shares)
{
    if (idle < LOOK_UNTIL && !shares)
        return false;
    if (idle < YIELD_UNTIL) {
        sched_yield();
        return descriptor >= 0 && sleep_on(descriptor, 0);
    }
    double nap = idle * NAP_SHARE;
    if (nap > NAP_MOST)
        nap = NAP_MOST;
    if (nap > most)
        nap = most;
    return sleep_on(descriptor, nap > 0 ? nap : 0);
}
