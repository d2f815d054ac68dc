/* wire/post over a transport that a test commands: order, ownership, withdrawal, loss, want of memory. */
#include "base/error.h"
#include "base/random.h"
#include "failing_malloc.h"
#include "fake_transport.h"
#include "sample_message.h"
#include "suite.h"
#include "wire/offers.h"
#include "wire/post.h"

enum { RANKS = 4, LARGE = POST_INLINE_MOST + 1000 };

static fake *network;
static post *offices[RANKS];
static uint8_t *large;

static void set_up(void)
{
    network = fake_new(RANKS);
    for (int rank = 0; rank < RANKS; rank++)
        ck_assert_int_eq(post_new(fake_transport(network, rank), &offices[rank]), RF_OK);
    large = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (uint8_t)(i * 7);
}

static void tear_down(void)
{
    for (int rank = 0; rank < RANKS; rank++)
        post_free(offices[rank]);
    fake_free(network);
    free(large);
}

static message job_with(uint64_t task, const void *body, size_t size)
{
    return (message){.head = {.kind = MESSAGE_JOB, .job = 1, .task = task},
                     .job = {.state_type = RF_BYTES},
                     .body = body,
                     .body_size = size};
}

static void send_small(int from, int to, uint64_t task)
{
    char text[32];
    int size = snprintf(text, sizeof text, "small %d", (int)task);
    message what = job_with(task, text, (size_t)size);
    ck_assert_int_eq(post_send(offices[from], to, &what, NULL, 0), RF_OK);
}

static void lend_large(int from, int to, uint64_t task, uint64_t token)
{
    message what = job_with(task, large, LARGE);
    ck_assert_int_eq(post_send(offices[from], to, &what, NULL, token), RF_OK);
}

static void give_large(int from, int to, uint64_t task)
{
    buffer given = {0};
    buffer_put(&given, large, LARGE);
    message what = job_with(task, given.data, given.size);
    ck_assert_int_eq(post_send(offices[from], to, &what, &given, 0), RF_OK);
    ck_assert_ptr_null(given.data);
}

static void check_body(const message *what)
{
    ck_assert_uint_eq((uintptr_t)what->body % 16, 0);
    if (what->body_size == LARGE) {
        ck_assert_mem_eq(what->body, large, LARGE);
        ck_assert_uint_eq(((const uint8_t *)what->body)[LARGE], 0);
    } else {
        char text[32];
        size_t size = (size_t)snprintf(text, sizeof text, "small %d", (int)what->head.task);
        ck_assert_uint_eq(what->body_size, size);
        ck_assert_mem_eq(what->body, text, size);
    }
}

static void expect(int at, int from, uint64_t task)
{
    message what;
    ck_assert_int_eq(post_next(offices[at], &what), RF_OK);
    ck_assert_int_eq(what.peer, from);
    ck_assert_uint_eq(what.head.task, task);
    check_body(&what);
}

static void expect_status(int at, int status, int from)
{
    message what;
    ck_assert_int_eq(post_next(offices[at], &what), status);
    ck_assert_int_eq(what.peer, from);
    if (status < 0)
        ck_assert_int_eq(rf_last_error()->status, status);
}

static void expect_nothing(int at)
{
    expect_status(at, RF_AGAIN, -1);
}

/* ---- sending and receiving ------------------------------------------------------------------------------------- */

START_TEST(small_messages_come_without_an_allocation)
{
    for (uint64_t task = 0; task < 10; task++)
        send_small(1, 0, task);
    int order = 0;
    failing_malloc_at(UINT64_MAX);
    for (message what; post_next(offices[0], &what) == RF_OK; order++)
        if (what.head.task != (uint64_t)order)
            break;
    uint64_t allocations = failing_malloc_count();
    failing_malloc_stop();
    ck_assert_int_eq(order, 10);
    ck_assert_uint_eq(allocations, 0);
}
END_TEST

START_TEST(a_body_may_be_written_in_its_place)
{
    message what = job_with(5, NULL, 7);
    memcpy(post_begin(offices[0], 0, &what), "small 5", 7);
    expect(0, 0, 5);
}
END_TEST

START_TEST(a_body_at_the_bound_travels_in_its_frame)
{
    message what = job_with(1, large, POST_INLINE_MOST), got;
    ck_assert_int_eq(post_send(offices[0], 1, &what, NULL, 9), RF_OK);
    ck_assert_uint_eq(post_lent(offices[0], 9), 0);
    ck_assert_int_eq(post_next(offices[1], &got), RF_OK);
    ck_assert_mem_eq(got.body, large, POST_INLINE_MOST);
    what.body_size++;
    ck_assert_int_eq(post_send(offices[0], 1, &what, NULL, 9), RF_OK);
    ck_assert_uint_eq(post_lent(offices[0], 9), 1);
}
END_TEST

START_TEST(order_holds_behind_a_body_that_is_being_fetched)
{
    fake_delay(network, true);
    send_small(1, 0, 1);
    lend_large(1, 0, 2, 7);
    send_small(1, 0, 3);
    give_large(1, 0, 4);
    send_small(1, 0, 5);
    send_small(2, 0, 6);            /* from another: not held up */
    expect(0, 1, 1);
    expect(0, 2, 6);
    expect_nothing(0);
    ck_assert_uint_eq(fake_waiting(network), 2);
    fake_serve(network, 1);         /* the later one first */
    expect_nothing(0);
    fake_serve(network, 0);
    for (uint64_t task = 2; task <= 5; task++)
        expect(0, 1, task);
    expect_nothing(0);
}
END_TEST

START_TEST(random_traffic_keeps_each_senders_order)
{
    uint64_t random = suite_seed, sent[RANKS] = {0}, got[RANKS] = {0};
    fake_delay(network, true);
    for (int round = 0; round <= 5000 || fake_waiting(network); round++) {
        int from = 1 + (int)random_below(&random, RANKS - 1);
        message what;
        switch (round < 5000 ? random_below(&random, 5) : 3) {
        case 0:
            send_small(from, 0, sent[from]++);
            break;
        case 1:
            random_below(&random, 2) ? give_large(from, 0, sent[from]++) : lend_large(from, 0, sent[from]++, 3);
            break;
        case 2:
            post_pump(offices[0]);
            break;
        default:
            if (fake_waiting(network))
                fake_serve(network, random_below(&random, fake_waiting(network)));
            while (post_next(offices[0], &what) == RF_OK) {
                ck_assert_uint_eq(what.head.task, got[what.peer]++);
                check_body(&what);
            }
            expect_nothing(from);       /* takes RELEASED */
        }
    }
    for (int rank = 1; rank < RANKS; rank++) {
        expect_nothing(rank);
        ck_assert_uint_eq(got[rank], sent[rank]);
        ck_assert_uint_eq(post_lent(offices[rank], 3), 0);
    }
}
END_TEST

/* ---- whose a body is --------------------------------------------------------------------------------------------- */

START_TEST(a_lent_body_is_out_until_it_was_read)
{
    fake_delay(network, true);
    lend_large(0, 1, 1, 50);
    lend_large(0, 2, 2, 50);
    lend_large(0, 2, 3, 66);
    ck_assert_uint_eq(post_lent(offices[0], 50), 2);
    ck_assert_uint_eq(post_lent(offices[0], 66), 1);
    ck_assert_uint_eq(post_lent(offices[0], 51), 0);
    expect_nothing(1);
    fake_serve(network, 0);
    expect(1, 0, 1);
    ck_assert_uint_eq(post_lent(offices[0], 50), 2);
    expect_nothing(0);
    ck_assert_uint_eq(post_lent(offices[0], 50), 1);
}
END_TEST

START_TEST(thousands_of_offers_are_told_apart)
{
    fake_delay(network, true);
    for (uint64_t i = 0; i < 1000; i++)
        lend_large(0, 1, i, i % 10);
    expect_nothing(1);
    uint64_t random = suite_seed, out[10] = {100, 100, 100, 100, 100, 100, 100, 100, 100, 100};
    for (uint64_t left = 1000; left > 500; left--) {
        message what;
        fake_serve(network, random_below(&random, left));
        expect_nothing(0);
        uint64_t sum = 0;
        for (uint64_t token = 0; token < 10; token++)
            sum += post_lent(offices[0], token);
        ck_assert_uint_eq(sum, left - 1);
        if (post_next(offices[1], &what) == RF_OK)
            out[what.head.task % 10]--;
    }
    for (uint64_t token = 0; token < 10; token++)
        ck_assert_uint_le(post_lent(offices[0], token), out[token]);
}
END_TEST

START_TEST(a_given_body_needs_no_more_of_its_sender)
{
    give_large(0, 1, 1);
    expect(1, 0, 1);
    expect_nothing(0);
    give_large(0, 1, 2);            /* never read: freed with the post, as the address sanitizer would tell */
}
END_TEST

START_TEST(a_small_given_body_is_copied_and_freed)
{
    buffer given = {0};
    buffer_put(&given, "small 8", 7);
    message what = job_with(8, given.data, given.size);
    ck_assert_int_eq(post_send(offices[0], 1, &what, &given, 0), RF_OK);
    ck_assert_ptr_null(given.data);
    expect(1, 0, 8);
}
END_TEST

START_TEST(a_fetched_body_can_be_taken_and_one_in_a_frame_cannot)
{
    message what;
    buffer body;
    lend_large(0, 1, 1, 0);
    send_small(0, 1, 2);
    ck_assert_int_eq(post_next(offices[1], &what), RF_OK);
    ck_assert(post_take_body(offices[1], &what, &body));
    ck_assert(!post_take_body(offices[1], &what, &(buffer){0}));
    expect(1, 0, 2);
    ck_assert_mem_eq(body.data, large, LARGE);
    ck_assert_uint_eq(body.size, LARGE);
    ck_assert_uint_gt(body.capacity, LARGE);
    buffer_free(&body);
    send_small(0, 1, 3);
    ck_assert_int_eq(post_next(offices[1], &what), RF_OK);
    ck_assert(!post_take_body(offices[1], &what, &body));
    ck_assert_ptr_null(body.data);
}
END_TEST

START_TEST(what_is_withdrawn_comes_without_its_body)
{
    message what;
    fake_delay(network, true);
    lend_large(0, 1, 1, 5);
    lend_large(0, 1, 2, 6);
    lend_large(0, 2, 3, 5);
    send_small(0, 1, 4);
    expect_nothing(1);
    expect_nothing(2);
    fake_read(network, 2);
    ck_assert_uint_eq(post_withdraw(offices[0], 5), 1);     /* the one that is being read stays out */
    ck_assert_uint_eq(post_lent(offices[0], 5), 1);
    ck_assert_uint_eq(post_lent(offices[0], 6), 1);
    while (fake_waiting(network))
        fake_serve(network, 0);
    ck_assert_int_eq(post_next(offices[1], &what), RF_ECANCELLED);
    ck_assert_int_eq(rf_last_error()->status, RF_ECANCELLED);
    ck_assert_uint_eq(what.head.task, 1);
    ck_assert_int_eq(what.head.kind, MESSAGE_JOB);
    ck_assert_ptr_null(what.body);
    expect(1, 0, 2);
    expect(1, 0, 4);
    expect(2, 0, 3);
    expect_nothing(0);
    ck_assert_uint_eq(post_lent(offices[0], 5) + post_lent(offices[0], 6), 0);
}
END_TEST

/* ---- calls from inside functions --------------------------------------------------------------------------------- */

static bool count_and_look_for_6(void *context, const message *what)
{
    ++*(int *)context;
    return what->head.task == 6;
}

START_TEST(pumping_gathers_and_hands_nothing_on)
{
    int seen = 0;
    ck_assert(!post_waiting(offices[0]));
    fake_delay(network, true);
    lend_large(1, 0, 1, 0);
    post_pump(offices[0]);
    ck_assert(!post_waiting(offices[0]));       /* its body has not come */
    send_small(1, 0, 2);
    send_small(2, 0, 3);
    post_pump(offices[0]);
    send_small(2, 0, 4);
    ck_assert(post_waiting(offices[0]));
    ck_assert(!post_peek(offices[0], count_and_look_for_6, &seen));
    ck_assert_int_eq(seen, 3);
    expect(0, 2, 3);
    expect(0, 2, 4);
    fake_serve(network, 0);
    expect(0, 1, 1);
    expect(0, 1, 2);
    expect_nothing(0);
}
END_TEST

START_TEST(peeking_stops_at_what_it_looked_for)
{
    int seen = 0;
    send_small(1, 0, 5);
    send_small(1, 0, 6);
    send_small(1, 0, 7);
    ck_assert(!post_peek(offices[0], count_and_look_for_6, &seen));
    post_pump(offices[0]);
    ck_assert(post_peek(offices[0], count_and_look_for_6, &seen));
    ck_assert_int_eq(seen, 2);
    for (uint64_t task = 5; task < 8; task++)
        expect(0, 1, task);
}
END_TEST

START_TEST(a_gathered_loss_is_told_once_and_in_order)
{
    send_small(1, 0, 1);
    fake_lose(network, 1);
    post_pump(offices[0]);
    expect(0, 1, 1);
    expect_status(0, RF_ELOST, 1);
    expect_nothing(0);
}
END_TEST

/* ---- what goes wrong --------------------------------------------------------------------------------------------- */

static void announce(uint64_t task, uint64_t id)
{
    _Alignas(16) uint8_t frame[512];
    ck_assert_uint_le(message_frame_size(MESSAGE_JOB, 0), sizeof frame);
    message what = job_with(task, NULL, LARGE);
    message_write(frame, &what, id);
    fake_put(network, 0, 1, frame, message_frame_size(MESSAGE_JOB, 0));
}

START_TEST(a_lost_peer_is_told_after_what_it_had_sent)
{
    fake_delay(network, true);
    send_small(1, 0, 1);
    give_large(1, 0, 2);
    send_small(1, 0, 3);
    give_large(1, 0, 4);
    send_small(1, 0, 5);
    lend_large(2, 0, 6, 0);
    expect(0, 1, 1);
    expect_nothing(0);
    fake_serve(network, 0);
    fake_lose(network, 1);          /* while 4 is being fetched */
    expect(0, 1, 2);
    expect(0, 1, 3);
    expect_status(0, RF_ELOST, 1);
    ck_assert_ptr_nonnull(strstr(rf_last_error()->message, "rank 1"));
    expect_nothing(0);
    fake_serve(network, 0);
    expect(0, 2, 6);
    expect_nothing(0);
}
END_TEST

START_TEST(a_peer_may_be_lost_with_a_complete_lane_or_none)
{
    send_small(1, 0, 1);
    give_large(1, 0, 2);
    send_small(1, 0, 3);
    post_pump(offices[0]);
    fake_lose(network, 1);
    fake_lose(network, 3);
    expect(0, 1, 1);
    expect(0, 1, 2);
    expect(0, 1, 3);
    expect_status(0, RF_ELOST, 1);
    expect_status(0, RF_ELOST, 3);
    expect_nothing(0);
}
END_TEST

START_TEST(what_a_lost_peer_was_offered_is_released)
{
    fake_delay(network, true);
    lend_large(0, 1, 1, 5);
    lend_large(0, 2, 2, 5);
    give_large(0, 1, 3);
    expect_nothing(1);
    fake_lose(network, 1);
    expect_status(0, RF_ELOST, 1);
    ck_assert_uint_eq(post_lent(offices[0], 5), 1);
    lend_large(0, 2, 4, 5);         /* in the slots that are free again */
    ck_assert_uint_eq(post_lent(offices[0], 5), 2);
}
END_TEST

START_TEST(a_loss_is_gathered_behind_nothing_but_a_body_that_never_comes)
{
    fake_delay(network, true);
    give_large(1, 0, 1);
    post_pump(offices[0]);
    fake_lose(network, 1);
    post_pump(offices[0]);
    expect_status(0, RF_ELOST, 1);
    expect_nothing(0);
}
END_TEST

START_TEST(an_old_release_does_not_touch_a_new_offer_in_its_slot)
{
    offers all = {0};
    uint64_t first, second;
    ck_assert_int_eq(offers_add(&all, 1, NULL, 5, &first), RF_OK);
    offers_release(&all, 1, first);
    ck_assert_int_eq(offers_add(&all, 1, NULL, 5, &second), RF_OK);
    ck_assert_uint_eq((uint32_t)second, (uint32_t)first);
    offers_release(&all, 1, first);
    offers_release(&all, 2, second);
    offers_release(&all, 1, 0);
    offers_release(&all, 1, UINT64_MAX);
    ck_assert_ptr_nonnull(offers_next(&all, 5, NULL));
    offers_release(&all, 1, second);
    ck_assert_ptr_null(offers_next(&all, 5, NULL));
    offers_free(&all);
}
END_TEST

START_TEST(a_body_announced_twice_is_taken_once)
{
    message what;
    fake_delay(network, true);
    ck_assert_int_eq(transport_offer(fake_transport(network, 1), 0, 100, large, LARGE), RF_OK);
    ck_assert_int_eq(transport_offer(fake_transport(network, 1), 0, 200, large, LARGE), RF_OK);
    announce(1, 100);
    announce(2, 200);
    announce(3, 200);
    expect_nothing(0);
    fake_serve(network, 1);
    expect_nothing(0);
    fake_serve(network, 1);         /* the second fetch of 200: refused */
    expect_nothing(0);
    fake_serve(network, 0);
    expect(0, 1, 1);
    expect(0, 1, 2);
    ck_assert_int_eq(post_next(offices[0], &what), RF_ECANCELLED);
    ck_assert_uint_eq(what.head.task, 3);
}
END_TEST

START_TEST(a_frame_that_is_none_is_told_and_passed)
{
    send_small(1, 0, 1);
    fake_put(network, 0, 2, "garbage", 7);
    send_small(1, 0, 2);
    expect(0, 1, 1);
    expect_status(0, RF_EUSAGE, 2);
    expect(0, 1, 2);
    fake_put(network, 0, 2, "garbage", 7);
    send_small(1, 0, 3);
    post_pump(offices[0]);
    ck_assert(post_waiting(offices[0]));
    expect_status(0, RF_EUSAGE, 2);
    expect(0, 1, 3);
    expect_nothing(0);
}
END_TEST

START_TEST(a_transport_that_failed_is_told)
{
    fake_break(network, 0, RF_EMPI);
    expect_status(0, RF_EMPI, 0);
    fake_break(network, 0, RF_ENOMEM);
    expect_status(0, RF_ENOMEM, 0);
    expect_nothing(0);
}
END_TEST

START_TEST(a_body_announced_under_a_false_id_costs_only_its_message)
{
    message got;
    announce(1, 12345);
    send_small(1, 0, 2);
    ck_assert_int_eq(post_next(offices[0], &got), RF_ECANCELLED);
    expect(0, 1, 2);
}
END_TEST

/* Four messages, of which any allocation on either side may fail: what could be sent comes in order, with its body or
   with the status that says why not. Nothing is asserted on the way: check itself allocates. */
static void send_and_receive(uint64_t fail, bool pump)
{
    int unexpected = 0, sent = 0, told = 0;
    uint64_t last = 0;
    message what, jobs[] = {job_with(1, "small 1", 7), job_with(2, large, LARGE), job_with(3, "small 3", 7),
                            job_with(4, large, LARGE)};
    failing_malloc_at(fail);
    for (size_t i = 0; i < 4; i++) {
        int status = post_send(offices[1], 0, &jobs[i], NULL, 5);
        status == RF_OK ? sent++ : told++;
    }
    if (pump)
        post_pump(offices[0]);
    for (int status; (status = post_next(offices[0], &what)) != RF_AGAIN;) {
        told += status != RF_OK;
        unexpected += status != RF_OK && status != RF_ENOMEM;
        if (!what.head.kind)
            continue;
        unexpected += what.head.task <= last || !what.body != (status != RF_OK);
        last = what.head.task;
        unexpected += what.body && memcmp(what.body, jobs[last - 1].body, what.body_size) != 0;
        sent--;
    }
    bool failed = failing_malloc_stop();
    ck_assert_int_eq(unexpected, 0);
    ck_assert_int_eq(sent, 0);
    ck_assert_int_le(told, failed);         /* one that failed while it pumped needs not be told: it is tried again */
    ck_assert_int_eq(post_next(offices[1], &what), RF_AGAIN);
    ck_assert_uint_le(post_lent(offices[1], 5), (uint64_t)told);
}

START_TEST(failing_allocations_lose_no_message)
{
    FAILING_EACH_IN_TURN(n) {
        failing_malloc_stop();
        tear_down();
        set_up();
        send_and_receive(n, _i);
    }
}
END_TEST

START_TEST(failing_allocations_lose_no_loss)
{
    FAILING_EACH_IN_TURN(n) {
        message what;
        int lost = 0;
        failing_malloc_stop();
        tear_down();
        set_up();
        send_small(1, 0, 1);
        fake_lose(network, 1);
        failing_malloc_at(n);
        post_pump(offices[0]);
        for (int status; (status = post_next(offices[0], &what)) != RF_AGAIN;)
            lost += status == RF_ELOST;
        failing_malloc_stop();
        ck_assert_int_eq(lost, 1);
    }
}
END_TEST

START_TEST(a_post_without_memory_is_not_made)
{
    post *made;
    failing_malloc_at(1);
    int status = post_new(fake_transport(network, 0), &made);
    failing_malloc_stop();
    ck_assert_int_eq(status, RF_ENOMEM);
    ck_assert_ptr_null(made);
    post_free(NULL);
}
END_TEST

static void add(Suite *all, const char *name, const TTest *const *tests)
{
    TCase *of = tcase_create(name);
    tcase_add_checked_fixture(of, set_up, tear_down);
    for (; *tests; tests++)
        tcase_add_test(of, *tests);
    suite_add_tcase(all, of);
}

static Suite *suite(void)
{
    Suite *all = suite_create("post");
    add(all, "order",
        (const TTest *[]){small_messages_come_without_an_allocation, a_body_may_be_written_in_its_place,
                          a_body_at_the_bound_travels_in_its_frame, order_holds_behind_a_body_that_is_being_fetched,
                          random_traffic_keeps_each_senders_order, NULL});
    add(all, "ownership",
        (const TTest *[]){a_lent_body_is_out_until_it_was_read, thousands_of_offers_are_told_apart,
                          a_given_body_needs_no_more_of_its_sender, a_small_given_body_is_copied_and_freed,
                          a_fetched_body_can_be_taken_and_one_in_a_frame_cannot,
                          what_is_withdrawn_comes_without_its_body, NULL});
    add(all, "gathering", (const TTest *[]){pumping_gathers_and_hands_nothing_on, peeking_stops_at_what_it_looked_for,
        a_gathered_loss_is_told_once_and_in_order, NULL});
    add(all, "trouble",
        (const TTest *[]){a_lost_peer_is_told_after_what_it_had_sent, a_peer_may_be_lost_with_a_complete_lane_or_none,
                          what_a_lost_peer_was_offered_is_released, a_frame_that_is_none_is_told_and_passed,
                          a_transport_that_failed_is_told, a_body_announced_under_a_false_id_costs_only_its_message,
                          failing_allocations_lose_no_loss, a_post_without_memory_is_not_made,
                          a_loss_is_gathered_behind_nothing_but_a_body_that_never_comes,
                          an_old_release_does_not_touch_a_new_offer_in_its_slot, a_body_announced_twice_is_taken_once, NULL});
    TCase *memory = tcase_create("memory");
    tcase_add_checked_fixture(memory, set_up, tear_down);
    tcase_add_loop_test(memory, failing_allocations_lose_no_message, 0, 2);
    suite_add_tcase(all, memory);
    return all;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
