/* Numbers that look random and can be had again: splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
   generators, OOPSLA 2014). A stream is its state alone; random_seed mixes what names a stream (pool seed, job, file,
   position) into one. */
#ifndef RANKFOLD_BASE_RANDOM_H
#define RANKFOLD_BASE_RANDOM_H

#include "rankfold.h"

uint64_t random_seed(uint64_t a, uint64_t b, uint64_t c, uint64_t d);
uint64_t random_next(uint64_t *state);
double random_unit(uint64_t *state);                    /* [0, 1), 53 bits */
uint64_t random_below(uint64_t *state, uint64_t bound); /* bound > 0; without bias worth naming below 2^48 */

#endif
