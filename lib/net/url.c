#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <tocsin/base.h>

#include "net/idn.h"
#include "net/mem.h"
#include "net/status.h"
#include "net/url.h"

size_t tocsin__net_url_front(const char *url)
{
    size_t scheme = strcspn(url, ":"), authority;

    if (strncmp(url + scheme, "://", 3) != 0)
        return 0;
    authority = strcspn(url + scheme + 3, "/?#");
    return authority > 0 ? scheme + 3 + authority : 0;
}

static int url_failed(CURLUcode code, const char **ret_reason)
{
    *ret_reason = code == CURLUE_BAD_SCHEME ? "The URL has no scheme" : curl_url_strerror(code);
    return tocsin__net_status_of_url(code);
}

/* Converts only ASCII letters. In some locales tolower also changes other bytes. */
static char lowercase(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Copies a part of the URL in lowercase. `room` is the size of ret_text. */
static CURLUcode url_part(CURLU *handle, CURLUPart which, unsigned flags, char *ret_text,
                          size_t room)
{
    char *text;
    CURLUcode code = curl_url_get(handle, which, &text, flags);

    if (code != CURLUE_OK)
        return code;
    if (strlen(text) >= room)
        code = CURLUE_BAD_HOSTNAME;
    else
        for (size_t i = 0; i <= strlen(text); i++)
            ret_text[i] = lowercase(text[i]);
    curl_free(text);
    return code;
}

static bool is_numeric(const char *host)
{
    struct in_addr address;

    return host[0] == '[' || inet_pton(AF_INET, host, &address) == 1;
}

static bool is_plain(const char *host)
{
    while (*host && !(*host & 0x80))
        host++;
    return !*host;
}

/* Reads the host, which must be ASCII here (tocsin__net_url_plain). libcurl would convert other
   hosts according to the locale, report a failure as missing memory, and leak. */
static int host_of(CURLU *handle, struct tocsin__net_site *ret_site, const char **ret_reason)
{
    char raw[TOCSIN__NET_HOST_MAX * 4 + 1];
    CURLUcode code = url_part(handle, CURLUPART_HOST, 0, raw, sizeof raw);

    if (code != CURLUE_OK)
        return url_failed(code, ret_reason);
    if (!is_plain(raw))
        return tocsin__net_idn(raw, ret_site->host, sizeof ret_site->host, ret_reason);
    if (strlen(raw) >= sizeof ret_site->host)
        return url_failed(CURLUE_BAD_HOSTNAME, ret_reason);
    strcpy(ret_site->host, raw);
    return 0;
}

static int scheme_of(CURLU *handle, struct tocsin__net_site *ret_site, const char **ret_reason)
{
    char scheme[16];
    CURLUcode code = url_part(handle, CURLUPART_SCHEME, 0, scheme, sizeof scheme);

    if (code == CURLUE_OUT_OF_MEMORY)
        return -ENOMEM;
    *ret_reason = "The scheme is neither http nor https";
    if (code != CURLUE_OK || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return TOCSIN_ESCHEME;
    ret_site->secure = scheme[4] == 's';
    return 0;
}

static int site_of(CURLU *handle, const char *url, struct tocsin__net_site *ret_site,
                   const char **ret_reason)
{
    int err = scheme_of(handle, ret_site, ret_reason);
    CURLUcode code;

    if (err < 0)
        return err;
    *ret_reason = "The URL has no host";
    /* tocsin__net_url_front is checked first, because libcurl also accepts one slash or three. */
    if (tocsin__net_url_front(url) == 0)
        return TOCSIN_EURL;
    err = host_of(handle, ret_site, ret_reason);
    if (err < 0)
        return err;
    ret_site->numeric = is_numeric(ret_site->host);
    code = url_part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, ret_site->port,
                    sizeof ret_site->port);
    return code == CURLUE_OK ? 0 : url_failed(code, ret_reason);
}

int tocsin__net_url_site(const char *url, struct tocsin__net_site *ret_site,
                         const char **ret_reason)
{
    CURLU *handle = curl_url();
    CURLUcode code;
    int err;

    if (!handle)
        return -ENOMEM;
    code = curl_url_set(handle, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    err = code == CURLUE_OK ? site_of(handle, url, ret_site, ret_reason)
                            : url_failed(code, ret_reason);
    curl_url_cleanup(handle);
    return err;
}

/* A Location without a fragment inherits the fragment of the URL that led to it (RFC 9110 section
   10.2.2). */
static CURLUcode inherit_fragment(CURLU *handle, const char *base)
{
    const char *fragment = strchr(base, '#');
    char *own;
    CURLUcode code;

    if (!fragment)
        return CURLUE_OK;
    code = curl_url_get(handle, CURLUPART_FRAGMENT, &own, 0);
    if (code == CURLUE_NO_FRAGMENT)
        return curl_url_set(handle, CURLUPART_FRAGMENT, fragment + 1, 0);
    if (code == CURLUE_OK)
        curl_free(own);
    return code;
}

static CURLUcode url_follow(CURLU *handle, const char *base, const char *location, char **ret_text)
{
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, base, 0);

    if (code == CURLUE_OK)
        code = curl_url_set(handle, CURLUPART_URL, location,
                            CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE | CURLU_ALLOW_SPACE);
    if (code == CURLUE_OK)
        code = inherit_fragment(handle, base);
    if (code == CURLUE_OK)
        code = curl_url_get(handle, CURLUPART_URL, ret_text, 0);
    return code;
}

int tocsin__net_url_follow(const char *base, const char *location, size_t size, char **ret_url,
                           const char **ret_reason)
{
    char *text = tocsin__net_copy_text(location, size), *full = NULL;
    CURLU *handle = curl_url();
    CURLUcode code = text && handle ? url_follow(handle, base, text, &full) : CURLUE_OUT_OF_MEMORY;
    int err = code == CURLUE_OK ? 0 : url_failed(code, ret_reason);

    if (err == 0 && !(*ret_url = tocsin__net_copy_text(full, strlen(full))))
        err = -ENOMEM;
    curl_free(full);
    curl_url_cleanup(handle);
    tocsin__net_release(text);
    return err;
}

/* Returns true if the host may be non-ASCII, directly or in percent-encoded form. */
static bool may_be_foreign(const char *url)
{
    size_t size = tocsin__net_url_front(url);

    for (size_t i = 0; i < size; i++)
        if (url[i] & 0x80 || url[i] == '%')
            return true;
    return false;
}

static CURLUcode replace_host(CURLU *handle, const char *url, const char *host, char **ret_text)
{
    char *raw = NULL;
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);

    if (code == CURLUE_OK)
        code = curl_url_get(handle, CURLUPART_HOST, &raw, 0);
    if (code == CURLUE_OK && !is_plain(raw)) {
        code = curl_url_set(handle, CURLUPART_HOST, host, 0);
        if (code == CURLUE_OK)
            code = curl_url_get(handle, CURLUPART_URL, ret_text, 0);
    }
    curl_free(raw);
    return code;
}

int tocsin__net_url_plain(const char *url, const char *host, char **ret_text)
{
    CURLU *handle;
    CURLUcode code;

    *ret_text = NULL;
    if (!may_be_foreign(url))
        return 0;
    handle = curl_url();
    code = handle ? replace_host(handle, url, host, ret_text) : CURLUE_OUT_OF_MEMORY;
    curl_url_cleanup(handle);
    return tocsin__net_status_of_url(code);
}
