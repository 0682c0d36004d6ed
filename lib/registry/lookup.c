/* Looks up a name. If the name is that of a real signal, the signal is declared first. */
#include <errno.h>

#include "registry/lookup.h"
#include "registry/names.h"
#include "registry/os_names.h"
#include "registry/registry.h"

int tocsin__signal_named(const char *name, size_t size, bool make)
{
    struct tocsin__signal *signal;
    int err = tocsin__os_named(name, size);

    if (err < 0)
        return err;
    pthread_mutex_lock(&tocsin__registry_lock);
    signal = tocsin__name_find(name, size);
    err = signal ? 0 : make ? tocsin__name_make(name, size, &signal) : -ENOENT;
    pthread_mutex_unlock(&tocsin__registry_lock);
    return err < 0 ? err : signal->signo;
}
