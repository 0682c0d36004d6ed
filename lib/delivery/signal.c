/* The public calls that declare and find signals. They act for the thread's loop and for the owner
   of the running code. */
#include <string.h>

#include "base/refusal.h"
#include "registry/name_error.h"
#include "delivery/owner_here.h"
#include "delivery/subscription.h"
#include "registry/catalogue.h"
#include "registry/declare.h"
#include "registry/lookup.h"
#include "registry/os_names.h"
#include "registry/registry.h"
#include "registry/pattern.h"

static int signal_declare(const struct tocsin_signal_spec *spec)
{
    struct tocsin__owner *owner =
        spec ? tocsin__owner_whose((const void *)spec->unhandled_fn, spec->name) : &tocsin__program;
    int signo = tocsin__declare(spec, owner);

    if (signo == -EDQUOT)
        tocsin__owner_emit_limited(owner, TOCSIN_RESOURCE_SIGNALS);
    if (signo > 0)
        /* If there is no memory for a pattern, the pattern is resolved later, when the loop needs
         * it again. */
        tocsin__patterns_resolve(tocsin__self);
    return signo;
}

int tocsin_declare(const struct tocsin_signal_spec *spec)
{
    int err = spec && spec->flags & TOCSIN__LARGE ? -EINVAL : 0;

    /* The name of a real signal is reserved for the real signal, even before its first use. */
    if (err == 0 && spec && spec->name && tocsin__name_check(spec->name, strlen(spec->name)) == 0)
        err = tocsin__os_named(spec->name, strlen(spec->name));
    return tocsin__traced(err < 0 ? err : signal_declare(spec));
}

int tocsin_find(const char *name)
{
    int signo;

    if (!name || tocsin__name_check(name, strlen(name)) < 0)
        return tocsin__traced(-EINVAL);
    /* declares the library's own signals, which must be found even before the first loop exists */
    tocsin__catalogue();
    signo = tocsin__signal_named(name, strlen(name), false);
    if (signo == -ENOENT || (signo > 0 && !tocsin__signal(signo)->declared))
        signo = tocsin__no_name(name, strlen(name));
    return tocsin__traced(signo);
}

int tocsin_has_listeners(int signo)
{
    const struct tocsin__loop_signal *loop_signal = tocsin__loop_signal(tocsin__self, signo);
    struct tocsin__signal *signal = tocsin__signal(signo);
    bool ignored;

    if (!signal || !signal->declared)
        return tocsin__traced_async(-EINVAL);
    ignored = loop_signal &&
              loop_signal->state &
                  TOCSIN__IGNORED; /* an ignored signal does not take its default action */
    return (loop_signal && tocsin__loop_signal_has_effect(loop_signal)) ||
           (!ignored && tocsin__has_default(signal)) ||
           tocsin__others_listen(tocsin__self->life.number, signal) || signal->unresolved;
}

int tocsin_match(const char *pattern, const char *name)
{
    if (!name || tocsin__name_check(name, strlen(name)) < 0)
        return tocsin__traced(
            tocsin__because(-EINVAL, "the name '%s' is malformed", name ? name : "NULL"));
    if (!pattern || tocsin__set_check(pattern) < 0)
        return tocsin__traced(tocsin__bad_pattern(pattern));
    return tocsin__traced(tocsin__pattern_list_match(pattern, name));
}
