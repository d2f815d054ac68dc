/* run: the tree of a fold. Its shape is made visible by merges that write brackets, and compared with a tree that is drawn by recursion. */
#define _GNU_SOURCE
#include "base/random.h"
#include "failing_malloc.h"
#include "run/reduction.h"
#include "suite.h"

#define UNITS_MOST 300

static rf_call call;
static reduction works, joins;
static column partials;
static buffer positions;
static uint64_t random_state, flaky;        /* flaky: one merge in so many fails; 0: none */

static void setup(void)
{
    call_init(&call);
    works = joins = (reduction){.call = &call};
    partials = (column){0};
    positions = (buffer){0};
    random_state = suite_seed;
    flaky = 0;
}

static void teardown(void)
{
    reduction_free(&works);
    reduction_free(&joins);
    column_free(&partials);
    buffer_free(&positions);
    call_free(&call);
}

static int put_together(rf_call *c, const char *format, rf_value a, rf_value b)
{
    size_t size = rf_size(a) + rf_size(b) + 8;
    char *text = rf_call_alloc(c, size);
    if (!text)
        return RF_ENOMEM;
    int used = snprintf(text, size, format, rf_str(a), rf_str(b));
    return rf_return(c, rf_text(text, (size_t)used));
}

static int step(rf_call *c, rf_value leaf, rf_value item) { return put_together(c, "%s%s", leaf, item); }

static int merge(rf_call *c, rf_value left, rf_value right)
{
    if (flaky && !random_below(&random_state, flaky))
        return rf_fail(c, "flaky", "not now");
    return put_together(c, "(%s %s)", left, right);
}

static const reduction_function steps = {.run = step, .name = "step"}, merges = {.run = merge, .name = "merge"};

/* ---- what is right ---- */

typedef struct leaf { char text[48]; uint64_t items; } leaf;
static leaf leaves[UNITS_MOST];
static uint64_t units;

static char *draw_tree(uint64_t first, uint64_t size)
{
    if (first >= units)
        return strdup("");
    if (size == 1)
        return strdup(leaves[first].text);
    char *left = draw_tree(first, size / 2), *right = draw_tree(first + size / 2, size / 2), *both = NULL;
    int made = *left && *right ? asprintf(&both, "(%s %s)", left, right) : asprintf(&both, "%s%s", left, right);
    ck_assert_int_ge(made, 0);
    free(left);
    free(right);
    return both;
}

static void draw_leaves(void)
{
    uint64_t full = random_below(&random_state, 5);
    units = 1 + random_below(&random_state, UNITS_MOST);
    for (uint64_t u = 0; u < units; u++) {
        leaves[u] = (leaf){.items = random_below(&random_state, 5) < full ? 0 : 1 + random_below(&random_state, 3)};
        for (uint64_t i = 0; i < leaves[u].items; i++)
            sprintf(leaves[u].text + strlen(leaves[u].text), "%" PRIu64 "%c", u, (int)('a' + i));
    }
}

/* ---- a worker, and rank 0 ---- */

static void run_unit(uint64_t unit)
{
    char text[24];
    call_item which = {.position = unit, .path_index = UINT64_MAX, .attempt = 1};
    for (uint64_t i = 0; i < leaves[unit].items; i++) {
        int size = sprintf(text, "%" PRIu64 "%c", unit, (int)('a' + i));
        ck_assert_int_eq(reduction_step(&works, unit, rf_text(text, (size_t)size), &which), RF_OK);
    }
}

static void hand_on(uint64_t end)
{
    ck_assert_int_eq(reduction_hand_on(&works, end, &partials, &positions), RF_OK);
}

static void send_all(void)
{
    const uint64_t *at = (const uint64_t *)(const void *)positions.data;
    uint64_t before = flaky;
    flaky = 0;
    for (uint64_t i = 0; i < partials.count; i++)
        ck_assert_int_eq(reduction_join(&joins, at[i], column_peek(&partials, i)), RF_OK);
    flaky = before;
    column_cut(&partials, 0);
    positions.size = 0;
}

/* Units [first, end), of which some fail in the middle of their leaf: what is there is handed on, they come again by themselves. */
static void run_chunk(uint64_t first, uint64_t end)
{
    bool fails = random_below(&random_state, 3) == 0;
    reduction_begin(&works, first);
    for (uint64_t u = first; u < end; u++) {
        run_unit(u);
        if (fails && !random_below(&random_state, 5)) {
            reduction_drop_leaf(&works, u);
            hand_on(u);
            send_all();
            reduction_begin(&works, u);
            run_unit(u);
            hand_on(u + 1);
            send_all();
            reduction_begin(&works, u + 1);
        } else if (reduction_is_full(&works)) {
            hand_on(u + 1);
        }
    }
    hand_on(end);
    ck_assert(flaky || fails || partials.count <= 2 * 64);
    send_all();
}

static void run_all(void)
{
    uint64_t most = 1 + random_below(&random_state, 1 + random_below(&random_state, UNITS_MOST));
    works.step = joins.step = steps;
    works.merge = joins.merge = merges;
    works.has_identity = random_below(&random_state, 2);
    works.identity = rf_text("", 0);
    reduction_begin(&joins, 0);
    for (uint64_t first = 0, end; first < units; first = end) {
        end = first + 1 + random_below(&random_state, most);
        end = end < units ? end : units;
        run_chunk(first, end);
    }
    flaky = 0;
    ck_assert_int_eq(reduction_finish(&joins), RF_OK);
}

static void check_tree(void)
{
    char *wanted = draw_tree(0, 512);
    ck_assert_uint_eq(joins.count, *wanted != '\0');
    if (*wanted)
        ck_assert_str_eq(rf_str(joins.parts[0].value), wanted);
    free(wanted);
}

START_TEST(any_cuts_and_retries_give_the_same_tree)
{
    for (int i = 0; i < 1000; i++) {
        draw_leaves();
        run_all();
        check_tree();
    }
}
END_TEST

START_TEST(merges_that_fail_on_workers_are_made_by_rank_0)
{
    for (int i = 0; i < 300; i++) {
        draw_leaves();
        flaky = 1 + random_below(&random_state, 10);
        run_all();
        check_tree();
    }
}
END_TEST

START_TEST(a_worker_hands_on_aligned_blocks)
{
    works.step = steps;
    works.merge = merges;
    units = 16;
    for (uint64_t u = 0; u < units; u++) {
        leaves[u] = (leaf){.items = 1};
        sprintf(leaves[u].text, "%" PRIu64 "a", u);
    }
    reduction_begin(&works, 3);
    for (uint64_t u = 3; u < 13; u++)
        run_unit(u);
    hand_on(13);
    const uint64_t *at = (const uint64_t *)(const void *)positions.data;
    const char *wanted[] = {"3a", "((4a 5a) (6a 7a))", "((8a 9a) (10a 11a))", "12a"};
    const uint64_t units_wanted[] = {3, 4, 8, 12};
    ck_assert_uint_eq(partials.count, 4);
    for (uint64_t i = 0; i < 4; i++) {
        ck_assert_str_eq(rf_str(column_peek(&partials, i)), wanted[i]);
        ck_assert_uint_eq(at[i], units_wanted[i]);
    }
}
END_TEST

START_TEST(an_initial_value_is_in_front)
{
    joins.merge = merges;
    reduction_begin(&joins, 0);
    ck_assert_int_eq(reduction_begin_with(&joins, rf_text("first", 5)), RF_OK);
    ck_assert_str_eq(rf_str(joins.parts[0].value), "first");
    reduction_begin(&joins, 0);
    ck_assert_int_eq(reduction_join(&joins, 5, rf_text("x", 1)), RF_OK);
    ck_assert_int_eq(reduction_begin_with(&joins, rf_text("first", 5)), RF_OK);
    ck_assert_str_eq(rf_str(joins.parts[0].value), "(first x)");
}
END_TEST

START_TEST(without_memory_a_leaf_stays_as_it_was)
{
    call_item which = {.path_index = UINT64_MAX, .attempt = 1};
    works.step = steps;
    works.merge = merges;
    reduction_begin(&works, 0);
    ck_assert_int_eq(reduction_step(&works, 0, rf_text("x", 1), &which), RF_OK);
    char *large = calloc(1, 1 << 20);
    memset(large, 'y', (1 << 20) - 1);
    failing_malloc_at(1);
    ck_assert_int_eq(reduction_step(&works, 0, rf_text(large, (1 << 20) - 1), &which), RF_ENOMEM);
    failing_malloc_at(0);
    ck_assert_str_eq(rf_str(works.parts[0].value), "x");
    free(large);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("reduction");
    TCase *tree = tcase_create("tree");
    tcase_add_checked_fixture(tree, setup, teardown);
    tcase_add_test(tree, any_cuts_and_retries_give_the_same_tree);
    tcase_add_test(tree, merges_that_fail_on_workers_are_made_by_rank_0);
    tcase_add_test(tree, a_worker_hands_on_aligned_blocks);
    tcase_add_test(tree, an_initial_value_is_in_front);
    tcase_add_test(tree, without_memory_a_leaf_stays_as_it_was);
    suite_add_tcase(all, tree);
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
