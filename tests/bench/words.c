/* words zipf|distinct BYTES SEED: prints a text of about so many bytes to be counted, see text.h. */
#include <stdlib.h>
#include <string.h>

#include "text.h"

static int print(bench_text *from, uint64_t size)
{
    char word[16];
    for (uint64_t at = 0; at + TEXT_WORD_MOST < size;) {
        size_t length = text_next(from, word);
        at += length;
        fwrite_unlocked(word, 1, length, stdout);
    }
    putchar('\n');
    return fflush(stdout) || ferror(stdout);
}

int main(int argc, char **argv)
{
    bench_text from;
    if (argc != 4 || (strcmp(argv[1], "zipf") && strcmp(argv[1], "distinct"))) {
        fputs("usage: words zipf|distinct BYTES SEED, see words.c\n", stderr);
        return 64;
    }
    if (text_open(&from, argv[1][0] == 'z' ? TEXT_ZIPF : TEXT_DISTINCT, strtoull(argv[3], NULL, 10))) {
        perror("words");
        return 71;
    }
    int failed = print(&from, (uint64_t)strtod(argv[2], NULL));
    text_close(&from);
    if (failed)
        perror("words: standard output");
    return failed ? 74 : 0;
}
