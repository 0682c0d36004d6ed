#define _GNU_SOURCE /* for memmem() */
#include <dirent.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"

struct peer *peer;
static int descriptors;

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

void page_begin(void)
{
    descriptors = count_descriptors();
    peer = peer_start(NULL);
}

void page_end(void)
{
    ck_assert_int_eq(tocsin_loop_free(), 0);
    peer_stop(peer);
    ck_assert_int_eq(count_descriptors(), descriptors);
}

int page_keep(const struct tocsin_info *info, void *arg)
{
    struct page *page = arg;

    page->count++;
    page->status = info->status;
    page->info = tocsin_info_ref(info);
    page->done = tocsin_http_client_done_of(page->info);
    return TOCSIN_NEXT;
}

void page_start(struct page *page, const struct tocsin_http_request *request)
{
    *page = (struct page){ .count = 0 };
    ck_assert_int_eq(tocsin_http_fetch(request, TOCSIN_CALL(page_keep, page), &page->op), 0);
    ck_assert_int_eq(page->count, 0);
}

void page_wait(struct page *page)
{
    while (page->count == 0)
        ck_assert_int_ge(tocsin_loop_turn(-1), 0);
    ck_assert_int_eq(page->count, 1);
    ck_assert_ptr_nonnull(page->done);
    ck_assert_int_eq(tocsin_op_status(page->op), -ENOENT);
}

void page_fetch(struct page *page, const struct tocsin_http_request *request)
{
    page_start(page, request);
    page_wait(page);
}

void page_get(struct page *page, const char *url)
{
    page_fetch(page, &(struct tocsin_http_request){ .url = url });
}

void page_drop(struct page *page)
{
    tocsin_info_unref(page->info);
    page->info = NULL;
}

void page_fail(const char *url, int status)
{
    struct page page;

    page_get(&page, url);
    ck_assert_msg(page.status == status, "%s: %d (%s), not %d", url, page.status, page.done->reason,
                  status);
    ck_assert_int_ne(page.done->reason[0], 0);
    ck_assert_str_eq(page.done->url, url);
    page_drop(&page);
}

bool page_has(const struct page *page, const char *text)
{
    return memmem(page->done->body.data, page->done->body.size, text, strlen(text)) != NULL;
}

bool are_bytes(const struct tocsin_bytes *bytes, size_t offset)
{
    const char *data = bytes->data;

    for (size_t i = 0; i < bytes->size; i++)
        if (data[i] != peer_byte_at(offset + i))
            return false;
    return true;
}

void page_is_bytes(const struct page *page, size_t size)
{
    ck_assert_int_eq(page->status, 0);
    ck_assert_uint_eq(page->done->body.size, size);
    ck_assert(are_bytes(&page->done->body, 0));
}

int page_resolve(const char *host, const char *port, const struct addrinfo *hints,
                 struct addrinfo **ret_list)
{
    (void)host;
    return getaddrinfo("127.0.0.1", port, hints, ret_list);
}

void page_setup(void)
{
    ck_assert_int_eq(tocsin_http_setup(&(struct tocsin_http_options){ .resolve = page_resolve }),
                     0);
}

void turns_until(bool (*is)(void *arg), void *arg)
{
    while (!is(arg))
        ck_assert_int_ge(tocsin_loop_turn(1), 0);
}

bool is_waiting(void *arg)
{
    (void)arg;
    return peer_waiting(peer) > 0;
}

int page_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
