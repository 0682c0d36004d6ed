/* The list of the plugins that are loaded in this process. */
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
    struct tocsin__image *next_image; /* the version that a reload will start; NULL: no reload */
    char **settings;                  /* the settings: "key=value", …, NULL; or NULL if there are
                                         none */
    struct tocsin_loop home;          /* the loop that called init, and that will call fini */
    enum tocsin_plugin_state state;
    uint32_t reloads;
    uint64_t id;
    struct tocsin__transition
        *transition;                  /* the running unload or reload of the plugin; NULL: none */
    struct tocsin__saved_state saved; /* state saved by this version for the next one */
    struct tocsin__saved_state restored; /* state saved by the previous version for this one (P4) */
};

/* Protects the list of plugins, and all data of a plugin that other threads read. No function of a
   plugin is called while the lock is held. */
extern tocsin__hidden pthread_mutex_t tocsin__plugins_lock;

/* The caller of these functions holds the lock. They return NULL if there is no such plugin. */
struct tocsin__plugin *tocsin__plugin_first(void);
struct tocsin__plugin *tocsin__plugin_named(const char *name);
struct tocsin__plugin *tocsin__plugin_of(const struct tocsin__owner *owner);

/* Returns true if the address is in the plugin's mapped file. */
bool tocsin__plugin_has(const struct tocsin__plugin *plugin, const void *code);
/* Returns true if the plugin needs the plugin with this name, or if the version that a reload will
   start needs it. */
bool tocsin__plugin_needs(const struct tocsin__plugin *plugin, const char *name);

/* The following functions take the lock themselves. */

/* Appends a plugin to the list. On failure returns NULL and sets *ret_err: -EEXIST; -ENOENT if a
   needed plugin is not running; -EINVAL if a setting is malformed; or -ENOMEM. */
struct tocsin__plugin *tocsin__plugin_new(struct tocsin__image *image, const char *const *settings,
                                          int *ret_err);
/* Removes a plugin from the list and frees it, but does not free its image. */
void tocsin__plugin_remove(struct tocsin__plugin *plugin);
/* Sets next_image, so that no plugin that the image needs is unloaded any more. Returns 0, or
   -ENOENT if a needed plugin has been unloaded. */
int tocsin__plugin_set_next(struct tocsin__plugin *plugin, struct tocsin__image *image);

#endif
