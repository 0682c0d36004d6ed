#include <string.h>

#include "base/text.h"

/* Characters */

size_t tocsin__text_character(const char *text, size_t left, uint32_t *ret_code)
{
    const unsigned char *at = (const unsigned char *)text;
    unsigned char first = at[0], low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    size_t size = first < 0x80   ? 1
                  : first < 0xc2 ? 0
                  : first < 0xe0 ? 2
                  : first < 0xf0 ? 3
                  : first < 0xf5 ? 4
                                 : 0;
    uint32_t code = size < 2 ? first : first & (0x7fu >> size);

    if (size > left || (size > 1 && (at[1] < low || at[1] > high)))
        return 0;
    for (size_t i = 1; i < size; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
        code = code << 6 | (at[i] & 0x3fu);
    }
    *ret_code = code;
    return size;
}

/* Ranges of characters that are escaped, in ascending order. The joiners U+200C and U+200D are not
   escaped, because scripts and emoji need them. */
static const struct {
    uint32_t first, last;
} escaped[] = {
    { 0x0, 0x1f },        /* C0 */
    { 0x7f, 0x9f },       /* DEL, C1 */
    { 0x61c, 0x61c },     /* Arabic letter mark */
    { 0x180e, 0x180e },   /* Mongolian vowel separator */
    { 0x200b, 0x200b },   /* zero-width space */
    { 0x200e, 0x200f },   /* left-to-right, right-to-left mark */
    { 0x2028, 0x202e },   /* separators, embeddings, overrides */
    { 0x2060, 0x206f },   /* word joiner, invisible operators, isolates, deprecated control
                           * characters */
    { 0xfeff, 0xfeff },   /* byte order mark */
    { 0xfff9, 0xfffb },   /* interlinear annotation */
    { 0xe0000, 0xe007f }, /* tags */
};

static bool is_escaped(uint32_t code)
{
    for (size_t i = 0; i < sizeof escaped / sizeof escaped[0] && code >= escaped[i].first; i++)
        if (code <= escaped[i].last)
            return true;
    return false;
}

size_t tocsin__text_span(const char *at, size_t left, const char *stops)
{
    size_t size = 0, more;
    uint32_t code;

    while (size < left && (more = tocsin__text_character(at + size, left - size, &code)) &&
           !is_escaped(code) && !strchr(stops, at[size]))
        size += more;
    return size;
}

/* The output buffer. The first piece that does not fit ends the output: neither this piece nor a
   later one is written. */

struct sink {
    char *buffer;
    size_t room, used, length;
};

static void put(struct sink *sink, const char *piece, size_t size)
{
    bool fits = sink->used == sink->length && sink->room && size < sink->room - sink->used;

    if (fits) {
        memcpy(sink->buffer + sink->used, piece, size);
        sink->used += size;
    }
    sink->length += size;
}

/* Writes several plain characters. If they do not all fit, the text is cut after the last whole
   character that fits. */
static void put_run(struct sink *sink, const char *run, size_t size)
{
    size_t fits = sink->used == sink->length && sink->room ? sink->room - 1 - sink->used : 0;

    if (size > fits) {
        while (fits && ((unsigned char)run[fits] & 0xc0) == 0x80)
            fits--;
        put(sink, run, fits);
        sink->length += size - fits;
        return;
    }
    put(sink, run, size);
}

static size_t sink_end(struct sink *sink)
{
    if (sink->room)
        sink->buffer[sink->used] = '\0';
    return sink->length;
}

/* Functions that write escapes of the C language */

/* Returns the size of the character that is to be escaped, or 1 for a malformed byte. */
static size_t escaped_size(const char *at, size_t left)
{
    uint32_t code;
    size_t size = tocsin__text_character(at, left, &code);

    return size ? size : 1;
}

size_t tocsin_text_plain(const char *text, size_t size, char *buffer, size_t room)
{
    struct sink sink = { buffer, room, 0, 0 };

    for (size_t at = 0; text && at < size;) {
        size_t run = tocsin__text_span(text + at, size - at, ""), bytes;
        char escape[TOCSIN__ESCAPE_MOST];

        put_run(&sink, text + at, run);
        at += run;
        if (at == size)
            break;
        bytes = escaped_size(text + at, size - at);
        for (size_t i = 0; i < bytes; i++) {
            unsigned char byte = (unsigned char)text[at + i];
            const char octal[4] = { '\\', (char)('0' + (byte >> 6)), (char)('0' + (byte >> 3 & 7)),
                                    (char)('0' + (byte & 7)) };

            memcpy(escape + 4 * i, octal, 4);
        }
        put(&sink, escape, 4 * bytes);
        at += bytes;
    }
    return sink_end(&sink);
}

/* JSON */

static size_t unit(char *escape, uint32_t code)
{
    static const char digits[] = "0123456789abcdef";
    const char six[6] = { '\\',
                          'u',
                          digits[code >> 12 & 15],
                          digits[code >> 8 & 15],
                          digits[code >> 4 & 15],
                          digits[code & 15] };

    memcpy(escape, six, sizeof six);
    return sizeof six;
}

size_t tocsin__text_escape(const char *at, size_t left, char escape[TOCSIN__ESCAPE_MOST],
                           size_t *ret_taken)
{
    static const char messages[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    uint32_t code;
    size_t size = tocsin__text_character(at, left, &code);

    *ret_taken = size ? size : 1;
    if (!size) {
        memcpy(escape, "\xef\xbf\xbd", 3); /* the replacement character, U+FFFD, in UTF-8 */
        return 3;
    }
    for (const char *message = messages; *message && size == 1; message += 2)
        if (*at == message[0]) {
            escape[0] = '\\';
            escape[1] = message[1];
            return 2;
        }
    if (code < 0x10000)
        return unit(escape, code);
    size = unit(escape, 0xd800 + ((code - 0x10000) >> 10));
    return size + unit(escape + size, 0xdc00 + ((code - 0x10000) & 0x3ff));
}

size_t tocsin_text_json(const char *text, size_t size, char *buffer, size_t room)
{
    struct sink sink = { buffer, room, 0, 0 };
    char escape[TOCSIN__ESCAPE_MOST];

    for (size_t at = 0, taken; text && at < size; at += taken) {
        taken = tocsin__text_span(text + at, size - at, TOCSIN__JSON_STOPS);
        put_run(&sink, text + at, taken);
        if (!taken)
            put(&sink, escape, tocsin__text_escape(text + at, size - at, escape, &taken));
    }
    return sink_end(&sink);
}
