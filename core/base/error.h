/* What went wrong: the last error of a thread, failures that are kept, and the log sink.

   error_set fills the thread's last error and gives its status back, so that a failure is one line:
       return error_set(RF_EINPUT, "input", "%s: %s; check the path", path, strerror(errno));
   It never allocates: it works when memory is what failed. Longer texts are cut. */
#ifndef RANKFOLD_BASE_ERROR_H
#define RANKFOLD_BASE_ERROR_H

#include "rankfold.h"

int error_set(int status, const char *kind, const char *format, ...) __attribute__((format(printf, 3, 4), cold));
int error_of_item(const rf_error *error);   /* makes a copy of error the last error; gives its status */
int error_no_memory(size_t size);           /* RF_ENOMEM, with the size that could not be had */

/* A failure that is kept: one allocation that holds the error and its texts, shared by reference count. */
typedef struct failure failure;
failure *failure_new(const rf_error *error);    /* NULL: out of memory */
failure *failure_share(failure *kept);
void failure_free(failure *kept);               /* NULL is legal */
const rf_error *failure_error(const failure *kept);

void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2), cold));
bool log_has_sink(void);

#endif
