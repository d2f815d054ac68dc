/* What the command lines of these programs have in common, over argp: --help, operands, and how setup() ends. */
#ifndef RANKFOLD_APPS_COMMAND_LINE_H
#define RANKFOLD_APPS_COMMAND_LINE_H

#include <argp.h>
#include <stddef.h>

#define COMMAND_LINE_HELP {"help", 'h', NULL, 0, "print this and end", 0}

typedef struct operands { char **at; size_t count; } operands;      /* those behind the options, within argv */

/* The default case of a parser. `rest` is set to the operands that the parser has not taken by ARGP_KEY_ARG; NULL: there are none. */
error_t command_line_key(int key, struct argp_state *state, operands *rest);

/* What setup() returns: RF_OK, RF_END after --help and its like (ECANCELED from the parser), or `wrong_use`, an exit status, after an
   error, which argp or the parser has told on standard error. */
int command_line_parse(const struct argp *command, int argc, char **argv, int wrong_use);

#endif
