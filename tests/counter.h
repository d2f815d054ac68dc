/* A generator that counts, is not always ready, and tells that it was released. */
#ifndef RANKFOLD_TESTS_COUNTER_H
#define RANKFOLD_TESTS_COUNTER_H

#include <rankfold.h>
#include <stdbool.h>

typedef struct counter {
    int64_t next, end, pauses;      /* pauses: how often it says "nothing yet" before each item */
    int64_t paused;
    bool released;
} counter;

static inline int count(rf_call *call, void *state)
{
    counter *counts = state;
    if (counts->next >= counts->end)
        return RF_END;
    if (counts->paused++ < counts->pauses)
        return RF_AGAIN;
    counts->paused = 0;
    return RF_RETURN(call, counts->next++);
}

static inline void released(void *state)
{
    ((counter *)state)->released = true;
}

#endif
