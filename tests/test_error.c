/* base/error: names and texts of statuses, the last error, failures that are kept, the log sink. */
#include "base/error.h"
#include "failing_malloc.h"
#include "suite.h"

START_TEST(every_status_has_a_name_and_a_text)
{
#define CHECK_STATUS(name, number, text)                                                                               \
    ck_assert_str_eq(rf_status_name(number), #name);                                                                   \
    ck_assert_str_eq(rf_status_text(name), text);
    RF_STATUSES(CHECK_STATUS)
    ck_assert_str_eq(rf_status_name(77), "unknown status");
    ck_assert_str_eq(rf_status_text(-100), "unknown status");
    ck_assert_str_eq(rf_version(), RF_VERSION);
}
END_TEST

START_TEST(before_any_failure_the_last_error_is_none)
{
    ck_assert_int_eq(rf_last_error()->status, RF_OK);
    ck_assert_str_eq(rf_last_error()->kind, "");
    ck_assert_str_eq(rf_last_error()->message, "");
    ck_assert_int_eq(rf_last_error()->rank, -1);
}
END_TEST

START_TEST(an_error_tells_status_kind_and_message)
{
    ck_assert_int_eq(error_set(RF_EINPUT, "input", "%s at %d", "file", 7), RF_EINPUT);
    const rf_error *error = rf_last_error();
    ck_assert_int_eq(error->status, RF_EINPUT);
    ck_assert_str_eq(error->kind, "input");
    ck_assert_str_eq(error->message, "file at 7");
    ck_assert_ptr_null(error->function);
    ck_assert_ptr_null(error->host);
    ck_assert_int_eq(error->rank, -1);
    ck_assert_uint_eq(error->attempt, 0);
}
END_TEST

START_TEST(long_texts_are_cut_and_terminated)
{
    static char text[5000];
    memset(text, 'x', sizeof text - 1);
    error_set(RF_EINPUT, text, "%s", text);
    ck_assert_uint_eq(strlen(rf_last_error()->message), 2047);
    ck_assert_uint_eq(strlen(rf_last_error()->kind), 63);
    rf_error error = {.status = RF_EFUNCTION, .kind = "k", .message = "m", .function = text, .host = text, .rank = 3};
    ck_assert_int_eq(error_of_item(&error), RF_EFUNCTION);
    ck_assert_uint_eq(strlen(rf_last_error()->function), 127);
    ck_assert_uint_eq(strlen(rf_last_error()->host), 255);
}
END_TEST

START_TEST(an_error_can_be_made_from_the_last_one)
{
    rf_error error = {.status = RF_EFUNCTION, .kind = "net.dns", .message = "no such host", .function = "f.c:f", .host = "n1",
                      .rank = 3, .attempt = 2, .index = 9};
    error_of_item(&error);
    ck_assert_int_eq(error_of_item(rf_last_error()), RF_EFUNCTION);
    ck_assert_str_eq(rf_last_error()->function, "f.c:f");
    error_set(RF_EITEMS, rf_last_error()->kind, "first: %s", rf_last_error()->message);
    ck_assert_str_eq(rf_last_error()->kind, "net.dns");
    ck_assert_str_eq(rf_last_error()->message, "first: no such host");
}
END_TEST

START_TEST(a_kept_failure_lives_until_its_last_owner_lets_go)
{
    char message[] = "gone soon";
    rf_error error = {.status = RF_EFUNCTION, .kind = "k", .message = message, .host = "node", .rank = 2, .attempt = 1};
    failure *kept = failure_new(&error);
    memset(message, '-', sizeof message - 1);
    failure *shared = failure_share(kept);
    failure_free(kept);
    const rf_error *copy = failure_error(shared);
    ck_assert_str_eq(copy->message, "gone soon");
    ck_assert_str_eq(copy->kind, "k");
    ck_assert_str_eq(copy->host, "node");
    ck_assert_ptr_null(copy->function);
    ck_assert_int_eq(copy->rank, 2);
    failure_free(shared);
    failure_free(NULL);
}
END_TEST

START_TEST(a_failure_that_finds_no_memory_is_null_and_told)
{
    rf_error error = {.status = RF_EFUNCTION, .kind = "k", .message = "m", .rank = -1};
    FAILING_EACH_IN_TURN(n) {
        failure *kept = failure_new(&error);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(kept == NULL, failed);
        ck_assert(!failed || rf_last_error()->status == RF_ENOMEM);
        failure_free(kept);
    }
}
END_TEST

static void keep_message(const char *message, void *user)
{
    snprintf(user, 64, "%s", message);
}

START_TEST(warnings_go_to_the_sink_and_nowhere_without_one)
{
    char seen[64] = "";
    log_warn("to nobody");
    ck_assert(!log_has_sink());
    rf_log_to(keep_message, seen);
    ck_assert(log_has_sink());
    log_warn("%d of %d workers", 3, 4);
    ck_assert_str_eq(seen, "3 of 4 workers");
    rf_log_to(NULL, NULL);
    log_warn("again to nobody");
    ck_assert_str_eq(seen, "3 of 4 workers");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("error");
    TCase *t = tcase_create("error");
    tcase_add_test(t, every_status_has_a_name_and_a_text);
    tcase_add_test(t, before_any_failure_the_last_error_is_none);
    tcase_add_test(t, an_error_tells_status_kind_and_message);
    tcase_add_test(t, long_texts_are_cut_and_terminated);
    tcase_add_test(t, an_error_can_be_made_from_the_last_one);
    tcase_add_test(t, a_kept_failure_lives_until_its_last_owner_lets_go);
    tcase_add_test(t, a_failure_that_finds_no_memory_is_null_and_told);
    tcase_add_test(t, warnings_go_to_the_sink_and_nowhere_without_one);
    suite_add_tcase(s, t);
    return s;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
