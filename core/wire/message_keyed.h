/* The messages of jobs by key: for message.c alone. */
#ifndef RANKFOLD_WIRE_MESSAGE_KEYED_H
#define RANKFOLD_WIRE_MESSAGE_KEYED_H

#include "wire/message.h"

const char *message_fault_by_key(const message *what);      /* what is wrong with it, or NULL */
void message_describe_by_key(const message *what, char *text, size_t size);

#endif
