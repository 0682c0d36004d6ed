/* Makes libevent's base. libevent calls exit(1) if it cannot open the socket pair of evsig_init_,
   and this pair can be neither omitted nor passed in. So this file first checks that enough
   descriptors are free. If another thread takes these descriptors meanwhile, libevent's fatal
   callback jumps out of libevent. */
#define _GNU_SOURCE /* makes the headers declare pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/cancel.h"
#include "base/mem.h"
#include "loop/base.h"

/* the code that libevent passes for a failed assertion */
enum { ABORTS = (int)0xdeaddead };

/* the place to which a fatal error of libevent jumps; NULL: this thread is not inside libevent */
static __thread sigjmp_buf *base_escape;

/* The callback for fatal errors. libevent has only one for the whole process. On a thread that is
 * not inside a call of this file, it returns, and then libevent exits as without a callback. */
static void on_fatal(int code)
{
    if (base_escape && code != ABORTS)
        siglongjmp(*base_escape, 1);
    if (code == ABORTS)
        abort();
}

static void base_set_fatal_callback(void)
{
    event_set_fatal_callback(on_fatal);
}

static void base_guard(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, base_set_fatal_callback);
}

int tocsin__base_check_fds(void)
{
    int pair[2] = { -1, -1 }, err = 0;
    int set = tocsin__fault() ? (errno = EMFILE, -1) : epoll_create1(EPOLL_CLOEXEC);

    if (set < 0 || (tocsin__fault() ? (errno = EMFILE, -1) : pipe2(pair, O_CLOEXEC)) < 0)
        err = -errno;
    if (set >= 0)
        tocsin__fd_close(set);
    if (pair[0] >= 0) {
        tocsin__fd_close(pair[0]);
        tocsin__fd_close(pair[1]);
    }
    return err;
}

/* Makes a base without locks, because only the loop's own thread uses the base (T4). */
static struct event_base *base_create(void)
{
    struct event_config *config = tocsin__fault() ? NULL : event_config_new();
    struct event_base *base = NULL;

    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = tocsin__fault() ? NULL : event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    return base;
}

int tocsin__base_new(struct event_base **ret_base)
{
    int err = tocsin__base_check_fds(), cancel = tocsin__cancel_off();
    sigjmp_buf back;

    if (err == 0)
        base_guard();
    if (err == 0 && sigsetjmp(back, 0)) { /* a jump out of libevent returns here, and leaks the
                                           * incomplete base */
        base_escape = NULL;
        tocsin__cancel_back(cancel);
        return -EMFILE;
    }
    if (err == 0) {
        base_escape = &back;
        *ret_base = base_create();
        base_escape = NULL;
    }
    tocsin__cancel_back(cancel);
    if (err < 0)
        return err;
    return *ret_base ? 0 : -ENOMEM;
}

int tocsin__base_renew(struct event_base *base)
{
    int cancel = tocsin__cancel_off();
    sigjmp_buf back;

    base_guard();
    if (sigsetjmp(back, 0)) {
        base_escape = NULL;
        tocsin__cancel_back(cancel);
        return -EMFILE;
    }
    base_escape = &back;
    event_reinit(base);
    base_escape = NULL;
    tocsin__cancel_back(cancel);
    return 0;
}
