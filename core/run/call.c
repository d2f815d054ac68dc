#include "run/call.h"

#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "value/arguments.h"
#include "value/pack.h"

#define EMITS_KEPT 1048576      /* a larger buffer is given back after the item that needed it */

void call_init(rf_call *call)
{
    *call = (rf_call){.rank = -1};
}

void call_free(rf_call *call)
{
    buffer_free(&call->emits);
    arena_free(&call->memory);
}

/* ---- failing --------------------------------------------------------------------------------------------------- */

static void one_line(char *text)
{
    for (; *text; text++)
        if (*text == '\n' || *text == '\r')
            *text = ' ';
}

static void keep_failure(rf_call *call, int status, const char *kind, const char *message)
{
    call->status = status;
    snprintf(call->kind, sizeof call->kind, "%s", kind && *kind ? kind : "function");
    snprintf(call->message, sizeof call->message, "%s", message);
    one_line(call->kind);
    one_line(call->message);
}

#define PATH_SAID 400           /* bytes, its end: the message needs room too */

/* "item 17: area: ", or "PATH at byte 17: area: ". */
static void say_where(const rf_call *call, char *text, size_t size)
{
    const char *function = call->function ? call->function : "the function", *path = call->item.path;
    size_t length = path ? strlen(path) : 0;
    if (!path)
        snprintf(text, size, "item %" PRIu64 ": %.200s: ", call->item.position, function);
    else
        snprintf(text, size, "%s%s at byte %" PRIu64 ": %.200s: ", length > PATH_SAID ? "..." : "",
                 length > PATH_SAID ? path + length - PATH_SAID : path, call->item.position, function);
}

int call_fail(rf_call *call, int status, const char *kind, const char *format, ...)
{
    char message[sizeof call->message];
    if (call->status)
        return call->status;
    say_where(call, message, sizeof message);
    size_t used = strlen(message);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message + used, sizeof message - used, format, arguments);
    va_end(arguments);
    keep_failure(call, status, kind, message);
    return status;
}

int call_fail_last(rf_call *call, int status)
{
    const rf_error *last = rf_last_error();
    return call_fail(call, status, last->kind, "%s", last->message);
}

int rf_fail(rf_call *call, const char *kind, const char *format, ...)
{
    char message[sizeof call->message];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(message, sizeof message, format, arguments) < 0)
        message[0] = '\0';
    va_end(arguments);
    if (!call)
        return error_set(RF_EUSAGE, "usage", "rf_fail without a call: \"%.200s\"", message);
    if (!call->status)
        keep_failure(call, RF_EFUNCTION, kind, message);
    return call->status;
}

void call_fill_error(const rf_call *call, rf_error *error)
{
    *error = (rf_error){.status = call->status,
                        .kind = call->kind,
                        .message = call->message,
                        .index = call->item.position,
                        .function = call->function,
                        .rank = call->rank,
                        .attempt = call->item.attempt};
}

static const char *kind_of_status(int status)
{
    switch (status) {
    case RF_EARGS:
        return "arguments";
    case RF_ENOMEM:
        return "memory";
    case RF_EUSAGE:
        return "usage";
    case RF_EINPUT:
        return "input";
    case RF_EINIT:
        return "init";
    case RF_ETIMEOUT:
        return "timeout";
    case RF_ECANCELLED:
        return "cancelled";
    case RF_EHALTED:
        return "halted";
    default:
        return "function";
    }
}

/* The function returned this, and nothing had failed before. A negative status of the library stays what it is. */
static int fail_unsaid(rf_call *call, int status)
{
    const char *name = rf_status_name(status);
    bool known = !strncmp(name, "RF_", 3);
    if (known && status < 0)
        return call_fail(call, status, kind_of_status(status), "returned %d (%s: %s) and did not say why: rf_fail does",
                         status, name, rf_status_text(status));
    if (known)
        return call_fail(call, RF_EFUNCTION, "function",
                         "returned %s, which does not end an item: return RF_OK, or what rf_fail gives", name);
    return call_fail(call, RF_EFUNCTION, "function",
                     "returned %d, which is no status: return RF_OK, or what rf_fail gives", status);
}

/* ---- running --------------------------------------------------------------------------------------------------- */

/* Who runs many items fills in call->item itself: a copy of what was just written in other sizes would wait for it. */
static inline void begin(rf_call *call, const call_item *which)
{
    if (which != &call->item)
        call->item = *which;
    call->status = RF_OK;
    call->returned = call->random_begun = false;
    call->emitted = call->adds = 0;
}

static inline void end(rf_call *call)
{
    if (call->memory.blocks)
        arena_reset(&call->memory);
}

static void drop_emits(rf_call *call)
{
    call->emits.size = 0;
    if (call->emits.capacity > EMITS_KEPT)
        buffer_free(&call->emits);
}

/* The tuple of what was emitted. Its head can only be made now: it is put behind the elements and written before. */
static void return_emits(rf_call *call)
{
    size_t size = call->emits.size;
    int status = pack_tuple_head(&call->emits, call->emitted);
    if (status) {
        call_fail_last(call, status);
        return;
    }
    size_t head = call->emits.size - size;
    uint8_t *space = column_add_space(call->results, RF_TUPLE_TYPE, head + size);
    if (!space) {
        call_fail_last(call, RF_ENOMEM);
        return;
    }
    memcpy(space, call->emits.data + size, head);
    memcpy(space + head, call->emits.data, size);
}

/* All but the case that the function has returned a value and RF_OK. */
static __attribute__((noinline)) int finish(rf_call *call, int status, uint64_t before)
{
    if (status && !call->status)
        fail_unsaid(call, status);
    if (!call->status && call->emitted)
        return_emits(call);
    drop_emits(call);
    if (call->status)
        column_cut(call->results, before);
    if (call->results->count == before && column_add(call->results, rf_nil()) && !call->status)
        call_fail_last(call, RF_ENOMEM);
    if (call->status && call->adds)
        column_cut(call->added, call->added->count - 2 * call->adds);
    return call->results->count == before ? RF_ENOMEM : call->status;
}

static __attribute__((cold, noinline)) int fail_no_tuple(rf_call *call, rf_value item)
{
    return call_fail(call, RF_EARGS, "arguments", "%s came: items of rf_starmap are tuples or dictionaries; use rf_map for others",
                     value_type_name(rf_type_of(item)));
}

int call_run(rf_call *call, rf_map_function *function, rf_value item, const call_item *which)
{
    uint64_t before = call->results->count;
    begin(call, which);
    int status = call->wants_tuples && !value_is_container(item) ? fail_no_tuple(call, item) : function(call, item);
    if (status || call->status || !call->returned)
        status = finish(call, status, before);
    end(call);
    return status;
}

/* What is emitted by key is nobody's value. */
static int finish_by_key(rf_call *call, int status)
{
    if (status && !call->status)
        fail_unsaid(call, status);
    end(call);
    return call->status;
}

int call_pairs(rf_call *call, rf_map_function *function, rf_value item, const call_item *which)
{
    begin(call, which);
    return finish_by_key(call, function(call, item));
}

int call_reduce(rf_call *call, rf_reduce_function *function, rf_value key, rf_group *values, const call_item *which)
{
    begin(call, which);
    call->sink->key = key;
    return finish_by_key(call, function(call, key, values));
}

int call_fold(rf_call *call, rf_fold_function *function, rf_value accumulator, rf_value item, const call_item *which)
{
    uint64_t before = call->results->count;
    begin(call, which);
    int status = function(call, accumulator, item);
    if (status || call->status || !call->returned)
        status = finish(call, status, before);
    end(call);
    return status;
}

int call_filter(rf_call *call, rf_filter_function *function, rf_value item, const call_item *which, bool *keep)
{
    column *results = call->results;
    begin(call, which);
    call->results = NULL;
    *keep = function(call, item);
    call->results = results;
    end(call);
    return call->status;
}

/* The elements of the one value in made, if it is a tuple. They are copied to where items must lie. */
static void flatten(rf_call *call, const column *made, column *to)
{
    rf_value value = column_peek(made, 0), element = value;
    bool whole = rf_type_of(value) != RF_TUPLE_TYPE;
    int status = whole ? column_add(to, value) : RF_OK;
    while (!whole && status == RF_OK && (status = rf_take(&value, &element)) == RF_OK)
        status = column_add(to, element);
    if (status < 0)
        call_fail_last(call, status);
}

int call_flatten(rf_call *call, rf_map_function *function, rf_value item, const call_item *which, column *made, column *to)
{
    uint64_t before = to->count;
    column_rewind(made);
    begin(call, which);
    call->results = made;
    call->emits_to = to;
    int status = function(call, item);
    call->emits_to = NULL;
    if (status && !call->status)
        fail_unsaid(call, status);
    if (!call->status && call->returned)
        flatten(call, made, to);
    if (call->status)
        column_cut(to, before);
    end(call);
    return call->status;
}

int call_init_worker(rf_call *call, const rf_registration *registration, void **worker)
{
    column *results = call->results;
    const char *function = call->function;
    *worker = NULL;
    begin(call, &(call_item){.path_index = UINT64_MAX});
    call->results = NULL;
    call->function = registration->name;
    int status = registration->init(call, worker);
    if (status && !call->status) {
        char message[sizeof call->message];
        snprintf(message, sizeof message, ".init of %s returned %d (%s) and did not say why: rf_fail does",
                 registration->name, status, rf_status_name(status));
        keep_failure(call, RF_EINIT, "init", message);
    }
    if (call->status) {
        call->status = RF_EINIT;
        *worker = NULL;
        if (!strcmp(call->kind, "function"))
            snprintf(call->kind, sizeof call->kind, "init");
    }
    drop_emits(call);
    end(call);
    call->results = results;
    call->function = function;
    return call->status;
}

/* A generator ends an item otherwise than a map function: without a value there is none. */
static void finish_generated(rf_call *call, int status)
{
    bool waits = status == RF_END || status == RF_AGAIN, has_item = call->returned || call->emitted;
    if (!call->status && waits && has_item)
        call_fail(call, RF_EUSAGE, "usage",
                  "gave an item and returned %s: return RF_OK with an item, the other without", rf_status_name(status));
    else if (!call->status && status && !waits)
        fail_unsaid(call, status);
    else if (!call->status && !status && !has_item)
        call_fail(call, RF_EUSAGE, "usage",
                  "returned RF_OK without an item: rf_return one, or return RF_END or RF_AGAIN");
    else if (!call->status && call->emitted)
        return_emits(call);
}

int call_generate(rf_call *call, rf_generator_function *next, void *state)
{
    uint64_t before = call->results->count;
    begin(call, &call->item);
    int status = next(call, state);
    finish_generated(call, status);
    drop_emits(call);
    end(call);
    if (call->status)
        column_cut(call->results, before);
    return call->status ? call->status : status;
}
