/* What functions did, as they did it, on whichever rank: each execution adds a line "item attempt rank" to a file that rank 0 reads. The
   file's name travels as the job's state. */
#ifndef RANKFOLD_TESTS_CONTRACT_EXECUTIONS_H
#define RANKFOLD_TESTS_CONTRACT_EXECUTIONS_H

#include <fcntl.h>

#include "../verify.h"

typedef struct executions {
    char path[256];
} executions;

typedef struct execution {
    unsigned item, attempt;
    int rank;
} execution;

/* In a function whose job has an executions as its state. false: the item has failed. */
static inline bool execution_told(rf_call *call, uint64_t item)
{
    const executions *to = RF_CALL_STATE(call, executions);
    int file = to ? open(to->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (file < 0 || dprintf(file, "%u %u %d\n", (unsigned)item, rf_call_attempt(call), rf_call_rank(call)) < 0)
        rf_fail(call, "test", "an execution could not be told");
    if (file >= 0)
        close(file);
    return file >= 0;
}

/* Gives its item. */
static int told(rf_call *call, rf_value item)
{
    int64_t x;
    if (RF_ARGS(call, item, x) || !execution_told(call, (uint64_t)x))
        return RF_EARGS;
    return RF_RETURN(call, x);
}
RF_REGISTER(told);

static inline executions executions_begin(void)
{
    static int count;
    executions made;
    const char *folder = getenv("TMPDIR");
    snprintf(made.path, sizeof made.path, "%s/rankfold-executions-%d-%d", folder && *folder ? folder : P_tmpdir, (int)getpid(), count++);
    return made;
}

/* Those so far, in the order in which they were told; how many, at most most of them in all. */
static inline size_t executions_read(const executions *from, execution *all, size_t most)
{
    size_t count = 0;
    FILE *file = fopen(from->path, "r");
    while (file && count < most && fscanf(file, "%u %u %d", &all[count].item, &all[count].attempt, &all[count].rank) == 3)
        count++;
    if (file)
        fclose(file);
    return count;
}

static inline size_t executions_end(const executions *from, execution *all, size_t most)
{
    size_t count = executions_read(from, all, most);
    unlink(from->path);
    return count;
}

#endif
