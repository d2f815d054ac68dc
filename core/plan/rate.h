/* Rate: how many attempts of a job may begin to be sent by now. A bucket of tokens that fills at a rate and starts full; each attempt
   draws one. Pure.

   In any interval of t seconds at most rate * t + burst tokens are drawn, burst being max(1, rate * RATE_BURST): what a timer that
   comes late can catch up with, and no more.

   Why that holds: since `began`, when the bucket was last full, `drawn` tokens are gone, and drawn <= burst + rate * (t - began) at the
   time t of each draw. Nothing is added up in floating point, so that no error grows with the number of draws. */
#ifndef RANKFOLD_PLAN_RATE_H
#define RANKFOLD_PLAN_RATE_H

#include "rankfold.h"

#define RATE_BURST 0.010                /* seconds */

typedef struct rate {
    double per_second;                  /* 0: no limit */
    double burst;
    double began;
    uint64_t drawn;
} rate;

rate rate_from(rf_rate said, double now);               /* off, or not said: no limit */
uint64_t rate_tokens(const rate *of, double now);       /* at hand; UINT64_MAX without a limit */
void rate_draw(rate *of, uint64_t tokens, double now);  /* at most rate_tokens */

/* When a job that found none looks again: when there is one, or half of the burst where that is more, so that a high rate wakes
   nobody more than 200 times a second. There are tokens then. INFINITY without a limit. */
double rate_wake(const rate *of);

#endif
