#include "decimal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* strtod would pass over spaces, and with them into what follows. */
bool decimal_read(const char *text, size_t size, double *number)
{
    char *end;
    if (!size || isspace((unsigned char)*text))
        return false;
    *number = strtod(text, &end) + 0.0;
    return end == text + size && isfinite(*number);
}

size_t decimal_write(double number, char to[DECIMAL_MOST])
{
    int digits = 15, size;
    do
        size = snprintf(to, DECIMAL_MOST, "%.*g", digits, number);
    while (strtod(to, NULL) != number && ++digits <= 17);
    return (size_t)size;
}
