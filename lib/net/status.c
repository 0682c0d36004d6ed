#include <string.h>

#include <tocsin/base.h>

#include "net/status.h"

/* EPIPE is what the goodbye of TLS met after the connection had been reset. */
static int errno_of(CURL *easy, int otherwise)
{
    long number = 0;

    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    return number == EPIPE ? -ECONNRESET : number > 0 ? -(int)number : otherwise;
}

/* libcurl has one code for it all. TLS that ends without its own goodbye may have been cut. The errno may be an older one,
   of another address or of the goodbye, so it counts last. */
static int broken_off(CURL *easy, const char *text)
{
    if (strstr(text, "chunk"))
        return TOCSIN_EPEER;
    if (strstr(text, "unexpected eof") || strstr(text, "non-properly terminated"))
        return TOCSIN_ETRUNCATED;
    return errno_of(easy, TOCSIN_EPEER);
}

/* 0: the chain was found good; 1: it was not looked at yet. Then what failed was the name. */
static int untrusted(CURL *easy)
{
    long verdict = 0;

    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    return verdict == 0 || verdict == 1 ? TOCSIN_EHOST : TOCSIN_ECERT;
}

int tocsin__net_status(CURL *easy, CURLcode code, const char *text)
{
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_URL_MALFORMAT:
        return TOCSIN_EURL;
    case CURLE_COULDNT_RESOLVE_HOST:
        return TOCSIN_ENAME;
    case CURLE_COULDNT_CONNECT:
        return errno_of(easy, -ECONNREFUSED);
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_SEND_ERROR:
        return errno_of(easy, -ECONNRESET);
    case CURLE_RECV_ERROR:
        return broken_off(easy, text);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
        return TOCSIN_ETRUNCATED;
    case CURLE_PEER_FAILED_VERIFICATION:
        return untrusted(easy);
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CRL_BADFILE:
        return TOCSIN_ECERT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
        return TOCSIN_EHANDSHAKE;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
        return -ENOMEM;
    default:
        return TOCSIN_EPEER;
    }
}
