/* Keeps the sockets of listeners while their plugin is reloaded.

   At most one version of a plugin runs, and all its loops stand still while the new version begins.
   Several plugins may be reloaded at a time, so the list is taken whole, and put back. */
#include <stdatomic.h>
#include <string.h>

#include "base/cancel.h"
#include "io/listen/handover.h"
#include "io/unix_path.h"
#include "registry/owner.h"

struct handover {
    struct handover *next;
    struct tocsin__unix_path path; /* the path of a Unix socket; text NULL: none */
    int fd;
    char plugin[TOCSIN__OWNER_NAME];
    char address[];
};

static struct handover *_Atomic kept;

static void push(struct handover *handover)
{
    handover->next = atomic_load(&kept);
    while (!atomic_compare_exchange_weak(&kept, &handover->next, handover))
        ;
}

/* Takes a socket out of the list: at this address, or, if address is NULL, any socket of the
   plugin. NULL: there is none. */
static struct handover *take(const char *plugin, const char *address)
{
    struct handover *all = atomic_exchange(&kept, NULL), *found = NULL, *next;

    for (; all; all = next) {
        next = all->next;
        if (!found && strcmp(all->plugin, plugin) == 0 &&
            (!address || strcmp(all->address, address) == 0))
            found = all;
        else
            push(all);
    }
    return found;
}

/* The reload is over: the new version does not want what is still kept. */
static void on_changed(const char *plugin)
{
    struct handover *handover;

    while ((handover = take(plugin, NULL))) {
        tocsin__unix_path_remove(&handover->path);
        tocsin__fd_close(handover->fd);
        tocsin__release(handover);
    }
}

static struct tocsin__owner *owner_of(const struct tocsin__acceptor *listener)
{
    return tocsin__op_owner(tocsin__op_of_state(listener));
}

int tocsin__handover_note(struct tocsin__acceptor *listener, const char *address)
{
    if (owner_of(listener) == &tocsin__program)
        return 0;
    listener->address = tocsin__copy_text(address);
    atomic_store(&tocsin__owner_on_changed, on_changed);
    return listener->address ? 0 : -ENOMEM;
}

void tocsin__handover_keep(struct tocsin__acceptor *listener)
{
    struct tocsin__engine *engine = tocsin__op_engine(tocsin__op_of_state(listener));
    const struct tocsin__owner *owner = owner_of(listener);
    struct handover *handover;
    size_t size;

    if (!listener->address || !atomic_load(&owner->reloading) ||
        listener->readiness.place == TOCSIN__PLACE_CLOSED || tocsin__inherited(engine->loop))
        return;
    size = strlen(listener->address) + 1;
    handover = tocsin__alloc(sizeof *handover + size);
    if (!handover)
        return;
    memcpy(handover->address, listener->address, size);
    memcpy(handover->plugin, owner->name, sizeof handover->plugin);
    handover->path = listener->path;
    listener->path.text = NULL;
    handover->fd = tocsin__readiness_release(engine, &listener->readiness);
    push(handover);
}

int tocsin__handover_take(struct tocsin__acceptor *listener, const char *address)
{
    const struct tocsin__owner *owner = owner_of(listener);
    struct handover *handover = owner == &tocsin__program ? NULL : take(owner->name, address);
    int fd;

    if (!handover)
        return -ENOENT;
    listener->path = handover->path;
    fd = handover->fd;
    tocsin__release(handover);
    return fd;
}
