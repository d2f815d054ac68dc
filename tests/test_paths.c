/* input/paths: what a list of paths stands for. */
#include "input/paths.h"
#include "reading.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "failing_malloc.h"
#include "suite.h"

static int find(paths *found, const char *const *given, size_t count)
{
    strings *list = strings_new();
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(strings_add(list, given[i]), RF_OK);
    int status = paths_find(found, list);
    strings_free(list);
    return status;
}

static void check_names(const paths *found, const char *const *names, size_t count)
{
    ck_assert_uint_eq(paths_count(found), count);
    ck_assert_uint_eq(strings_count(found->names), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_eq(strings_at(found->names, i), folder_path("%s", names[i]));
}

static void check_refused(const char *path, const char *text)
{
    paths found;
    ck_assert_int_eq(find(&found, &path, 1), RF_EINPUT);
    const char *message = rf_last_error()->message;
    ck_assert_msg(strstr(message, path) && strstr(message, text), "%s", message);
    ck_assert_str_eq(rf_last_error()->kind, "input");
    paths_free(&found);
}

static const char *folder_directory(const char *name)
{
    const char *path = folder_path("%s", name);
    ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
    return path;
}

START_TEST(a_directory_stands_for_the_files_below_it_in_byte_order_of_their_paths)
{
    static const char *const names[] = {"tree/B", "tree/a-b", "tree/a.txt", "tree/a/1", "tree/a/10", "tree/a/2", "tree/a/deep/er", "tree/b", "tree/\xc3\xa9"};
    folder_directory("tree");
    folder_directory("tree/a");
    folder_directory("tree/a/deep");
    folder_directory("tree/nothing");
    for (size_t i = 9; i-- > 0;)
        folder_write(names[i], names[i], i);
    const char *given[] = {folder_path("tree"), folder_path("tree/")};
    for (unsigned i = 0; i < 2; i++) {
        paths found;
        ck_assert_int_eq(find(&found, &given[i], 1), RF_OK);
        check_names(&found, names, 9);
        for (size_t j = 0; j < 9; j++)
            ck_assert_uint_eq(paths_file(&found, j)->size, j);
        paths_free(&found);
    }
}
END_TEST

START_TEST(files_come_in_the_order_of_the_list_and_as_often_as_they_are_given)
{
    folder_directory("some");
    folder_write("some/x", "", 0);
    folder_write("z", "", 0);
    const char *given[] = {folder_path("z"), folder_path("some"), folder_path("z")};
    static const char *const names[] = {"z", "some/x", "z"};
    paths found;
    ck_assert_int_eq(find(&found, given, 3), RF_OK);
    check_names(&found, names, 3);
    paths_free(&found);
}
END_TEST

START_TEST(links_to_files_are_followed_and_links_to_directories_only_where_they_are_given)
{
    folder_directory("links");
    folder_directory("links/real");
    folder_write("links/real/file", "12345", 5);
    ck_assert_int_eq(symlink("real/file", folder_path("links/to-file")), 0);
    ck_assert_int_eq(symlink("..", folder_path("links/real/up")), 0);
    ck_assert_int_eq(symlink("nowhere", folder_path("links/dangling")), 0);
    ck_assert_int_eq(symlink("self", folder_path("links/self")), 0);
    ck_assert_int_eq(symlink("links", folder_path("given-link")), 0);
    static const char *const names[] = {"links/real/file", "links/to-file"};
    const char *given = folder_path("links");
    paths found;
    ck_assert_int_eq(find(&found, &given, 1), RF_OK);
    check_names(&found, names, 2);
    ck_assert_uint_eq(paths_file(&found, 1)->size, 5);
    paths_free(&found);
    given = folder_path("given-link");
    static const char *const through[] = {"given-link/real/file", "given-link/to-file"};
    ck_assert_int_eq(find(&found, &given, 1), RF_OK);
    check_names(&found, through, 2);
    paths_free(&found);
    given = folder_path("links/to-file");
    ck_assert_int_eq(find(&found, &given, 1), RF_OK);
    check_names(&found, names + 1, 1);
    paths_free(&found);
    check_refused(folder_path("links/dangling"), strerror(ENOENT));
    check_refused(folder_path("links/self"), strerror(ELOOP));
}
END_TEST

START_TEST(what_is_neither_file_nor_directory_is_refused_where_given_and_passed_over_in_directories)
{
    folder_directory("odd");
    folder_write("odd/file", "", 0);
    ck_assert_int_eq(mkfifo(folder_path("odd/fifo"), 0600), 0);
    const char *given = folder_path("odd");
    static const char *const names[] = {"odd/file"};
    paths found;
    ck_assert_int_eq(find(&found, &given, 1), RF_OK);
    check_names(&found, names, 1);
    paths_free(&found);
    check_refused(folder_path("odd/fifo"), "say \"-\"");
    check_refused("/dev/null", "say \"-\"");
}
END_TEST

START_TEST(what_is_missing_or_forbidden_is_named)
{
    check_refused(folder_path("missing"), strerror(ENOENT));
    folder_write("plain", "", 0);
    check_refused(folder_path("plain/below"), strerror(ENOTDIR));
    folder_directory("outer");
    const char *closed = folder_directory("outer/closed"), *outer = folder_path("outer");
    folder_write("outer/open", "", 0);
    ck_assert_int_eq(chmod(closed, 0), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    check_refused(closed, strerror(EACCES));
    paths found;
    ck_assert_int_eq(find(&found, &outer, 1), RF_EINPUT);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, closed));
    paths_free(&found);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(chmod(closed, 0755), 0);
}
END_TEST

START_TEST(files_are_cut_into_blocks_and_each_unit_finds_its_file)
{
    const char *given[] = {folder_write("ten", "0123456789", 10), folder_write("none", "", 0), folder_write("packed.gz", "0123456", 7),
                           folder_write("four", "0123", 4)};
    static const uint64_t blocks[] = {3, 1, 1, 1}, first[] = {0, 3, 4, 5};
    paths found;
    ck_assert_int_eq(find(&found, given, 4), RF_OK);
    ck_assert_int_eq(paths_cut(&found, INPUT_LINES, 4), RF_OK);
    ck_assert_uint_eq(found.units, 6);
    for (uint64_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(paths_file(&found, i)->blocks, blocks[i]);
        ck_assert_uint_eq(paths_file(&found, i)->first_unit, first[i]);
        ck_assert_int_eq(paths_file(&found, i)->whole, i == 1 || i == 2);
        for (uint64_t unit = first[i]; unit < first[i] + blocks[i]; unit++)
            ck_assert_uint_eq(paths_of_unit(&found, unit), i);
    }
    ck_assert_int_eq(paths_cut(&found, INPUT_WHOLE, 4), RF_OK);
    ck_assert_uint_eq(found.units, 4);
    ck_assert_uint_eq(paths_of_unit(&found, 3), 3);
    paths_free(&found);
}
END_TEST

#define MANIFEST_LINES "rankfold-manifest 1\npart-00000\t1\t3\t0123456789abcdef\npart-00001\t2\t5\t0123456789abcdef\ntotal\t3\t8\n"

static const char *write_output(const char *manifest, size_t size)
{
    const char *path = folder_directory("output");
    folder_write("output/part-00000", "a\n\n", 3);
    folder_write("output/part-00001", "b\nc\n\n", 5);
    folder_write("output/MANIFEST", manifest, size);
    return path;
}

START_TEST(an_output_directory_stands_for_the_parts_that_its_manifest_tells)
{
    static const char *const names[] = {"output/part-00000", "output/part-00001"};
    const char *given[] = {write_output(MANIFEST_LINES, strlen(MANIFEST_LINES)), folder_path(".")};
    paths found;
    ck_assert_int_eq(find(&found, given, 1), RF_OK);
    check_names(&found, names, 2);
    paths_free(&found);
    folder_write("beside", "", 0);
    ck_assert_int_eq(find(&found, given + 1, 1), RF_OK);
    for (size_t i = 0; i < paths_count(&found); i++)
        ck_assert_ptr_null(strstr(strings_at(found.names, i), "MANIFEST"));
    paths_free(&found);
}
END_TEST

START_TEST(a_manifest_of_somebody_else_is_a_file_like_any_other)
{
    static const char *const names[] = {"output/MANIFEST", "output/part-00000", "output/part-00001"};
    static const char *const texts[] = {"", "include README\n", "rankfold-manifest 1", "rankfold-manifest 10\n", " rankfold-manifest 1\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *given = write_output(texts[i], strlen(texts[i]));
        paths found;
        ck_assert_int_eq(find(&found, &given, 1), RF_OK);
        check_names(&found, names, 3);
        paths_free(&found);
    }
    unlink(folder_path("output/MANIFEST"));
}
END_TEST

static void check_output_refused(const char *name, const char *text)
{
    const char *given = folder_path("output");
    paths found;
    ck_assert_int_eq(find(&found, &given, 1), RF_EINPUT);
    const char *message = rf_last_error()->message;
    ck_assert_msg(strstr(message, folder_path("%s", name)) && strstr(message, text), "%s", message);
    paths_free(&found);
}

START_TEST(an_output_that_was_changed_is_refused_and_named)
{
    write_output(MANIFEST_LINES, strlen(MANIFEST_LINES));
    folder_write("output/part-00001", "b\nc\n", 4);
    check_output_refused("output/part-00001", "has 4 bytes, but 5 in");
    folder_write("output/part-00001", "b\nc\n\n", 5);
    folder_write("output/part-00002", "", 0);
    check_output_refused("output/part-00002", "not in");
    ck_assert_int_eq(rename(folder_path("output/part-00002"), folder_path("output/part-00001")), 0);
    check_output_refused("output/part-00001", "has 0 bytes");
    unlink(folder_path("output/part-00001"));
    check_output_refused("output/MANIFEST", "part-00001 is missing");
    unlink(folder_path("output/MANIFEST"));
}
END_TEST

START_TEST(a_manifest_that_is_cut_anywhere_is_refused)
{
    for (size_t size = 20; size < strlen(MANIFEST_LINES); size++) {
        write_output(MANIFEST_LINES, size);
        check_output_refused("output/MANIFEST", size == 20 || MANIFEST_LINES[size - 1] == '\n' ? "truncated" : "damaged at line");
    }
    write_output(MANIFEST_LINES "more\t1\t1\t1\n", strlen(MANIFEST_LINES) + 11);
    check_output_refused("output/MANIFEST", "damaged at line 5");
    unlink(folder_path("output/MANIFEST"));
}
END_TEST

START_TEST(each_failing_allocation_is_told_and_leaks_nothing)
{
    write_output(MANIFEST_LINES, strlen(MANIFEST_LINES));
    folder_directory("small");
    folder_directory("small/er");
    folder_write("small/a", "", 0);
    folder_write("small/er/b", "", 0);
    strings *list = strings_new();
    ck_assert_int_eq(strings_add(list, folder_path("small")), RF_OK);
    ck_assert_int_eq(strings_add(list, folder_path("output")), RF_OK);
    FAILING_EACH_IN_TURN(n) {
        paths found;
        int status = paths_find(&found, list);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        paths_free(&found);
    }
    strings_free(list);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("paths");
    TCase *paths = tcase_create("paths");
    tcase_add_unchecked_fixture(paths, folder_make, folder_remove);
    tcase_add_test(paths, a_directory_stands_for_the_files_below_it_in_byte_order_of_their_paths);
    tcase_add_test(paths, files_come_in_the_order_of_the_list_and_as_often_as_they_are_given);
    tcase_add_test(paths, links_to_files_are_followed_and_links_to_directories_only_where_they_are_given);
    tcase_add_test(paths, what_is_neither_file_nor_directory_is_refused_where_given_and_passed_over_in_directories);
    tcase_add_test(paths, what_is_missing_or_forbidden_is_named);
    tcase_add_test(paths, files_are_cut_into_blocks_and_each_unit_finds_its_file);
    tcase_add_test(paths, an_output_directory_stands_for_the_parts_that_its_manifest_tells);
    tcase_add_test(paths, a_manifest_of_somebody_else_is_a_file_like_any_other);
    tcase_add_test(paths, an_output_that_was_changed_is_refused_and_named);
    tcase_add_test(paths, a_manifest_that_is_cut_anywhere_is_refused);
    tcase_add_test(paths, each_failing_allocation_is_told_and_leaks_nothing);
    suite_add_tcase(all, paths);
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
