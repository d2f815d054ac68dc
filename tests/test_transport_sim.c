/* The simulated cluster: what every transport must do, and what it alone does: seeds, deaths, stalls, very many ranks. */
#include "base/error.h"
#include "base/random.h"
#include "failing_malloc.h"
#include "suite.h"
#include "transport_conformance.h"
#include "wire/transport_sim.h"
#include <math.h>
#include <unistd.h>

static const sim_settings calm = {.ranks = 3, .seed = 1, .latency = 1e-5, .bandwidth = 1e10, .step = 1e-6};

static sim *cluster_new(const sim_settings *settings)
{
    sim *cluster = NULL;
    ck_assert_int_eq(sim_new(settings, &cluster), RF_OK);
    return cluster;
}

/* ---- conformance ----------------------------------------------------------------------------------------------- */

static void run_root(sim *cluster, conformance *root)
{
    transport *via = sim_transport(cluster, 0);
    for (double wake; wake = conformance_step(root, sim_now(cluster)), !conformance_over(root) && !sim_stalled(cluster);)
        transport_wait(via, wake, -1);
    for (int i = 0; i < 1000; i++)          /* the others hear the last words */
        transport_wait(via, sim_now(cluster) + 1e-3, -1);
}

static void conform(const sim_settings *settings, const conformance_settings *with)
{
    sim *cluster = cluster_new(settings);
    conformance *ranks[8];
    for (int i = 0; i < settings->ranks; i++) {
        ranks[i] = conformance_new(sim_transport(cluster, i), with);
        ck_assert_ptr_nonnull(ranks[i]);
        if (i)
            sim_run_rank(cluster, i, conformance_step, ranks[i]);
    }
    run_root(cluster, ranks[0]);
    for (int i = 0; i < settings->ranks; i++)
        ck_assert_msg(conformance_over(ranks[i]) && !conformance_fault(ranks[i]), "seed %" PRIu64 ", %d ranks: rank %d %s: %s",
                      settings->seed, settings->ranks, i, sim_stalled(cluster) ? "stalled" : "is not over",
                      conformance_fault(ranks[i]) ? conformance_fault(ranks[i]) : "no fault");
    sim_free(cluster);
    for (int i = 0; i < settings->ranks; i++)
        conformance_free(ranks[i]);
}

START_TEST(virtual_ranks_keep_what_every_transport_promises)
{
    sim_settings settings = calm;
    settings.ranks = _i;
    settings.seed = suite_seed;
    conform(&settings, &(conformance_settings){.seed = suite_seed, .frames = 2000, .largest = 20 * 1000 * 1000});
}
END_TEST

/* ---- a rank that ticks: it sends a numbered frame at each step ------------------------------------------------- */

typedef struct ticker {
    transport *via;
    uint64_t ticks, left, heard;
    double every, began;
    bool dead_stepped;
    sim *cluster;
} ticker;

static void send_number(transport *via, int to, uint64_t number)
{
    uint64_t *frame = transport_frame(via, to, sizeof number);
    if (!frame)                             /* each ck_assert writes to a pipe: too slow here */
        ck_abort_msg("no frame");
    *frame = number;
}

static double tick(void *rank, double now)
{
    ticker *t = rank;
    transport_event event;
    while (transport_next(t->via, &event))
        t->heard++;
    t->dead_stepped |= sim_dead(t->cluster, transport_rank(t->via));
    if (!t->left)
        return INFINITY;
    t->left--;
    if (t->ticks == 0)
        t->began = now;
    send_number(t->via, 0, t->ticks++);
    return now + t->every;
}

static ticker *start_tickers(sim *cluster, int ranks, uint64_t ticks, double every)
{
    ticker *tickers = calloc((size_t)ranks, sizeof *tickers);
    ck_assert_ptr_nonnull(tickers);
    for (int i = 1; i < ranks; i++) {
        tickers[i] = (ticker){.via = sim_transport(cluster, i), .left = ticks, .every = every, .cluster = cluster};
        sim_run_rank(cluster, i, tick, &tickers[i]);
    }
    return tickers;
}

/* What rank 0 hears of tickers, until nothing more comes. */
typedef struct heard {
    uint64_t frames, losses;
    uint64_t *next;                         /* numbers, by rank */
    bool *lost;
    uint64_t senders;                       /* mixes who was heard when */
} heard;

static void hear(heard *h, const transport_event *event)
{
    if (event->kind == TRANSPORT_LOST) {
        ck_assert(!h->lost[event->peer]);
        h->lost[event->peer] = true;
        h->losses++;
        return;
    }
    uint64_t due = h->next[event->peer]++;
    if (event->kind != TRANSPORT_FRAME || *(const uint64_t *)event->data != due)
        ck_abort_msg("event %d where frame %" PRIu64 " of rank %d was due", event->kind, due, event->peer);
    if (h->lost[event->peer])
        ck_abort_msg("rank %d was heard after it was lost", event->peer);
    h->frames++;
    h->senders = random_seed(h->senders, (uint64_t)event->peer, 0, 0);
}

static heard hear_all(sim *cluster, int ranks)
{
    heard h = {.next = calloc((size_t)ranks, sizeof *h.next), .lost = calloc((size_t)ranks, sizeof *h.lost)};
    transport *via = sim_transport(cluster, 0);
    transport_event event;
    ck_assert(h.next && h.lost);
    for (; !sim_stalled(cluster); transport_wait(via, INFINITY, -1))
        while (transport_next(via, &event))
            hear(&h, &event);
    return h;
}

static void forget(heard *h)
{
    free(h->next);
    free(h->lost);
}

static uint64_t order_of_senders(const sim_settings *settings)
{
    sim *cluster = cluster_new(settings);
    ticker *tickers = start_tickers(cluster, settings->ranks, 50, 1e-5);
    heard h = hear_all(cluster, settings->ranks);
    ck_assert_uint_eq(h.frames, 50 * (uint64_t)(settings->ranks - 1));
    sim_free(cluster);
    free(tickers);
    forget(&h);
    return h.senders;
}

static char *trace_of(uint64_t seed)
{
    char *text = NULL;
    size_t size;
    sim_settings settings = calm;
    settings.ranks = 6;
    settings.seed = seed;
    settings.death_rate = 1000;
    settings.trace = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(settings.trace);
    order_of_senders(&(sim_settings){.ranks = 4, .seed = seed, .latency = 1e-5, .step = 1e-6, .trace = settings.trace});
    sim *cluster = cluster_new(&settings);
    ticker *tickers = start_tickers(cluster, settings.ranks, 50, 1e-4);
    heard h = hear_all(cluster, settings.ranks);
    sim_free(cluster);
    free(tickers);
    forget(&h);
    fclose(settings.trace);
    return text;
}

START_TEST(the_same_seed_gives_the_same_trace_and_another_seed_another)
{
    char *first = trace_of(suite_seed), *again = trace_of(suite_seed), *other = trace_of(suite_seed + 1);
    ck_assert_uint_gt(strlen(first), 1000);
    ck_assert_ptr_nonnull(strstr(first, "dies"));
    ck_assert_ptr_nonnull(strstr(first, "frame of 8"));
    ck_assert_str_eq(first, again);
    ck_assert_str_ne(first, other);
    free(first);
    free(again);
    free(other);
}
END_TEST

START_TEST(seeds_reorder_senders)
{
    sim_settings settings = calm;
    uint64_t first = order_of_senders(&settings);
    ck_assert_uint_eq(order_of_senders(&settings), first);
    int others = 0;
    for (settings.seed = 2; settings.seed < 12; settings.seed++)
        others += order_of_senders(&settings) != first;
    ck_assert_int_eq(others, 10);
}
END_TEST

START_TEST(frames_of_one_sender_stay_in_order_over_1000_seeds)
{
    for (uint64_t i = 0; i < 1000; i++) {
        sim_settings settings = calm;
        settings.ranks = 2 + (int)(i % 4);
        settings.seed = suite_seed + i;
        settings.step = i % 3 ? 1e-6 : 0;
        conform(&settings, &(conformance_settings){.seed = settings.seed, .frames = 20, .largest = 2000});
    }
}
END_TEST

/* ---- deaths ---------------------------------------------------------------------------------------------------- */

START_TEST(the_dead_are_told_once_and_never_heard_again)
{
    uint64_t unheard = 0;
    for (uint64_t i = 0; i < 50; i++) {
        sim_settings settings = calm;
        settings.ranks = 20;
        settings.seed = suite_seed + i;
        settings.death_rate = 20000;
        settings.survivors = 5;
        sim *cluster = cluster_new(&settings);
        ticker *tickers = start_tickers(cluster, settings.ranks, 200, 1e-5);
        heard h = hear_all(cluster, settings.ranks);
        ck_assert_uint_gt(h.losses, 0);
        ck_assert_uint_le(h.losses, 14);
        for (int r = 1; r < settings.ranks; r++) {
            ck_assert_int_eq(sim_dead(cluster, r), h.lost[r]);
            ck_assert(!tickers[r].dead_stepped);
            ck_assert_uint_le(h.next[r], tickers[r].ticks);
            unheard += tickers[r].ticks - h.next[r];
            if (!h.lost[r])
                ck_assert_uint_eq(h.next[r], 200);
        }
        sim_free(cluster);
        free(tickers);
        forget(&h);
    }
    ck_assert_uint_gt(unheard, 0);          /* a death also loses what was not yet under way */
}
END_TEST

START_TEST(what_a_dying_rank_was_about_to_send_has_not_left)
{
    sim_settings settings = calm;
    settings.ranks = 2;
    settings.latency = settings.step = 1;
    settings.death_rate = 0.1;
    for (uint64_t i = 0; i < 50; i++) {
        settings.seed = suite_seed + i;
        sim *cluster = cluster_new(&settings);
        ticker *tickers = start_tickers(cluster, 2, UINT64_MAX, 0);
        heard h = hear_all(cluster, 2);
        ck_assert_uint_eq(h.losses, 1);     /* in the middle of its last step, as it is always in one */
        ck_assert(tickers[1].ticks == 0 || h.frames < tickers[1].ticks);
        sim_free(cluster);
        free(tickers);
        forget(&h);
    }
}
END_TEST

static double sleep_for_ever(void *rank, double now)
{
    (void)rank, (void)now;
    return INFINITY;
}

START_TEST(offers_and_fetches_of_the_dead_end_with_them)
{
    sim_settings settings = calm;
    settings.ranks = 2;
    settings.death_rate = 1000;
    sim *cluster = cluster_new(&settings);
    transport *via = sim_transport(cluster, 0);
    char lent[100] = "lent", space[100] = "untouched";
    transport_event event;
    sim_run_rank(cluster, 1, sleep_for_ever, NULL);
    ck_assert_int_eq(transport_offer(via, 1, 7, lent, sizeof lent), RF_OK);
    ck_assert_int_eq(transport_fetch(via, 1, 8, space, sizeof space), RF_OK);
    ck_assert(!transport_quiet(via));
    while (!transport_next(via, &event) && sim_now(cluster) < 60)
        transport_wait(via, sim_now(cluster) + 1, -1);
    ck_assert_int_eq(event.kind, TRANSPORT_LOST);
    ck_assert_int_eq(event.peer, 1);
    ck_assert(transport_quiet(via));
    ck_assert(!transport_withdraw(via, 1, 7));
    transport_wait(via, INFINITY, -1);
    ck_assert(sim_stalled(cluster));
    ck_assert(!transport_next(via, &event));
    ck_assert_str_eq(space, "untouched");
    sim_free(cluster);
}
END_TEST

/* ---- time ------------------------------------------------------------------------------------------------------ */

START_TEST(a_wait_without_end_for_nothing_is_a_stall)
{
    sim_settings settings = calm;
    settings.death_rate = 10;               /* a death is no rescue */
    sim *cluster = cluster_new(&settings);
    sim_run_rank(cluster, 1, sleep_for_ever, NULL);
    transport_wait(sim_transport(cluster, 0), INFINITY, -1);
    ck_assert(sim_stalled(cluster));
    transport_wait(sim_transport(cluster, 0), sim_now(cluster) + 1, -1);
    ck_assert(!sim_stalled(cluster));
    sim_free(cluster);
}
END_TEST

START_TEST(a_wait_ends_at_its_time)
{
    sim *cluster = cluster_new(&calm);
    transport *via = sim_transport(cluster, 0);
    transport_wait(via, 5, -1);
    ck_assert_double_eq(sim_now(cluster), 5);
    transport_wait(via, 1, -1);             /* past: it takes a step */
    ck_assert_double_eq(sim_now(cluster), 5 + calm.step);
    ck_assert(!sim_stalled(cluster));
    sim_free(cluster);
}
END_TEST

START_TEST(a_wait_ends_when_a_descriptor_can_be_read)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    sim *cluster = cluster_new(&calm);
    transport_wait(sim_transport(cluster, 0), INFINITY, ends[0]);
    ck_assert(!sim_stalled(cluster));
    sim_free(cluster);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(some_ranks_are_slow)
{
    sim_settings settings = calm;
    settings.ranks = 200;
    settings.seed = suite_seed;
    sim *cluster = cluster_new(&settings);
    ticker *tickers = start_tickers(cluster, settings.ranks, UINT64_MAX, 0);
    transport *via = sim_transport(cluster, 0);
    transport_event event;
    while (sim_now(cluster) < 0.002) {
        while (transport_next(via, &event))
            ;
        transport_wait(via, 0.002, -1);
    }
    int slow = 0;
    for (int i = 1; i < settings.ranks; i++)
        slow += 0.002 - tickers[i].began > 9e-6 * (double)tickers[i].ticks;     /* the others step every 1e-6 s */
    ck_assert_int_gt(slow, 0);
    ck_assert_int_lt(slow, 60);
    sim_free(cluster);
    free(tickers);
}
END_TEST

START_TEST(a_rank_that_has_freed_its_transport_is_stepped_no_more)
{
    sim_settings settings = calm;
    settings.death_rate = 1000;             /* what has left is not lost either */
    settings.survivors = 1;
    sim *cluster = cluster_new(&settings);
    ticker *tickers = start_tickers(cluster, settings.ranks, UINT64_MAX, 1e-5);
    transport_free(sim_transport(cluster, 1));
    transport_wait(sim_transport(cluster, 0), 1e-3, -1);
    ck_assert_uint_eq(tickers[1].ticks, 0);
    ck_assert_uint_gt(tickers[2].ticks, 0);
    ck_assert(!sim_dead(cluster, 1) && !sim_dead(cluster, 2));
    sim_free(cluster);
    free(tickers);
}
END_TEST

/* ---- many ranks ------------------------------------------------------------------------------------------------ */

START_TEST(ten_thousand_ranks_send_200000_frames)
{
    sim_settings settings = calm;
    settings.ranks = 10000;
    settings.seed = suite_seed;
    sim *cluster = cluster_new(&settings);
    transport *via = sim_transport(cluster, 0);
    ticker *tickers = start_tickers(cluster, settings.ranks, 10, 1e-3);
    for (int i = 1; i < settings.ranks; i++)
        for (uint64_t k = 0; k < 10; k++)
            send_number(via, i, k);
    heard h = hear_all(cluster, settings.ranks);
    ck_assert_uint_eq(h.frames, 99990);
    for (int i = 1; i < settings.ranks; i++)
        ck_assert_uint_eq(tickers[i].heard, 10);
    ck_assert_uint_eq(sim_frames(cluster), 199980);
    sim_free(cluster);
    free(tickers);
    forget(&h);
}
END_TEST

/* ---- out of memory --------------------------------------------------------------------------------------------- */

static int send_and_fetch(sim *cluster)
{
    transport *via = sim_transport(cluster, 0);
    static char lent[64], space[64];
    int status = transport_offer(via, 0, 1, lent, sizeof lent);
    if (!status && !transport_frame(via, 1, 100))
        status = RF_ENOMEM;
    if (!status)
        status = transport_fetch(via, 0, 1, space, sizeof space);
    transport_event event;
    int over = 0;
    for (int i = 0; i < 100 && over < 2 && !status; i++) {
        transport_wait(via, 1, -1);
        while (over < 2 && transport_next(via, &event)) {
            over += event.kind == TRANSPORT_FETCHED || event.kind == TRANSPORT_RELEASED;
            if (event.kind == TRANSPORT_FAILED)
                return -(int)event.id;
        }
    }
    return status;
}

START_TEST(every_allocation_that_fails_is_told)
{
    FAILING_EACH_IN_TURN(n) {
        sim *cluster = NULL;
        int status = sim_new(&calm, &cluster);
        if (!status)
            status = send_and_fetch(cluster);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        sim_free(cluster);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("transport_sim");
    TCase *same = tcase_create("what every transport does");
    tcase_add_loop_test(same, virtual_ranks_keep_what_every_transport_promises, 1, 7);
    tcase_add_test(same, frames_of_one_sender_stay_in_order_over_1000_seeds);
    suite_add_tcase(all, same);
    TCase *own = tcase_create("what the simulator does");
    tcase_add_test(own, the_same_seed_gives_the_same_trace_and_another_seed_another);
    tcase_add_test(own, seeds_reorder_senders);
    tcase_add_test(own, the_dead_are_told_once_and_never_heard_again);
    tcase_add_test(own, what_a_dying_rank_was_about_to_send_has_not_left);
    tcase_add_test(own, offers_and_fetches_of_the_dead_end_with_them);
    tcase_add_test(own, a_wait_without_end_for_nothing_is_a_stall);
    tcase_add_test(own, a_wait_ends_at_its_time);
    tcase_add_test(own, a_wait_ends_when_a_descriptor_can_be_read);
    tcase_add_test(own, some_ranks_are_slow);
    tcase_add_test(own, a_rank_that_has_freed_its_transport_is_stepped_no_more);
    tcase_add_test(own, ten_thousand_ranks_send_200000_frames);
    tcase_add_test(own, every_allocation_that_fails_is_told);
    suite_add_tcase(all, own);
    return all;
}

int main(int argc, char **argv) { return suite_run(suite(), argc, argv); }
