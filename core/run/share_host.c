#define _GNU_SOURCE
#include "run/share_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

/* ---- memory ---- */

/* A private mapping of a file that nobody writes has the file's own pages. (A shared one of what is sealed against writing is refused by
   kernels before 6.7, even for reading; and one made before would not let it be sealed.) */
static int map(share_memory *made)
{
    int flags = made->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE;
    int access = made->fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ;
    void *at = mmap(NULL, made->size + 1, access, flags, made->fd, 0);
    if (at == MAP_FAILED)
        return error_no_memory(made->size + 1);
    made->data = at;
    return RF_OK;
}

int share_memory_new(size_t size, share_memory *made)
{
    *made = (share_memory){.size = size, .fd = memfd_create("rankfold", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (made->fd >= 0 && ftruncate(made->fd, (off_t)size + 1)) {
        close(made->fd);
        made->fd = -1;
    }
    int status = map(made);
    if (status && made->fd >= 0)
        close(made->fd);
    if (status)
        *made = (share_memory){.fd = -1};
    return status;
}

int share_memory_put(const share_memory *to, size_t at, const void *data, size_t size)
{
    if (to->fd < 0) {
        if (size)
            memcpy((uint8_t *)(uintptr_t)to->data + at, data, size);
        return RF_OK;
    }
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(to->fd, (const uint8_t *)data + done, size - done, (off_t)(at + done));
        if (put < 0 && errno != EINTR)
            return error_set(RF_ENOMEM, "memory", "out of memory: %zu bytes of shared data could not be kept: %s", size - done, strerror(errno));
        done += put > 0 ? (size_t)put : 0;
    }
    return RF_OK;
}

int share_memory_seal(const share_memory *whole)
{
    if (whole->fd < 0 ? mprotect((void *)(uintptr_t)whole->data, whole->size + 1, PROT_READ) : fcntl(whole->fd, F_ADD_SEALS, SEALS))
        return error_set(RF_ENOMEM, "memory", "shared data could not be made read-only: %s", strerror(errno));
    return RF_OK;
}

int share_memory_adopt(int fd, size_t size, share_memory *made)
{
    struct stat what;
    *made = (share_memory){.size = size, .fd = fd};
    int seals = fcntl(fd, F_GET_SEALS), status;
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &what) || what.st_size != (off_t)size + 1)
        status = error_set(RF_EUSAGE, "share", "a descriptor that is not the shared data it should be");
    else
        status = map(made);
    if (status) {
        close(fd);
        *made = (share_memory){.fd = -1};
    }
    return status;
}

void share_memory_free(share_memory *of)
{
    if (of->data) {
        munmap((void *)(uintptr_t)of->data, of->size + 1);
        if (of->fd >= 0)
            close(of->fd);
    }
    *of = (share_memory){.fd = -1};
}

/* ---- doors ---- */

struct passed { uint64_t version, token[2]; };

static socklen_t address_of(uint64_t door, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "rankfold-%016" PRIx64, door);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

static int datagrams(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bool share_door_open(share_door *door)
{
    struct sockaddr_un address;
    *door = (share_door){.fd = datagrams()};
    if (door->fd < 0)
        return false;
    if (getrandom(&door->key, sizeof door->key, GRND_NONBLOCK) == sizeof door->key && door->key.door) {
        socklen_t size = address_of(door->key.door, &address);
        if (!setsockopt(door->fd, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) &&
            !bind(door->fd, (const struct sockaddr *)&address, size))
            return true;
    }
    share_door_close(door);
    return false;
}

void share_door_close(share_door *door)
{
    if (door->fd >= 0)
        close(door->fd);
    *door = (share_door){.fd = -1};
}

int share_door_pass(const struct share_key *to, uint64_t version, int fd)
{
    union { char space[CMSG_SPACE(sizeof fd)]; struct cmsghdr aligned; } control = {{0}};
    struct passed says = {version, {to->token[0], to->token[1]}};
    struct iovec bytes = {&says, sizeof says};
    struct sockaddr_un address;
    struct msghdr message = {.msg_name = &address, .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.space,
                             .msg_controllen = sizeof control.space};
    if (fd < 0)
        return RF_EUSAGE;
    message.msg_namelen = address_of(to->door, &address);
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(part), &fd, sizeof fd);
    int through = datagrams();
    if (through < 0)
        return RF_EUSAGE;
    ssize_t sent = sendmsg(through, &message, MSG_NOSIGNAL);
    bool full = sent < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR);
    close(through);
    return sent == sizeof says ? RF_OK : full ? RF_AGAIN : RF_EUSAGE;
}

/* The descriptor, or -1; and whether who sent it is this user. */
static int look_into(struct msghdr *message, bool *ours)
{
    int fd = -1;
    *ours = false;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        struct ucred who;
        if (part->cmsg_level != SOL_SOCKET)
            continue;
        if (part->cmsg_type == SCM_RIGHTS && part->cmsg_len == CMSG_LEN(sizeof fd))
            memcpy(&fd, CMSG_DATA(part), sizeof fd);
        if (part->cmsg_type == SCM_CREDENTIALS && part->cmsg_len == CMSG_LEN(sizeof who)) {
            memcpy(&who, CMSG_DATA(part), sizeof who);
            *ours = who.uid == geteuid();
        }
    }
    return fd;
}

int share_door_take(const share_door *door, uint64_t *version, int *fd)
{
    for (;;) {
        union { char space[CMSG_SPACE(sizeof *fd) + CMSG_SPACE(sizeof(struct ucred))]; struct cmsghdr aligned; } control;
        struct passed says;
        struct iovec bytes = {&says, sizeof says};
        struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
        ssize_t got = recvmsg(door->fd, &message, MSG_CMSG_CLOEXEC);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return RF_AGAIN;
        bool ours;
        *fd = look_into(&message, &ours);
        bool right = got == sizeof says && says.token[0] == door->key.token[0] && says.token[1] == door->key.token[1];
        *version = says.version;
        if (right && ours && *fd >= 0)
            return RF_OK;
        if (*fd >= 0)
            close(*fd);
    }
}
