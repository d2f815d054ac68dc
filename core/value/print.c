/* rf_print: values as JSON, one line. What JSON cannot say: bytes that are no UTF-8 become escapes of their number (\u00ff),
   keys that are no texts their own JSON as a text, numbers that are not finite null. */
#include "value/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "value/arguments.h"
#include "value/pack.h"

#define PRINT_DEPTH 512
#define KEY_SHARE 8         /* a key has an eighth of the depth that is left: keys in keys double what is escaped each time */

static int print_value(FILE *to, rf_value value, unsigned depth);

/* The shortest that reads back as the same double; ".0" tells it from an integer. The locale's decimal point, of any
   number of bytes, becomes a full stop. */
static void print_f64(FILE *to, double number)
{
    char text[40];
    int digits = 15;
    if (!isfinite(number)) {
        fputs("null", to);
        return;
    }
    do
        snprintf(text, sizeof text, "%.*g", digits, number);
    while (strtod(text, NULL) != number && ++digits <= 17);
    bool pointed = false;
    for (const char *at = text; *at; at++) {
        if (strchr("0123456789+-e", *at)) {
            fputc(*at, to);
            pointed |= *at == 'e';
        } else if (!pointed) {
            pointed = fputc('.', to) == '.';
        }
    }
    if (!pointed)
        fputs(".0", to);
}

/* How many bytes at text are one well-formed UTF-8 character (Unicode 15, table 3-7); 0: none. */
static size_t utf8_size(const uint8_t *text, size_t left)
{
    uint8_t first = text[0], least = 0x80, most = 0xbf;
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (size > left || size < 2)
        return size > left ? 0 : size;
    least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : least;
    most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : most;
    if (text[1] < least || text[1] > most)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

static void print_escape(FILE *to, uint8_t byte)
{
    static const char letters[] = "\"\"\\\\\nn\tt\rr\bb\ff";
    for (const char *at = letters; *at; at += 2)
        if ((uint8_t)*at == byte) {
            fprintf(to, "\\%c", at[1]);
            return;
        }
    fprintf(to, "\\u%04x", byte);
}

static void print_text(FILE *to, const uint8_t *text, size_t size, bool utf8)
{
    fputc('"', to);
    for (size_t i = 0; i < size;) {
        size_t step = utf8 || text[i] < 0x80 ? utf8_size(text + i, size - i) : 0;
        if (step == 0 || text[i] < 0x20 || text[i] == '"' || text[i] == '\\' || text[i] == 0x7f)
            print_escape(to, text[i++]);
        else
            fwrite(text + i, 1, step, to), i += step;
    }
    fputc('"', to);
}

static int print_key(FILE *to, rf_value key, unsigned depth)
{
    if (rf_type_of(key) == RF_TEXT || rf_type_of(key) == RF_BYTES)
        return print_value(to, key, depth);
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return error_no_memory(BUFSIZ);
    int status = print_value(memory, key, depth / KEY_SHARE);
    if (fclose(memory) && !status)
        status = error_no_memory(size);
    if (!status)
        print_text(to, (const uint8_t *)text, size, true);
    free(text);
    return status;
}

static int print_elements(FILE *to, rf_value container, unsigned depth)
{
    bool dict = rf_type_of(container) == RF_DICT_TYPE;
    rf_value element;
    int status;
    fputc(dict ? '{' : '[', to);
    for (uint64_t i = 0; (status = rf_take(&container, &element)) == RF_OK; i++) {
        if (i > 0)
            fputs(dict && i % 2 ? ": " : ", ", to);
        status = dict && i % 2 == 0 ? print_key(to, element, depth) : print_value(to, element, depth);
        if (status)
            return status;
    }
    fputc(dict ? '}' : ']', to);
    return status == RF_END ? RF_OK : status;
}

static int print_value(FILE *to, rf_value value, unsigned depth)
{
    switch (rf_type_of(value)) {
    case RF_NIL:
        fputs("null", to);
        return RF_OK;
    case RF_BOOL:
        fputs(value.truth ? "true" : "false", to);
        return RF_OK;
    case RF_I64:
        fprintf(to, "%" PRId64, value.i64);
        return RF_OK;
    case RF_U64:
        fprintf(to, "%" PRIu64, value.u64);
        return RF_OK;
    case RF_F64:
        print_f64(to, value.f64);
        return RF_OK;
    case RF_TEXT:
    case RF_BYTES:
        print_text(to, value.data, rf_size(value), rf_type_of(value) == RF_TEXT);
        return RF_OK;
    case RF_TUPLE_TYPE:
    case RF_DICT_TYPE:
        if (depth == 0)
            return error_set(RF_EARGS, "arguments", "a value nests deeper than rf_print prints (%d, in keys less)", PRINT_DEPTH);
        return print_elements(to, value, depth - 1);
    }
    return error_set(RF_EUSAGE, "usage", "a value of type %u: there is none", (unsigned)rf_type_of(value));
}

int rf_print(FILE *to, rf_value value)
{
    int status = print_value(to, value, PRINT_DEPTH);
    if (!status && ferror(to))
        status = error_set(RF_EOUTPUT, "output", "a value could not be printed: %s", strerror(errno));
    return status;
}

/* ---- in brief -------------------------------------------------------------------------------------------------- */

#define BRIEF_SPACE (8 * BRIEF_MOST)    /* what stands before a text, its bytes as escapes, and the brackets around it */

static void print_briefly(FILE *to, rf_value value)
{
    rf_type type = rf_type_of(value);
    if (type != RF_TUPLE_TYPE && type != RF_DICT_TYPE) {
        size_t size = rf_size(value);
        print_value(to, type < RF_TEXT || size <= BRIEF_MOST ? value : rf_view(type, value.data, BRIEF_MOST), 0);
        return;
    }
    rf_value element;
    fputc(type == RF_DICT_TYPE ? '{' : '[', to);
    for (uint64_t i = 0; ftell(to) < BRIEF_MOST && rf_take(&value, &element) == RF_OK; i++) {
        if (i > 0)
            fputs(type == RF_DICT_TYPE && i % 2 ? ": " : ", ", to);
        print_briefly(to, element);
    }
    fputc(type == RF_DICT_TYPE ? '}' : ']', to);
}

/* No character of UTF-8 is cut in two. */
static void cut(char *text)
{
    size_t end = BRIEF_MOST - sizeof "...";
    while (end > 0 && ((uint8_t)text[end] & 0xc0) == 0x80)
        end--;
    memcpy(text + end, "...", sizeof "...");
}

void print_brief(rf_value value, char text[BRIEF_MOST])
{
    char space[BRIEF_SPACE] = "";
    FILE *memory = fmemopen(space, sizeof space, "w");
    if (memory) {
        print_briefly(memory, value);
        fclose(memory);
    }
    size_t size = strnlen(space, sizeof space);
    memcpy(text, space, size < BRIEF_MOST ? size + 1 : BRIEF_MOST);
    if (size >= BRIEF_MOST)
        cut(text);
}
