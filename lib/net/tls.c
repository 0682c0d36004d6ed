#define _GNU_SOURCE /* makes the headers declare dladdr */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>

#include "net/tls.h"
#include "net/transfer.h"

/* Values from <openssl/ssl.h>. The functions are looked up in the OpenSSL that libcurl uses,
   because linking with OpenSSL here could give another version. This is not needed for GnuTLS,
   which reports a missing close_notify itself. */
enum { RECEIVED_SHUTDOWN = 2, READ_ALERT = 0x4004, CLOSE_NOTIFY = 0 };

typedef void info_fn(const void *ssl, int where, int value);
static void (*set_info_callback)(void *ssl, info_fn *fn);
static int (*get_shutdown)(const void *ssl);

static void functions_find(void)
{
    void *library = NULL;
    Dl_info where;

    if (dladdr((void *)(uintptr_t)curl_version_info, &where) != 0 && where.dli_fname)
        library = dlopen(where.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    *(void **)&set_info_callback = dlsym(library ? library : RTLD_DEFAULT, "SSL_set_info_callback");
    *(void **)&get_shutdown = dlsym(library ? library : RTLD_DEFAULT, "SSL_get_shutdown");
}

static void on_info(const void *ssl, int where, int value)
{
    struct tocsin__net_client *client = tocsin__net_client_current();
    struct tocsin__net_fetch *fetch;

    if (!client || where != READ_ALERT || (value & 0xff) != CLOSE_NOTIFY)
        return;
    TAILQ_FOREACH (fetch, &client->running, link)
        if (fetch->tls == ssl)
            fetch->tls_closed = true;
}

void tocsin__net_tls_observe(struct tocsin__net_fetch *fetch)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct curl_tlssessioninfo *session = NULL;

    pthread_once(&once, functions_find);
    curl_easy_getinfo(fetch->transfer->easy, CURLINFO_TLS_SSL_PTR, &session);
    if (!session || session->backend != CURLSSLBACKEND_OPENSSL || !session->internals ||
        !set_info_callback || !get_shutdown)
        return;
    fetch->tls = session->internals;
    fetch->tls_closed = get_shutdown(fetch->tls) & RECEIVED_SHUTDOWN;
    set_info_callback(fetch->tls, on_info);
}
