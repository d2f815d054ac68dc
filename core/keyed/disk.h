/* Bytes to and from files, whole or with an error that names the path. A short write goes on, an interrupted one is repeated; a
   full disk tells what was needed and what is free. Who writes scratch and output calls it. */
#ifndef RANKFOLD_KEYED_DISK_H
#define RANKFOLD_KEYED_DISK_H

#include "rankfold.h"

int disk_create(const char *path, int *file);       /* a new file to write; *file -1 after RF_EOUTPUT */
int disk_write(int file, const void *bytes, size_t size, const char *path);         /* RF_EOUTPUT */
int disk_fail(const char *path, const char *what, size_t need, int error);          /* RF_EOUTPUT, with the error told */
int disk_open(const char *path, int *file);         /* to read; RF_EINPUT */

/* size bytes at offset; fewer (a file that ended) are RF_EINPUT as well. */
int disk_read(int file, void *to, size_t size, uint64_t offset, const char *path);

/* The same of a file that is opened for it alone: who reads from thousands of files holds no descriptors. */
int disk_read_once(const char *path, void *to, size_t size, uint64_t offset);

#endif
