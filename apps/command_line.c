#define _GNU_SOURCE
#include "command_line.h"
#include <errno.h>
#include <rankfold.h>

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
