/* The plugins that are loaded. */
#ifndef TOCSIN_PLUGIN_PLUGIN_H
#define TOCSIN_PLUGIN_PLUGIN_H

#include <pthread.h>
#include <stdatomic.h>

#include <tocsin/plugin.h>

#include "plugin/image.h"

struct tocsin__change;

/* What one version leaves for the next. */
struct tocsin__state { bool there; uint32_t version; void *data; size_t size; };

struct tocsin__plugin {
    struct tocsin__plugin *next;                       /* in the order of loading */
    char name[TOCSIN__OWNER_NAME];
    struct tocsin__image *image;
    struct tocsin__image *coming;                      /* that is to be put in its place; NULL: none */
    char **settings;                                   /* "key=value", NULL at the end; or NULL */
    struct tocsin_loop home;                           /* whose thread called init, and will call fini */
    enum tocsin_plugin_state state;
    uint32_t reloads;
    uint64_t id;
    struct tocsin__change *change;                     /* that it is in; NULL: none */
    struct tocsin__state left, taken;                  /* for the version that comes; from the one that was there before (P4) */
};

/* The list, and all of a plugin that others may ask for, are read and changed under the lock; no code of a plugin is called with it held. */
extern tocsin__hidden pthread_mutex_t tocsin__plugins_lock;
struct tocsin__plugin *tocsin__plugin_first(void);
struct tocsin__plugin *tocsin__plugin_named(const char *name);     /* NULL */
struct tocsin__plugin *tocsin__plugin_of(const struct tocsin__owner *owner);      /* NULL */
bool tocsin__plugin_has(const struct tocsin__plugin *plugin, const void *code);    /* it is in its file, as far as that is mapped */
bool tocsin__plugin_needs(const struct tocsin__plugin *plugin, const char *name);

/* With no lock held. */
int  tocsin__plugin_comes(struct tocsin__plugin *plugin, struct tocsin__image *image);     /* it is coming: from now on what it needs is needed; -ENOENT: that has just gone */
struct tocsin__plugin *tocsin__plugin_new(struct tocsin__image *image, const char *const *settings, int *ret_err);      /* in the list: -EEXIST, -ENOENT, -EINVAL, -ENOMEM */
void tocsin__plugin_remove(struct tocsin__plugin *plugin);         /* from the list, and frees it, but not its image */
int  tocsin__settings_copy(const char *const *settings, char ***ret_copy);        /* -EINVAL, -ENOMEM */
void tocsin__settings_free(char **settings);

void tocsin__state_free(struct tocsin__state *state);

/* The reason of this thread: begins with none. NULL: no memory. */
const struct tocsin__reason *tocsin__reason_new(void);

const char *tocsin__said(void);                        /* what an init has said of why it fails; "": nothing */

/* Reads it, judges it beside what is loaded, and loads what it needs if load. except: a plugin of this name may be there (it is the one that is reloaded); NULL. */
struct tocsin__image *tocsin__plugin_judged(const char *name, const char *except, bool load, const struct tocsin__reason *reason, int *ret_err);
/* Maps it, calls its init, and sees that it has done as it says. What it has begun, where it fails, is the caller's to undo. */
int  tocsin__plugin_starts(struct tocsin__plugin *plugin, struct tocsin__image *image, const struct tocsin__reason *reason);

/* What a version that was not started, or that is gone, has left is swept up, and it is unmapped as soon as nothing holds it (unload.c). */
void tocsin__image_discard(struct tocsin__image *image);

#endif
