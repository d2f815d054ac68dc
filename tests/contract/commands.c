/* Row E2, external commands, on 1, 2, 3 and 5 ranks. */
#define _GNU_SOURCE
#include "../verify.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static const rf_error *error_of(const rf_results *results, uint64_t i)
{
    static const rf_error none = {.kind = "", .message = ""};
    rf_result one = rf_results_at(results, i);
    return one.error ? one.error : &none;
}

CASE(E2_command_runs_an_external_program)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, rf_command, RF_VALUES("echo one; echo two", RF_TUPLE("printf", "%s|%s", "$HOME", "a b"), "true",
                                                    "printf '\\000\\377'"), NULL, &results), RF_OK);
    CHECK_TEXT(rf_str(rf_results_value(results, 0)), "one\ntwo\n");
    CHECK_TEXT(rf_str(rf_results_value(results, 1)), "$HOME|a b");
    rf_value nothing = rf_results_value(results, 2), bytes = rf_results_value(results, 3);
    CHECK(rf_type_of(nothing) == RF_TEXT && rf_size(nothing) == 0);
    CHECK(rf_type_of(bytes) == RF_TEXT && rf_size(bytes) == 2 && memcmp(bytes.data, "\0\377", 2) == 0);
}

CASE(E2_a_command_that_fails_says_how)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, rf_command, RF_VALUES("exit 7", "kill -9 $$", RF_TUPLE("rankfold-no-such-program", "x"), RF_TUPLE("/"), "echo well",
                                                    "rankfold-no-such-program 2> /dev/null"), NULL, &results), RF_EITEMS);
    CHECK_TEXT(error_of(results, 0)->kind, "exit");
    CHECK_HAS(error_of(results, 0)->message, "\"exit 7\" ended with status 7");
    CHECK_TEXT(error_of(results, 1)->kind, "signal");
    CHECK_HAS(error_of(results, 1)->message, "signal 9 (Killed)");
    CHECK_TEXT(error_of(results, 2)->kind, "exec");
    CHECK_HAS(error_of(results, 2)->message, "rankfold-no-such-program: No such file");
    CHECK_TEXT(error_of(results, 3)->kind, "exec");
    CHECK_TEXT(rf_str(rf_results_value(results, 4)), "well\n");
    CHECK_TEXT(error_of(results, 5)->kind, "exit");
    CHECK_HAS(error_of(results, 5)->message, "status 127");
}

CASE(E2_what_is_no_command_is_refused)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, rf_command, RF_VALUES(17, rf_tuple_of(NULL, 0), RF_TUPLE("echo", 1), rf_text("a\0b", 3),
                                                    RF_TUPLE("echo", rf_text("a\0b", 3)), rf_nil()), NULL, &results), RF_EITEMS);
    for (uint64_t i = 0; i < 6; i++) {
        CHECK_TEXT(error_of(results, i)->kind, "arguments");
        CHECK_HAS(error_of(results, i)->message, "rf_command: ");
    }
    CHECK_HAS(error_of(results, 2)->message, "element 2");
}

CASE(E2_a_command_may_print_much)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, rf_command, RF_VALUES("head -c 20000000 /dev/zero", "head -c 3000000 /dev/zero | tr '\\0' x; printf end"),
                        NULL, &results), RF_OK);
    CHECK_INT(rf_size(rf_results_value(results, 0)), 20000000);
    rf_value text = rf_results_value(results, 1);
    CHECK_INT(rf_size(text), 3000003);
    CHECK(strspn(rf_str(text), "x") == 3000000 && strcmp(rf_str(text) + 3000000, "end") == 0);
}

CASE(E2_a_command_has_no_input_and_what_it_leaves_running_is_ended)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, rf_command, RF_VALUES("cat; echo end", "sleep 1000 & echo $!"), NULL, &results), RF_OK);
    CHECK_TEXT(rf_str(rf_results_value(results, 0)), "end\n");
    pid_t left = (pid_t)atoi(rf_str(rf_results_value(results, 1)));
    CHECK(left > 1);
    char name[64], state;
    snprintf(name, sizeof name, "/proc/%d/stat", (int)left);
    for (;;) {                                  /* it was killed; who reaps it is not the library's business */
        FILE *file = fopen(name, "r");
        if (!file)
            break;
        bool dead = fscanf(file, "%*d (%*[^)]) %c", &state) != 1 || state == 'Z' || state == 'X';
        fclose(file);
        if (dead)
            break;
    }
}

CASE(E2_a_command_composes_with_retry_and_is_found_by_name)
{
    char name[] = "/tmp/rankfold-commands-XXXXXX";
    CHECK(mkdtemp(name) != NULL);
    char command[200];
    snprintf(command, sizeof command, "mkdir %s/once 2> /dev/null && exit 1; rmdir %s/once %s; echo well", name, name, name);
    RF_AUTO(rf_results, results);
    CHECK(rf_find("rankfold:rf_command") == rf_command && rf_find("rf_command") == rf_command);
    CHECK_STATUS(rf_apply(pool, rf_find("rf_command"), rf_of_string(command),
                          RF_OPTIONS(.retry = {.attempts = 2, .backoff = RF_NONE, .on = "exit"}), &results), RF_OK);
    CHECK_TEXT(rf_str(rf_results_value(results, 0)), "well\n");
    CHECK_INT(rf_results_at(results, 0).attempts, 2);
}

CASE(E2_a_command_out_of_time_is_killed)
{
    char name[] = "/tmp/rankfold-commands-XXXXXX";
    int file = mkstemp(name);
    CHECK(file >= 0);
    char command[200], text[64] = "";
    snprintf(command, sizeof command, "echo $$ > %s; yes; true", name);
    RF_AUTO(rf_results, results);
    int status = rf_apply(pool, rf_command, rf_of_string(command), RF_OPTIONS(.timeout = 0.3), &results);
    const rf_error *why = error_of(results, 0);
    /* one rank alone hears of the function's end before it looks at the clock of the job */
    CHECK_(status == RF_ETIMEOUT || (status == RF_EITEMS && why->status == RF_ECANCELLED), "%s", why->message);
    const rf_figures *all;
    bool busy = true;
    while (busy) {
        CHECK_STATUS(rf_insights(pool, &all), RF_OK);
        busy = false;
        for (uint64_t i = 0; i < all->workers; i++)
            busy |= all->worker[i].busy;
    }
    bool ran = read(file, text, sizeof text - 1) > 0;
    close(file);
    unlink(name);
    CHECK(!ran || (kill((pid_t)atoi(text), 0) < 0 && errno == ESRCH));
}

CASE(E2_a_command_can_be_tried_without_a_pool)
{
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_run(rf_command, RF_V("echo alone"), NULL, &results), RF_OK);
    CHECK_TEXT(rf_str(rf_results_value(results, 0)), "alone\n");
    signal(SIGCHLD, SIG_IGN);
    int status = rf_run(rf_command, RF_V("true"), NULL, NULL);
    signal(SIGCHLD, SIG_DFL);
    CHECK_STATUS(status, RF_EFUNCTION == rf_last_error()->status ? RF_EITEMS : RF_OK);
    CHECK_TEXT(rf_last_error()->kind, "exec");
}

int main(int argc, char **argv) { return rf_main(argc, argv, verify); }
