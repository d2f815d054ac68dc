/* A file that appears whole under its name or not at all: written beside it, brought to the disk, renamed. What the
   name stands for already is replaced only then, and keeps its rights; a symbolic link stays and what it leads to is
   replaced. A device or a pipe is simply written to. */
#ifndef OUTPUT_FILE_H
#define OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

/* false: errno tells why not. */
bool output_possible(const char *path);     /* as far as can be seen beforehand */
bool output_write(const char *path, void (*write)(const void *what, FILE *to), const void *what);

#endif
