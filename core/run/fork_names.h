/* The functions of a job on their way into a child. A JOB tells them by their numbers in the rank's registry; a child's may have fewer, and so
   other numbers: it gets their names beside the frame, and puts its own numbers in. */
#ifndef RANKFOLD_RUN_FORK_NAMES_H
#define RANKFOLD_RUN_FORK_NAMES_H

#include "run/work_job.h"

/* Of one function: "file:name", with its NUL; NULL: "". */
size_t fork_name_size(const rf_registration *function);
char *fork_name_put(const rf_registration *function, char *space);      /* gives what is behind it */
int fork_name_number(const registry *functions, const char *name, uint32_t *number);    /* RF_EUNREGISTERED */

/* The rank: "file:name", with its NUL, of each in order; those of a chained job that have none are "". */
size_t fork_names_size(const executor_job *job);
void fork_names_put(const executor_job *job, char *space);
const char *fork_names_first(const executor_job *job);      /* of the first that has one, for messages; NULL */

/* The child: job as message_read gave it; its body is written to. RF_EUNREGISTERED: one is unknown here, told by name. RF_EUSAGE. */
int fork_names_apply(const registry *functions, message *job, const char *names);

#endif
