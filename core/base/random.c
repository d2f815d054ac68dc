#include "base/random.h"

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t random_seed(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t parts[] = {a, b, c, d};
    uint64_t seed = 0;
    for (size_t i = 0; i < 4; i++) {
        uint64_t state = seed ^ parts[i];
        seed = random_next(&state);
    }
    return seed;
}

double random_unit(uint64_t *state)
{
    return (double)(random_next(state) >> 11) * 0x1p-53;
}

/* The high half of a product takes each result floor or ceil of 2^64 / bound times (Lemire: Fast random integer generation in
   an interval, 2019), without a division. */
uint64_t random_below(uint64_t *state, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)random_next(state) * bound >> 64);
}
