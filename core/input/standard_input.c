#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "input/cut.h"
#include "input/prefixed.h"
#include "input/source_state.h"

#define READ_BYTES ((size_t)64 << 10)
#define CALL_BYTES ((size_t)1 << 20)    /* read in one call, before the caller has a turn */

static int unreadable(int error)
{
    return error_set(RF_EINPUT, "input", "standard input: cannot be read: %s", strerror(error));
}

/* poll, because O_NONBLOCK would change the descriptor for everybody who shares it. */
static int look_for_bytes(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int ready;
    do
        ready = poll(&input, 1, 0);
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return unreadable(errno);
    if (input.revents & POLLNVAL)
        return unreadable(EBADF);
    return ready ? RF_OK : RF_AGAIN;
}

static int read_some(struct standard_input *input, size_t *came)
{
    *came = 0;
    int status = buffer_reserve(&input->window, READ_BYTES);
    if (!status)
        status = look_for_bytes();
    if (status)
        return status;
    ssize_t got;
    do
        got = read(STDIN_FILENO, input->window.data + input->window.size, READ_BYTES);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN ? RF_AGAIN : unreadable(errno);
    *came = (size_t)got;
    input->window.size += (size_t)got;
    input->ended = got == 0;
    return RF_OK;
}

static void drop_taken(struct standard_input *input)
{
    if (!input->at)
        return;
    input->window.size -= input->at;
    memmove(input->window.data, input->window.data + input->at, input->window.size);
    input->at = 0;
}

/* The sizes that came before a pair that is wrong would have told where the next one begins: the job is told, and nothing more is read. */
static int add_pair(rf_source *source, const uint8_t *text, size_t size)
{
    rf_value pair;
    int status = prefixed_check(text, size, "standard input", source->standard_input.taken);
    if (!status)
        status = prefixed_pair(text, &source->standard_input.pair, &pair);
    return status ? status : pages_add(&source->pages, pair);
}

/* The next item of the window. RF_END: it holds no whole one. */
static int take_item(rf_source *source)
{
    struct standard_input *input = &source->standard_input;
    const struct source_files *files = &source->files;
    uint64_t least = files->layout == INPUT_RECORDS ? files->record_size : files->split_size;
    cut found;
    if (!input->window.size)
        return RF_END;
    const uint8_t *text = input->window.data + input->at;
    if (!cut_item(files->layout, least, text, input->window.size - input->at, input->ended, &input->scanned, &found))
        return RF_END;
    int status = files->layout == INPUT_PREFIXED ? add_pair(source, text, found.size)
                                                 : pages_add(&source->pages, rf_view(cut_type(files->layout), text, found.size));
    if (status)
        return status;
    input->at += found.taken;
    input->taken += found.taken;
    input->scanned = 0;
    return RF_OK;
}

int standard_input_read(rf_source *source, uint64_t want, uint64_t *got)
{
    struct standard_input *input = &source->standard_input;
    size_t read = 0, came;
    int status = RF_OK;
    if (!input->units)
        input->first_unit = source->pages.count;
    while (*got < want) {
        status = take_item(source);
        if (status == RF_OK) {
            input->units++;
            ++*got;
            continue;
        }
        if (status != RF_END || input->ended)
            break;
        drop_taken(input);
        status = read < CALL_BYTES ? read_some(input, &came) : RF_AGAIN;
        if (status)
            break;
        read += came;
    }
    if (*got == want)
        status = RF_OK;
    return status;
}
