/* base/large: pieces of all sizes that are got, grown and given back in any order keep what was written into them. */
#include "base/large.h"
#include "base/random.h"
#include "suite.h"

enum { PIECES = 24 };

typedef struct piece {
    uint8_t *at;
    size_t size;
    uint64_t first;                     /* its bytes count up from here, a word each */
} piece;

static void write_words(piece *to, size_t from)
{
    uint64_t *words = (uint64_t *)(void *)to->at;
    for (size_t i = from / 8; i < to->size / 8; i++)
        words[i] = to->first + i;
}

static void check_words(const piece *of)
{
    const uint64_t *words = (const uint64_t *)(const void *)of->at;
    for (size_t i = 0; i < of->size / 8; i++)
        if (words[i] != of->first + i)
            ck_abort_msg("word %zu of a piece of %zu bytes is not what was written", i, of->size);
}

/* On both sides of every limit: slabs of 4 and of 16 MiB, and slabs of one piece, up to those that are too large to be kept. */
static size_t draw_size(uint64_t *random)
{
    size_t most = (size_t)1 << (15 + random_below(random, 12));
    return 8 * (1 + random_below(random, most / 8));
}

START_TEST(pieces_keep_what_was_written)
{
    uint64_t random = suite_seed + (uint64_t)_i;
    piece all[PIECES] = {{0}};
    for (int step = 0; step < 150; step++) {
        piece *one = &all[random_below(&random, PIECES)];
        if (!one->at) {
            *one = (piece){.size = draw_size(&random), .first = random_next(&random)};
            one->at = large_get(one->size);
            ck_assert_ptr_nonnull(one->at);
            write_words(one, 0);
        } else if (random_below(&random, 2)) {
            size_t before = one->size;
            one->size += draw_size(&random);
            one->at = large_grow(one->at, before, one->size);
            ck_assert_ptr_nonnull(one->at);
            write_words(one, before);
        } else {
            check_words(one);
            large_free(one->at);
            one->at = NULL;
        }
        ck_assert_uint_eq((uintptr_t)one->at % 64, 0);
    }
    for (int i = 0; i < PIECES; i++) {
        if (all[i].at)
            check_words(&all[i]);
        large_free(all[i].at);
    }
}
END_TEST

START_TEST(a_piece_grows_step_by_step)
{
    piece one = {.size = LARGE_LEAST};
    one.at = large_get(one.size);
    write_words(&one, 0);
    while (one.size < (size_t)100 << 20) {
        size_t before = one.size;
        one.size += one.size / 2 / 8 * 8;
        one.at = large_grow(one.at, before, one.size);
        ck_assert_ptr_nonnull(one.at);
        write_words(&one, before);
    }
    check_words(&one);
    large_free(one.at);
}
END_TEST

START_TEST(what_cannot_be_had_leaves_the_piece)
{
    piece one = {.size = (size_t)8 << 20, .first = 7};
    one.at = large_get(one.size);
    write_words(&one, 0);
    ck_assert_ptr_null(large_get(SIZE_MAX));
    ck_assert_ptr_null(large_grow(one.at, one.size, SIZE_MAX));
    ck_assert_ptr_null(large_grow(one.at, one.size, (size_t)1 << 60));
    check_words(&one);
    large_free(one.at);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("large");
    TCase *pieces = tcase_create("pieces");
    tcase_set_timeout(pieces, 120);
    tcase_add_loop_test(pieces, pieces_keep_what_was_written, 0, 8);
    tcase_add_test(pieces, a_piece_grows_step_by_step);
    tcase_add_test(pieces, what_cannot_be_had_leaves_the_piece);
    suite_add_tcase(all, pieces);
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
