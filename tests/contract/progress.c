/* Row E4 on 1, 2, 3 and 5 ranks: what on_progress is told, however a job ends, and the ready-made line. */
#define _GNU_SOURCE
#include <mpi.h>

#include "../functions.h"
#include "../verify.h"

#include <fcntl.h>
#include <time.h>

static int fail_thirds(rf_call *call, rf_value item)
{
    return rf_i64(item) % 3 ? rf_return(call, item) : rf_fail(call, "third", "no thirds");
}
RF_REGISTER(fail_thirds);

static int until_cancelled(rf_call *call, rf_value item)
{
    while (rf_i64(item) >= 10 && !rf_call_cancelled(call))
        ;
    return rf_return(call, item);
}
RF_REGISTER(until_cancelled);

static int take_a_millisecond(rf_call *call, rf_value item)
{
    for (double end = MPI_Wtime() + 0.001; MPI_Wtime() < end;)
        ;
    return rf_return(call, item);
}
RF_REGISTER(take_a_millisecond);

/* Counts to *state, in ten. */
static int count_up(rf_call *call, void *state)
{
    int64_t *at = state;
    return *at == 10 ? RF_END : RF_RETURN(call, (*at)++);
}

typedef struct seen {
    uint64_t calls, finals, done, total;
    bool wrong;                         /* done fell or is above total, or something came after the last */
    int rank;
} seen;

/* Ordinary and unregistered. */
static void note(uint64_t done, uint64_t total, bool final, void *user)
{
    seen *so_far = user;
    so_far->wrong |= done < so_far->done || done > total || so_far->finals;
    so_far->calls++;
    so_far->finals += final;
    so_far->done = done;
    so_far->total = total;
    MPI_Comm_rank(MPI_COMM_WORLD, &so_far->rank);
}

#define CHECK_END(of, d, t)                                                                                            \
    do {                                                                                                               \
        CHECK_INT((of).finals, 1);                                                                                     \
        CHECK(!(of).wrong && (of).rank == 0);                                                                          \
        CHECK_INT((of).done, d);                                                                                       \
        CHECK_INT((of).total, t);                                                                                      \
    } while (0)

CASE(E4_progress_ends_once_with_all_done)
{
    seen map = {0}, unordered = {0}, empty = {0}, one = {0};
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 30000), RF_OPTIONS(.on_progress = note, .user = &map), NULL), RF_OK);
    CHECK_END(map, 30000, 30000);
    CHECK_STATUS(rf_map_unordered(pool, echo, rf_range(0, 300), RF_OPTIONS(.on_progress = note, .user = &unordered), NULL), RF_OK);
    CHECK_END(unordered, 300, 300);
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 0), RF_OPTIONS(.on_progress = note, .user = &empty), NULL), RF_OK);
    CHECK_END(empty, 0, 0);
    CHECK_STATUS(rf_apply(pool, echo, rf_of_i64(1), RF_OPTIONS(.on_progress = note, .user = &one), NULL), RF_OK);
    CHECK_END(one, 1, 1);
}

CASE(E4_the_total_of_a_source_that_cannot_say_is_what_was_found)
{
    int64_t at = 0;
    seen found = {0};
    CHECK_STATUS(rf_map(pool, echo, rf_generator(count_up, &at, NULL), RF_OPTIONS(.on_progress = note, .user = &found), NULL), RF_OK);
    CHECK_END(found, 10, 10);
    at = 0;
    found = (seen){0};
    CHECK_STATUS(rf_map(pool, echo, rf_generator(count_up, &at, NULL),
                        RF_OPTIONS(.on_progress = note, .user = &found, .iterable_len = 20), NULL), RF_OK);
    CHECK_END(found, 10, 10);
}

CASE(E4_progress_counts_what_failed_for_good)
{
    seen failed = {0}, halted = {0};
    CHECK_STATUS(rf_map(pool, fail_thirds, rf_range(0, 300), RF_OPTIONS(.on_progress = note, .user = &failed,
                        .retry = {.attempts = 3, .backoff = RF_NONE}), NULL), RF_EITEMS);
    CHECK_END(failed, 300, 300);
    CHECK_STATUS(rf_map(pool, fail_thirds, rf_range(0, 300), RF_OPTIONS(.on_progress = note, .user = &halted, .halt = RF_HALT_NOW), NULL),
                 RF_EHALTED);
    CHECK_END(halted, 300, 300);
}

CASE(E4_progress_of_a_job_that_ran_out_of_time_ends_once)
{
    seen late = {0};
    CHECK_STATUS(rf_map(pool, until_cancelled, rf_range(0, 20), RF_OPTIONS(.on_progress = note, .user = &late, .timeout = 0.05), NULL),
                 RF_ETIMEOUT);
    CHECK_END(late, 20, 20);
}

CASE(E4_progress_of_an_iterator_begins_with_its_first_item)
{
    seen read = {0}, cancelled = {0}, never = {0};
    const rf_result *one;
    RF_AUTO(rf_iterator, all);
    CHECK_STATUS(rf_imap(pool, echo, rf_range(0, 1000), RF_OPTIONS(.on_progress = note, .user = &read), &all), RF_OK);
    CHECK_INT(read.calls, 0);
    while (rf_next(all, &one) == RF_OK)
        ;
    CHECK_END(read, 1000, 1000);
    rf_iterator *some;
    CHECK_STATUS(rf_imap(pool, echo, rf_range(0, INT64_C(1) << 33), RF_OPTIONS(.on_progress = note, .user = &cancelled), &some), RF_OK);
    CHECK_STATUS(rf_next(some, &one), RF_OK);
    CHECK_INT(cancelled.finals, 0);
    CHECK_STATUS(rf_iterator_free(some), RF_OK);
    CHECK_INT(cancelled.finals, 1);
    CHECK(!cancelled.wrong && cancelled.total == UINT64_C(1) << 33);
    CHECK_STATUS(rf_imap(pool, echo, rf_range(0, 10), RF_OPTIONS(.on_progress = note, .user = &never), &some), RF_OK);
    CHECK_STATUS(rf_iterator_free(some), RF_OK);
    CHECK_INT(never.calls, 0);
}

CASE(E4_progress_of_a_job_whose_pool_closes_ends_once)
{
    seen closed = {0};
    const rf_result *one;
    RF_AUTO(rf_iterator, some);
    CHECK_STATUS(rf_imap(pool, echo, rf_range(0, 1000000), RF_OPTIONS(.on_progress = note, .user = &closed), &some), RF_OK);
    CHECK_STATUS(rf_next(some, &one), RF_OK);
    CHECK_STATUS(rf_close(pool), RF_OK);
    CHECK_INT(closed.finals, 1);
    CHECK(!closed.wrong);
}

CASE(E4_progress_is_told_at_most_ten_times_a_second)
{
    seen often = {0};
    double began = MPI_Wtime();
    CHECK_STATUS(rf_map(pool, take_a_millisecond, rf_range(0, 500), RF_OPTIONS(.on_progress = note, .user = &often, .chunk_size = 1), NULL), RF_OK);
    double took = MPI_Wtime() - began;
    CHECK((double)often.calls <= 10 * took + 2);        /* the first and the last */
}

static rf_pool *used;
static int answers[3];
static void use_the_pool(uint64_t done, uint64_t total, bool final, void *user)
{
    (void)done, (void)total, (void)final, (void)user;
    const rf_figures *figures;
    answers[0] = rf_map(used, echo, rf_range(0, 1), NULL, NULL);
    answers[1] = rf_insights(used, &figures);
    answers[2] = rf_close(used);
}

CASE(E4_on_progress_may_not_use_the_pool)
{
    used = pool;
    CHECK_STATUS(rf_map(pool, echo, rf_range(0, 10), RF_OPTIONS(.on_progress = use_the_pool), NULL), RF_OK);
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(answers[i], RF_EBUSY);
}

/* ---- the line ---------------------------------------------------------------------------------------------------- */

CASE(E4_the_line_in_a_file_is_one_as_it_begins_and_one_as_it_ends)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    rf_progress line = {.to = to, .name = "pages", .interval = 1e9};
    for (int round = 0; round < 2; round++)
        CHECK_STATUS(rf_map(pool, echo, rf_range(0, 500), RF_OPTIONS(.on_progress = rf_progress_line, .user = &line), NULL), RF_OK);
    for (uint64_t done = 0; done < 10; done++)
        rf_progress_line(done, 10, false, &line);
    fclose(to);
    int lines = 0, ends = 0;
    for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
        CHECK(strncmp(at, "pages: ", 7) == 0);
        *end = '\0';
        ends += strstr(at, "500 of 500 (100 %), ") && strstr(at, "/s, in ");
        CHECK(!strchr(at, '\r') && !strchr(at, '\033'));
    }
    free(text);
    CHECK_INT(ends, 2);
    CHECK_INT(lines, 5);
}

CASE(E4_the_line_shows_no_share_while_its_total_grows)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    rf_progress line = {.to = to, .interval = 1e-9};
    rf_progress_line(0, 10, false, &line);
    rf_progress_line(5, 20, false, &line);
    CHECK_HAS(text, "0 of 10 (0 %)\n5 of 20 found so far, ");
    CHECK(strstr(text, "left") == NULL);
    rf_progress_line(20, 20, true, &line);
    CHECK_HAS(text, "20 of 20 (100 %), ");
    fclose(to);
    free(text);
}

CASE(E4_the_line_on_a_terminal_is_drawn_again_and_ended)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master))
        return;                         /* no terminals here */
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    FILE *to = slave < 0 ? NULL : fdopen(slave, "w");
    CHECK(to != NULL);
    rf_progress line = {.to = to, .name = "pages"};
    rf_progress_line(1, 4, false, &line);
    rf_progress_line(2, 4, false, &line);
    rf_progress_line(4, 4, true, &line);
    char text[1000] = "";
    ssize_t got = 0, more = 1;          /* a terminal hands on what was written in pieces as it likes */
    while (more > 0 && !memchr(text, '\n', (size_t)got) && (size_t)got < sizeof text - 1) {
        more = read(master, text + got, sizeof text - 1 - (size_t)got);
        got += more > 0 ? more : 0;
    }
    fclose(to);
    close(master);
    CHECK(got > 0);
    text[got] = '\0';
    CHECK_HAS(text, "\rpages: 1 of 4 (25 %)\033[K\rpages: 2 of 4 (50 %), ");
    CHECK_HAS(text, " left\033[K\rpages: 4 of 4 (100 %), ");
    CHECK(strchr(text, '\n') == text + got - 1);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int status = verify_pools(argc, argv);
    MPI_Finalize();
    return status;
}
