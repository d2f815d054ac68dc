/* run: the registry, with functions of two translation units and a shared object (REGISTRY_PLUGIN, a path). */
#include <dlfcn.h>

#include "failing_malloc.h"
#include "run/registry.h"
#include "run/symbol.h"
#include "suite.h"

static int twin(rf_call *call, rf_value item)
{
    return rf_return(call, item);
}
RF_REGISTER(twin);

static int only_here(rf_call *call, rf_value item)
{
    return rf_return(call, rf_of_i64(1 + rf_i64(item)));
}
RF_REGISTER(only_here, .options = {.chunk_size = 77});

static bool is_even(rf_call *call, rf_value item)
{
    (void)call;
    return rf_i64(item) % 2 == 0;
}
RF_REGISTER(is_even);

static int forgotten(rf_call *call, rf_value item)
{
    return rf_return(call, rf_of_i64(3 + rf_i64(item)));
}

int forgotten_too(rf_call *call, rf_value item);
int forgotten_too(rf_call *call, rf_value item)
{
    return rf_return(call, rf_of_i64(4 + rf_i64(item)));
}

static rf_any_function *any(rf_map_function *function)
{
    return (rf_any_function *)function;
}

static registry *snapshot(void)
{
    registry *all;
    ck_assert_int_eq(registry_snapshot(&all), RF_OK);
    return all;
}

static void check_said(const char *part)
{
    ck_assert_msg(strstr(rf_last_error()->message, part) != NULL, "\"%s\" does not say \"%s\"",
                  rf_last_error()->message, part);
}

START_TEST(functions_of_all_translation_units_are_numbered_by_file_and_name)
{
    static const char *const names[] = {"test_registry.c:is_even", "test_registry.c:only_here", "test_registry.c:twin",
                                        "test_registry_more.c:sum", "test_registry_more.c:twin"};
    registry *all = snapshot();
    ck_assert_uint_eq(registry_count(all), 5);
    for (uint32_t i = 0; i < 5; i++) {
        char name[64];
        const rf_registration *one = registry_at(all, i);
        snprintf(name, sizeof name, "%s:%s", one->file, one->name);
        ck_assert_str_eq(name, names[i]);
        uint32_t number = 99;
        ck_assert_int_eq(registry_number(all, one->function, one->kind, &number), RF_OK);
        ck_assert_uint_eq(number, i);
    }
    ck_assert_uint_eq(registry_at(all, 1)->options.chunk_size, 77);
    ck_assert_int_eq(registry_at(all, 3)->kind, RF_KIND_FOLD);
    ck_assert_ptr_null(registry_at(all, 5));
    size_t size;
    ck_assert_mem_eq(registry_names(all, &size), "filter test_registry.c:is_even\0map test_registry.c:only_here", 60);
    registry_free(all);
    registry_free(NULL);
}
END_TEST

START_TEST(a_map_function_is_found_by_name_and_by_file_where_the_name_is_not_unique)
{
    ck_assert(rf_find("only_here") == only_here);
    ck_assert(rf_find("test_registry.c:only_here") == only_here);
    ck_assert(rf_find("test_registry.c:twin") == twin);
    ck_assert(rf_find("test_registry_more.c:twin") != twin && rf_find("test_registry_more.c:twin"));
    ck_assert(!rf_find("twin"));
    check_said("test_registry.c:twin");
    ck_assert(!rf_find("sum"));
    ck_assert(!rf_find("nothing"));
    check_said("no map function nothing");
    ck_assert(!rf_find("other.c:only_here") && !rf_find("test_registry.c:") && !rf_find("") && !rf_find(":"));
}
END_TEST

static void check_refused(registry *all, rf_any_function *function, int kind, int status, const char *part)
{
    uint32_t number = 7;
    ck_assert_int_eq(registry_number(all, function, kind, &number), status);
    ck_assert_uint_eq(number, UINT32_MAX);
    ck_assert_int_eq(rf_last_error()->status, status);
    check_said(part);
}

START_TEST(an_unregistered_function_is_named_with_the_line_to_add)
{
    registry *all = snapshot();
    check_refused(all, any(forgotten), RF_KIND_MAP, RF_EUNREGISTERED, "the function forgotten is not registered");
    check_said("RF_REGISTER(forgotten);");
    check_refused(all, any(forgotten_too), RF_KIND_MAP, RF_EUNREGISTERED, "RF_REGISTER(forgotten_too);");
    check_refused(all, any(twin), RF_KIND_FOLD, RF_EUSAGE,
                  "test_registry.c:twin is registered as a map function, this takes a fold");
    registry_free(all);
}
END_TEST

START_TEST(what_lies_in_no_file_is_told_to_be_nested_with_what_to_do_instead)
{
    registry *all = snapshot();
    int on_the_stack = 0;
    rf_any_function *trampoline = (rf_any_function *)(uintptr_t)&on_the_stack;
    check_refused(all, trampoline, RF_KIND_MAP, RF_EUNREGISTERED, "nested in another one");
    check_said(".state = RF_STATE(object)");
#if defined __GNUC__ && !defined __clang__
    int nested(rf_call *call, rf_value item)
    {
        return rf_return(call, rf_of_i64(5 + rf_i64(item)));
    }
    check_refused(all, any(nested), RF_KIND_MAP, RF_EUNREGISTERED, "the function nested is nested in another one");
#endif
    registry_free(all);
}
END_TEST

START_TEST(inside_of_a_function_no_name_is_made_up)
{
    char name[256];
    rf_any_function *inside = (rf_any_function *)((uintptr_t)any(forgotten) + 1);
    ck_assert_int_eq(symbol_of(inside, name, sizeof name), SYMBOL_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(name, "+0x"));
    ck_assert_int_eq(symbol_of((rf_any_function *)(uintptr_t)malloc, name, 4), SYMBOL_NAMED);
    ck_assert_uint_lt(strlen(name), 4);
}
END_TEST

START_TEST(a_shared_object_registers_when_it_is_loaded_and_is_gone_when_it_is_closed)
{
    registry *before = snapshot();
    void *plugin = dlopen(REGISTRY_PLUGIN, RTLD_NOW);
    ck_assert_msg(plugin != NULL, "%s", dlerror());
    registry *with = snapshot();
    ck_assert_uint_eq(registry_count(with), registry_count(before) + 1);
    ck_assert_uint_ne(registry_fingerprint(with), registry_fingerprint(before));
    rf_map_function *found = rf_find("registry_plugin.c:from_plugin");
    ck_assert(found != NULL);
    uint32_t number;
    ck_assert_int_eq(registry_number(with, any(found), RF_KIND_MAP, &number), RF_OK);
    check_refused(before, any(found), RF_KIND_MAP, RF_EUNREGISTERED, "from_plugin (registry_plugin.c:");
    check_said("after the pool had opened");
    rf_map_function *(*get)(void) = (rf_map_function *(*)(void))(uintptr_t)dlsym(plugin, "plugin_function");
    check_refused(with, any(get()), RF_KIND_MAP, RF_EUNREGISTERED, "RF_REGISTER(not_registered);");
    ck_assert_int_eq(dlclose(plugin), 0);
    ck_assert(!rf_find("from_plugin"));
    registry *after = snapshot();
    ck_assert_uint_eq(registry_fingerprint(after), registry_fingerprint(before));
    ck_assert_str_eq(registry_at(with, number)->name, "from_plugin");
    registry_free(before);
    registry_free(with);
    registry_free(after);
}
END_TEST

static rf_registration by_hand(const char *name, rf_map_function *function)
{
    return (rf_registration){.struct_size = sizeof(rf_registration),
                             .name = name,
                             .file = "/far/away/hand.c",
                             .line = 5,
                             .kind = RF_KIND_MAP,
                             .function = any(function)};
}

static void check_no_snapshot(const char *part)
{
    registry *all = (void *)&all;
    ck_assert_int_eq(registry_snapshot(&all), RF_EREGISTRY);
    ck_assert_ptr_null(all);
    check_said(part);
}

START_TEST(functions_at_one_address_are_refused)
{
    rf_registration folded = by_hand("folded", only_here);
    rf_register(&folded);
    check_no_snapshot("hand.c:folded and test_registry.c:only_here are one function");
    check_said("--icf");
    rf_unregister(&folded);
    registry_free(snapshot());
}
END_TEST

START_TEST(two_functions_of_one_file_and_name_are_refused)
{
    rf_registration one = by_hand("same", forgotten), two = by_hand("same", forgotten_too);
    two.file = "nearer/hand.c";
    rf_register(&one);
    rf_register(&two);
    check_no_snapshot("are called hand.c:same");
    rf_unregister(&one);
    rf_unregister(&two);
}
END_TEST

START_TEST(registering_twice_and_unregistering_what_is_not_there_changes_nothing)
{
    rf_registration one = by_hand("one", forgotten);
    rf_unregister(&one);
    rf_register(&one);
    rf_register(&one);
    registry *all = snapshot();
    ck_assert_uint_eq(registry_count(all), 6);
    registry_free(all);
    rf_unregister(&one);
    rf_unregister(&one);
    all = snapshot();
    ck_assert_uint_eq(registry_count(all), 5);
    registry_free(all);
}
END_TEST

START_TEST(a_registration_of_an_older_header_has_zeros_where_it_ends)
{
    rf_registration old = by_hand("old", forgotten);
    old.options.chunk_size = 99;
    old.struct_size = offsetof(rf_registration, options);
    rf_register(&old);
    registry *all = snapshot();
    ck_assert_str_eq(registry_at(all, 0)->name, "old");
    ck_assert_uint_eq(registry_at(all, 0)->options.chunk_size, 0);
    registry_free(all);
    rf_unregister(&old);
}
END_TEST

static void check_compared(const registry *all, const void *names, size_t size, const char *expected)
{
    buffer text = {0};
    ck_assert_int_eq(registry_compare(all, 3, "b", names, size, &text), RF_OK);
    ck_assert_uint_eq(text.size, strlen(expected));
    ck_assert_str_eq((char *)text.data, expected);
    buffer_free(&text);
}

START_TEST(ranks_that_differ_are_told_what_they_lack_and_have)
{
    registry *all = snapshot();
    size_t size;
    const void *ours = registry_names(all, &size);
    check_compared(all, ours, size, "");
    static const char theirs[] =
        "filter test_registry.c:is_even\0map test_registry.c:only_here\0fold test_registry.c:twin\0"
        "fold test_registry_more.c:sum\0map a.c:b\nc";
    check_compared(all, theirs, sizeof theirs,
                   "rank 3 (host b) lacks test_registry.c:twin as a map function, test_registry_more.c:twin and has "
                   "test_registry.c:twin as a fold function, a.c:b?c besides");
    check_compared(all, NULL, 0,
                   "rank 3 (host b) lacks test_registry.c:is_even, test_registry.c:only_here, test_registry.c:twin, "
                   "test_registry_more.c:sum, test_registry_more.c:twin");
    registry_free(all);
}
END_TEST

START_TEST(names_of_another_rank_are_not_trusted)
{
    registry *all = snapshot();
    uint64_t random = suite_seed;
    for (int i = 0; i < 2000; i++) {
        size_t size = (size_t)i % 97;
        char *names = malloc(size + 1);
        for (size_t k = 0; k < size; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            names[k] = " \0a:\n"[random >> 40 & 3];
        }
        buffer text = {0};
        ck_assert_int_eq(registry_compare(all, 1, NULL, names, size, &text), RF_OK);
        ck_assert_ptr_null(strchr((char *)text.data, '\n'));
        buffer_free(&text);
        free(names);
    }
    registry_free(all);
}
END_TEST

START_TEST(without_memory_there_is_no_snapshot_and_no_comparison)
{
    FAILING_EACH_IN_TURN(n) {
        registry *all;
        buffer text = {0};
        int status = registry_snapshot(&all);
        if (!status)
            status = registry_compare(all, 1, "b", "map x", 6, &text);
        bool failed = failing_malloc_stop();
        ck_assert_int_eq(status, failed ? RF_ENOMEM : RF_OK);
        registry_free(all);
        buffer_free(&text);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("registry");
    TCase *tests = tcase_create("registry");
    tcase_add_test(tests, functions_of_all_translation_units_are_numbered_by_file_and_name);
    tcase_add_test(tests, a_map_function_is_found_by_name_and_by_file_where_the_name_is_not_unique);
    tcase_add_test(tests, an_unregistered_function_is_named_with_the_line_to_add);
    tcase_add_test(tests, what_lies_in_no_file_is_told_to_be_nested_with_what_to_do_instead);
    tcase_add_test(tests, inside_of_a_function_no_name_is_made_up);
    tcase_add_test(tests, a_shared_object_registers_when_it_is_loaded_and_is_gone_when_it_is_closed);
    tcase_add_test(tests, functions_at_one_address_are_refused);
    tcase_add_test(tests, two_functions_of_one_file_and_name_are_refused);
    tcase_add_test(tests, registering_twice_and_unregistering_what_is_not_there_changes_nothing);
    tcase_add_test(tests, a_registration_of_an_older_header_has_zeros_where_it_ends);
    tcase_add_test(tests, ranks_that_differ_are_told_what_they_lack_and_have);
    tcase_add_test(tests, names_of_another_rank_are_not_trusted);
    tcase_add_test(tests, without_memory_there_is_no_snapshot_and_no_comparison);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(int argc, char **argv)
{
    return suite_run(suite(), argc, argv);
}
