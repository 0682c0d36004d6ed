#include <netdb.h>
#include <string.h>

#include <tocsin/base.h>

#include "net/status.h"

/* Returns true if this errno means that the process or the machine lacks a resource. Such an errno
   has precedence over the errors that it causes. */
static bool is_shortage(int number)
{
    return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

/* Maps an errno to a status. EPIPE means that the shutdown of TLS failed after the connection had
   been reset. */
static int status_of_errno(int number, int otherwise)
{
    return number == EPIPE ? -ECONNRESET : number > 0 ? -number : otherwise;
}

static int status_of_connect(const struct tocsin__net_failure *failure)
{
    if (is_shortage(-failure->open_error))
        return failure->open_error;
    return status_of_errno(failure->number,
                           failure->open_error < 0 ? failure->open_error : -ENOTCONN);
}

/* libcurl has one code for all broken transfers, so its message is checked first. "Out of memory in
 * chunked" means a trailer line that is too long. The errno is checked last, because it may belong
 * to an earlier address or to the shutdown of TLS. */
static int status_of_receive(const struct tocsin__net_failure *failure)
{
    if (strstr(failure->text, "Out of memory in chunked"))
        return TOCSIN_ETOOBIG;
    if (strstr(failure->text, "chunk"))
        return TOCSIN_EPEER;
    if (strstr(failure->text, "unexpected eof") || strstr(failure->text, "non-properly terminated"))
        return TOCSIN_ETRUNCATED;
    return status_of_errno(failure->number, TOCSIN_EPEER);
}

int tocsin__net_status_of_curl(const struct tocsin__net_failure *failure)
{
    switch (failure->code) {
    case CURLE_OK: return 0;
    case CURLE_COULDNT_RESOLVE_HOST: return TOCSIN_ENAME;
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED: return status_of_connect(failure);
    case CURLE_OPERATION_TIMEDOUT: return -ETIMEDOUT;
    case CURLE_SEND_ERROR: return status_of_errno(failure->number, -ECONNRESET);
    case CURLE_RECV_ERROR: return status_of_receive(failure);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING: return TOCSIN_ETRUNCATED;
    case CURLE_FILESIZE_EXCEEDED: return TOCSIN_ETOOBIG;
    case CURLE_TOO_MANY_REDIRECTS: return TOCSIN_EREDIRECTS;
    case CURLE_PEER_FAILED_VERIFICATION: return tocsin__net_status_of_verdict(failure->verdict);
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return TOCSIN_ECERT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED: return TOCSIN_EHANDSHAKE;
    case CURLE_UNSUPPORTED_PROTOCOL: /* the error means that the reply is HTTP/0.9, or that libcurl
                                      * was built without TLS */
        return failure->begun ? TOCSIN_EPEER : TOCSIN_ESCHEME;
    case CURLE_OUT_OF_MEMORY: /* libcurl also returns this code for a line longer than its limit of
                                 100 KiB */
        return failure->begun && failure->in_header ? TOCSIN_ETOOBIG : -ENOMEM;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP_RETURNED_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_HTTP3:
    case CURLE_RANGE_ERROR:
    case CURLE_CHUNK_FAILED: return TOCSIN_EPEER;
    case CURLE_BAD_FUNCTION_ARGUMENT: /* libcurl also returns this code for a line that it cannot
                                         store */
        return failure->begun ? TOCSIN_EPEER : -EINVAL;
    default:
#if LIBCURL_VERSION_NUM >= 0x080600
        if (failure->code == CURLE_TOO_LARGE)
            return TOCSIN_ETOOBIG;
#endif
        return tocsin__net_status_of_option(failure->code);
    }
}

int tocsin__net_status_of_option(CURLcode code)
{
    switch (code) {
    case CURLE_OK: return 0;
    case CURLE_OUT_OF_MEMORY: return -ENOMEM;
    case CURLE_URL_MALFORMAT: return TOCSIN_EURL;
    case CURLE_UNSUPPORTED_PROTOCOL: return TOCSIN_ESCHEME;
    case CURLE_UNKNOWN_OPTION:
    case CURLE_NOT_BUILT_IN:
    case CURLE_FUNCTION_NOT_FOUND: return -ENOTSUP;
    case CURLE_BAD_FUNCTION_ARGUMENT: return -EINVAL;
    case CURLE_RECURSIVE_API_CALL: return -EDEADLK;
    /* The remaining codes mean an unsupported protocol, or a fault in libcurl. */
    default: return -EIO;
    }
}

int tocsin__net_status_of_multi(CURLMcode code)
{
    switch (code) {
    case CURLM_OK:
    case CURLM_CALL_MULTI_PERFORM: return 0;
    case CURLM_OUT_OF_MEMORY: return -ENOMEM;
    case CURLM_RECURSIVE_API_CALL: return -EDEADLK;
    case CURLM_UNKNOWN_OPTION: return -ENOTSUP;
    case CURLM_BAD_FUNCTION_ARGUMENT: return -EINVAL;
    default: return -EIO;
    }
}

int tocsin__net_status_of_url(CURLUcode code)
{
    switch (code) {
    case CURLUE_OK: return 0;
    case CURLUE_OUT_OF_MEMORY: return -ENOMEM;
    case CURLUE_UNSUPPORTED_SCHEME: return TOCSIN_ESCHEME;
    default: return TOCSIN_EURL;
    }
}

/* Maps the result of a certificate check to a status. 0 (X509_V_OK) means that the certificate is
 * valid, but its name did not match. 1 means that libcurl has not checked it yet. 62 to 64 are
 * OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_EMAIL_MISMATCH and
 * X509_V_ERR_IP_ADDRESS_MISMATCH. 17 is X509_V_ERR_OUT_OF_MEM. */
int tocsin__net_status_of_verdict(long verdict)
{
    switch (verdict) {
    case 0:
    case 1:
    case 62:
    case 63:
    case 64: return TOCSIN_EHOST;
    case 17: return -ENOMEM;
    default: return TOCSIN_ECERT;
    }
}

/* Maps an error of the resolver to a status. Without free descriptors the resolver returns
   different errors, so the errno has precedence. */
int tocsin__net_status_of_name(int error, int number)
{
    if (error == 0)
        return 0;
    if (error == EAI_MEMORY)
        return -ENOMEM;
    return number > 0 && (error == EAI_SYSTEM || is_shortage(number)) ? -number : TOCSIN_ENAME;
}
