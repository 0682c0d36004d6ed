#include <string.h>
#include <strings.h>

#include "net/mem.h"
#include "net/request.h"

/* Returns the length of the token at the beginning of the text (RFC 9110 section 5.6.2). */
static size_t token_length(const char *text)
{
    static const char chars[] =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    return strspn(text, chars);
}

static bool is_named(const char *line, const char *name)
{
    size_t size = strlen(name);

    return strncasecmp(line, name, size) == 0 && (line[size] == ':' || line[size] == ';');
}

static bool is_among(const char *line, const char *const *names)
{
    while (*names && !is_named(line, *names))
        names++;
    return *names != NULL;
}

static int check_line(const char *line)
{
    static const char *const ours[] = { "Content-Length", "Transfer-Encoding", NULL };
    size_t name = token_length(line);

    if (name == 0 || line[name] != ':' || is_among(line, ours))
        return -EINVAL;
    for (const char *c = line + name + 1; *c; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return -EINVAL;
    return 0;
}

static int check_method(const struct tocsin_http_request *asked)
{
    const char *method = asked->method;

    if (!method)
        return 0;
    if (!*method || method[token_length(method)] || strcmp(method, "CONNECT") == 0)
        return -EINVAL;
    return strcmp(method, "HEAD") == 0 && asked->body.size > 0 ? -EINVAL : 0;
}

int tocsin__net_request_check(const struct tocsin_http_request *asked)
{
    if (!asked || !asked->url || asked->redirects < -1 || asked->timeout_ms < -1 ||
        check_method(asked) < 0)
        return -EINVAL;
    if (asked->flags &
            ~(unsigned)(TOCSIN_HTTP_STREAM | TOCSIN_HTTP_INSECURE | TOCSIN_HTTP_IDEMPOTENT) ||
        (asked->body.size > 0 && !asked->body.data))
        return -EINVAL;
    for (size_t i = 0; i < sizeof asked->spare / sizeof *asked->spare; i++)
        if (asked->spare[i])
            return -EINVAL;
    for (const char *const *line = asked->header; line && *line; line++)
        if (check_line(*line) < 0)
            return -EINVAL;
    return 0;
}

static int add_line(struct tocsin__net_request *request, const char *line)
{
    struct curl_slist *longer = curl_slist_append(request->header, line);

    if (!longer)
        return -ENOMEM;
    request->header = longer;
    return 0;
}

/* Copies a header line in the form that libcurl expects. For libcurl, "Name:" suppresses a line,
   and "Name;" sends a line without a value. */
static int copy_line(struct tocsin__net_request *request, const char *line)
{
    size_t name = token_length(line);
    char *request_fill;
    int err;

    if (line[name + 1 + strspn(line + name + 1, " \t")])
        return add_line(request, line);
    request_fill = tocsin__net_copy_text(line, name + 1);
    if (!request_fill)
        return -ENOMEM;
    request_fill[name] = ';';
    err = add_line(request, request_fill);
    tocsin__net_release(request_fill);
    return err;
}

/* Suppresses a line that libcurl would add to a request with a body. libcurl's Content-Type is a
   guess, and its Expect delays the request by a second with most servers. */
static int header_suppress(struct tocsin__net_request *request,
                           const struct tocsin_http_request *asked, const char *name)
{
    for (const char *const *line = asked->header; line && *line; line++)
        if (strncasecmp(*line, name, strlen(name)) == 0)
            return 0;
    return add_line(request, name);
}

static int copy_header(struct tocsin__net_request *request, const struct tocsin_http_request *asked)
{
    int err = 0;

    for (const char *const *line = asked->header; line && *line && err == 0; line++)
        err = copy_line(request, *line);
    if (err == 0)
        err = header_suppress(request, asked, "Content-Type:");
    return err == 0 ? header_suppress(request, asked, "Expect:") : err;
}

static int request_fill(struct tocsin__net_request *request,
                        const struct tocsin_http_request *asked, const char *method)
{
    request->body = asked->body;
    request->flags = asked->flags;
    request->method = request->own_method = tocsin__net_copy_text(method, strlen(method));
    if (!request->method)
        return -ENOMEM;
    if (asked->ca_file &&
        !(request->ca_file = tocsin__net_copy_text(asked->ca_file, strlen(asked->ca_file))))
        return -ENOMEM;
    return copy_header(request, asked);
}

int tocsin__net_request_copy(const struct tocsin_http_request *asked,
                             struct tocsin__net_request **ret_request)
{
    const char *method = asked->method ? asked->method : asked->body.size > 0 ? "POST" : "GET";
    bool plain = strcmp(method, "GET") == 0 && asked->body.size == 0 &&
                 (!asked->header || !*asked->header) && !asked->ca_file &&
                 !(asked->flags & TOCSIN_HTTP_INSECURE);

    *ret_request = NULL;
    if (plain)
        return 0;
    *ret_request = tocsin__net_alloc(sizeof **ret_request);
    return *ret_request ? request_fill(*ret_request, asked, method) : -ENOMEM;
}

void tocsin__net_request_free(struct tocsin__net_request *request)
{
    if (!request)
        return;
    curl_slist_free_all(request->header);
    tocsin__net_release(request->ca_file);
    tocsin__net_release(request->own_method);
    tocsin__net_release(request);
}

/* Returns true if the method is idempotent (RFC 9110 section 9.2.2). An unknown method counts as
 * not idempotent. */
bool tocsin__net_request_is_idempotent(const struct tocsin__net_request *request)
{
    static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE" };

    if (!request || request->flags & TOCSIN_HTTP_IDEMPOTENT)
        return true;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(request->method, methods[i]) == 0)
            return true;
    return false;
}

static void header_remove(struct tocsin__net_request *request, const char *const *names)
{
    for (struct curl_slist **link = &request->header, *line; (line = *link);) {
        if (!is_among(line->data, names)) {
            link = &line->next;
            continue;
        }
        *link = line->next;
        line->next = NULL;
        curl_slist_free_all(line);
    }
}

void tocsin__net_request_to_get(struct tocsin__net_request *request)
{
    static const char *const about_body[] = { "Content-Type",     "Content-Encoding",
                                              "Content-Language", "Content-Location",
                                              "Expect",           NULL };

    request->method = "GET";
    request->body = (struct tocsin_bytes){ NULL, 0 };
    header_remove(request, about_body);
}

void tocsin__net_request_to_stranger(struct tocsin__net_request *request)
{
    static const char *const private[] = { "Authorization", "Proxy-Authorization", "Cookie", "Host",
                                           NULL };

    header_remove(request, private);
}
