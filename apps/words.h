/* The words of a text: runs of ASCII letters, without regard to capitals. */
#ifndef RANKFOLD_APPS_WORDS_H
#define RANKFOLD_APPS_WORDS_H

#include <rankfold.h>

/* Emits the pair (word, value) for each word of text, in small letters. For mappers: what they return. */
int words_emit(rf_call *call, rf_value text, rf_value value);
/* The same, but most words that come again in text are left out: for jobs to which once is as good as often. */
int words_emit_once(rf_call *call, rf_value text, rf_value value);

#endif
