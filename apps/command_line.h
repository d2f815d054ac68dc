/* What the command lines of these programs have in common, over argp: --help, operands, and how setup() ends. */
#ifndef RANKFOLD_APPS_COMMAND_LINE_H
#define RANKFOLD_APPS_COMMAND_LINE_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

#define COMMAND_LINE_HELP {"help", 'h', NULL, 0, "print this and end", 0}

typedef struct operands { char **at; size_t count; } operands;      /* those behind the options, within argv */

/* The default case of a parser. `rest` is set to the operands that the parser has not taken by ARGP_KEY_ARG; NULL: there are none. */
error_t command_line_key(int key, struct argp_state *state, operands *rest);

/* What setup() returns: RF_OK, RF_END after --help and its like (ECANCELED from the parser), or `wrong_use`, an exit status, after an
   error, which argp or the parser has told on standard error. */
int command_line_parse(const struct argp *command, int argc, char **argv, int wrong_use);

/* For parsers: EINVAL, after the one line on standard error that says what is wrong. The program's name is put before it. */
error_t command_line_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define COMMAND_LINE_MOST ((uint64_t)1 << 50)
/* A number of bytes from 1 to COMMAND_LINE_MOST, perhaps with K, M or G behind it. option: as in "--memory", for what is told. */
error_t command_line_size(const char *option, const char *text, uint64_t *size);
/* A whole number within the bounds. */
error_t command_line_number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *number);
/* SIZE or SIZE:KEY: records of SIZE bytes, `most` at most, and of how many the key is; SIZE alone: all of them. */
error_t command_line_record(const char *option, const char *text, uint64_t most, uint64_t *size, uint64_t *key_size);

#endif
