/* Contract rows A7, A8 and A12: what an item may be, and how a function reads it. */
#include "../functions.h"
#include "../verify.h"

static int area(rf_call *call, rf_value item)
{
    int width, height;
    if (RF_ARGS(call, item, width, height))
        return RF_EARGS;
    return RF_RETURN(call, width * height);
}
RF_REGISTER(area);

/* A variable of each type, by its own rules. */
static int read_all(rf_call *call, rf_value item)
{
    bool truth;
    signed char tiny;
    unsigned char byte;
    short small;
    unsigned short natural;
    long large;
    float single;
    double real;
    const char *text;
    rf_value any;
    if (RF_ARGS(call, item, truth, tiny, byte, small, natural, large, single, real, text, any))
        return RF_EARGS;
    return RF_RETURN(call, truth, tiny, byte, small, natural, large, single, real, text, any);
}
RF_REGISTER(read_all);

static int twice(rf_call *call, rf_value item)
{
    int x;
    if (RF_ARGS(call, item, x))
        return RF_EARGS;
    return RF_RETURN(call, 2 * x);
}
RF_REGISTER(twice);

static int byte_of(rf_call *call, rf_value item)
{
    unsigned char byte;
    if (RF_ARGS(call, item, byte))
        return RF_EARGS;
    return RF_RETURN(call, byte);
}
RF_REGISTER(byte_of);

static int length(rf_call *call, rf_value item)
{
    const char *text;
    if (RF_ARGS(call, item, text))
        return RF_EARGS;
    return RF_RETURN(call, strlen(text));
}
RF_REGISTER(length);

typedef struct point {
    double x, y;
} point;

static int turn(rf_call *call, rf_value item)
{
    const point *p = RF_AS(call, item, point);
    if (!p)
        return RF_EARGS;
    point turned = {-p->y, p->x};
    return rf_return(call, RF_STATE(turned));
}
RF_REGISTER(turn);

/* Reads its item as it came, without RF_ARGS. */
static int multiply_whole(rf_call *call, rf_value item)
{
    rf_value x, y;
    if (rf_lookup(item, RF_V("x"), &x) || rf_lookup(item, RF_V("y"), &y))
        return rf_fail(call, "keys", "no x and y in it");
    return RF_RETURN(call, rf_i64(x) * rf_i64(y));
}
RF_REGISTER(multiply_whole);

static int elements_of(rf_call *call, rf_value item)
{
    rf_value whole;
    if (RF_ARGS(call, item, whole))
        return RF_EARGS;
    return RF_RETURN(call, rf_elements(whole), whole);
}
RF_REGISTER(elements_of);

static const char *printed(rf_value value)
{
    static char text[2][8192];
    static int turns;
    char *at = text[turns ^= 1];
    FILE *to = fmemopen(at, sizeof text[0], "w");
    rf_print(to, value);
    fclose(to);
    return at;
}

/* Item number at of a job fails alone, with this message. */
static void check_fails(rf_pool *pool, rf_map_function *function, rf_value good, rf_value bad, const char *message)
{
    rf_value items[20];
    for (size_t i = 0; i < 20; i++)
        items[i] = i == 17 ? bad : good;
    RF_AUTO(rf_results, results);
    CHECK_STATUS(rf_map(pool, function, rf_values(items, 20), NULL, &results), RF_EITEMS);
    for (uint64_t i = 0; i < 20; i++)
        CHECK_INT(rf_results_at(results, i).ok, i != 17);
    const rf_error *error = rf_results_at(results, 17).error;
    CHECK_STATUS(error->status, RF_EARGS);
    CHECK_TEXT(error->kind, "arguments");
    CHECK_INT(error->index, 17);
    CHECK_TEXT(error->message, message);
}

CASE(A7_an_item_is_bytes_a_scalar_or_a_tuple_read_by_position)
{
    RF_AUTO(rf_results, products);
    CHECK_STATUS(rf_map(pool, multiply, RF_VALUES(RF_TUPLE(1, 2), RF_TUPLE(3, 4), RF_TUPLE(5, 6)), NULL, &products), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(products, 0)), 2);
    CHECK_INT(rf_i64(rf_results_value(products, 1)), 12);
    CHECK_INT(rf_i64(rf_results_value(products, 2)), 30);
    RF_AUTO(rf_results, scalars);
    CHECK_STATUS(rf_map(pool, twice, RF_VALUES(4, 2.0, -7LL, 9ULL), NULL, &scalars), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(scalars, 0)), 8);
    CHECK_INT(rf_i64(rf_results_value(scalars, 1)), 4);
    point points[] = {{1, 2}, {-3, 0.5}};
    RF_AUTO(rf_results, turned);
    CHECK_STATUS(rf_map(pool, turn, RF_ARRAY(points, 2), NULL, &turned), RF_OK);
    const point *last = rf_results_value(turned, 1).data;
    CHECK(last->x == -0.5 && last->y == -3);
    RF_AUTO(rf_results, all);
    rf_value item = RF_TUPLE(rf_of_bool(true), -128, 255, -32768, 65535, INT64_MIN, 0.5, 0.1, "text", RF_TUPLE(1, rf_nil()));
    CHECK_STATUS(rf_apply(pool, read_all, item, NULL, &all), RF_OK);
    CHECK_TEXT(printed(rf_results_value(all, 0)), printed(item));
}

CASE(A7_a_wrong_type_names_the_item_the_argument_what_came_and_what_is_read)
{
    const rf_value good = RF_TUPLE(2, 3);
    ALSO(check_fails(pool, area, good, RF_TUPLE(2, "tall"),
                     "item 17: area: argument 2 (height) is a text, the function reads an integer"));
    ALSO(check_fails(pool, area, good, RF_TUPLE(rf_nil(), 3),
                     "item 17: area: argument 1 (width) is nothing (nil), the function reads an integer"));
    ALSO(check_fails(pool, area, good, RF_TUPLE(2, RF_DICT("height", 3)),
                     "item 17: area: argument 2 (height) is a dictionary, the function reads an integer"));
    ALSO(check_fails(pool, area, good, RF_TUPLE(2.5, 3),
                     "item 17: area: argument 1 (width) is 2.5, the function reads an int (-2147483648 to 2147483647)"));
    ALSO(check_fails(pool, byte_of, rf_of_i64(255), rf_of_i64(300),
                     "item 17: byte_of: argument 1 (byte) is 300, the function reads an unsigned char (0 to 255)"));
    ALSO(check_fails(pool, length, RF_V("text"), rf_of_i64(5), "item 17: length: argument 1 (text) is 5, the function reads a text"));
    ALSO(check_fails(pool, length, RF_V("text"), rf_text("a\0b", 3),
                     "item 17: length: argument 1 (text) is a text that holds a NUL, the function reads a const char *; read it "
                     "into an rf_value"));
}

CASE(A7_a_wrong_arity_names_the_item_what_came_and_what_is_read)
{
    const rf_value good = RF_TUPLE(2, 3);
    ALSO(check_fails(pool, area, good, RF_TUPLE(1, 2, 3), "item 17: area: a tuple of 3 came, the function reads 2: width, height"));
    ALSO(check_fails(pool, area, good, rf_tuple_of(NULL, 0), "item 17: area: a tuple of 0 came, the function reads 2: width, height"));
    ALSO(check_fails(pool, area, good, rf_of_i64(5), "item 17: area: an integer came, the function reads 2: width, height"));
}

CASE(A7_values_of_any_bytes_and_depth_arrive_as_they_were)
{
    rf_value nest[65], deep = rf_nil();        /* each the tuple of the one before it */
    for (int i = 0; i < 65; i++) {
        nest[i] = deep;
        deep = rf_tuple_of(&nest[i], 1);
    }
    rf_value items[] = {RF_TUPLE(rf_nil(), RF_TUPLE(RF_TUPLE(1, RF_DICT(2, rf_nil())), "x"), rf_of_bool(false)), rf_text("\0\xff\xc1\n", 4),
                        RF_TUPLE(rf_text("a\0b", 3), rf_bytes("\0\1", 2), rf_text("", 0)), RF_DICT("", RF_DICT(RF_TUPLE(1, 2), 3)), nest[64]};
    RF_AUTO(rf_results, back);
    CHECK_STATUS(rf_map(pool, echo, rf_values(items, 5), NULL, &back), RF_OK);
    for (uint64_t i = 0; i < 5; i++)
        CHECK_TEXT(printed(rf_results_value(back, i)), printed(items[i]));
    CHECK_STATUS(rf_apply(pool, echo, deep, NULL, NULL), RF_EUSAGE);
    CHECK_HAS(rf_last_error()->message, "nest deeper than 64");
    CHECK_STATUS(rf_apply(pool, echo, rf_nil(), NULL, NULL), RF_OK);
}

CASE(A8_a_dictionary_is_read_by_name_in_any_order)
{
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, multiply, RF_VALUES(RF_DICT("x", 0, "y", 100), RF_DICT("y", 101, "x", 1)), NULL, &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(rf_i64(one->value), 0);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(rf_i64(one->value), 101);
    CHECK_STATUS(rf_next(stream, &one), RF_END);
}

CASE(A8_a_missing_unknown_or_doubled_key_is_named_with_the_item)
{
    const rf_value good = RF_DICT("y", 2, "x", 3);
    ALSO(check_fails(pool, multiply, good, RF_DICT("x", 1), "item 17: multiply: the key \"y\" is missing; the function reads x, y"));
    ALSO(check_fails(pool, multiply, good, rf_dict_of(NULL, 0), "item 17: multiply: the key \"x\" is missing; the function reads x, y"));
    ALSO(check_fails(pool, multiply, good, RF_DICT("x", 1, "y", 2, "z", 3),
                     "item 17: multiply: the key \"z\" is unknown; the function reads x, y"));
    ALSO(check_fails(pool, multiply, good, RF_DICT("x", 1, "x", 2),
                     "item 17: multiply: the key \"x\" comes twice; the function reads x, y"));
    ALSO(check_fails(pool, multiply, good, RF_DICT("x", 1, 2, 2), "item 17: multiply: a key is an integer; keys are the texts x, y"));
    ALSO(check_fails(pool, multiply, good, RF_DICT("x", 1, "y", "two"),
                     "item 17: multiply: argument 2 (y) is a text, the function reads an integer"));
}

CASE(A12_a_dictionary_or_tuple_is_passed_whole)
{
    RF_AUTO(rf_results, whole);
    CHECK_STATUS(rf_map(pool, multiply_whole, RF_VALUES(RF_DICT("x", 3, "y", 100), RF_DICT("y", 101, "x", 1)), NULL, &whole), RF_OK);
    CHECK_INT(rf_i64(rf_results_value(whole, 0)), 300);
    CHECK_INT(rf_i64(rf_results_value(whole, 1)), 101);
    RF_AUTO(rf_results, tuples);
    CHECK_STATUS(rf_map(pool, elements_of, rf_single(RF_VALUES(RF_TUPLE(1, 2, 3), rf_tuple_of(NULL, 0), RF_DICT(1, 2), "text")), NULL, &tuples), RF_OK);
    CHECK_TEXT(printed(rf_results_value(tuples, 0)), "[3, [1, 2, 3]]");
    CHECK_TEXT(printed(rf_results_value(tuples, 1)), "[0, []]");
    CHECK_TEXT(printed(rf_results_value(tuples, 2)), printed(RF_TUPLE(2, RF_DICT(1, 2))));
    CHECK_TEXT(printed(rf_results_value(tuples, 3)), "[0, \"text\"]");
}

CASE(A12_a_dictionary_in_a_tuple_of_one_arrives_whole)
{
    RF_AUTO(rf_iterator, stream);
    const rf_result *one;
    CHECK_STATUS(rf_imap(pool, multiply_dict, RF_VALUES(RF_TUPLE(RF_DICT("x", 0, "y", 100)), RF_TUPLE(RF_DICT("y", 101, "x", 1))), NULL,
                         &stream), RF_OK);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(rf_i64(one->value), 0);
    CHECK_STATUS(rf_next(stream, &one), RF_OK);
    CHECK_INT(rf_i64(one->value), 101);
}

int main(int argc, char **argv)
{
    return rf_main(argc, argv, verify);
}
