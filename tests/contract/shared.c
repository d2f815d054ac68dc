/* Shared data and bound state, rows B8, D3 and D8, on 1, 2, 3 and 5 ranks. */
#define _GNU_SOURCE
#include "../verify.h"

#include <errno.h>

#define MAPS "/proc/self/maps"

/* ---- functions ---- */

static uint64_t checksum(const void *data, size_t size)
{
    const unsigned char *at = data;
    uint64_t sum = 5381;
    for (size_t i = 0; i < size; i++)
        sum = sum * 33 + at[i];
    return sum;
}

static int read_shared(rf_call *call, rf_value name)
{
    rf_value data = rf_call_shared(call, rf_str(name));
    if (rf_type_of(data) != RF_BYTES)
        return RF_EARGS;
    bool as_said = (uintptr_t)data.data % 16 == 0 && ((const char *)data.data)[rf_size(data)] == '\0';
    return RF_RETURN(call, as_said, rf_size(data), checksum(data.data, rf_size(data)));
}
RF_REGISTER(read_shared);

static int number_of(rf_call *call, rf_value item)
{
    (void)item;
    rf_value data = rf_call_shared(call, "number");
    return rf_size(data) == sizeof(int) ? RF_RETURN(call, *(const int *)data.data) : rf_fail(call, NULL, "no number");
}
RF_REGISTER(number_of);

static int shared_or_nil(rf_call *call, rf_value name)
{
    rf_value data = rf_call_shared(call, rf_str(name));
    return rf_type_of(data) == RF_NIL ? RF_RETURN(call, "went on") : RF_RETURN(call, 1);
}
RF_REGISTER(shared_or_nil);

/* The line of /proc/self/maps that an address is in: where its pages come from, and who may do what to them. */
typedef struct mapping { unsigned long start, end, inode; char access[8]; } mapping;

static bool find_mapping(const void *address, mapping *found)
{
    char line[512];
    FILE *maps = fopen(MAPS, "r");
    bool got = false;
    while (maps && !got && fgets(line, sizeof line, maps))
        got = sscanf(line, "%lx-%lx %7s %*s %*s %lu", &found->start, &found->end, found->access, &found->inode) == 4 &&
              (uintptr_t)address >= found->start && (uintptr_t)address < found->end;
    if (maps)
        fclose(maps);
    return got;
}

static int where_it_is(rf_call *call, rf_value name)
{
    mapping of;
    rf_value data = rf_call_shared(call, rf_str(name));
    if (!find_mapping(data.data, &of))
        return rf_fail(call, NULL, "not mapped");
    return RF_RETURN(call, of.inode, rf_of_bool(!strcmp(of.access, "r--p")));
}
RF_REGISTER(where_it_is);

static int count_mappings(void)
{
    char line[512];
    int count = 0;
    FILE *maps = fopen(MAPS, "r");
    while (maps && fgets(line, sizeof line, maps))
        count += strstr(line, "memfd:rankfold") != NULL;
    if (maps)
        fclose(maps);
    return count;
}

static int mappings(rf_call *call, rf_value item)
{
    (void)item;
    return RF_RETURN(call, rf_call_rank(call), count_mappings());
}
RF_REGISTER(mappings);

/* What cannot travel is opened where it is needed: its path travels. */
static int open_path(rf_call *call, void **worker)
{
    rf_value path = rf_call_shared(call, "path");
    *worker = path.data ? fopen(path.data, "r") : NULL;
    return *worker ? RF_OK : rf_fail(call, "input", "%s: %s", path.data ? (const char *)path.data : "no path", strerror(errno));
}
static void close_file(void *worker)
{
    fclose(worker);
}
static int read_at(rf_call *call, rf_value item)
{
    long offset;
    char byte;
    FILE *file = rf_call_worker(call);
    if (RF_ARGS(call, item, offset))
        return RF_EARGS;
    if (fseek(file, offset, SEEK_SET) || fread(&byte, 1, 1, file) != 1)
        return rf_fail(call, "input", "nothing at %ld", offset);
    return rf_return(call, rf_text(&byte, 1));
}
RF_REGISTER(read_at, .init = open_path, .exit = close_file);

struct sees { rf_pool *pool; };         /* on rank 0 alone */

static int use_the_pool(rf_call *call, rf_value item)
{
    const struct sees *bound = RF_CALL_STATE(call, struct sees);
    (void)item;
    return rf_call_rank(call) == 0 ? RF_RETURN(call, rf_share(bound->pool, "inside", "x", 1)) : RF_RETURN(call, RF_EUSAGE);
}
RF_REGISTER(use_the_pool);

typedef struct counter { int64_t step, used; } counter;

/* Whatever it does to its state, the next item and the next attempt see it as it was. */
static int spoil(rf_call *call, rf_value item)
{
    const counter *bound = RF_CALL_STATE(call, counter);
    int64_t x;
    if (!bound || RF_ARGS(call, item, x))
        return RF_EARGS;
    if (bound->used)
        return rf_fail(call, "spoilt", "used %" PRId64 " times", bound->used);
    int64_t y = x * bound->step;
    ((counter *)(uintptr_t)bound)->used++;
    ((counter *)(uintptr_t)bound)->step = -1;
    return rf_call_attempt(call) < 2 ? rf_fail(call, "again", "once more") : RF_RETURN(call, y);
}
RF_REGISTER(spoil);

static int state_access(rf_call *call, rf_value size)
{
    mapping of;
    const void *state = rf_call_state(call, rf_u64(size));
    if (!state || !find_mapping(state, &of))
        return RF_EARGS;
    return RF_RETURN(call, of.access);
}
RF_REGISTER(state_access);

/* ---- D3 ---- */

static void check_sizes(rf_pool *pool, const unsigned char *bytes, size_t size)
{
    RF_AUTO(rf_results, results);
    bool as_said;
    size_t came;
    uint64_t sum;
    CHECK_STATUS(rf_share(pool, "bytes", bytes, size), RF_OK);
    CHECK_STATUS(rf_map(pool, read_shared, RF_VALUES("bytes", "bytes", "bytes", "bytes"), RF_OPTIONS(.chunk_size = 1), &results), RF_OK);
    for (uint64_t i = 0; i < 4; i++) {
        CHECK_STATUS(RF_READ(rf_results_value(results, i), as_said, came, sum), RF_OK);
        CHECK(as_said);
        CHECK_INT(came, size);
        CHECK(sum == checksum(bytes, size));
    }
}

CASE(D3_shared_data_is_found_by_name_whatever_its_size)
{
    static const size_t sizes[] = {0, 1, 15, 4095, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1, 5 << 20, 21000001};
    unsigned char *bytes = malloc(21000001);
    for (size_t i = 0; i < 21000001; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 11);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        ALSO(check_sizes(pool, bytes, sizes[i]));
    CHECK_STATUS(rf_share(pool, "nothing", NULL, 0), RF_OK);
    CHECK_STATUS(rf_apply(pool, read_shared, RF_V("nothing"), NULL, NULL), RF_OK);
    free(bytes);
}

CASE(D3_a_job_keeps_the_version_it_was_submitted_with)
{
    enum { VERSIONS = 6, ITEMS = 200 };
    rf_iterator *streams[VERSIONS];
    const rf_result *one;
    for (int i = 0; i < VERSIONS; i++) {
        CHECK_STATUS(rf_share(pool, "number", &i, sizeof i), RF_OK);
        CHECK_STATUS(rf_imap(pool, number_of, rf_range(0, ITEMS), RF_OPTIONS(.chunk_size = 3), &streams[i]), RF_OK);
        if (i % 2)                      /* some begin to run before the next version, some after the last */
            CHECK_STATUS(rf_next(streams[i], &one), RF_OK);
    }
    for (int item = 1; item < ITEMS; item++)
        for (int i = VERSIONS - 1; i >= 0; i--) {
            CHECK_STATUS(rf_next(streams[i], &one), RF_OK);
            CHECK(one->ok);
            CHECK_INT(rf_i64(one->value), i);
        }
    for (int i = 0; i < VERSIONS; i++)
        CHECK_STATUS(rf_iterator_free(streams[i]), RF_OK);
}

CASE(D3_the_callers_bytes_are_copied)
{
    RF_AUTO(rf_results, results);
    int number = 17;
    CHECK_STATUS(rf_share(pool, "number", &number, sizeof number), RF_OK);
    number = 18;
    CHECK_STATUS(rf_map(pool, number_of, rf_range(0, 50), NULL, &results), RF_OK);
    for (uint64_t i = 0; i < 50; i++)
        CHECK_INT(rf_i64(rf_results_value(results, i)), 17);
}

CASE(D3_a_name_that_is_not_there_fails_the_item_and_tells_those_that_are)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_share(pool, "here", "x", 1), RF_OK);
    CHECK_STATUS(rf_share(pool, "and here", "y", 1), RF_OK);
    CHECK_STATUS(rf_map(pool, shared_or_nil, RF_VALUES("here", "nowhere", "and here"), NULL, &results), RF_EITEMS);
    CHECK(rf_results_at(results, 0).ok && rf_results_at(results, 2).ok);
    const rf_error *error = rf_results_at(results, 1).error;
    CHECK_STATUS(error->status, RF_EARGS);
    CHECK_HAS(error->message, "item 1: shared_or_nil: ");
    CHECK_HAS(error->message, "\"nowhere\"");
    CHECK_HAS(error->message, "\"here\"");
    CHECK_HAS(error->message, "\"and here\"");
    CHECK_STATUS(rf_run(shared_or_nil, RF_V("here"), NULL, NULL), RF_EITEMS);
    CHECK_HAS(rf_last_error()->message, "rf_share");
}

CASE(D3_all_ranks_of_a_host_have_one_copy_and_nobody_can_write_to_it)
{
    RF_AUTO(rf_results, results);
    rf_value names[200];
    char bytes[100000];
    unsigned long inodes[200];
    bool read_only;
    memset(bytes, 7, sizeof bytes);
    CHECK_STATUS(rf_share(pool, "one", bytes, sizeof bytes), RF_OK);
    for (int i = 0; i < 200; i++)
        names[i] = RF_V("one");
    CHECK_STATUS(rf_map(pool, where_it_is, rf_values(names, 200), RF_OPTIONS(.chunk_size = 1), &results), RF_OK);
    for (uint64_t i = 0; i < 200; i++) {
        CHECK_STATUS(RF_READ(rf_results_value(results, i), inodes[i], read_only), RF_OK);
        CHECK(read_only);
        for (uint64_t j = 0; j < i; j++) {
            const char *here = rf_results_at(results, i).host, *there = rf_results_at(results, j).host;
            CHECK_((inodes[i] == inodes[j]) == !strcmp(here, there), "%s has copy %lu, %s has copy %lu", here, inodes[i], there, inodes[j]);
        }
    }
}

CASE(D3_a_version_that_no_job_can_see_is_freed)
{
    RF_AUTO(rf_results, after);
    int rank, count;
    rf_value items[60] = {0};
    for (int i = 0; i < 40; i++) {
        CHECK_STATUS(rf_share(pool, "number", &i, sizeof i), RF_OK);
        CHECK_STATUS(rf_map(pool, number_of, rf_range(0, 10), NULL, NULL), RF_OK);
    }
    CHECK_STATUS(rf_map(pool, mappings, rf_values(items, 60), RF_OPTIONS(.chunk_size = 1), &after), RF_OK);
    for (uint64_t i = 0; i < 60; i++) {
        CHECK_STATUS(RF_READ(rf_results_value(after, i), rank, count), RF_OK);
        CHECK_(count > 0 && count <= 16, "rank %d has %d mappings", rank, count);   /* of other names, twice where one rank is alone */
    }
}

CASE(D3_what_cannot_be_shared_is_refused)
{
    char name[300];
    struct sees sees = {pool};
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_STATUS(rf_share(pool, NULL, "x", 1), RF_EUSAGE);
    CHECK_STATUS(rf_share(pool, "", "x", 1), RF_EUSAGE);
    CHECK_STATUS(rf_share(pool, name, "x", 1), RF_EUSAGE);
    CHECK_STATUS(rf_share(pool, "null", NULL, 1), RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, "null");
    CHECK_STATUS(rf_share(NULL, "x", "x", 1), RF_EUSAGE);
    CHECK_STATUS(rf_share(pool, "too large", "x", SIZE_MAX / 2), RF_ENOMEM);
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_apply(pool, use_the_pool, rf_nil(), RF_OPTIONS(.state = RF_STATE(sees)), &results), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(results, 0)), RF_EUSAGE);
    CHECK_STATUS(rf_share(pool, "x", "x", 1), RF_OK);
    CHECK_STATUS(rf_apply(pool, read_shared, RF_V("x"), NULL, NULL), RF_OK);
}

/* ---- D8 ---- */

CASE(D8_what_cannot_travel_is_opened_by_init_from_a_path_that_can)
{
    RF_AUTO(rf_results, results);
    char path[] = "/tmp/rankfold-shared-XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0 && write(file, "abcdef", 6) == 6);
    close(file);
    CHECK_STATUS(rf_share(pool, "path", path, strlen(path)), RF_OK);
    int status = rf_map(pool, read_at, RF_VALUES(4, 0, 5), NULL, &results);
    remove(path);
    CHECK_STATUS(status, RF_OK);
    CHECK_TEXT(rf_str(rf_results_value(results, 0)), "e");
    CHECK_TEXT(rf_str(rf_results_value(results, 1)), "a");
    CHECK_TEXT(rf_str(rf_results_value(results, 2)), "f");
}

/* A pointer is not among them; a value that holds others is made of these alone. */
CASE(D8_no_type_of_value_holds_a_pointer)
{
    const rf_value all[] = {rf_nil(), rf_of_bool(true), RF_V(-1), RF_V(1u), RF_V(0.5), RF_V("text"), rf_bytes("bytes", 5), RF_TUPLE(1, "two"),
                            RF_DICT("key", 1)};
    for (int type = 0; type < (int)(sizeof all / sizeof *all); type++)
        CHECK_INT(rf_type_of(all[type]), type);
    CHECK_INT(RF_DICT_TYPE + 1, sizeof all / sizeof *all);
}

/* ---- B8 ---- */

CASE(B8_nothing_that_is_done_to_bound_state_is_seen_by_anyone)
{
    RF_AUTO(rf_results, results);
    counter bound = {.step = 3};
    CHECK_STATUS(rf_map(pool, spoil, rf_range(0, 300), RF_OPTIONS(.state = RF_STATE(bound), .retry = {.attempts = 2, .backoff = RF_NONE, .on = "again"}),
                        &results), RF_OK);
    for (uint64_t i = 0; i < 300; i++)
        CHECK_INT(rf_i64(rf_results_value(results, i)), 3 * i);
    CHECK(bound.step == 3 && bound.used == 0);
}

CASE(B8_large_state_cannot_be_written_to)
{
    static char large[100000];
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_apply(pool, state_access, RF_V(sizeof large), RF_OPTIONS(.state = RF_STATE(large)), &results), RF_OK);
    CHECK_HAS(rf_str(rf_results_value(results, 0)), "r--");
}

CASE(B8_state_is_copied_when_the_job_is_submitted)
{
    counter bound = {.step = 2};
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, spoil, rf_range(0, 100), RF_OPTIONS(.state = RF_STATE(bound), .chunk_size = 1,
                         .retry = {.attempts = 2, .backoff = RF_NONE}), &stream), RF_OK);
    bound.step = 1000;
    for (int i = 0; i < 100; i++) {
        CHECK_STATUS(rf_next(stream, &one), RF_OK);
        CHECK_INT(rf_i64(one->value), 2 * i);
    }
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
