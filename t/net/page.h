/* What the tests of libtocsin-net have in common: pages that are fetched and kept, and a loop that leaves nothing behind. */
#ifndef T_NET_PAGE_H
#define T_NET_PAGE_H

#include <check.h>

#include <tocsin/http.h>

#include "peer.h"

/* A fetch that was started with TOCSIN_CALL(page_keep, &page). */
struct page {
    struct tocsin_op op;
    int count, status;                                     /* how often it ended; with what */
    struct tocsin_info *info;
    const struct tocsin_http_client_done *done;
};

int  page_keep(const struct tocsin_info *info, void *page);
void page_start(struct page *page, const struct tocsin_http_request *request);
void page_wait(struct page *page);                         /* runs turns until it has ended, once */
void page_fetch(struct page *page, const struct tocsin_http_request *request);
void page_get(struct page *page, const char *url);
void page_drop(struct page *page);
void page_fail(const char *url, int status);               /* fetches it, and that is its status, with a reason */

bool page_has(const struct page *page, const char *text);  /* in its body */
void page_is_bytes(const struct page *page, size_t size);  /* of the peer's /bytes and /chunked */
bool are_bytes(const struct tocsin_bytes *bytes, size_t offset);   /* likewise, from there on */

/* Every test runs between these two; the second frees the loop, and looks at what is left. */
void page_begin(void);
void page_end(void);
extern struct peer *peer;                                  /* one in plain, started by the first */

/* A resolver to whom every name is loopback: what this machine's answers is not asked. */
struct addrinfo;
int page_resolve(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret_list);
void page_setup(void);                                     /* has it used */

void turns_until(bool (*is)(void *arg), void *arg);
bool is_waiting(void *arg);                                /* the peer holds a request */

int page_main(Suite *suite);

#endif
