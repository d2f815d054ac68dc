/* A function that fails now and then, and must not be called too often. It teaches retry and rates: each failure has
   a kind, only the kinds of .on are tried again (only what failed, on another worker where there is one), what fails
   for good is told beside the results of the rest; and all workers together begin no more than so many attempts a
   second, retries among them. */
#include <rankfold.h>

/* Stands for a request over a network. One item in seven needs a second attempt, one in twenty a third; one in thirty
   will never succeed, which more attempts would not change. */
static int fetch(rf_call *call, rf_value item)
{
    unsigned page;
    if (RF_ARGS(call, item, page))
        return RF_EARGS;
    if (page % 30 == 29)
        return rf_fail(call, "answer", "page %u does not exist", page);
    if (rf_call_attempt(call) <= (page % 20 == 11 ? 2 : page % 7 == 3))
        return rf_fail(call, "net.connect", "no connection for page %u", page);
    return RF_RETURN(call, page * 2);
}
RF_REGISTER(fetch, .options = {.retry = {.attempts = 5, .backoff = 0.002, .on = "net"}});

static void progress(uint64_t done, uint64_t total, bool final, void *user)
{
    if (final)
        fprintf(user, "%" PRIu64 " of %" PRIu64 " pages\n", done, total);
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_results, pages);
    int status = rf_map(pool, fetch, rf_range(0, 100),
                        RF_OPTIONS(.rate_limit = {.count = 2000}, .on_progress = progress, .user = stderr), &pages);
    for (uint64_t i = 0; rf_results_next_success(pages, &i); i++) {
        rf_result page = rf_results_at(pages, i);
        printf("%" PRIu64 "\t%" PRIu64 "\t%u\n", page.index, rf_u64(page.value), page.attempts);
    }
    for (uint64_t i = 0; rf_results_next_failure(pages, &i); i++) {
        rf_result page = rf_results_at(pages, i);
        fprintf(stderr, "%" PRIu64 ": %s after %u of its attempts: %s\n", page.index, page.error->kind, page.attempts,
                page.error->message);
    }
    return status;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
