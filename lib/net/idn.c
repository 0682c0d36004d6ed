#include <string.h>

#include <tocsin/base.h>

#include "net/idn.h"

#ifdef TOCSIN_IDN2
#include <idn2.h>

/* Returns true if the mapped text is still a host name. The mapping turns some characters into
   delimiters of a URL; for example, U+2100 becomes "a/c". */
static bool is_host(const char *text)
{
    static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

    return *text && *text != '.' && !text[strspn(text, chars)];
}

static int idn_failed(int code, const char **ret_reason)
{
    *ret_reason = idn2_strerror(code);
    return code == IDN2_MALLOC ? -ENOMEM : TOCSIN_EURL;
}

int tocsin__net_idn(const char *host, char *ret_host, size_t room, const char **ret_reason)
{
    uint8_t *text = NULL;
    int code = idn2_lookup_u8((const uint8_t *)host, &text, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL),
        err = 0;

    if (code != IDN2_OK)
        return idn_failed(code, ret_reason);
    if (is_host((const char *)text) && strlen((const char *)text) < room)
        strcpy(ret_host, (const char *)text);
    else
        err = idn_failed(IDN2_DISALLOWED, ret_reason);
    idn2_free(text);
    return err;
}
#else
int tocsin__net_idn(const char *host, char *ret_host, size_t room, const char **ret_reason)
{
    (void)host, (void)ret_host, (void)room;
    *ret_reason = "The host is not in ASCII, and libtocsin-net was built without libidn2";
    return TOCSIN_EURL;
}
#endif
