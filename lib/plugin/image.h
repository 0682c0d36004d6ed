/* One version of a plugin: its file, its note, and its mapped memory. */
#ifndef TOCSIN_PLUGIN_IMAGE_H
#define TOCSIN_PLUGIN_IMAGE_H

#include "plugin/file.h"
#include "plugin/note/note.h"
#include "plugin/reason.h"
#include "plugin/threads.h"
#include "registry/owner.h"

struct tocsin__image {
    struct tocsin__file file; /* the file, which is open while the image is mapped, because the
                               * dynamic linker knows it by its descriptor */
    struct tocsin__note note;
    struct tocsin__owner *_Atomic owner; /* owner of the mapped image; NULL: the image is not
                                            mapped */
    void *handle;                        /* the handle that dlopen returned */
    int (*init)(void);
    void (*fini)(void);            /* the plugin's fini; NULL: the plugin has no fini */
    bool is_finished;              /* true if fini has been called */
    struct tocsin__threads before; /* the threads of the process before the load; used if the plugin
                                      may start threads */
};

/* Both functions return NULL and set *ret_err if they fail. The first function also writes the
   reason. */
struct tocsin__image *tocsin__image_read(const char *name, const struct tocsin__reason *reason,
                                         int *ret_err);
/* Makes a copy of the same file. The copy is not mapped. */
struct tocsin__image *tocsin__image_copy(const struct tocsin__image *image, int *ret_err);
/* Frees an image, which may be NULL. An image that is still mapped stays mapped. */
void tocsin__image_free(struct tocsin__image *image);

/* Maps the image, and gives it an owner. The constructors of the plugin run now. The owner is
   charged for everything that they begin. */
int tocsin__image_map(struct tocsin__image *image, const struct tocsin__reason *reason);
/* Returns true if a thread that the plugin started may still run. */
bool tocsin__image_is_busy(const struct tocsin__image *image);
/* Unmaps the image. Nothing of the image may run any more. Returns false if the dynamic linker
   keeps the image mapped. */
bool tocsin__image_unmap(struct tocsin__image *image);

/* While a thread holds this lock, no other thread maps or unmaps a plugin by this library. The lock
   is recursive. */
void tocsin__mapping_lock(void);
void tocsin__mapping_unlock(void);

/* Each function calls the plugin's function on this thread's loop, on behalf of the plugin. */
int tocsin__image_init(const struct tocsin__image *image);
void tocsin__image_fini(struct tocsin__image *image); /* calls fini at most once */

#endif
