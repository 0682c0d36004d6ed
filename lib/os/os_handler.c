/* The real handler fills a payload from siginfo_t and posts the payload. It does nothing else,
   because few functions are async-signal-safe. */
#include <errno.h>
#include <ucontext.h>

#include "os/os_handler.h"
#include "os/os_info.h"
#include "registry/os_names.h"
#include "os/rt_overflow.h"
#include "remote/post.h"

static void handler_post_queued(struct tocsin__signal *signal, const struct tocsin_os_signal *what,
                                ucontext_t *context)
{
    if (tocsin__post(signal->signo, &what->tocsin, TOCSIN_OS, 0, NULL) == -EAGAIN)
        tocsin__rt_overflow_add(signal->signo, what);
    tocsin__rt_overflow_block(signal, what->number, &context->uc_sigmask);
}

void tocsin__os_handler(int number, siginfo_t *info, void *context)
{
    struct tocsin__signal *signal = tocsin__signal(tocsin__os_signo(number));
    struct tocsin_os_signal what = { .tocsin = { signal->spec.layout } };
    int saved = errno;

    tocsin__os_info_fill(&what, info);
    if (signal->spec.kind == TOCSIN_QUEUED)
        handler_post_queued(signal, &what, context);
    else
        tocsin__post(signal->signo, &what.tocsin, TOCSIN_OS, 0, NULL);
    errno = saved;
}
