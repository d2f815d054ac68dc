/* What RF_ARGS reads: a tuple by position, a dictionary by name, anything else into one variable. The hot path (a number
   into one variable) is a few compares. */
#ifndef RANKFOLD_VALUE_ARGUMENTS_H
#define RANKFOLD_VALUE_ARGUMENTS_H

#include "base/arena.h"

/* memory: for aligned and NUL-terminated copies of what sits inside containers; NULL (outside a function): views are given as
   they are, and a const char * reads a text only where its NUL is in place already (items, results and elements of borrowed
   tuples have one, parts of what has travelled do not). The byte after a text that is no part is looked at.
   why: one line for a person, written on failure alone: "argument 2 (height) is a text, the function reads an int". All slots
   are zero after a failure. RF_OK, RF_EARGS, RF_ENOMEM. At most 64 slots. */
int arguments_read(rf_value item, const rf_slot *slots, size_t count, arena *memory, char *why, size_t why_size);
const char *value_type_name(rf_type type);          /* "a text", "an integer", ... */

#endif
