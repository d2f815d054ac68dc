/* What every transport must do, as a state machine a rank, so that the same test runs over MPI and over the simulator. A rank
   is stepped until it is done or has found a fault:

       for (double wake; wake = conformance_step(c, transport_now(via)), !conformance_over(c);)
           transport_wait(via, wake, -1);

   The scenarios follow each other, with a meeting of all ranks between them. */
#ifndef RANKFOLD_TESTS_TRANSPORT_CONFORMANCE_H
#define RANKFOLD_TESTS_TRANSPORT_CONFORMANCE_H

#include "wire/transport.h"

typedef struct conformance conformance;

typedef struct conformance_settings {
    uint64_t seed;
    uint64_t frames;            /* how many each rank sends to each, where many are sent */
    size_t largest;             /* bytes in the largest body, which rank 0 alone offers; bounds the others */
} conformance_settings;

conformance *conformance_new(transport *via, const conformance_settings *settings);     /* NULL: no memory */
double conformance_step(void *rank, double now);        /* a sim_step: it returns when to be called again */
bool conformance_over(const conformance *rank);
const char *conformance_fault(const conformance *rank); /* NULL: none */
void conformance_free(conformance *rank);

#endif
