/* Options as text: what the environment says, and the table for people. */
#define _GNU_SOURCE     /* strtod_l */
#include "base/options.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define NAMES_MOST 3

struct option_name { const char *text, *c; unsigned value; };

static const struct option_name switch_names[NAMES_MOST + 1] = {{"on", "RF_ON", RF_ON}, {"off", "RF_OFF", RF_OFF}};
static const struct option_name switch_digits[] = {{"1", "RF_ON", RF_ON}, {"0", "RF_OFF", RF_OFF}, {0}};     /* understood, not told */
static const struct option_name halt_names[NAMES_MOST + 1] = {
    {"never", "RF_HALT_NEVER", RF_HALT_NEVER}, {"soon", "RF_HALT_SOON", RF_HALT_SOON}, {"now", "RF_HALT_NOW", RF_HALT_NOW}};
static const struct option_name executor_names[NAMES_MOST + 1] = {{"inline", "RF_INLINE", RF_INLINE}, {"fork", "RF_FORK", RF_FORK}};

static const struct option_name per_names[NAMES_MOST + 1] = {
    {"second", "RF_SECOND", RF_SECOND}, {"minute", "RF_MINUTE", RF_MINUTE}, {"hour", "RF_HOUR", RF_HOUR}};

static bool parse_name(const struct option_name *names, const char *text, unsigned *value)
{
    for (; names->text; names++)
        if (strcmp(names->text, text) == 0) {
            *value = names->value;
            return true;
        }
    return false;
}

static bool is_off(const option *row, const char *text)
{
    return row->off_allowed && (strcmp(text, "none") == 0 || strcmp(text, "unlimited") == 0);
}

static bool parse_count(const option *row, const char *text, uint64_t *count)
{
    if (is_off(row, text)) {
        *count = RF_UNLIMITED;
        return true;
    }
    if (!isdigit((unsigned char)*text))
        return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    const char *units = " KMG", *unit = *end && row->type == OPTION_SIZE ? strchr(units, toupper((unsigned char)*end)) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units) : 0;
    end += shift ? 1 : 0;
    if (errno || *end || number > ULLONG_MAX >> shift)
        return false;
    *count = number << shift;
    return (double)*count >= row->least && (double)*count <= row->most;
}

/* In the C locale, whatever the program has set: "1.5" is what is said everywhere. */
static bool parse_decimal(const char *text, double *number)
{
    if (!*text || text[strspn(text, "0123456789.eE+-")])
        return false;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return false;
    char *end;
    *number = strtod_l(text, &end, plain);
    freelocale(plain);
    return *end == '\0';
}

static bool parse_real(const option *row, const char *text, double *real)
{
    double number;
    if (is_off(row, text))
        number = RF_NONE;
    else if (!parse_decimal(text, &number) || !(number >= row->least && number <= row->most) || isinf(number))
        return false;
    *real = number == 0.0 ? RF_NONE : number;   /* where 0 is within bounds it means off; the field's 0 is "not said" */
    return true;
}

/* "10", "100/minute". */
static bool parse_rate(const option *row, const char *text, rf_rate *said)
{
    char count[64];
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    unsigned per = RF_SECOND;
    if (size >= sizeof count || (slash && !parse_name(per_names, slash + 1, &per)))
        return false;
    memcpy(count, text, size);
    count[size] = '\0';
    said->per = (int)per;
    return parse_real(row, count, &said->count) && !(slash && said->count == RF_NONE);
}

bool option_parse(const option *row, const char *text, void *field)
{
    uint64_t count;
    double real;
    rf_rate rate;
    switch (row->type) {
    case OPTION_COUNT:
    case OPTION_SIZE:
        return parse_count(row, text, &count) && memcpy(field, &count, sizeof count);
    case OPTION_UNSIGNED:
        if (!parse_count(row, text, &count) || count > UINT_MAX)
            return false;
        *(unsigned *)field = (unsigned)count;
        return true;
    case OPTION_SECONDS:
    case OPTION_SHARE:
        return parse_real(row, text, &real) && memcpy(field, &real, sizeof real);
    case OPTION_SWITCH:
        return parse_name(switch_names, text, field) || parse_name(switch_digits, text, field);
    case OPTION_HALT:
        return parse_name(halt_names, text, field);
    case OPTION_RATE:
        return parse_rate(row, text, &rate) && memcpy(field, &rate, sizeof rate);
    case OPTION_EXECUTOR:
        return parse_name(executor_names, text, field);
    case OPTION_TEXT:
        *(const char **)field = text;
        return true;
    }
    return false;
}

static void name_bounds(const struct option_name *names, bool environment, char *to, size_t size)
{
    size_t used = 0;
    to[0] = '\0';
    for (size_t i = 0; names[i].text && used < size; i++) {
        const char *before = i == 0 ? "" : names[i + 1].text ? ", " : " or ";
        used += (size_t)snprintf(to + used, size - used, "%s%s", before, environment ? names[i].text : names[i].c);
    }
}

static void number_bounds(const option *row, bool environment, char *to, size_t size)
{
    const char *what = row->type == OPTION_SIZE ? "a size in bytes" : "a whole number";
    const char *off = !row->off_allowed ? "" : environment ? ", or unlimited" : ", or RF_UNLIMITED";
    const char *units = row->type == OPTION_SIZE && environment ? " (K, M, G: 1024s)" : "";
    if (row->most >= 0x1p64)
        snprintf(to, size, "%s from %.0f on%s%s", what, row->least, units, off);
    else
        snprintf(to, size, "%s from %.0f to %.0f%s%s", what, row->least, row->most, units, off);
}

void option_bounds(const option *row, bool environment, char *to, size_t size)
{
    const char *none = !row->off_allowed ? "" : environment ? ", or none" : ", or RF_NONE";
    switch (row->type) {
    case OPTION_COUNT:
    case OPTION_UNSIGNED:
    case OPTION_SIZE:
        number_bounds(row, environment, to, size);
        break;
    case OPTION_SECONDS:
        snprintf(to, size, "seconds, %s%s", environment && row->least == 0.0 ? "0 or more" : "more than 0", none);
        break;
    case OPTION_SHARE:
        snprintf(to, size, "a share, more than 0 and at most 1%s", none);
        break;
    case OPTION_SWITCH:
        name_bounds(switch_names, environment, to, size);
        break;
    case OPTION_HALT:
        name_bounds(halt_names, environment, to, size);
        break;
    case OPTION_RATE:
        snprintf(to, size, environment ? "a number more than 0, alone (a second) or followed by /second, /minute or /hour%s"
                                       : "a count more than 0, per RF_SECOND, RF_MINUTE or RF_HOUR%s", none);
        break;
    case OPTION_EXECUTOR:
        name_bounds(executor_names, environment, to, size);
        break;
    case OPTION_TEXT:
        snprintf(to, size, "any text");
        break;
    }
}

int options_from_environment(rf_options *environment)
{
    rf_options read = {.struct_size = sizeof read};
    *environment = read;
    for (const option *row = option_table; row < option_table + option_count; row++) {
        const char *text = row->environment ? getenv(row->environment) : NULL;
        if (!text || !*text || option_parse(row, text, (char *)&read + row->offset))
            continue;
        char bounds[160];
        option_bounds(row, true, bounds, sizeof bounds);
        return error_set(RF_EOPTION, "option", "%s=%.200s in the environment: it must be %s", row->environment, text, bounds);
    }
    if (read.chunk_size && read.n_splits)
        return error_set(RF_EOPTION, "option", "RANKFOLD_CHUNK_SIZE and RANKFOLD_N_SPLITS in the environment contradict each "
                         "other: set one of them");
    *environment = read;
    return RF_OK;
}

int rf_print_options(FILE *to)
{
    for (const option *row = option_table; row < option_table + option_count; row++) {
        if (!row->environment)
            continue;
        char bounds[160];
        option_bounds(row, true, bounds, sizeof bounds);
        fprintf(to, "%s (.%s)\n    %s\n    %s", row->environment, row->field, row->help, bounds);
        if (row->fallback)
            fprintf(to, "; default: %s", row->fallback);
        fputc('\n', to);
    }
    if (fflush(to) || ferror(to))
        return error_set(RF_EOUTPUT, "output", "the options could not be printed: %s", strerror(errno));
    return RF_OK;
}
