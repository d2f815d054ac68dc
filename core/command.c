/* rf_command: a function that runs an external program and returns what it prints.

   The program is started by vfork, whatever the size of this process. It leads a process group of its own, which is killed when the program
   has ended (what it left behind), when nobody wants the result any more, and by the kernel when this process dies however it dies: each
   member of the group inherits the reading end of a pipe that is set to signal the group with SIGKILL when its writing end, which this
   process alone holds, is closed.

   While it waits it reads what the program prints, and lets messages move. */
#define _GNU_SOURCE
#include "rankfold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "run/call.h"
#include "value/print.h"

#define READ_BYTES 65536
#define READS_MOST 16                   /* in a look: all that a pipe can hold; one that prints without end is looked at in between */
#define NAP_LEAST 1                     /* milliseconds between looks whether the result is still wanted */
#define NAP_MOST 16

extern char **environ;

typedef struct program {
    char **arguments;
    pid_t process;                      /* and its group; 0: it could not be started */
    int output[2], guard[2];            /* pipes: [0] is read; -1: closed */
    int watch;                          /* a pidfd, or -1 */
    int status;                         /* as waitpid has it, once ended */
    bool unknown;                       /* its status is */
    buffer printed;
} program;

/* ---- what is run ------------------------------------------------------------------------------------------------- */

static bool is_argument(rf_value text)
{
    return rf_type_of(text) == RF_TEXT && !memchr(text.data, '\0', rf_size(text));
}

static int copy_argument(rf_call *call, rf_value text, char **to)
{
    *to = rf_call_alloc(call, rf_size(text) + 1);
    if (!*to)
        return RF_ENOMEM;
    memcpy(*to, text.data, rf_size(text));
    (*to)[rf_size(text)] = '\0';
    return RF_OK;
}

static int arguments_of_shell(rf_call *call, rf_value text, char ***arguments)
{
    static char shell[] = "/bin/sh", option[] = "-c";
    char **all = *arguments = rf_call_alloc(call, 4 * sizeof *all);
    if (!all)
        return RF_ENOMEM;
    if (!is_argument(text))
        return call_fail(call, RF_EARGS, "arguments", "the command holds a NUL");
    all[0] = shell;
    all[1] = option;
    all[3] = NULL;
    return copy_argument(call, text, &all[2]);
}

static int arguments_of_tuple(rf_call *call, rf_value tuple, char ***arguments)
{
    uint64_t count = rf_elements(tuple), i = 0;
    rf_value element;
    char **all = *arguments = rf_call_alloc(call, (count + 1) * sizeof *all);
    if (!all)
        return RF_ENOMEM;
    if (!count)
        return call_fail(call, RF_EARGS, "arguments", "the tuple is empty: its first element is the program");
    for (; i < count && rf_take(&tuple, &element) == RF_OK; i++) {
        if (!is_argument(element))
            return call_fail(call, RF_EARGS, "arguments", "element %" PRIu64 " of the tuple is no text without NULs", i + 1);
        if (copy_argument(call, element, &all[i]))
            return RF_ENOMEM;
    }
    all[i] = NULL;
    return i == count ? RF_OK : call_fail_last(call, RF_EARGS);
}

static int arguments_of(rf_call *call, rf_value item, char ***arguments)
{
    if (rf_type_of(item) == RF_TEXT)
        return arguments_of_shell(call, item, arguments);
    if (rf_type_of(item) == RF_TUPLE_TYPE)
        return arguments_of_tuple(call, item, arguments);
    return call_fail(call, RF_EARGS, "arguments", "reads a text, which the shell runs, or a tuple of texts, a program and its arguments");
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

static void close_end(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

/* Both ends above standard error, wherever this process has closed something. */
static bool make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC)) {
        ends[0] = ends[1] = -1;
        return false;
    }
    for (int i = 0; i < 2; i++)
        if (ends[i] <= STDERR_FILENO) {
            int moved = fcntl(ends[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
            close_end(&ends[i]);
            ends[i] = moved;
        }
    return ends[0] >= 0 && ends[1] >= 0;
}

/* The kernel kills the group when the last writer is gone. Where that was while it was being set up, it is when exec closes this
   process' copy of the writing end. */
static void guard_group(int reading)
{
    fcntl(reading, F_SETFD, 0);
    fcntl(reading, F_SETOWN, -getpid());
    fcntl(reading, F_SETSIG, SIGKILL);
    fcntl(reading, F_SETFL, O_ASYNC);
}

/* In the child, which shares the memory of its parent until exec: nothing of it is written. Signals are blocked, and so no handler of
   the parent runs here. Gives errno. */
static int become(const program *of, const sigset_t *mask)
{
    setpgid(0, 0);
#ifdef SYS_close_range
    syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
#endif
    guard_group(of->guard[0]);
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input < 0 || (input != STDIN_FILENO && dup2(input, STDIN_FILENO) < 0) || dup2(of->output[1], STDOUT_FILENO) < 0)
        return errno;
    if (input == STDIN_FILENO)
        fcntl(input, F_SETFD, 0);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(of->arguments[0], of->arguments);
    return errno;
}

/* RF_OK, or errno. */
static __attribute__((noinline)) int start_group(program *of)
{
    sigset_t all, before;
    volatile int failed = 0;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t process = vfork();
    if (process == 0) {
        failed = become(of, &before);
        _exit(127);
    }
    int why = process < 0 ? errno : failed;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (why && process > 0)
        waitpid(process, NULL, 0);
    of->process = why ? 0 : process;
    return why;
}

static int start(rf_call *call, program *of)
{
    if (!make_pipe(of->output) || !make_pipe(of->guard))
        return rf_fail(call, "exec", "%s: no pipe: %s", of->arguments[0], strerror(errno));
    int why = start_group(of);
    if (why)
        return rf_fail(call, "exec", "%s: %s", of->arguments[0], strerror(why));
    close_end(&of->output[1]);
    close_end(&of->guard[0]);
    fcntl(of->output[0], F_SETFL, O_NONBLOCK);
#ifdef SYS_pidfd_open
    of->watch = (int)syscall(SYS_pidfd_open, of->process, 0);
#endif
    return RF_OK;
}

/* ---- running and ending ------------------------------------------------------------------------------------------ */

/* Takes what has been printed so far. */
static int read_output(program *of)
{
    for (int reads = 0; reads < READS_MOST && of->output[0] >= 0; reads++) {
        if (buffer_reserve(&of->printed, READ_BYTES))
            return RF_ENOMEM;
        ssize_t got = read(of->output[0], of->printed.data + of->printed.size, READ_BYTES);
        if (got > 0)
            of->printed.size += (size_t)got;
        else if (got == 0)
            close_end(&of->output[0]);
        else if (errno != EINTR)
            return RF_OK;
    }
    return RF_OK;
}

/* Its process stays as a zombie: so nobody else can have its number, which is the group's. A program that ignores SIGCHLD has no zombies. */
static bool has_ended(program *of)
{
    siginfo_t what = {0};
    of->unknown = waitid(P_PID, (id_t)of->process, &what, WEXITED | WNOHANG | WNOWAIT) && errno == ECHILD;
    return of->unknown || what.si_pid == of->process;
}

static void end_group(program *of)
{
    if (!of->process || of->unknown)
        return;
    kill(-of->process, SIGKILL);
    while (waitpid(of->process, &of->status, 0) < 0 && errno == EINTR)
        ;
}

static int wait_for_end(rf_call *call, program *of)
{
    int nap = NAP_LEAST;
    while (!has_ended(of)) {
        struct pollfd either[] = {{.fd = of->watch, .events = POLLIN}, {.fd = of->output[0], .events = POLLIN}};
        int ready = poll(either, 2, nap);
        nap = ready ? NAP_LEAST : nap < NAP_MOST ? 2 * nap : nap;
        if (read_output(of))
            return call_fail_last(call, RF_ENOMEM);
        if (rf_call_cancelled(call))
            return call_fail(call, RF_ECANCELLED, "cancelled", "nobody wants the result any more; the program was killed");
    }
    return RF_OK;
}

static int tell_outcome(rf_call *call, const program *of, rf_value item)
{
    char command[BRIEF_MOST];
    if (of->unknown)
        return call_fail(call, RF_EFUNCTION, "exec", "how it ended is not known: SIGCHLD is ignored in this process");
    if (WIFEXITED(of->status) && WEXITSTATUS(of->status) == 0)
        return rf_return(call, rf_text((const char *)of->printed.data, of->printed.size));
    print_brief(item, command);
    if (WIFSIGNALED(of->status))
        return call_fail(call, RF_EFUNCTION, "signal", "%s was ended by signal %d (%s)", command, WTERMSIG(of->status),
                         strsignal(WTERMSIG(of->status)));
    return call_fail(call, RF_EFUNCTION, "exit", "%s ended with status %d", command, WEXITSTATUS(of->status));
}

static int run(rf_call *call, program *of, rf_value item)
{
    int status = start(call, of);
    if (status == RF_OK)
        status = wait_for_end(call, of);
    end_group(of);
    if (status == RF_OK && read_output(of))
        status = call_fail_last(call, RF_ENOMEM);
    return status ? status : tell_outcome(call, of, item);
}

int rf_command(rf_call *call, rf_value item)
{
    program of = {.output = {-1, -1}, .guard = {-1, -1}, .watch = -1};
    int status = arguments_of(call, item, &of.arguments);
    if (status == RF_OK)
        status = run(call, &of, item);
    close_end(&of.watch);
    for (int end = 0; end < 2; end++) {
        close_end(&of.output[end]);
        close_end(&of.guard[end]);
    }
    buffer_free(&of.printed);
    return status;
}

/* ---- registered on every rank ------------------------------------------------------------------------------------ */

static rf_registration registration = {.struct_size = sizeof registration, .name = "rf_command", .file = "rankfold", .line = __LINE__,
                                       .kind = RF_KIND_MAP, .function = (rf_any_function *)rf_command};

__attribute__((constructor)) static void register_command(void)
{
    rf_register(&registration);
}

__attribute__((destructor)) static void unregister_command(void)
{
    rf_unregister(&registration);
}
