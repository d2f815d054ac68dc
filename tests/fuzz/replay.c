/* The fuzz targets without libFuzzer: every file of the target's corpus, legal input drawn anew, and seeded damage to
   both.

       test_fuzz_message [--seed N]             the tests
       test_fuzz_message --write FOLDER N       N files of legal input, for libFuzzer to start from
*/
#include <dirent.h>

#include "base/random.h"
#include "fuzz/fuzz.h"
#include "suite.h"

enum { BLOCKS = 20, INPUTS = 500, MOST = 4096 };

static void read_file(const char *path, buffer *input)
{
    FILE *from = fopen(path, "rb");
    ck_assert_msg(from != NULL, "%s", path);
    void *space = buffer_add(input, MOST);
    ck_assert_ptr_nonnull(space);
    input->size = fread(space, 1, MOST, from);
    fclose(from);
}

/* Gives the next file of the corpus in *input; false at the end. */
static bool next_file(DIR *folder, const char *path, buffer *input)
{
    char name[4096];
    struct dirent *entry;
    do {
        entry = readdir(folder);
    } while (entry && entry->d_name[0] == '.');
    if (!entry)
        return false;
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    input->size = 0;
    read_file(name, input);
    return true;
}

static DIR *open_corpus(char *path, size_t size)
{
    const char *source = getenv("srcdir");
    snprintf(path, size, "%s/tests/fuzz/corpus/%s", source ? source : ".", fuzz_corpus);
    DIR *folder = opendir(path);
    ck_assert_msg(folder != NULL, "%s: is srcdir the top of the source?", path);
    return folder;
}

static void damage(buffer *input, uint64_t *random)
{
    static const uint8_t edges[] = {0, 1, 7, 8, 15, 16, 127, 128, 255, 0xc1, 0xdd, 0xdf};
    for (uint64_t times = 1 + random_below(random, 4); times && input->size; times--) {
        size_t at = random_below(random, input->size);
        switch (random_below(random, 5)) {
        case 0:
            input->data[at] ^= (uint8_t)(1 << random_below(random, 8));
            break;
        case 1:
            input->data[at] = edges[random_below(random, sizeof edges)];
            break;
        case 2:
            input->size = at;
            break;
        case 3:
            memset(input->data + at, random_below(random, 2) ? 0xff : 0, at + 8 <= input->size ? 8 : input->size - at);
            break;
        default:
            memmove(input->data + at, input->data + random_below(random, at + 1), input->size - at);
        }
    }
}

START_TEST(every_file_of_the_corpus_is_survived)
{
    char path[2048];
    DIR *folder = open_corpus(path, sizeof path);
    buffer input = {0};
    int files = 0;
    for (; next_file(folder, path, &input); files++)
        LLVMFuzzerTestOneInput(input.data, input.size);
    ck_assert_int_gt(files, 0);
    closedir(folder);
    buffer_free(&input);
}
END_TEST

START_TEST(a_damaged_file_of_the_corpus_is_survived)
{
    char path[2048];
    DIR *folder = open_corpus(path, sizeof path);
    buffer input = {0}, damaged = {0};
    uint64_t random = suite_seed + (uint64_t)_i;
    while (next_file(folder, path, &input))
        for (int i = 0; i < INPUTS / 25; i++) {
            damaged.size = 0;
            ck_assert_int_eq(buffer_put(&damaged, input.data, input.size), RF_OK);
            damage(&damaged, &random);
            LLVMFuzzerTestOneInput(damaged.data, damaged.size);
        }
    closedir(folder);
    buffer_free(&input);
    buffer_free(&damaged);
}
END_TEST

START_TEST(legal_input_is_survived_whole_and_damaged)
{
    buffer input = {0};
    uint64_t random = suite_seed + (uint64_t)_i;
    for (int i = 0; i < INPUTS; i++) {
        input.size = 0;
        fuzz_seed(&random, &input);
        if (i % 8)
            damage(&input, &random);
        LLVMFuzzerTestOneInput(input.data, input.size);
    }
    buffer_free(&input);
}
END_TEST

static int write_seeds(const char *folder, int count)
{
    uint64_t random = 1;
    for (int i = 0; i < count; i++) {
        char name[4096];
        buffer input = {0};
        fuzz_seed(&random, &input);
        snprintf(name, sizeof name, "%s/seed-%d", folder, i);
        FILE *to = fopen(name, "wb");
        bool written = to && fwrite(input.data, 1, input.size, to) == input.size;
        if (!to || fclose(to) || !written) {
            perror(name);
            return EXIT_FAILURE;
        }
        buffer_free(&input);
    }
    return EXIT_SUCCESS;
}

static Suite *suite(void)
{
    Suite *all = suite_create("fuzz");
    TCase *replay = tcase_create(fuzz_corpus);
    tcase_set_timeout(replay, 60);
    tcase_add_test(replay, every_file_of_the_corpus_is_survived);
    tcase_add_loop_test(replay, a_damaged_file_of_the_corpus_is_survived, 0, BLOCKS);
    tcase_add_loop_test(replay, legal_input_is_survived_whole_and_damaged, 0, BLOCKS);
    suite_add_tcase(all, replay);
    return all;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--write") == 0)
        return write_seeds(argv[2], atoi(argv[3]));
    return suite_run(suite(), argc, argv);
}
