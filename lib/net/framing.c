#include <string.h>

#include <curl/curl.h>

#include "net/framing.h"

/* A part of a header line. */
struct slice {
    const char *at;
    size_t size;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice slice_trim(struct slice text)
{
    while (text.size > 0 && is_space(text.at[0]))
        text.at++, text.size--;
    while (text.size > 0 && is_space(text.at[text.size - 1]))
        text.size--;
    return text;
}

static bool slice_is(struct slice text, const char *word)
{
    return text.size == strlen(word) && curl_strnequal(text.at, word, text.size);
}

/* Removes the next element of a comma-separated list. Returns false if there are no more. */
static bool list_next(struct slice *list, struct slice *ret_element)
{
    const char *comma = list->size > 0 ? memchr(list->at, ',', list->size) : NULL;
    size_t size = comma ? (size_t)(comma - list->at) : list->size;

    if (list->size == 0)
        return false;
    *ret_element = slice_trim((struct slice){ list->at, size });
    size += comma != NULL;
    list->at += size, list->size -= size;
    return true;
}

static bool slice_number(struct slice text, uint64_t *ret_number)
{
    uint64_t n = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)(unsigned char)text.at[i] - '0';

        if (digit > 9)
            return false;
        n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
    }
    *ret_number = n;
    return text.size > 0;
}

/* Reads a Content-Length. Repeated equal values count as one value (RFC 9110 section 8.6). */
static void content_length(struct tocsin__net_framing *framing, struct slice value)
{
    struct slice one;
    uint64_t n;

    if (value.size == 0)
        framing->fault = "The reply's Content-Length is empty";
    while (list_next(&value, &one)) {
        if (!slice_number(one, &n))
            framing->fault = "The reply's Content-Length is not a number";
        else if (framing->has_length && framing->length != n)
            framing->fault = "The reply has two different Content-Lengths";
        else
            framing->length = n, framing->has_length = true;
    }
}

/* Reads a Transfer-Encoding. The only accepted coding is "chunked", once and as the last one.
   "identity" is an obsolete name for no coding. */
static void transfer_encoding(struct tocsin__net_framing *framing, struct slice value)
{
    struct slice one;

    while (list_next(&value, &one)) {
        if (one.size == 0 || slice_is(one, "identity"))
            continue;
        if (framing->coded || !slice_is(one, "chunked"))
            framing->fault = "The reply has a transfer coding other than chunked";
        framing->coded = true;
    }
}

void tocsin__net_framing_line(struct tocsin__net_framing *framing, const char *line, size_t size)
{
    static const struct {
        const char *name;
        void (*read)(struct tocsin__net_framing *framing, struct slice value);
    } fields[] = { { "Content-Length", content_length },
                   { "Transfer-Encoding", transfer_encoding } };
    const char *colon = memchr(line, ':', size);
    struct slice name;

    if (size > 0 && (line[0] == ' ' || line[0] == '\t')) {
        if (framing->open)
            framing->fault =
                "The reply's header has a folded Content-Length or Transfer-Encoding line";
        return;
    }
    framing->open = false;
    if (!colon)
        return;
    name = slice_trim((struct slice){ line, (size_t)(colon - line) });
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (slice_is(name, fields[i].name)) {
            framing->open = true;
            if (line + name.size != colon)
                framing->fault = "The reply's header has a space before a colon";
            fields[i].read(framing, slice_trim((struct slice){
                                        colon + 1, size - (size_t)(colon + 1 - line) }));
        }
}
