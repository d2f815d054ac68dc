/* The inputs of a cluster's jobs: what their sources give, worked out again for each item alone. */
#ifndef RANKFOLD_TESTS_CLUSTER_INPUT_H
#define RANKFOLD_TESTS_CLUSTER_INPUT_H

#include "cluster_work.h"

#define FILES_MADE 12
#define PATTERN (512 << 10)
#define LARGE_LEAST 60000           /* on both sides of what travels in a frame */
#define LARGE_SPAN 140000

const uint8_t *input_pattern(uint64_t at);          /* bytes that are no NULs, PATTERN of them in all, of which texts are made */
uint64_t input_file_number(const char *path);       /* from 1; 0: NULL */
bool input_is_compressed(uint64_t file);
bool input_of_files(const work *one);
void input_expect(work *one);                       /* lists the items of its files */
bool input_find(const work *one, const rf_result *result, uint64_t *item);
rf_value input_value(const work *one, uint64_t item, rf_value tuple[2]);   /* tuple: room for a container's elements */
rf_value input_shared(uint64_t seed);               /* the shared data of that seed */
bool input_short_record(const work *one, uint64_t item);

#endif
