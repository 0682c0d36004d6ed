#define _GNU_SOURCE                                    /* strerrordesc_np */
#include <string.h>

#include <tocsin/base.h>

#include "core/id.h"

static const struct { int status; const char *text; } texts[] = {
    { 0, "done" },
    { -ECANCELED, "canceled" },
    { -ETIMEDOUT, "the time was over" },
    { -ECONNREFUSED, "connection refused" },
    { -ECONNRESET, "connection reset by the peer" },
    { TOCSIN_EURL, "malformed URL" },
    { TOCSIN_ESCHEME, "unknown scheme" },
    { TOCSIN_ENAME, "no such host" },
    { TOCSIN_ETRUNCATED, "the peer closed before the end" },
    { TOCSIN_ETOOBIG, "larger than the limit" },
    { TOCSIN_ECERT, "the certificate is not trusted" },
    { TOCSIN_EHOST, "the certificate is for another host" },
    { TOCSIN_EREDIRECTS, "too many redirects" },
    { TOCSIN_EHANDSHAKE, "the TLS handshake failed" },
    { TOCSIN_EPEER, "the peer broke the protocol" },
};

const char *tocsin_strerror(int status)
{
    const char *text;

    if (status > 0)
        status = -status;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].status == status)
            return texts[i].text;
    text = status < -4095 ? NULL : strerrordesc_np(-status);
    return text ? text : "unknown error";
}

int tocsin_id_error(uint64_t id)
{
    return id >= TOCSIN__ID_ERRORS ? (int)(int64_t)id : 0;
}

const char *tocsin_version(void)
{
    return TOCSIN__TEXT(0.1.0);
}
