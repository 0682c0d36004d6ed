#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <tocsin/base.h>

#include "net/mem.h"
#include "net/url.h"

#ifndef CURLU_PUNYCODE
#define CURLU_PUNYCODE 0                                   /* before libcurl 7.88: names in ASCII only */
#endif

size_t tocsin__net_url_front(const char *url)
{
    size_t scheme = strcspn(url, ":"), authority;

    if (strncmp(url + scheme, "://", 3) != 0)
        return 0;
    authority = strcspn(url + scheme + 3, "/?#");
    return authority > 0 ? scheme + 3 + authority : 0;
}

static int failed(CURLUcode code, const char **ret_reason)
{
    if (code == CURLUE_OUT_OF_MEMORY)
        return -ENOMEM;
    *ret_reason = code == CURLUE_BAD_SCHEME ? "The URL has no scheme" : curl_url_strerror(code);
    return TOCSIN_EURL;
}

/* A part, in small letters, into so much room. */
static CURLUcode part(CURLU *handle, CURLUPart which, unsigned flags, char *ret_text, size_t room)
{
    char *text;
    CURLUcode code = curl_url_get(handle, which, &text, flags);

    if (code != CURLUE_OK)
        return code;
    if (strlen(text) >= room)
        code = CURLUE_BAD_HOSTNAME;
    else
        for (size_t i = 0; i <= strlen(text); i++)
            ret_text[i] = (char)tolower((unsigned char)text[i]);
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

static int site_of(CURLU *handle, const char *url, struct tocsin__net_site *ret_site, const char **ret_reason)
{
    char scheme[16];
    CURLUcode code = part(handle, CURLUPART_SCHEME, 0, scheme, sizeof scheme);

    if (code == CURLUE_OUT_OF_MEMORY)
        return -ENOMEM;
    if (code != CURLUE_OK || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        *ret_reason = "The scheme is neither http nor https";
        return TOCSIN_ESCHEME;
    }
    ret_site->secure = scheme[4] == 's';
    if (tocsin__net_url_front(url) == 0) {                 /* libcurl also takes one slash, or three */
        *ret_reason = "The URL has no host";
        return TOCSIN_EURL;
    }
    code = part(handle, CURLUPART_HOST, CURLU_PUNYCODE, ret_site->host, sizeof ret_site->host);
    if (code == CURLUE_OK && !is_plain(ret_site->host))
        code = CURLUE_BAD_HOSTNAME;
    if (code == CURLUE_OK)
        code = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, ret_site->port, sizeof ret_site->port);
    ret_site->numeric = code == CURLUE_OK && is_numeric(ret_site->host);
    return code == CURLUE_OK ? 0 : failed(code, ret_reason);
}

int tocsin__net_url_site(const char *url, struct tocsin__net_site *ret_site, const char **ret_reason)
{
    CURLU *handle = curl_url();
    CURLUcode code;
    int err;

    if (!handle)
        return -ENOMEM;
    code = curl_url_set(handle, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    err = code == CURLUE_OK ? site_of(handle, url, ret_site, ret_reason) : failed(code, ret_reason);
    curl_url_cleanup(handle);
    return err;
}

/* RFC 9110 section 10.2.2: a Location without a fragment inherits that of the URL that led to it. */
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

static CURLUcode follow(CURLU *handle, const char *base, const char *location, char **ret_text)
{
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, base, 0);

    if (code == CURLUE_OK)
        code = curl_url_set(handle, CURLUPART_URL, location, CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE | CURLU_ALLOW_SPACE);
    if (code == CURLUE_OK)
        code = inherit_fragment(handle, base);
    if (code == CURLUE_OK)
        code = curl_url_get(handle, CURLUPART_URL, ret_text, 0);
    return code;
}

int tocsin__net_url_follow(const char *base, const char *location, size_t size, char **ret_url, const char **ret_reason)
{
    char *text = tocsin__net_copy_text(location, size), *full = NULL;
    CURLU *handle = curl_url();
    CURLUcode code = text && handle ? follow(handle, base, text, &full) : CURLUE_OUT_OF_MEMORY;
    int err = code == CURLUE_OK ? 0 : failed(code, ret_reason);

    if (err == 0 && !(*ret_url = tocsin__net_copy_text(full, strlen(full))))
        err = -ENOMEM;
    curl_free(full);
    curl_url_cleanup(handle);
    tocsin__net_release(text);
    return err;
}
