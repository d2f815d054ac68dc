#include "base/error.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *rf_version(void)
{
    return RF_VERSION;
}

#define STATUS_NAME(name, number, text)                                                                                \
    case number:                                                                                                       \
        return #name;
#define STATUS_TEXT(name, number, text)                                                                                \
    case number:                                                                                                       \
        return text;

const char *rf_status_name(int status)
{
    switch (status) {
        RF_STATUSES(STATUS_NAME)
    default:
        return "unknown status";
    }
}

const char *rf_status_text(int status)
{
    switch (status) {
        RF_STATUSES(STATUS_TEXT)
    default:
        return "unknown status";
    }
}

/* The texts of error are NULL, constants, or the arrays behind it. */
static _Thread_local struct {
    rf_error error;
    char message[2048], kind[64], function[128], host[256], replay[192];
} last = {.error = {.status = RF_OK, .kind = "", .message = "", .rank = -1}};

const rf_error *rf_last_error(void)
{
    return &last.error;
}

/* text may be the array itself, or lie in it: an error is often made from the one before. */
static const char *keep_text(char *array, size_t capacity, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strnlen(text, capacity - 1);
    memmove(array, text, size);
    array[size] = '\0';
    return array;
}

int error_set(int status, const char *kind, const char *format, ...)
{
    char message[sizeof last.message];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(message, sizeof message, format, arguments) < 0)
        message[0] = '\0';
    va_end(arguments);
    rf_error error = {.status = status, .kind = kind, .message = message, .rank = -1};
    return error_of_item(&error);
}

int error_of_item(const rf_error *error)
{
    rf_error kept = *error;
    kept.kind = keep_text(last.kind, sizeof last.kind, error->kind ? error->kind : "");
    kept.message = keep_text(last.message, sizeof last.message, error->message ? error->message : "");
    kept.function = keep_text(last.function, sizeof last.function, error->function);
    kept.host = keep_text(last.host, sizeof last.host, error->host);
    kept.replay = keep_text(last.replay, sizeof last.replay, error->replay);
    last.error = kept;
    return kept.status;
}

int error_no_memory(size_t size)
{
    return error_set(RF_ENOMEM, "memory", "out of memory: no %zu bytes more", size);
}

struct failure {
    size_t users;
    rf_error error;
    char texts[];       /* those of error, one after another, each with its NUL */
};

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *append_text(char **at, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

failure *failure_new(const rf_error *error)
{
    size_t size = sizeof(failure) + text_size(error->kind) + text_size(error->message) + text_size(error->function) +
                  text_size(error->host) + text_size(error->replay);
    failure *kept = malloc(size);
    if (!kept) {
        error_no_memory(size);
        return NULL;
    }
    kept->users = 1;
    kept->error = *error;
    char *at = kept->texts;
    kept->error.kind = error->kind ? append_text(&at, error->kind) : "";
    kept->error.message = error->message ? append_text(&at, error->message) : "";
    kept->error.function = append_text(&at, error->function);
    kept->error.host = append_text(&at, error->host);
    kept->error.replay = append_text(&at, error->replay);
    return kept;
}

failure *failure_share(failure *kept)
{
    kept->users++;
    return kept;
}

void failure_free(failure *kept)
{
    if (kept && --kept->users == 0)
        free(kept);
}

const rf_error *failure_error(const failure *kept)
{
    return &kept->error;
}

static struct {
    rf_log_function *sink;
    void *user;
} log_to;

void rf_log_to(rf_log_function *sink, void *user)
{
    log_to.sink = sink;
    log_to.user = user;
}

bool log_has_sink(void)
{
    return log_to.sink != NULL;
}

void log_warn(const char *format, ...)
{
    if (!log_to.sink)
        return;
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (size >= 0)
        log_to.sink(message, log_to.user);
}
