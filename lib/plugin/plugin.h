/* The list of loaded plugins. */
#ifndef TOCSIN_PLUGIN_PLUGIN_H
#define TOCSIN_PLUGIN_PLUGIN_H

#include <pthread.h>
#include <stdatomic.h>

#include <tocsin/plugin.h>
#include <tocsin/host.h>

#include "plugin/image.h"
#include "plugin/saved_state.h"

struct tocsin__transition;

struct tocsin__plugin {
    struct tocsin__plugin *next; /* next in the list, in the order of loading */
    char name[TOCSIN__OWNER_NAME];
    struct tocsin__image *image;
    struct tocsin__image *next_image; /* the version that a reload will start; NULL: none */
    char **settings;                  /* "key=value", …, NULL; or NULL: none */
    struct tocsin_loop home;          /* the loop that called init; it will call fini */
    enum tocsin_plugin_state state;
    uint32_t reloads;
    uint64_t id;
    struct tocsin__transition
        *transition;                  /* the running unload or reload of the plugin; NULL: none */
    struct tocsin__saved_state saved; /* state saved by this version for the next one */
    struct tocsin__saved_state restored; /* state saved by the previous version for this one (P4) */
};

/* Protects the list, and everything of a plugin that other threads read. No function of a plugin is
   called with the lock held. */
extern tocsin__hidden pthread_mutex_t tocsin__plugins_lock;

/* Under the lock. NULL: there is none. */
struct tocsin__plugin *tocsin__plugin_first(void);
struct tocsin__plugin *tocsin__plugin_named(const char *name);
struct tocsin__plugin *tocsin__plugin_of(const struct tocsin__owner *owner);

/* True if the address is in the plugin's mapped file. */
bool tocsin__plugin_has(const struct tocsin__plugin *plugin, const void *code);
/* True if the plugin, or the version that a reload will start, needs the named one. */
bool tocsin__plugin_needs(const struct tocsin__plugin *plugin, const char *name);

/* The functions below take the lock. */

/* Appends a plugin to the list. NULL and *ret_err: -EEXIST; -ENOENT: a plugin that it needs is not
   running; -EINVAL: a setting is malformed; -ENOMEM. */
struct tocsin__plugin *tocsin__plugin_new(struct tocsin__image *image, const char *const *settings,
                                          int *ret_err);
/* Removes a plugin from the list, and frees it, but not its image. */
void tocsin__plugin_remove(struct tocsin__plugin *plugin);
/* Sets next_image, so that nothing it needs is unloaded any more. 0; -ENOENT: something it needs
   has been unloaded. */
int tocsin__plugin_set_next(struct tocsin__plugin *plugin, struct tocsin__image *image);

#endif
