/* What is mapped of a plugin: one version of it, from the file to the two functions that it defines. */
#ifndef TOCSIN_PLUGIN_IMAGE_H
#define TOCSIN_PLUGIN_IMAGE_H

#include "core/owner.h"
#include "plugin/file.h"
#include "plugin/note.h"
#include "plugin/reason.h"
#include "plugin/threads.h"

struct tocsin__image {
    struct tocsin__file file;                          /* the copy stays open while it is mapped: the dynamic linker knows it by its number */
    struct tocsin__note note;
    struct tocsin__owner *_Atomic owner;               /* NULL: it is not mapped */
    void *handle;
    int (*init)(void);
    void (*fini)(void);                                /* NULL: it has none */
    bool over;                                         /* fini has been called */
    struct tocsin__threads before;                     /* noted if it may begin some itself */
};

struct tocsin__image *tocsin__image_read(const char *name, const struct tocsin__reason *reason, int *ret_err);    /* NULL: *ret_err, and the reason */
struct tocsin__image *tocsin__image_again(const struct tocsin__image *image, int *ret_err);     /* the same bytes, not mapped yet; NULL: *ret_err */
void tocsin__image_free(struct tocsin__image *image);  /* one that is not mapped, or that stays so; NULL is allowed */

int  tocsin__image_map(struct tocsin__image *image, const struct tocsin__reason *reason);      /* constructors run; it holds what they begin */
bool tocsin__image_busy(const struct tocsin__image *image);     /* a thread of its own may run still */
bool tocsin__image_unmap(struct tocsin__image *image); /* nothing of it runs any more. False: the dynamic linker keeps it */

/* Calls one of its functions on the thread's loop, as nobody's handler. */
int  tocsin__image_init(const struct tocsin__image *image);
void tocsin__image_fini(struct tocsin__image *image);  /* once */

#endif
