/* Implements tocsin_state_save and tocsin_state_restore. The calling plugin is found by the address
   of its code. */
#include <errno.h>
#include <string.h>

#include "base/refusal.h"
#include "delivery/owner_here.h"
#include "plugin/plugin.h"

void tocsin__saved_state_free(struct tocsin__saved_state *state)
{
    tocsin__release(state->data);
    *state = (struct tocsin__saved_state){ .exists = false };
}

int tocsin_state_save_at(const char *where, uint32_t version, const void *data, size_t size)
{
    const struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    struct tocsin__plugin *plugin;
    void *copy;

    if (!data && size)
        return tocsin__traced_at(where, -EINVAL);
    copy = tocsin__alloc(size + 1);
    if (!copy)
        return tocsin__traced_at(where, -ENOMEM);
    if (size)
        memcpy(copy, data, size);
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = owner == &tocsin__program ? NULL : tocsin__plugin_of(owner);
    if (plugin) {
        tocsin__release(plugin->saved.data);
        plugin->saved = (struct tocsin__saved_state){ true, version, copy, size };
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    if (!plugin)
        tocsin__release(copy);
    return tocsin__traced_at(where, plugin ? 0 : -EPERM);
}

int tocsin_state_restore_at(const char *where, uint32_t version, struct tocsin_bytes *ret_state)
{
    const struct tocsin__owner *owner = tocsin__owner_whose(NULL, where);
    const struct tocsin__plugin *plugin;
    int err = ret_state ? -ENOENT : -EINVAL;

    if (!ret_state || owner == &tocsin__program)
        return tocsin__traced_but(-ENOENT, err);
    pthread_mutex_lock(&tocsin__plugins_lock);
    plugin = tocsin__plugin_of(owner);
    if (plugin && plugin->restored.exists) {
        err = plugin->restored.version == version ? 0 : -EPROTO;
        if (err == 0)
            *ret_state = (struct tocsin_bytes){ plugin->restored.data, plugin->restored.size };
    }
    pthread_mutex_unlock(&tocsin__plugins_lock);
    return tocsin__traced_but(-ENOENT, err);
}
