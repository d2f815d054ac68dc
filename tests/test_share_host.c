/* run/share_host: memory that nobody can change any more, and doors that believe nobody who does not bring the token. */
#define _GNU_SOURCE
#include "run/share_host.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing_pass.h"
#include "suite.h"

static share_memory filled(const char *text)
{
    share_memory made;
    ck_assert_int_eq(share_memory_new(strlen(text), &made), RF_OK);
    ck_assert_int_eq(share_memory_put(&made, 0, text, strlen(text)), RF_OK);
    return made;
}

static share_memory sealed(const char *text)
{
    share_memory made = filled(text);
    ck_assert_int_eq(share_memory_seal(&made), RF_OK);
    return made;
}

START_TEST(what_is_put_is_there_with_a_nul_behind)
{
    share_memory made;
    ck_assert_int_eq(share_memory_new(10000, &made), RF_OK);
    ck_assert_int_eq(share_memory_put(&made, 4090, "across pages", 12), RF_OK);
    ck_assert_int_eq(made.data[4089], 0);
    ck_assert_int_eq(memcmp(made.data + 4090, "across pages", 12), 0);      /* before it is sealed, too: it is passed on as it comes */
    ck_assert_int_eq(share_memory_put(&made, 9999, "!", 1), RF_OK);
    ck_assert_int_eq(share_memory_seal(&made), RF_OK);
    ck_assert_int_eq(made.data[9999], '!');
    ck_assert_int_eq(made.data[10000], 0);
    share_memory_free(&made);
    share_memory_free(&made);
}
END_TEST

START_TEST(nobody_can_change_what_is_sealed)
{
    share_memory made = sealed("fixed");
    ck_assert_int_eq(share_memory_put(&made, 0, "x", 1), RF_ENOMEM);
    ck_assert_int_ne(ftruncate(made.fd, 1), 0);
    ck_assert_int_ne(ftruncate(made.fd, 10000), 0);
    ck_assert_ptr_eq(mmap(NULL, 6, PROT_READ | PROT_WRITE, MAP_SHARED, made.fd, 0), MAP_FAILED);
    ck_assert_str_eq((const char *)made.data, "fixed");
    share_memory_free(&made);
}
END_TEST

START_TEST(one_that_adopts_it_has_the_same_pages)
{
    share_memory made = sealed("one copy"), same;
    ck_assert_int_eq(share_memory_adopt(dup(made.fd), 8, &same), RF_OK);
    ck_assert_ptr_ne(same.data, made.data);
    share_memory_free(&made);
    ck_assert_str_eq((const char *)same.data, "one copy");
    share_memory_free(&same);
}
END_TEST

START_TEST(what_is_not_sealed_or_of_another_size_is_not_adopted)
{
    share_memory open_to_all = filled("not sealed"), other = sealed("sealed"), none;
    ck_assert_int_eq(share_memory_adopt(dup(open_to_all.fd), 10, &none), RF_EUSAGE);
    ck_assert_ptr_null(none.data);
    ck_assert_int_eq(share_memory_adopt(dup(other.fd), 7, &none), RF_EUSAGE);
    ck_assert_int_eq(share_memory_adopt(open("/dev/null", O_RDONLY), 6, &none), RF_EUSAGE);
    share_memory_free(&open_to_all);
    share_memory_free(&other);
}
END_TEST

START_TEST(a_descriptor_goes_through_a_door)
{
    share_memory made = sealed("passed"), got;
    share_door door;
    uint64_t version;
    int fd;
    ck_assert(share_door_open(&door));
    ck_assert_int_eq(share_door_take(&door, &version, &fd), RF_AGAIN);
    ck_assert_int_eq(share_door_pass(&door.key, 7, made.fd), RF_OK);
    ck_assert_int_eq(share_door_pass(&door.key, 8, made.fd), RF_OK);
    for (uint64_t wanted = 7; wanted <= 8; wanted++) {
        ck_assert_int_eq(share_door_take(&door, &version, &fd), RF_OK);
        ck_assert_uint_eq(version, wanted);
        ck_assert_int_eq(share_memory_adopt(fd, 6, &got), RF_OK);
        ck_assert_str_eq((const char *)got.data, "passed");
        share_memory_free(&got);
    }
    share_memory_free(&made);
    share_door_close(&door);
}
END_TEST

START_TEST(without_the_token_nothing_is_believed_and_no_descriptor_is_kept)
{
    share_memory made = sealed("forged");
    share_door door;
    uint64_t version;
    int fd, next = dup(0);
    ck_assert(share_door_open(&door));
    struct share_key guessed = door.key;
    guessed.token[1] ^= 1;
    ck_assert_int_eq(share_door_pass(&guessed, 7, made.fd), RF_OK);
    ck_assert_int_eq(share_door_take(&door, &version, &fd), RF_AGAIN);
    ck_assert_int_eq(share_door_pass(&door.key, 9, made.fd), RF_OK);
    ck_assert_int_eq(share_door_take(&door, &version, &fd), RF_OK);
    ck_assert_uint_eq(version, 9);
    close(fd);
    close(next);
    share_door_close(&door);
    share_memory_free(&made);
    int after = dup(0);
    ck_assert_int_le(after, next);      /* the lowest free one: none was left open */
    close(after);
}
END_TEST

START_TEST(another_user_is_not_believed)
{
    share_memory made = sealed("theirs");
    share_door door;
    uint64_t version;
    int fd, status;
    if (geteuid() != 0)
        return;                         /* only root can be somebody else */
    ck_assert(share_door_open(&door));
    pid_t child = fork();
    if (child == 0)
        _exit(setresuid(65534, 65534, 65534) || share_door_pass(&door.key, 7, made.fd));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(share_door_take(&door, &version, &fd), RF_AGAIN);
    share_door_close(&door);
    share_memory_free(&made);
}
END_TEST

START_TEST(a_door_that_is_not_there_or_full_says_which)
{
    share_memory made = sealed("waiting");
    share_door door;
    struct share_key key;
    int status = RF_OK;
    uint64_t passed = 0, version;
    ck_assert(share_door_open(&door));
    while (passed < 100000 && (status = share_door_pass(&door.key, passed + 1, made.fd)) == RF_OK)
        passed++;
    ck_assert_int_eq(status, RF_AGAIN);
    for (int fd; share_door_take(&door, &version, &fd) == RF_OK; passed--)
        close(fd);
    ck_assert_uint_eq(passed, 0);
    ck_assert_int_eq(share_door_pass(&door.key, 1, made.fd), RF_OK);
    key = door.key;
    share_door_close(&door);
    ck_assert_int_eq(share_door_pass(&key, 1, made.fd), RF_EUSAGE);
    ck_assert_int_eq(share_door_pass(&key, 1, -1), RF_EUSAGE);
    share_memory_free(&made);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("share_host");
    TCase *made = tcase_create("share_host");
    tcase_add_test(made, what_is_put_is_there_with_a_nul_behind);
    tcase_add_test(made, nobody_can_change_what_is_sealed);
    tcase_add_test(made, one_that_adopts_it_has_the_same_pages);
    tcase_add_test(made, what_is_not_sealed_or_of_another_size_is_not_adopted);
    tcase_add_test(made, a_descriptor_goes_through_a_door);
    tcase_add_test(made, without_the_token_nothing_is_believed_and_no_descriptor_is_kept);
    tcase_add_test(made, another_user_is_not_believed);
    tcase_add_test(made, a_door_that_is_not_there_or_full_says_which);
    suite_add_tcase(all, made);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
