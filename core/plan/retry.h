/* Retry: which failures are tried again, and when. Pure. */
#ifndef RANKFOLD_PLAN_RETRY_H
#define RANKFOLD_PLAN_RETRY_H

#include "rankfold.h"

bool retry_matches(const char *on, const char *kind);   /* "net,timeout" matches "timeout", "net", "net.dns"; NULL and "" match all */

/* Seconds before attempt attempt + 1, after attempt has failed: min(backoff * 2^(attempt-1), max_delay), and with jitter between half of
   that and all of it (random in [0, 1)). policy is settled: max_delay may be RF_NONE, no limit. */
double retry_delay(const rf_retry *policy, unsigned attempt, double random);

#endif
