/* Row D4: values and counts that an int cannot count.
   ranks: 2 */
#define CASE_SECONDS 110
#include "../functions.h"
#include "../verify.h"

#define LARGE (((uint64_t)1 << 31) + 12345)     /* bytes, above INT_MAX */
#define MEMORY ((uint64_t)12 << 30)             /* that must be to spare for values of that size */

static int look(rf_call *call, rf_value item)
{
    const char *bytes = item.data;
    uint64_t size = rf_size(item);
    return rf_type_of(item) == RF_BYTES && size ? RF_RETURN(call, size, bytes[0], bytes[size / 2], bytes[size - 1], bytes[size])
                                                : rf_fail(call, NULL, "no bytes");
}
RF_REGISTER(look);

static int make(rf_call *call, rf_value item)
{
    uint64_t size = rf_u64(item);
    char *bytes = rf_return_space(call, size);
    if (!bytes)
        return RF_ENOMEM;
    bytes[0] = 'a';
    bytes[size / 2] = 'm';
    bytes[size - 1] = 'z';
    return RF_OK;
}
RF_REGISTER(make);

static uint64_t available(void)
{
    char line[200];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "MemAvailable: %llu", &kib) != 1)
        ;
    if (file)
        fclose(file);
    return (uint64_t)kib << 10;
}

static bool has_memory(void)
{
    bool enough = available() >= MEMORY;
    if (!enough)
        printf("%s: skipped: less than %" PRIu64 " GiB of memory are free\n", verifying.now, MEMORY >> 30);
    return enough;
}

CASE(D4_an_item_above_2_GiB_arrives_whole)
{
    if (!has_memory())
        return;
    char *bytes = calloc(LARGE, 1);
    CHECK(bytes != NULL);
    bytes[0] = 'a';
    bytes[LARGE / 2] = 'm';
    bytes[LARGE - 1] = 'z';
    RF_AUTO(rf_results, results);
    int status = rf_map(pool, look, rf_array(bytes, 1, LARGE, RF_BYTES), NULL, &results);
    free(bytes);
    CHECK_STATUS(status, RF_OK);
    uint64_t size;
    signed char first, middle, last, behind;
    CHECK_STATUS(RF_READ(rf_results_value(results, 0), size, first, middle, last, behind), RF_OK);
    CHECK(size == LARGE && first == 'a' && middle == 'm' && last == 'z' && behind == '\0');
}

CASE(D4_a_result_above_2_GiB_arrives_whole)
{
    if (!has_memory())
        return;
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_apply(pool, make, rf_of_u64(LARGE), NULL, &results), RF_OK);
    rf_value value = rf_results_value(results, 0);
    const char *bytes = value.data;
    CHECK_INT(rf_size(value), LARGE);
    CHECK(bytes[0] == 'a' && bytes[LARGE / 2] == 'm' && bytes[LARGE - 1] == 'z');
}

static void keep(uint64_t done, uint64_t total, bool final, void *user)
{
    (void)done, (void)final;
    *(uint64_t *)user = total;
}

/* Only what is counted is large: nobody waits for so many items. */
static void begin_large_job(rf_pool *pool, rf_source *source, int64_t step, uint64_t length)
{
    uint64_t total = 0;
    const rf_result *one;
    RF_AUTO(rf_iterator, some);
    CHECK_STATUS(rf_imap(pool, echo, source, RF_OPTIONS(.on_progress = keep, .user = &total), &some), RF_OK);
    for (int64_t i = 0; i < 1000; i++) {
        CHECK_STATUS(rf_next(some, &one), RF_OK);
        CHECK(one->ok && one->index == (uint64_t)i);
        CHECK_INT(step ? rf_i64(one->value) : 0, i * step);
    }
    CHECK_INT(total, length);
}

CASE(D4_jobs_of_more_items_than_an_int_counts)
{
    char *bytes = calloc(LARGE, 1);
    ALSO(begin_large_job(pool, rf_range(0, INT64_C(1) << 40), 1, UINT64_C(1) << 40));
    ALSO(begin_large_job(pool, rf_range_by(0, INT64_MIN, -3), -3, ((UINT64_C(1) << 63) + 2) / 3));
    CHECK(bytes != NULL);
    begin_large_job(pool, rf_array(bytes, LARGE, 1, RF_BYTES), 0, LARGE);
    free(bytes);
}

int main(int argc, char **argv) { return rf_main(argc, argv, verify); }
