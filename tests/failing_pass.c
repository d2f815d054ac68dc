#include "failing_pass.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

ssize_t __real_sendmsg(int socket, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags);

static uint64_t random_state, times, failed;

/* base/random.h is not linked into every test that passes something. */
static uint64_t below(uint64_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 33) % limit;
}

void failing_pass(uint64_t seed, uint64_t one_in)
{
    random_state = seed;
    times = one_in;
}

uint64_t failing_pass_count(void)
{
    return failed;
}

ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags)
{
    const struct cmsghdr *part = CMSG_FIRSTHDR(message);
    if (!times || !part || part->cmsg_type != SCM_RIGHTS || below(times))
        return __real_sendmsg(socket, message, flags);
    failed++;
    errno = below(2) ? EAGAIN : ECONNREFUSED;
    return -1;
}
