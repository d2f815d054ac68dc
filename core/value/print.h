/* Values as text: rf_print, and the first bytes of what it would print. */
#ifndef RANKFOLD_VALUE_PRINT_H
#define RANKFOLD_VALUE_PRINT_H

#include "rankfold.h"

#define BRIEF_MOST 64       /* bytes, with its NUL */

/* At most so much as fits, then "...". Looks at no more of the value than it prints, but for elements that it passes over. "" without memory. */
void print_brief(rf_value value, char text[BRIEF_MOST]);

#endif
