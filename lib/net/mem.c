#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "net/cancel.h"
#include "net/mem.h"
#include "net/status.h"

#ifdef TOCSIN_FAULT
#include <stdatomic.h>
#include <stdbool.h>

static atomic_long fault_nth, fault_seen;
static bool fault_libcurl;

static bool is_fault(void)
{
    return atomic_fetch_add(&fault_seen, 1) + 1 == atomic_load(&fault_nth);
}

void tocsin__net_fault_at(long nth)
{
    atomic_store(&fault_seen, 0);
    atomic_store(&fault_nth, nth);
}

long tocsin__net_fault_count(void)
{
    return atomic_load(&fault_seen);
}

void tocsin__net_fault_libcurl(int too)
{
    fault_libcurl = too;
}

static void *libcurl_malloc(size_t size)
{
    return fault_libcurl && is_fault() ? NULL : malloc(size);
}
static void *libcurl_calloc(size_t n, size_t size)
{
    return fault_libcurl && is_fault() ? NULL : calloc(n, size);
}
static void *libcurl_realloc(void *old, size_t size)
{
    return fault_libcurl && is_fault() ? NULL : realloc(old, size);
}
static char *libcurl_strdup(const char *text)
{
    return fault_libcurl && is_fault() ? NULL : strdup(text);
}

#define GLOBAL_INIT() \
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, libcurl_malloc, free, libcurl_realloc, \
                         libcurl_strdup, libcurl_calloc)
#else
#define is_fault() 0
#define GLOBAL_INIT() curl_global_init(CURL_GLOBAL_DEFAULT)
#endif

/* The oldest version of libcurl that this library supports. Version 7.87 added
   CURL_WRITEFUNC_ERROR; before 7.83 a header line may contain a NUL. The version is also checked at
   run time, because a program may run with another libcurl. */
enum { VERSION_MIN = 0x075700 };
_Static_assert(LIBCURL_VERSION_NUM >= VERSION_MIN, "libcurl 7.87 or later is needed");

int tocsin__net_version_check(unsigned version)
{
    return version >= VERSION_MIN ? 0 : -ENOTSUP;
}

int tocsin__net_global_init(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static CURLcode code = CURLE_FAILED_INIT;
    int err = tocsin__net_version_check(curl_version_info(CURLVERSION_NOW)->version_num);

    int cancel;

    if (err < 0)
        return err;
    cancel = tocsin__net_cancel_off();
    pthread_mutex_lock(&lock);
    if (code != CURLE_OK)
        code = GLOBAL_INIT();
    err = tocsin__net_status_of_option(code);
    pthread_mutex_unlock(&lock);
    tocsin__net_cancel_back(cancel);
    return err;
}

void *tocsin__net_alloc(size_t size)
{
    return is_fault() ? NULL : calloc(1, size);
}

void *tocsin__net_resize(void *memory, size_t size)
{
    return is_fault() ? NULL : realloc(memory, size);
}

char *tocsin__net_copy_text(const char *text, size_t size)
{
    char *copy = tocsin__net_resize(NULL, size + 1);

    if (!copy)
        return NULL;
    copy[size] = 0;
    return memcpy(copy, text, size);
}

void tocsin__net_release(void *memory)
{
    free(memory);
}

int tocsin__net_buffer_reserve(struct tocsin__net_buffer *buffer, size_t size)
{
    size_t need = buffer->size + size + 1, room = buffer->room * 2;
    char *data;

    if (need <= buffer->room)
        return 0;
    room = room > need ? room : need;
    data = tocsin__net_resize(buffer->data, room);
    if (!data)
        return -ENOMEM;
    buffer->data = data, buffer->room = room;
    return 0;
}

int tocsin__net_buffer_add(struct tocsin__net_buffer *buffer, const void *data, size_t size)
{
    int err = tocsin__net_buffer_reserve(buffer, size);

    if (err < 0)
        return err;
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = 0;
    return 0;
}

void tocsin__net_buffer_free(struct tocsin__net_buffer *buffer)
{
    tocsin__net_release(buffer->data);
    *buffer = (struct tocsin__net_buffer){ 0 };
}
