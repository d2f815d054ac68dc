/* peak FOLDER PROGRAM ARG...: runs PROGRAM and leaves in FOLDER, in a file named by its process, the most anonymous memory that it was seen to
   have, in KiB: looked at every few milliseconds, as the kernel keeps no peak without the pages of mapped files. Its status is PROGRAM's. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

static unsigned long anonymous_kib(const char *status_file)
{
    char line[256];
    unsigned long kib = 0;
    FILE *status = fopen(status_file, "re");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "RssAnon: %lu", &kib) == 1)
            break;
    if (status)
        fclose(status);
    return kib;
}

static int watch(pid_t program, const char *folder)
{
    char name[64], path[4096];
    unsigned long most = 0, now;
    int status;
    snprintf(name, sizeof name, "/proc/%ld/status", (long)program);
    while (waitpid(program, &status, WNOHANG) == 0) {
        now = anonymous_kib(name);
        most = now > most ? now : most;
        work_sleep(0.004);
    }
    snprintf(path, sizeof path, "%s/%ld", folder, (long)program);
    FILE *to = fopen(path, "we");
    if (!to || fprintf(to, "%lu\n", most) < 0 || fclose(to))
        return perror(path), 73;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: peak FOLDER PROGRAM ARG..., see peak.c\n", stderr);
        return 64;
    }
    pid_t program = fork();
    if (program < 0)
        return perror("peak"), 71;
    if (program > 0)
        return watch(program, argv[1]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
}
