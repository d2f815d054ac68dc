/* commands PATH...: runs each line as a command of the shell and prints what the commands print, in the order of the lines.
   It teaches rf_command, a function that the library brings along, and an iterator over lines: results come in order as soon as they
   can, and rank 0 holds no more than a window of them. A command that fails is told on standard error; the status is then 65. */
#include <rankfold.h>

static void tell(const rf_result *one)
{
    fprintf(stderr, "commands: %s\n", one->error->message);
}

static int driver(rf_pool *pool, int argc, char **argv)
{
    static const char *const standard_input[] = {"-"};
    RF_AUTO(rf_iterator, outputs);
    const rf_result *one;
    uint64_t failed = 0;
    rf_source *lines = argc > 1 ? rf_lines(argv + 1, (uint64_t)argc - 1) : rf_lines(standard_input, 1);
    int status = rf_imap(pool, rf_command, lines, RF_OPTIONS(.name = "commands"), &outputs);
    while (status == RF_OK && (status = rf_next(outputs, &one)) == RF_OK) {
        if (one->ok)
            fwrite(one->value.data, 1, rf_size(one->value), stdout);
        else
            tell(one), failed++;
    }
    return status != RF_END ? status : failed ? 65 : RF_OK;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
