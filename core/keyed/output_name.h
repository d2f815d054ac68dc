/* How the files of an output are called: for output.c and output_write.c alone. */
#ifndef RANKFOLD_KEYED_OUTPUT_NAME_H
#define RANKFOLD_KEYED_OUTPUT_NAME_H

#include "keyed/output.h"

int output_attempt_name(const char *folder, uint32_t partition, unsigned attempt, char **path);     /* malloc'ed; RF_ENOMEM */

#endif
