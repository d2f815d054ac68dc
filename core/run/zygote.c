#define _GNU_SOURCE
#include "run/zygote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "run/fork_child.h"

#define CHILDREN_MOST 1024

struct board {
    _Atomic uint32_t bell;
    struct { _Atomic uint32_t ended; int how; } children[CHILDREN_MOST];
};

enum request_kind { REQUEST_SPAWN = 1, REQUEST_KILL };
struct request { uint32_t kind, child; uint64_t size; int64_t rank; };

static struct board *board;             /* set once */
static pid_t process;                   /* of the zygote */
static int line = -1;                   /* to it, or in it to the rank */
static bool used[CHILDREN_MOST];

/* ---- in the zygote ---- */

static pid_t children[CHILDREN_MOST];

static void tell_end(unsigned child, int how)
{
    board->children[child].how = how;
    atomic_store(&board->children[child].ended, 1);
    zygote_ring();
    syscall(SYS_futex, &board->bell, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void reap(void)
{
    int how;
    for (pid_t ended; (ended = waitpid(-1, &how, WNOHANG)) > 0;)
        for (unsigned child = 0; child < CHILDREN_MOST; child++)
            if (children[child] == ended) {
                children[child] = 0;
                tell_end(child, how);
            }
}

/* Killed with its parent; which may have died before that was said. */
static void live_no_longer_than(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
}

static _Noreturn void be_child(const struct request *what, int memory, pid_t parent)
{
    sigset_t none;
    live_no_longer_than(parent);
    close(line);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    fork_child_live(memory, what->size, (int)what->rank);
}

static void spawn(const struct request *what, int memory)
{
    pid_t self = getpid(), made = memory < 0 ? -1 : fork();
    if (made == 0)
        be_child(what, memory, self);
    if (made < 0)
        tell_end(what->child, -(memory < 0 ? EMFILE : errno));
    else
        children[what->child] = made;
    if (memory >= 0)
        close(memory);
}

/* The descriptor that came with a request, or -1. */
static int descriptor_of(struct msghdr *from)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(from);
    int descriptor = -1;
    if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
        memcpy(&descriptor, CMSG_DATA(control), sizeof descriptor);
    return descriptor;
}

/* False: the rank is gone. */
static bool serve_one(void)
{
    struct request what;
    union { struct cmsghdr aligned; char bytes[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec bytes = {&what, sizeof what};
    struct msghdr whole = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(line, &whole, MSG_CMSG_CLOEXEC);
    if (got < 0)
        return errno == EINTR;
    if (got != (ssize_t)sizeof what || what.child >= CHILDREN_MOST)
        return false;
    if (what.kind == REQUEST_SPAWN)
        spawn(&what, descriptor_of(&whole));
    else if (children[what.child])
        kill(children[what.child], SIGKILL);
    return true;
}

static void a_child_ended(int signal)
{
    (void)signal;                       /* it only ends the wait */
}

static _Noreturn void serve(void)
{
    sigset_t during, before;
    struct sigaction look = {.sa_handler = a_child_ended};
    struct pollfd on = {.fd = line, .events = POLLIN};
    sigaction(SIGCHLD, &look, NULL);
    sigemptyset(&during);
    sigaddset(&during, SIGCHLD);
    sigprocmask(SIG_BLOCK, &during, &before);
    sigdelset(&before, SIGCHLD);
    for (bool goes_on = true; goes_on;) {
        int ready = ppoll(&on, 1, NULL, &before);
        reap();
        goes_on = ready <= 0 || serve_one();
    }
    _exit(0);
}

/* ---- becoming it ---- */

static void read_nothing(void)
{
    int empty = open("/dev/null", O_RDONLY);
    if (empty > STDIN_FILENO) {
        dup2(empty, STDIN_FILENO);
        close(empty);
    }
}

/* MPI's connections must not live on in a copy of the rank: their other ends would not see it die. Files that functions use stay. */
static void close_connections(void)
{
    DIR *all = opendir("/proc/self/fd");
    if (!all)
        return;
    int listing = dirfd(all);
    for (struct dirent *one; (one = readdir(all));) {
        struct stat what;
        int fd = atoi(one->d_name);
        if (fd > STDERR_FILENO && fd != line && fd != listing && fstat(fd, &what) == 0 && S_ISSOCK(what.st_mode))
            close(fd);
    }
    closedir(all);
}

/* MPI's handlers would print at length what a crash is told by anyway. */
static void die_plainly(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        signal(fatal[i], SIG_DFL);
}

static _Noreturn void be_zygote(pid_t parent, bool before_mpi)
{
    live_no_longer_than(parent);
    read_nothing();
    if (!before_mpi) {
        close_connections();
        die_plainly();
    }
    serve();
}

static int make_board(void)
{
    void *at = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return error_no_memory(sizeof *board);
    board = at;
    return RF_OK;
}

static int no_process(const char *what)
{
    return error_set(RF_ENOMEM, "executor", "the process that makes children could not be made: %s failed (errno %d)", what, errno);
}

int zygote_make(bool before_mpi)
{
    int ends[2];
    if (process)
        return RF_OK;
    if (!board && make_board())
        return RF_ENOMEM;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return no_process("socketpair");
    fflush(NULL);                       /* what is buffered would be written by both */
    pid_t self = getpid(), made = fork();
    if (made == 0) {
        close(ends[0]);
        line = ends[1];
        be_zygote(self, before_mpi);
    }
    close(ends[1]);
    if (made < 0) {
        close(ends[0]);
        return no_process("fork");
    }
    line = ends[0];
    process = made;
    return RF_OK;
}

/* ---- in the rank ---- */

int zygote_lost(void)
{
    return error_set(RF_ECRASH, "executor", "process %d, which makes the children that functions run in, is gone: nothing can run in one any more; "
                     "start the program again", (int)process);
}

static int send_request(const struct request *what, int memory)
{
    union { struct cmsghdr aligned; char bytes[CMSG_SPACE(sizeof(int))]; } control = {0};
    struct iovec bytes = {(void *)(uintptr_t)what, sizeof *what};
    struct msghdr whole = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (memory >= 0) {
        whole.msg_control = &control;
        whole.msg_controllen = sizeof control;
        control.aligned = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.aligned), &memory, sizeof memory);
    }
    if (sendmsg(line, &whole, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof *what)
        return RF_OK;
    return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? RF_AGAIN : zygote_lost();
}

int zygote_spawn(const ring *with, int rank, unsigned *child)
{
    for (*child = 0; *child < CHILDREN_MOST && used[*child];)
        ++*child;
    if (*child == CHILDREN_MOST)
        return error_set(RF_ENOMEM, "executor", "this rank has %d children already", CHILDREN_MOST);
    atomic_store(&board->children[*child].ended, 0);
    int status = send_request(&(struct request){REQUEST_SPAWN, *child, with->size, rank}, with->memory);
    used[*child] = status == RF_OK;
    return status;
}

/* One that cannot be said now is said again by who looks whether the child has ended. */
void zygote_kill(unsigned child)
{
    send_request(&(struct request){.kind = REQUEST_KILL, .child = child}, -1);
}

bool zygote_ended(unsigned child, int *how)
{
    if (!atomic_load_explicit(&board->children[child].ended, memory_order_acquire))
        return false;
    *how = board->children[child].how;
    used[child] = false;
    return true;
}

/* It never says anything: what can be read is its end. */
bool zygote_lives(void)
{
    char nothing;
    return process && recv(line, &nothing, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && (errno == EAGAIN || errno == EINTR);
}

const _Atomic uint32_t *zygote_bell(void)
{
    return board ? &board->bell : NULL;
}

void zygote_await(uint32_t seen, double seconds)
{
    struct timespec most = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    syscall(SYS_futex, &board->bell, FUTEX_WAIT, seen, &most, NULL, 0);
}

void zygote_ring(void)
{
    atomic_fetch_add(&board->bell, 1);
}
