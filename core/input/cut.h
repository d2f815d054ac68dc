/* Where an item ends in a text that is still being read: the one definition of lines, splits, records, pairs and whole contents,
   for files (reader_files.c) and for standard input (standard_input.c). It depends on the text alone, not on how much of
   it was read at a time, so that a second reading gives the same items. */
#ifndef RANKFOLD_INPUT_CUT_H
#define RANKFOLD_INPUT_CUT_H

#include "input/piece.h"

typedef struct cut {
    size_t size;                    /* of the item */
    size_t taken;                   /* bytes that it takes of the text: with a line's newline */
} cut;

/* text begins where the item begins; size bytes of it are there, all of it where ended. least: a split goes on to the first newline
   at or after its byte least - 1; a record has least bytes (fewer: the text ended in it); what is found of a pair is for prefixed_check to judge. *scanned: bytes that an earlier call has
   looked at in vain, 0 at first. false: more is needed, or, where ended, nothing is left. */
bool cut_item(enum input_layout layout, uint64_t least, const uint8_t *text, size_t size, bool ended, size_t *scanned,
              cut *item);

rf_type cut_type(enum input_layout layout);     /* lines and splits are texts, the others bytes */

#endif
