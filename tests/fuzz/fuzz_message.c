/* Any bytes as a frame: read, described, and walked through when they are a message. */
#include <stdlib.h>

#include "base/random.h"
#include "fuzz/fuzz.h"
#include "sample_message.h"

const char *const fuzz_corpus = "message";
static volatile uint64_t sum;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    message what;
    char text[256];
    void *frame = exact_copy(data, size);
    message_describe(frame, size, text, sizeof text);
    if (message_read(&what, 1, frame, size) == RF_OK)
        sum += walk_message(&what);
    free(frame);
    return 0;
}

void fuzz_seed(uint64_t *random, buffer *input)
{
    sample made = sample_message(random, 1 + (int)random_below(random, MESSAGE_KINDS - 1));
    buffer frame;
    sample_frame(&made, &frame);
    buffer_put(input, frame.data, frame.size);
    buffer_free(&frame);
    sample_free(&made);
}
