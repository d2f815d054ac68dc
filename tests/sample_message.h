/* Messages of every kind with drawn content, all of them legal: what tests of the encoding write, send and damage, and what the fuzz
   corpus starts from. */
#ifndef RANKFOLD_TESTS_SAMPLE_MESSAGE_H
#define RANKFOLD_TESTS_SAMPLE_MESSAGE_H

#include "wire/message.h"

typedef struct sample {
    message what;                   /* what.body is body.data */
    buffer body;
    /* of a PART, what the body was made from */
    column values, added;
    buffer positions, failures;
} sample;

part_content sample_content(sample *made);
sample sample_message(uint64_t *random, int kind);
void sample_free(sample *made);

rf_value sample_value(uint64_t *random, char text[64]);         /* may point into text */
void sample_frame(const sample *made, buffer *frame);           /* with the body in it */

/* An allocation of exactly this size, so that the address sanitizer sees any byte read beside it. */
void *exact_copy(const void *bytes, size_t size);

/* Reads whatever is in a message, as its receivers do; returns a sum so that nothing is left out. */
uint64_t walk_message(const message *what);

#endif
