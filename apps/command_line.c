#define _GNU_SOURCE
#include "command_line.h"
#include <ctype.h>
#include <errno.h>
#include <rankfold.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

error_t command_line_key(int key, struct argp_state *state, operands *rest)
{
    switch (key) {
    case 'h':
        argp_state_help(state, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC);
        return ECANCELED;
    case ARGP_KEY_INIT:
        state->err_stream = NULL;       /* a wrong option is one line, from getopt; argp would add one more */
        return 0;
    case ARGP_KEY_ARGS:
        if (!rest)
            return ARGP_ERR_UNKNOWN;
        *rest = (operands){state->argv + state->next, (size_t)(state->argc - state->next)};
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int command_line_parse(const struct argp *command, int argc, char **argv, int wrong_use)
{
    argv[0] = program_invocation_short_name;
    switch (argp_parse(command, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, NULL)) {
    case 0: return RF_OK;
    case ECANCELED: return RF_END;
    default: return wrong_use;
    }
}

error_t command_line_wrong(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    return EINVAL;
}

error_t command_line_size(const char *option, const char *text, uint64_t *size)
{
    static const char units[] = "KMG";
    char *end;
    errno = 0;
    *size = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    bool number = isdigit((unsigned char)*text) && !end[unit != NULL];
    if (number && !errno && *size >= 1 && *size <= COMMAND_LINE_MOST >> shift) {
        *size <<= shift;
        return 0;
    }
    return command_line_wrong("%s %s: it must be a number of bytes from 1 to %" PRIu64 ", or one with K, M or G behind it", option,
                              text, COMMAND_LINE_MOST);
}

static bool take_number(const char **text, uint64_t least, uint64_t most, uint64_t *number)
{
    char *end;
    bool digit = isdigit((unsigned char)**text);
    errno = 0;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return digit && !errno && *number >= least && *number <= most;
}

error_t command_line_number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
    const char *end = text;
    if (take_number(&end, least, most, number) && !*end)
        return 0;
    return command_line_wrong("%s %s: it must be a whole number from %" PRIu64 " to %" PRIu64, option, text, least, most);
}

error_t command_line_record(const char *option, const char *text, uint64_t most, uint64_t *size, uint64_t *key_size)
{
    const char *end = text;
    bool right = take_number(&end, 1, most, size);
    *key_size = *size;
    if (right && *end == ':')
        end++, right = take_number(&end, 1, *size, key_size);
    if (right && !*end)
        return 0;
    return command_line_wrong("%s %s: it must be SIZE or SIZE:KEY, bytes from 1 to %" PRIu64 " and how many of them are the key", option,
                              text, most);
}
