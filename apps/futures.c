/* The number e, as the end of y' = y. It teaches futures: jobs that go on while their starter does something else, waits a
   little, gives one up, or is called back by one that is done, and starts the next from there. */
#include <rankfold.h>
#include <math.h>

static int solve(rf_call *call, rf_value item)
{
    int64_t steps;
    const char *method;
    if (RF_ARGS(call, item, steps, method))
        return RF_EARGS;
    double y = 1, h = 1 / (double)steps, order = method[0] == 'e' ? 1 : 2;      /* euler, midpoint */
    for (int64_t i = 0; i < steps && (i % 4096 || !rf_call_cancelled(call)); i++)
        y += order == 1 ? h * y : h * (y + h / 2 * y);
    return RF_RETURN(call, y);
}
RF_REGISTER(solve);

struct refinement {
    rf_pool *pool;
    int64_t steps;
    double before;
    int status;
};

/* Runs on rank 0, inside a call that waits, when a job is done. The future is settled, and may be freed here; what is started
   goes on by itself. The next job has twice the steps, until two results agree. Nobody holds its future: it is NULL. */
static void refine(rf_future *future, void *user)
{
    struct refinement *its = user;
    const rf_results *got;
    its->status = rf_future_get(future, 0, &got);
    double y = its->status ? its->before : rf_f64(rf_results_value(got, 0));
    if (its->status || fabs(y - its->before) < 1e-6)
        return;
    its->before = y;
    its->steps *= 2;
    its->status = rf_apply_async(its->pool, solve, RF_TUPLE(its->steps, "midpoint"),
                                 RF_OPTIONS(.callback = refine, .error_callback = refine, .user = its), NULL);
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_future, coarse);
    RF_AUTO(rf_future, fine);
    RF_AUTO(rf_future, hopeless);
    struct refinement search = {.pool = pool, .steps = 1};
    const rf_results *got;
    int status = rf_apply_async(pool, solve, RF_TUPLE(100, "euler"), NULL, &coarse);
    if (status == RF_OK)
        status = rf_apply_async(pool, solve, RF_TUPLE(1000000, "midpoint"), NULL, &fine);
    if (status == RF_OK)
        status = rf_apply_async(pool, solve, RF_TUPLE(INT64_MAX, "euler"), NULL, &hopeless);
    if (status)
        return status;
    while ((status = rf_future_get(coarse, 0.5, &got)) == RF_AGAIN)     /* a time-out takes nothing away */
        fputs("still running\n", stderr);
    if (status)
        return status;
    printf("100 steps: %.6f\n", rf_f64(rf_results_value(got, 0)));
    rf_future_cancel(hopeless);                         /* never begins, or stops where it asks rf_call_cancelled */
    status = rf_future_get(fine, RF_FOREVER, &got);
    if (status)
        return status;
    printf("1000000 steps: %.6f\n", rf_f64(rf_results_value(got, 0)));
    printf("too many steps: %s\n", rf_status_text(rf_future_get(hopeless, 0, NULL)));
    status = rf_apply_async(pool, solve, RF_TUPLE(search.steps, "midpoint"),
                            RF_OPTIONS(.callback = refine, .error_callback = refine, .user = &search), NULL);
    if (status == RF_OK)
        status = rf_poll(pool, RF_FOREVER);             /* until no job is left: callbacks come in here */
    if (status || search.status)
        return status ? status : search.status;
    printf("%" PRId64 " steps are enough: %.5f\n", search.steps, search.before);
    return RF_OK;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
