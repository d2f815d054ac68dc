// The header as C++20 has it: the same names and macros, and the same results. Compiled and run by tests/test_cplusplus.
#include <rankfold.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

static int multiply(rf_call *call, rf_value item)
{
    long x, y;
    if (RF_ARGS(call, item, x, y))
        return RF_EARGS;
    return RF_RETURN(call, x * y);
}
RF_REGISTER(multiply);

static int whole(rf_call *call, rf_value item)
{
    rf_value d;
    int64_t x, y;
    if (RF_ARGS(call, item, d) || RF_ARGS(call, d, x, y))
        return RF_EARGS;
    return RF_RETURN(call, x * y);
}
RF_REGISTER(whole, .options = {.retry = RF_RETRY});

// Every type that RF_ARGS reads and RF_V boxes.
static int all_types(rf_call *call, rf_value item)
{
    bool truth;
    signed char tiny;
    unsigned char byte;
    short small;
    unsigned short natural;
    int number;
    unsigned positive;
    long large;
    unsigned long larger;
    long long huge;
    unsigned long long widest;
    float single;
    double real;
    const char *text;
    rf_value any;
    rf_value first, second;
    if (RF_ARGS(call, item, first, second) || RF_ARGS(call, first, truth, tiny, byte, small, natural, number, positive) ||
        RF_ARGS(call, second, large, larger, huge, widest, single, real, text, any))
        return RF_EARGS;
    return RF_RETURN(call, RF_TUPLE(truth, tiny, byte, small, natural, number, positive),
                     RF_TUPLE(large, larger, huge, widest, single, real, text, any));
}
RF_REGISTER(all_types);

struct point { double x, y; };

static int shift(rf_call *call, rf_value item)
{
    const point *by = RF_CALL_STATE(call, point), *p = RF_AS(call, item, point);
    if (!by || !p)
        return RF_EARGS;
    point moved = {p->x + by->x, p->y + by->y};
    return rf_return(call, RF_STATE(moved));
}
RF_REGISTER(shift);

static int emit_both(rf_call *call, rf_value item)
{
    if (rf_emit(call, item) || RF_EMIT(call, "key", rf_i64(item)))
        return RF_ENOMEM;
    return RF_OK;
}
RF_REGISTER(emit_both);

static bool keep(rf_call *, rf_value item) { return rf_truth(item); }
RF_REGISTER(keep);

static int failures;

static void check(const char *what, rf_results *results, const char *wanted)
{
    char *text = nullptr;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    for (uint64_t i = 0; i < rf_results_len(results); i++) {
        fprintf(to, i ? " " : "");
        rf_print(to, rf_results_value(results, i));
    }
    fclose(to);
    if (strcmp(text, wanted) != 0) {
        printf("%s: %s, not %s\n", what, text, wanted);
        failures++;
    }
    free(text);
}

static int driver(rf_pool *pool, int, char **)
{
    RF_AUTO(rf_results, products);
    int status = rf_map(pool, multiply, RF_ZIP(rf_range(0, 4), rf_range(100, 200)), RF_OPTIONS(.chunk_size = 2, .retry = {.attempts = 2}),
                        &products);
    check("zip", products, "0 101 204 309");
    RF_AUTO(rf_results, wholes);
    status = status ? status : rf_map(pool, whole, rf_single(RF_VALUES(RF_DICT("x", 0, "y", 100), RF_DICT("y", 101, "x", 1))), nullptr, &wholes);
    check("single", wholes, "0 101");
    RF_AUTO(rf_results, types);
    status = status ? status
                    : rf_apply(pool, all_types, RF_TUPLE(RF_TUPLE(true, -128, 255, -32768, 65535, -1, 4294967295u),
                                                         RF_TUPLE(-5L, 5UL, -6LL, 6ULL, 0.5f, 0.1, "text", rf_nil())), nullptr, &types);
    check("types", types, "[[true, -128, 255, -32768, 65535, -1, 4294967295], [-5, 5, -6, 6, 0.5, 0.1, \"text\", null]]");
    point by = {1, 2}, points[] = {{0, 0}, {1, 1}};
    RF_AUTO(rf_results, moved);
    status = status ? status : rf_map(pool, shift, RF_ARRAY(points, 2), RF_OPTIONS(.state = RF_STATE(by)), &moved);
    failures += !moved || static_cast<const point *>(rf_results_value(moved, 1).data)->y != 3;
    int numbers[] = {7, -8};
    RF_AUTO(rf_results, emitted);
    status = status ? status : rf_map(pool, emit_both, RF_ARRAY(numbers, 2), nullptr, &emitted);
    check("emit", emitted, "[7, [\"key\", 7]] [-8, [\"key\", -8]]");
    const char *words[] = {"a", "b"};
    rf_source_free(rf_strings(words, 2));
    RF_AUTO(rf_iterator, stream);
    status = status ? status : rf_imap(pool, multiply, RF_VALUES(RF_TUPLE(1, 2), RF_TUPLE("one", 2)), nullptr, &stream);
    const rf_result *one;
    failures += rf_next(stream, &one) || rf_i64(one->value) != 2;
    failures += rf_next(stream, &one) || one->ok || strcmp(one->error->message, "item 1: multiply: argument 1 (x) is a text, the function reads "
                                                                                "an integer");
    return status ? status : failures;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
