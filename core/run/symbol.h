/* The name of a function, from its address: for messages about functions that are not registered. Looks where the
   dynamic linker looks, then in the symbol table of the file that the function was loaded from, which knows static
   functions too (unless it was stripped). */
#ifndef RANKFOLD_RUN_SYMBOL_H
#define RANKFOLD_RUN_SYMBOL_H

#include "rankfold.h"

typedef enum symbol_kind {
    SYMBOL_NAMED,
    SYMBOL_NESTED,  /* a function inside a function (GCC numbers them: "inner.0"), named */
    SYMBOL_UNKNOWN, /* of a loaded file that does not name it: name is "FILE+0xOFFSET" */
    SYMBOL_NOWHERE, /* of no loaded file: a trampoline to a nested function, or unloaded code: name is "0xADDRESS" */
} symbol_kind;

symbol_kind symbol_of(rf_any_function *function, char *name, size_t size);

#endif
