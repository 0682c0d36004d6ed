#include <string.h>
#include <tocsin/provider.h>

#include "page.h"

static struct tocsin_op page(const char *url, const char *cached)
{
    struct tocsin_op op;

    if (!cached)
        tocsin_http_get(url, TOCSIN_FUTURE, &op);
    else if (tocsin_op_new(NULL, TOCSIN_FUTURE, &op) == 0)
        tocsin_op_complete(op, 0,
                           TOCSIN_PAYLOAD(tocsin_http_client_done, .url = url,
                                          .body = { cached, strlen(cached) }));
    return op; /* the fetch may have ended already, but the caller need not know this */
}

int main(void)
{
    return tocsin_then(page(URL, NULL), show, NULL) < 0 ||
           tocsin_then(page(URL, "<html>"), show, NULL) < 0 || tocsin_drain(-1) < 0 ||
           tocsin_run() < 0;
}
