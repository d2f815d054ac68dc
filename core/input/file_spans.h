/* The spans of a piece of files, as they came in a message: nothing in them is trusted. For reader_files.c. */
#ifndef RANKFOLD_INPUT_FILE_SPANS_H
#define RANKFOLD_INPUT_FILE_SPANS_H

#include "input/piece.h"

/* Of count blocks in all, of files that can be cut so, and, with a position, of one. */
bool spans_are_sound(const input_piece *piece, uint64_t count, uint64_t position);

/* Takes one span off the front of [*at, end), with its path. false: it does not fit its description. */
bool span_take(const uint8_t **at, const uint8_t *end, struct input_span *span, const char **path);

#endif
