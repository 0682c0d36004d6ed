/* Finds a name in the tree, or adds it with the next signo. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"
#include "registry/names.h"
#include "registry/pattern_index.h"
#include "registry/registry.h"

uint32_t tocsin__names_limit = TOCSIN_SIGNALS_MAX - 1;

struct tocsin__signal *tocsin__name_find(const char *name, size_t size)
{
    struct tocsin__tree *node = tocsin__tree_find(name, size);

    return node ? node->signal : NULL;
}

int tocsin__name_make(const char *name, size_t size, struct tocsin__signal **ret_signal)
{
    uint32_t signo = tocsin__signals + 1;
    struct tocsin__signal *signal;
    struct tocsin__tree *node;
    char *text;

    if (signo > tocsin__names_limit)
        return -ENOSPC;
    signal = tocsin__alloc(sizeof *signal + size + 1);
    node = signal ? tocsin__tree_make(name, size) : NULL;
    if (!node) {
        tocsin__release(signal);
        return -ENOMEM;
    }
    text = memcpy(signal + 1, name, size);
    text[size] = '\0';
    signal->name = text;
    signal->signo = (int)signo;
    if (tocsin__patterns_await(signal) < 0) {
        tocsin__tree_prune(node);
        tocsin__release(signal);
        return -ENOMEM;
    }
    node->signal = signal;
    tocsin__signal_publish(signal);
    *ret_signal = signal;
    return 0;
}
