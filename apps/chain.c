/* Chained collections. It teaches sequences: steps that run when they are asked for, in one pass over the workers; a fold that the workers do
   in a tree; a chain that is used for two things; grouping. */
#include <rankfold.h>

static int square(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, x * x);
}
RF_REGISTER(square);

static bool is_even(rf_call *call, rf_value item)
{
    int64_t x;
    return RF_ARGS(call, item, x) == RF_OK && x % 2 == 0;
}
RF_REGISTER(is_even);

static int last_digit(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, x % 10);
}
RF_REGISTER(last_digit);

static int add(rf_call *call, rf_value sum, rf_value item)
{
    int64_t s, x;
    if (RF_ARGS(call, sum, s) || RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, s + x);
}
RF_REGISTER(add);

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_results, sum);
    RF_AUTO(rf_results, first);
    RF_AUTO(rf_results, digits);
    rf_seq *squares = rf_seq_map(rf_seq_of(pool, rf_range(0, INT64_MAX)), square);      /* nothing runs yet */
    rf_seq *evens = rf_seq_take(rf_seq_filter(squares, is_even), 1000);
    rf_value zero = RF_V(0), counts;

    int status = rf_seq_reduce(evens, (rf_fold){.step = add, .merge = add, .initial = &zero}, NULL, &sum);
    if (status)
        return status;
    printf("%" PRId64 "\n", rf_i64(rf_results_value(sum, 0)));

    status = rf_seq_collect(rf_seq_take(squares, 5), NULL, &first);     /* of the same squares, odd ones too */
    if (status)
        return status;
    for (uint64_t i = 0; i < rf_results_len(first); i++)
        printf("%" PRId64 "\n", rf_i64(rf_results_value(first, i)));

    status = rf_seq_collect(rf_seq_count_by(evens, last_digit), NULL, &digits);
    if (status == RF_OK)
        status = rf_results_dict(digits, &counts);
    if (status == RF_OK && rf_print(stdout, counts))
        return RF_EOUTPUT;
    printf("\n");
    return status;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
