/* What waits for something that the program does: a file that is there, or not yet. The functions of these tests run in other processes. */
#ifndef RANKFOLD_TESTS_CONTRACT_SIGNS_H
#define RANKFOLD_TESTS_CONTRACT_SIGNS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct sign { char path[256]; } sign;       /* travels as bound state */

static inline bool sign_is_there(const sign *one)
{
    return access(one->path, F_OK) == 0;
}

static inline void sign_set(const sign *one)
{
    FILE *made = fopen(one->path, "w");
    if (made)
        fclose(made);
}

static inline void sign_remove(const sign *one)
{
    unlink(one->path);
}

/* On rank 0; not there yet. Each name is another one. */
static inline sign sign_new(const char *name)
{
    sign made;
    const char *folder = getenv("TMPDIR");
    snprintf(made.path, sizeof made.path, "%s/rankfold-%s-%d", folder && *folder ? folder : P_tmpdir, name, (int)getpid());
    sign_remove(&made);
    return made;
}

#endif
