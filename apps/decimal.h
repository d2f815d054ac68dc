/* Numbers as people write them: for programs that read and print columns of doubles. */
#ifndef RANKFOLD_APPS_DECIMAL_H
#define RANKFOLD_APPS_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* text, all size bytes of it, as a finite double; -0 is 0. Behind it must stand a tab, a newline, a space or a NUL. */
bool decimal_read(const char *text, size_t size, double *number);

#define DECIMAL_MOST 32
/* The shortest that reads back as the same double, with a NUL. Gives its length. */
size_t decimal_write(double number, char to[DECIMAL_MOST]);

#endif
