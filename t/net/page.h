/* Helpers for the tests of libtocsin-net: they start fetches, keep the results, and check that a
   freed loop leaves nothing behind. */
#ifndef T_NET_PAGE_H
#define T_NET_PAGE_H

#include <check.h>

#include <tocsin/http.h>

#include "peer.h"

/* The result of a fetch that page_start() has started; page_keep() stores the result here. */
struct page {
    struct tocsin_op op;
    int count, status; /* the number of times that the fetch ended, and its last status */
    struct tocsin_info *info;
    const struct tocsin_http_client_done *done;
};

int page_keep(const struct tocsin_info *info, void *page);
void page_start(struct page *page, const struct tocsin_http_request *request);
void page_wait(struct page *page); /* runs turns until the fetch has ended */
void page_fetch(struct page *page, const struct tocsin_http_request *request);
void page_get(struct page *page, const char *url);
void page_drop(struct page *page);
/* Fetches the page. The fetch must fail with this status and a reason. */
void page_fail(const char *url, int status);

bool page_has(const struct page *page, const char *text); /* true if the body contains the text */
/* checks that the page has the body of /bytes or /chunked with this size */
void page_is_bytes(const struct page *page, size_t size);
/* true if the bytes are those of /bytes, from this offset on */
bool are_bytes(const struct tocsin_bytes *bytes, size_t offset);

/* page_begin() runs before each test. page_end() runs after each test; it frees the loop and
   checks that nothing is left. */
void page_begin(void);
void page_end(void);
extern struct peer *peer; /* a server without TLS, which page_begin() starts */

/* Resolves each name to a loopback address, in place of the machine's resolver. */
struct addrinfo;
int page_resolve(const char *host, const char *port, const struct addrinfo *hints,
                 struct addrinfo **ret_list);
void page_setup(void); /* makes page_resolve() the resolver of libtocsin-net */

void turns_until(bool (*is)(void *arg), void *arg);
/* true if the server has received a request that it has not answered yet */
bool is_waiting(void *arg);

int page_main(Suite *suite);

#endif
