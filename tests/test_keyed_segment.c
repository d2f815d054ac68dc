/* keyed/segment: what a reduce task reads, wherever it lies and however many there are, is what a merge of the runs gives. */
#include "keyed_model.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "failing_malloc.h"
#include "keyed/segment.h"
#include "value/pack.h"

enum { RUNS_MOST = 1500 };

typedef struct job {
    shape of;
    model all;
    scratch *place;
    char *path;                         /* a file that segments lie in, one behind the other */
    uint64_t written;
    uint32_t count;
    sealed_run *runs[RUNS_MOST];
    unsigned inputs[RUNS_MOST];
    segment segments[RUNS_MOST];
} job;

/* count runs of at most pairs each, of up to three inputs, in order. */
static job *make_job(shape of, model all, uint64_t *random, uint32_t count, uint64_t pairs)
{
    char key_space[200], value_space[100];
    job *made = calloc(1, sizeof *made);
    emitter *from;
    *made = (job){.of = of, .all = all, .place = scratch_new(NULL), .count = count};
    ck_assert_int_eq(scratch_path(made->place, &made->path), RF_OK);
    ck_assert_int_eq(emit_new(&made->of, made->place, &from), RF_OK);
    for (uint32_t i = 0; i < count; i++) {
        made->inputs[i] = 3 * i / count;
        for (uint64_t left = random_below(random, pairs + 1); left; left--)
            ck_assert_int_eq(emit_pair(from, model_draw_key(&made->all, random, key_space),
                                       model_draw_value(&made->all, random, value_space)), RF_OK);
        ck_assert_int_eq(emit_keep(from), RF_OK);
        ck_assert_int_eq(emit_seal(from, &made->runs[i]), RF_OK);
    }
    emit_free(from);
    return made;
}

static void free_job(job *old)
{
    for (uint32_t i = 0; i < old->count; i++)
        run_free(old->runs[i]);
    scratch_free(old->place);
    model_free(&old->all);
    free(old->path);
    free(old);
}

/* ---- segments ------------------------------------------------------------------------------------------------------ */

static void append_to_file(job *in, const void *bytes, size_t size)
{
    int file = open(in->path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    ck_assert_int_eq(write(file, bytes, size), (ssize_t)size);
    close(file);
    in->written += size;
}

/* The stretch of run i as it may lie: still in the run, in memory of the segment's own, or in the file. */
static void make_segment(job *in, uint32_t i, const run_stretch *blocks, uint64_t *random)
{
    segment *to = &in->segments[i];
    *to = (segment){.input = in->inputs[i], .stretch = *blocks};
    uint64_t kind = random_below(random, 3);
    if (kind == 0) {
        to->run = in->runs[i];
        return;
    }
    ck_assert_ptr_nonnull(buffer_add(&to->own, blocks->bytes));
    ck_assert_int_eq(run_copy(in->runs[i], blocks->offset, blocks->bytes, to->own.data), RF_OK);
    to->bytes = to->own.data;
    to->name = "run of a peer";
    if (kind == 1)
        return;
    to->path = in->path;
    to->at = in->written;
    append_to_file(in, to->own.data, blocks->bytes);
    to->bytes = NULL;
    buffer_free(&to->own);
}

static void spill_some(job *in, uint64_t *random)
{
    for (uint32_t i = 0; i < in->count; i++) {
        char *path;
        if (random_below(random, 2))
            continue;
        ck_assert_int_eq(scratch_path(in->place, &path), RF_OK);
        ck_assert_int_eq(run_spill(in->runs[i], path), RF_OK);
        free(path);
    }
}

/* All that a reducer would see: each key, and its values with their inputs or what they fold to. */
static void read_merge(const shape *of, merge *all, buffer *to)
{
    rf_group *group;
    rf_value key, value;
    int status;
    ck_assert_int_eq(group_new(group_from_merge, all, &group), RF_OK);
    while ((status = group_next_key(group, &key)) == RF_OK) {
        ck_assert_int_eq(pack_value(to, key), RF_OK);
        while (!of->fold && group_next(group, &value) == RF_OK) {
            ck_assert_int_eq(pack_value(to, rf_of_u64(group_input(group))), RF_OK);
            ck_assert_int_eq(pack_value(to, value), RF_OK);
        }
        if (of->fold) {
            ck_assert_int_eq(group_fold(group, of->fold, &value), RF_OK);
            ck_assert_int_eq(pack_value(to, value), RF_OK);
        }
    }
    ck_assert_msg(status == RF_END, "%s", rf_last_error()->message);
    group_free(group);
    merge_free(all);
}

static int files_in_scratch(const job *of)
{
    char folder[400];
    int count = 0;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(of->path, '/') - of->path), of->path);
    DIR *in = opendir(folder);
    for (struct dirent *entry; (entry = readdir(in));)
        count += strncmp(entry->d_name, "run-", 4) == 0;
    closedir(in);
    return count;
}

/* The segments of one partition, or of one range, are merged, read, freed. */
static void check_segments(job *in, const record *low, const record *high, size_t memory, buffer *to)
{
    uint32_t count = in->count, most = merge_most(memory), before = 0;
    int files = files_in_scratch(in);
    merge *all;
    for (uint32_t i = 0; i < in->count; i++)
        before += in->segments[i].stretch.bytes > 0;
    ck_assert_int_eq(segments_merge(&in->of, in->segments, &count, low, high, in->place, memory, &all), RF_OK);
    ck_assert_uint_le(count, most);
    ck_assert(before <= most ? count == before : count > most / 3);
    ck_assert(before <= most ? files_in_scratch(in) == files : files_in_scratch(in) > files);
    read_merge(&in->of, all, to);
    for (uint32_t i = 0; i < in->count; i++)
        segment_free(&in->segments[i]);
    ck_assert_int_eq(files_in_scratch(in), files);
}

static int reversed(rf_value a, rf_value b)
{
    return -model_compare_keys(a, b);
}

static shape draw_shape(uint64_t *random)
{
    shape of = {.partitions = 1 + (uint32_t)random_below(random, 3), .memory = (size_t)64 << 20, .compress = random_below(random, 2),
                .fold = random_below(random, 2) ? FOLD_NONE : (enum fold)(FOLD_SUM + random_below(random, 5)),
                .order = {.by_value = random_below(random, 2), .compare = random_below(random, 2) ? reversed : NULL}, .sample = 16};
    of.order.by_value = of.order.by_value && !of.fold;
    return of;
}

START_TEST(segments_are_read_as_their_runs_are)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    for (int round = 0; round < 3; round++) {
        shape of = draw_shape(&random);
        model all = {.keys = RF_TEXT, .universe = 2000, .values = of.fold ? 0 : (int)random_below(&random, 3)};
        job *one = make_job(of, all, &random, 1 + (uint32_t)random_below(&random, 150), random_below(&random, 2) ? 3 : 400);
        buffer wanted = {0}, got = {0};
        for (uint32_t p = 0; p < of.partitions; p++)
            read_merge(&of, model_merge(&one->of.order, one->runs, one->inputs, one->count, p), &wanted);
        spill_some(one, &random);
        for (uint32_t p = 0; p < of.partitions; p++) {
            run_stretch blocks;
            for (uint32_t i = 0; i < one->count; i++) {
                ck_assert_int_eq(run_stretch_of(one->runs[i], p, &blocks), RF_OK);
                make_segment(one, i, &blocks, &random);
            }
            check_segments(one, NULL, NULL, random_below(&random, (uint64_t)4 << 20), &got);
        }
        ck_assert_uint_eq(wanted.size, got.size);
        ck_assert_mem_eq(wanted.data, got.data, got.size);
        buffer_free(&wanted);
        buffer_free(&got);
        free_job(one);
    }
}
END_TEST

START_TEST(ranges_of_segments_follow_each_other)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    shape of = draw_shape(&random);
    of.partitions = 1;
    model all = {.keys = _i % 2 ? RF_I64 : RF_TEXT, .universe = 20000, .values = of.fold ? 0 : 2};
    job *one = make_job(of, all, &random, 40, 20000);
    buffer wanted = {0}, got = {0}, space = {0};
    sketch keys = {.limit = 16};
    uint32_t count = 0;
    for (uint32_t i = 0; i < one->count; i++)
        ck_assert_int_eq(sketch_merge(&keys, one->runs[i]->sample, one->runs[i]->sample_size), RF_OK);
    ck_assert_int_eq(sketch_splitters(&keys, &one->of.order, 4, &space, &count), RF_OK);
    ck_assert_uint_eq(count, 4);
    read_merge(&of, model_merge(&one->of.order, one->runs, one->inputs, one->count, 0), &wanted);
    spill_some(one, &random);
    const uint8_t *at = space.data;
    record low, high;
    for (uint32_t p = 0; p <= count; p++, low = high) {
        run_stretch blocks;
        ck_assert(p == count || record_take(&at, space.data + space.size, &high));
        const record *from = p ? &low : NULL, *below = p < count ? &high : NULL;
        for (uint32_t i = 0; i < one->count; i++) {
            ck_assert_int_eq(run_stretch_range(one->runs[i], &one->of.order, from, below, &blocks), RF_OK);
            make_segment(one, i, &blocks, &random);
        }
        size_t before = got.size;
        check_segments(one, from, below, random_below(&random, (uint64_t)4 << 20), &got);
        ck_assert_uint_gt(got.size, before);
    }
    ck_assert_uint_eq(wanted.size, got.size);
    ck_assert_mem_eq(wanted.data, got.data, got.size);
    sketch_free(&keys);
    buffer_free(&wanted);
    buffer_free(&got);
    buffer_free(&space);
    free_job(one);
}
END_TEST

/* More than there may be descriptors or sources at once. */
START_TEST(a_thousand_and_more_are_one)
{
    uint64_t random = suite_seed;
    const shape of = {.partitions = 1, .memory = (size_t)1 << 20, .fold = FOLD_SUM};
    job *one = make_job(of, (model){.keys = RF_TEXT, .universe = 500}, &random, RUNS_MOST, 20);
    buffer wanted = {0}, got = {0};
    run_stretch blocks;
    read_merge(&of, model_merge(&one->of.order, one->runs, one->inputs, one->count, 0), &wanted);
    spill_some(one, &random);
    for (uint32_t i = 0; i < one->count; i++) {
        ck_assert_int_eq(run_stretch_of(one->runs[i], 0, &blocks), RF_OK);
        make_segment(one, i, &blocks, &random);
    }
    check_segments(one, NULL, NULL, (size_t)256 << 20, &got);
    ck_assert_uint_eq(wanted.size, got.size);
    ck_assert_mem_eq(wanted.data, got.data, got.size);
    buffer_free(&wanted);
    buffer_free(&got);
    free_job(one);
}
END_TEST

START_TEST(no_segments_are_no_records)
{
    const shape of = {.partitions = 1};
    uint32_t count = 0;
    merge *all;
    const record *it;
    unsigned input;
    ck_assert_int_eq(segments_merge(&of, NULL, &count, NULL, NULL, NULL, 0, &all), RF_OK);
    ck_assert_int_eq(merge_next(all, &it, &input), RF_END);
    merge_free(all);
}
END_TEST

START_TEST(damage_and_nonsense_are_told_by_name)
{
    uint64_t random = suite_seed;
    const shape of = {.partitions = 1, .memory = (size_t)1 << 20};
    job *one = make_job(of, (model){.keys = RF_TEXT, .universe = 500}, &random, 1, 2000);
    segment *it = &one->segments[0];
    cursor from;
    *it = (segment){.run = one->runs[0], .stretch = {0, one->runs[0]->bytes + 1}};
    ck_assert_int_eq(segment_cursor(&from, it, 0), RF_EUSAGE);
    *it = (segment){.stretch = {1000, one->runs[0]->parts[0].bytes}, .name = "run 17 of rank 3"};
    ck_assert_int_eq(buffer_put(&it->own, one->runs[0]->memory.data, it->stretch.bytes), RF_OK);
    it->bytes = it->own.data;
    it->own.data[it->own.size - 1] ^= 1;
    ck_assert_int_eq(segment_cursor(&from, it, 0), RF_OK);
    ck_assert_int_eq(cursor_next(&from), RF_EINPUT);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "run 17 of rank 3: byte 1000"));
    cursor_close(&from);
    segment_free(it);
    free_job(one);
}
END_TEST

START_TEST(merging_segments_without_memory_loses_none)
{
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        uint64_t random = suite_seed;
        const shape of = {.partitions = 1, .memory = (size_t)1 << 20, .fold = FOLD_COUNT};
        job *one = make_job(of, (model){.keys = RF_TEXT, .universe = 60}, &random, 40, 20);
        buffer wanted = {0}, got = {0};
        uint32_t count = one->count;
        run_stretch blocks;
        merge *all;
        read_merge(&of, model_merge(&one->of.order, one->runs, one->inputs, one->count, 0), &wanted);
        for (uint32_t i = 0; i < one->count; i++) {
            ck_assert_int_eq(run_stretch_of(one->runs[i], 0, &blocks), RF_OK);
            make_segment(one, i, &blocks, &random);
        }
        failing_malloc_at(n);
        int status = segments_merge(&one->of, one->segments, &count, NULL, NULL, one->place, 0, &all);
        failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        if (failed)
            ck_assert_int_eq(segments_merge(&one->of, one->segments, &count, NULL, NULL, one->place, 0, &all), RF_OK);
        read_merge(&of, all, &got);
        ck_assert_uint_eq(wanted.size, got.size);
        ck_assert_mem_eq(wanted.data, got.data, got.size);
        for (uint32_t i = 0; i < one->count; i++)
            segment_free(&one->segments[i]);
        buffer_free(&wanted);
        buffer_free(&got);
        free_job(one);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("keyed_segment");
    TCase *cases = tcase_create("segment");
    tcase_add_loop_test(cases, segments_are_read_as_their_runs_are, 0, 6);
    tcase_add_loop_test(cases, ranges_of_segments_follow_each_other, 0, 4);
    tcase_add_test(cases, a_thousand_and_more_are_one);
    tcase_add_test(cases, no_segments_are_no_records);
    tcase_add_test(cases, damage_and_nonsense_are_told_by_name);
    tcase_add_test(cases, merging_segments_without_memory_loses_none);
    suite_add_tcase(all, cases);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
