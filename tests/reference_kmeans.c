/* reference_kmeans K SEED < POINTS: what apps/kmeans prints, the plain way: an array of points, k-means++ with the draws that apps/kmeans
   says, and Lloyd's iterations with sums of 113 bits, which on test data lose nothing. */
#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SIZEOF_FLOAT128__
typedef __float128 exact;
#else
typedef long double exact;              /* as many bits on other machines */
#endif

static double *points, *centres;
static size_t numbers, count, room, k;
static uint64_t seed;

static void read_points(void)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        size_t first = numbers;
        numbers = 0;
        for (char *at = line, *end; ; at = end, numbers++) {
            double number = strtod(at, &end);
            if (end == at)
                break;
            if (count * first + numbers >= room && !(points = realloc(points, (room = 2 * room + 1000) * sizeof *points)))
                exit(1);
            points[count * first + numbers] = number;
        }
        if (first && first != numbers)
            exit(1);
        count++;
    }
    free(line);
}

static double square(const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < numbers; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

static size_t nearest(const double *point, size_t of)
{
    size_t best = 0;
    for (size_t i = 1; i < of; i++)
        if (square(centres + i * numbers, point) < square(centres + best * numbers, point))
            best = i;
    return best;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static double uniform(const double *point, uint64_t number)
{
    uint64_t bits, hash = mix(seed + number * 0x9e3779b97f4a7c15u);
    for (size_t i = 0; i < numbers; i++) {
        memcpy(&bits, point + i, sizeof bits);
        hash = mix(hash ^ bits) + 0x9e3779b97f4a7c15u;
    }
    return ((double)(hash >> 11) + 0.5) / 9007199254740992.0;
}

static double times(const double *point)
{
    double same = 0;
    for (size_t i = 0; i < count; i++)
        same += memcmp(points + i * numbers, point, numbers * sizeof *point) == 0;
    return same;
}

static void draw(size_t number)
{
    double least = INFINITY;
    for (size_t i = 0; i < count; i++) {
        const double *point = points + i * numbers;
        double far = number ? square(point, centres + nearest(point, number) * numbers) : 1;
        double late = far > 0 ? -log(uniform(point, number)) / (times(point) * far) : INFINITY;
        if (late < least) {
            least = late;
            memcpy(centres + number * numbers, point, numbers * sizeof *point);
        }
    }
}

static int move(void)
{
    exact *sums = calloc(k * (numbers + 1), sizeof *sums);
    int moved = 0;
    for (size_t i = 0; i < count; i++) {
        exact *its = sums + nearest(points + i * numbers, k) * (numbers + 1);
        for (size_t j = 0; j < numbers; j++)
            its[j] += points[i * numbers + j];
        its[numbers] += 1;
    }
    for (size_t i = 0; i < k * numbers; i++) {
        const exact *its = sums + i / numbers * (numbers + 1);
        double mean = its[numbers] > 0 ? (double)its[i % numbers] / (double)its[numbers] : centres[i];
        moved |= mean != centres[i];
        centres[i] = mean;
    }
    free(sums);
    return moved;
}

int main(int argc, char **argv)
{
    k = (size_t)atoi(argv[1]);
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    read_points();
    centres = calloc(k * numbers + 1, sizeof *centres);
    for (size_t i = 0; i < k; i++)
        draw(i);
    for (int i = 0; i < 1000 && move(); i++)
        ;
    for (size_t i = 0; i < k * numbers; i++)
        printf("%.17g%c", centres[i], i % numbers == numbers - 1 ? '\n' : '\t');
    free(points);
    free(centres);
    return 0;
}
