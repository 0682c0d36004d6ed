/* One version of a plugin: its file, its note, and what is mapped of it. */
#ifndef TOCSIN_PLUGIN_IMAGE_H
#define TOCSIN_PLUGIN_IMAGE_H

#include "plugin/file.h"
#include "plugin/note/note.h"
#include "plugin/reason.h"
#include "plugin/threads.h"
#include "registry/owner.h"

struct tocsin__image {
    struct tocsin__file file; /* open while mapped: the dynamic linker knows it by its number */
    struct tocsin__note note;
    struct tocsin__owner *_Atomic owner; /* NULL: not mapped */
    void *handle;                        /* of dlopen */
    int (*init)(void);
    void (*fini)(void); /* NULL: the plugin has none */
    bool is_finished;   /* fini has been called */
    struct tocsin__threads
        before; /* threads of the process before the load, if the plugin may start threads */
};

/* Both return NULL and *ret_err if they fail; the first one writes the reason. */
struct tocsin__image *tocsin__image_read(const char *name, const struct tocsin__reason *reason,
                                         int *ret_err);
/* A copy of the same file, not mapped. */
struct tocsin__image *tocsin__image_copy(const struct tocsin__image *image, int *ret_err);
/* NULL is allowed. An image that is still mapped stays mapped. */
void tocsin__image_free(struct tocsin__image *image);

/* Maps the image, and gives it an owner. The constructors run, and what they begin is the
   owner's. */
int tocsin__image_map(struct tocsin__image *image, const struct tocsin__reason *reason);
/* True if a thread that the plugin started may still run. */
bool tocsin__image_is_busy(const struct tocsin__image *image);
/* Nothing may run in the image. False: the dynamic linker keeps it mapped. */
bool tocsin__image_unmap(struct tocsin__image *image);

/* While the lock is held, this library maps and unmaps no plugin. Recursive. */
void tocsin__mapping_lock(void);
void tocsin__mapping_unlock(void);

/* Call the plugin's function on this thread's loop, on behalf of its owner. */
int tocsin__image_init(const struct tocsin__image *image);
void tocsin__image_fini(struct tocsin__image *image); /* at most once */

#endif
