#include "link.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Functions that compare and copy URLs */

static int same(CURLU *one, CURLU *other, CURLUPart part)
{
    char *a = NULL, *b = NULL;
    int equal = curl_url_get(one, part, &a, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_get(other, part, &b, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                strcasecmp(a, b) == 0;

    curl_free(a);
    curl_free(b);
    return equal;
}

static int same_origin(CURLU *one, CURLU *other)
{
    return same(one, other, CURLUPART_SCHEME) && same(one, other, CURLUPART_HOST) &&
           same(one, other, CURLUPART_PORT);
}

static int is_http(CURLU *url)
{
    char *scheme = NULL;
    int yes = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (!strcmp(scheme, "http") || !strcmp(scheme, "https"));

    curl_free(scheme);
    return yes;
}

static int copy_url(CURLU *url, char *text, size_t size)
{
    char *whole = NULL;
    int err = -ENOENT;

    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
    if (curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK && strlen(whole) < size)
        strcpy(text, whole), err = 0;
    curl_free(whole);
    return err;
}

/* Resolves a reference on a page. With SAME_ORIGIN, only a reference to the same origin is
   accepted. */
enum reach { ANYWHERE, SAME_ORIGIN };

static int resolve(const char *base, const char *reference, enum reach reach, char *text,
                   size_t size)
{
    CURLU *page = curl_url(), *target = NULL;
    int err = -ENOENT;

    if (page && curl_url_set(page, CURLUPART_URL, base, 0) == CURLUE_OK &&
        (target = curl_url_dup(page)) &&
        curl_url_set(target, CURLUPART_URL, reference, 0) == CURLUE_OK && is_http(target) &&
        (reach == ANYWHERE || same_origin(page, target)))
        err = copy_url(target, text, size);
    curl_url_cleanup(target);
    curl_url_cleanup(page);
    return err;
}

const char *link_check(const char *url)
{
    CURLU *parsed = curl_url();
    CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, 0);
    const char *wrong = code == CURLUE_UNSUPPORTED_SCHEME || (code == CURLUE_OK && !is_http(parsed))
                            ? "it does not begin with http:// or https://"
                        : code != CURLUE_OK ? curl_url_strerror(code)
                                            : NULL;

    if (code == CURLUE_BAD_SCHEME && !strstr(url, "://"))
        wrong = "it does not begin with http:// or https://";
    curl_url_cleanup(parsed);
    return wrong;
}

/* These functions read a header such as: Link: </2>; rel="next last"; title="a, b", </1>;
   rel=prev */

/* Returns true if the parameters of a link, up to its comma, contain rel=next. *ret_end is the
   comma, or the end of the line. */
static int is_next(const char *at, const char **ret_end)
{
    int next = 0;

    while (*at && *at != '\r' && *at != '\n' && *at != ',') {
        int is_rel = strncasecmp(at, "rel=", 4) == 0;
        const char *value = at + strcspn(at, "=;,\r\n");

        value += *value == '=';
        int quoted = *value == '"';
        const char *end = quoted ? value + 1 + strcspn(value + 1, "\"\r\n")
                                 : value + strcspn(value, ";,\r\n");

        for (const char *word = value + quoted; is_rel && word < end;) {
            size_t length = strcspn(word, " \t\";,\r\n");

            next |= length == 4 && strncasecmp(word, "next", 4) == 0;
            word += length + 1;
        }
        at = end + (quoted && *end == '"');
        at += strspn(at, "; \t");
    }
    *ret_end = at;
    return next;
}

static int link_in_line(const char *url, const char *line, char *next, size_t size)
{
    char reference[2048];

    while ((line += strspn(line, ", \t")), *line == '<') {
        size_t length = strcspn(line + 1, ">\r\n");
        const char *rest = line + 1 + length;

        if (*rest != '>' || length >= sizeof reference)
            break;
        memcpy(reference, line + 1, length);
        reference[length] = 0;
        rest++;
        rest += strspn(rest, "; \t");
        if (is_next(rest, &line) && resolve(url, reference, ANYWHERE, next, size) == 0)
            return 0;
    }
    return -ENOENT;
}

static int link_in_header(const char *url, const char *header, char *next, size_t size)
{
    for (const char *line = header; line && *line; line = strchr(line, '\n'), line += line != NULL)
        if (strncasecmp(line, "link:", 5) == 0 && link_in_line(url, line + 5, next, size) == 0)
            return 0;
    return -ENOENT;
}

/* These functions read a tag such as: <a class=x href="/2?a=1&amp;b=2"> */

/* Copies the value of an attribute, and replaces &amp; by &. Returns the length of the value.
   Returns -1 if the value is too long or has no end. */
static int read_value(const char *at, const char *end, char *value, size_t size)
{
    char quote = at < end && (*at == '"' || *at == '\'') ? *at++ : 0;
    size_t length = 0;

    for (; at < end && (quote ? *at != quote : !strchr(" \t\r\n>", *at)); at++) {
        if (length + 1 >= size)
            return -1;
        value[length++] = *at;
        if (end - at >= 5 && memcmp(at, "&amp;", 5) == 0)
            at += 4;
    }
    value[length] = 0;
    return at < end ? (int)length : -1;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at) && *at)
        at++;
    return at;
}

static int link_in_body(const char *url, const struct tocsin_bytes *body, char *next, size_t size)
{
    const char *begin = body->data, *end = begin + body->size;
    char reference[2048];

    for (const char *at = begin; at && end - at > 5; at++) {
        if (strncasecmp(at, "href", 4) != 0 || at == begin || !strchr(" \t\r\n", at[-1]) || !at[-1])
            continue;
        const char *equals = skip_space(at + 4, end);

        if (equals < end && *equals == '=' &&
            read_value(skip_space(equals + 1, end), end, reference, sizeof reference) > 0 &&
            reference[0] != '#' && resolve(url, reference, SAME_ORIGIN, next, size) == 0)
            return 0;
    }
    return -ENOENT;
}

int link_next(const struct tocsin_http_client_done *page, char *next, size_t size)
{
    if (link_in_header(page->url, page->header, next, size) == 0)
        return 0;
    return link_in_body(page->url, &page->body, next, size);
}
