#include <stdio.h>
#include <stdlib.h>
#include <tocsin.h>
#include <tocsin/http.h>

#define URL getenv("URL")

static int show(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_http_client_done *page = tocsin_http_client_done_of(info);

    (void)arg;
    printf("%s: %s, %d, %zu bytes\n", page->url, tocsin_strerror(info->status), page->code,
           page->body.size);
    return TOCSIN_NEXT;
}
