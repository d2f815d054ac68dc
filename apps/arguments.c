/* One function called with tuples, with dictionaries and with zipped ranges, one that takes a dictionary whole, and one call that
   gets it wrong. It teaches how arguments are read: by position, by the variables' names, and what an item that does not fit costs;
   and how items are put together: side by side (RF_ZIP), or each by itself (rf_single). */
#include <rankfold.h>

static int multiply(rf_call *call, rf_value item)
{
    int64_t x, y;
    if (RF_ARGS(call, item, x, y))
        return RF_EARGS;
    return RF_RETURN(call, x * y);
}
RF_REGISTER(multiply);

/* Its one argument is a dictionary: items are tuples of one element. */
static int multiply_dict(rf_call *call, rf_value item)
{
    rf_value d;
    int64_t x, y;
    if (RF_ARGS(call, item, d) || RF_ARGS(call, d, x, y))
        return RF_EARGS;
    return RF_RETURN(call, x * y);
}
RF_REGISTER(multiply_dict);

/* The results in one line, those of failed items in words: then RF_EITEMS needs no more telling. */
static int show(int status, rf_results *results)
{
    for (uint64_t i = 0; i < rf_results_len(results); i++) {
        rf_result r = rf_results_at(results, i);
        if (i)
            putchar(' ');
        if (r.ok)
            rf_print(stdout, r.value);
        else
            printf("(%s: %s)", r.error->kind, r.error->message);
    }
    putchar('\n');
    rf_results_free(results);
    return status == RF_EITEMS ? RF_OK : status;
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    rf_results *results;
    int status = rf_map(pool, multiply, RF_VALUES(RF_TUPLE(1, 2), RF_TUPLE(3, 4), RF_TUPLE(5, 6)), NULL, &results);
    status = show(status, results);
    if (status)
        return status;
    status = rf_map(pool, multiply, RF_VALUES(RF_DICT("x", 0, "y", 100), RF_DICT("y", 101, "x", 1)), NULL, &results);
    status = show(status, results);
    if (status)
        return status;
    status = rf_map(pool, multiply, RF_ZIP(rf_range(0, 100), rf_range(100, 200)), NULL, &results);
    status = show(status, results);
    if (status)
        return status;
    status = rf_map(pool, multiply_dict, rf_single(RF_VALUES(RF_DICT("x", 0, "y", 100), RF_DICT("y", 101, "x", 1))), NULL, &results);
    status = show(status, results);
    if (status)
        return status;
    status = rf_map(pool, multiply, RF_VALUES(RF_TUPLE(2, 2), RF_TUPLE(2, "two"), RF_TUPLE(2, 4)), NULL, &results);
    return show(status, results);
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
