#define _GNU_SOURCE                                    /* dlinfo, dl_iterate_phdr */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/emit.h"
#include "core/loop.h"
#include "plugin/image.h"
#include "plugin/reason.h"

struct tocsin__image *tocsin__image_read(const char *name, const struct tocsin__reason *reason, int *ret_err)
{
    struct tocsin__image *image = tocsin__alloc(sizeof *image);
    int err = image ? tocsin__file_open(&image->file, name, reason->text, reason->size) : -ENOMEM;

    if (err == 0) {
        err = tocsin__note_read(&image->note, image->file.data, image->file.size, reason->text, reason->size);
        if (err < 0)
            tocsin__file_close(&image->file);
    }
    *ret_err = err;
    if (err == 0)
        return image;
    if (image)
        tocsin__note_free(&image->note);
    tocsin__release(image);
    return NULL;
}

struct tocsin__image *tocsin__image_again(const struct tocsin__image *image, int *ret_err)
{
    char unused[64];
    struct tocsin__image *again = tocsin__alloc(sizeof *again);

    *ret_err = again ? tocsin__file_again(&again->file, &image->file) : -ENOMEM;
    if (*ret_err == 0) {
        *ret_err = tocsin__note_read(&again->note, again->file.data, again->file.size, unused, sizeof unused);
        if (*ret_err == 0)
            return again;
        tocsin__file_close(&again->file);
    }
    tocsin__release(again);
    return NULL;
}

void tocsin__image_free(struct tocsin__image *image)
{
    if (!image)
        return;
    tocsin__note_free(&image->note);
    tocsin__threads_free(&image->before);
    if (!image->owner)
        tocsin__file_close(&image->file);
    tocsin__release(image);
}

/* A function that it defines itself, and none that what it is linked with does. */
static void *symbol(const struct tocsin__image *image, const char *name)
{
    void *address = dlsym(image->handle, name);

    return address && tocsin__owner_has(image->owner, address) ? address : NULL;
}

/* What runs now is nobody's handler, but of this owner, also where its addresses are not known yet. */
struct stage { struct tocsin__handler *running; struct tocsin__doing doing; struct tocsin__owner *at_work; };

static struct stage enter(const struct tocsin__image *image, const void *code)
{
    struct tocsin__loop *loop = tocsin__self;
    struct stage was = { loop->running, tocsin__doing(loop), tocsin__at_work };

    loop->depth++;
    tocsin__runs(loop, NULL);
    tocsin__does(loop, (struct tocsin__doing){ .code = code, .signal = "plugin.loaded" });
    tocsin__at_work = image->owner;
    return was;
}

static void leave(struct stage was)
{
    struct tocsin__loop *loop = tocsin__self;

    tocsin__at_work = was.at_work;
    tocsin__does(loop, was.doing);
    tocsin__runs(loop, was.running);
    loop->depth--;
    tocsin__tidy_at_rest(loop);
}

/* From mapping a file until its addresses are known to be its owner's, and from unmapping it until they are not any more: another thread may map another file there at once. The
   dynamic linker holds a lock of its own for as long, which is recursive, too, for what constructors do. */
static pthread_mutex_t mapping = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

/* T8: whoever held it is not in the child. */
static void fork_child(void)
{
    static const pthread_mutex_t unlocked = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

    memcpy(&mapping, &unlocked, sizeof mapping);
}

static __attribute__((constructor)) void fork_watch(void)
{
    pthread_atfork(NULL, NULL, fork_child);
}

/* What the dynamic linker knows it by. Nothing else has that name while the copy is open. */
enum { LINKED_NAME = 32 };

static void linked_name(const struct tocsin__image *image, char *name)
{
    snprintf(name, LINKED_NAME, TOCSIN__MAPPED_FROM "%d", image->file.fd);
}

static int is_named(struct dl_phdr_info *object, size_t size, void *name)
{
    (void)size;
    return strcmp(object->dlpi_name, name) == 0;
}

static bool is_linked(const struct tocsin__image *image)
{
    char name[LINKED_NAME];

    linked_name(image, name);
    return dl_iterate_phdr(is_named, name);
}

static void *linked(const struct tocsin__image *image, const char *name)
{
    const struct link_map *map;
    void *handle;

    pthread_mutex_lock(&mapping);
    handle = tocsin__fault() ? NULL : dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle) {
        dlinfo(handle, RTLD_DI_LINKMAP, &map);
        tocsin__owner_maps(image->owner, map->l_addr + image->note.low, map->l_addr + image->note.high);
    }
    pthread_mutex_unlock(&mapping);
    return handle;
}

static int opened(struct tocsin__image *image, const struct tocsin__reason *reason)
{
    char path[LINKED_NAME];
    const char *why;
    size_t size;
    struct stage was = enter(image, NULL);

    linked_name(image, path);
    image->handle = linked(image, path);
    leave(was);
    if (image->handle)
        return 0;
    why = dlerror();
    size = strlen(path);
    if (why && strncmp(why, path, size) == 0 && strncmp(why + size, ": ", 2) == 0)
        why += size + 2;                               /* nobody knows it by that name */
    return tocsin__refuse(reason, -ELIBACC, "%s: %s", image->file.path, why);
}

int tocsin__image_map(struct tocsin__image *image, const struct tocsin__reason *reason)
{
    int err;

    err = image->note.threads ? tocsin__threads_note(&image->before) : 0;
    image->owner = err < 0 ? NULL : tocsin__owner_new(image->note.name);
    if (!image->owner)
        return err < 0 ? err : -ENOMEM;
    err = opened(image, reason);
    if (err < 0) {
        tocsin__owner_end(image->owner);
        image->owner = NULL;
        return err;
    }
    *(void **)&image->init = symbol(image, "tocsin_plugin_init");
    *(void **)&image->fini = symbol(image, "tocsin_plugin_fini");
    if (image->init)
        return 0;
    return tocsin__refuse(reason, -ENOEXEC, "%s: it does not define tocsin_plugin_init", image->file.path);
}

bool tocsin__image_busy(const struct tocsin__image *image)
{
    return image->note.threads && tocsin__threads_more(&image->before);
}

bool tocsin__image_unmap(struct tocsin__image *image)
{
    bool stays;

    pthread_mutex_lock(&mapping);
    dlclose(image->handle);
    image->handle = NULL;
    stays = is_linked(image);
    if (!stays)
        tocsin__owner_maps(image->owner, 0, 0);
    pthread_mutex_unlock(&mapping);
    if (stays) {
        atomic_store(&image->owner->gone, true);
        return false;
    }
    tocsin__owner_end(image->owner);
    image->owner = NULL;
    return true;
}

int tocsin__image_init(const struct tocsin__image *image)
{
    struct stage was = enter(image, (const void *)image->init);
    int err = image->init();

    leave(was);
    return err < 0 ? err : 0;
}

void tocsin__image_fini(struct tocsin__image *image)
{
    struct stage was;

    if (image->over || !image->fini)
        return;
    image->over = true;
    was = enter(image, (const void *)image->fini);
    image->fini();
    leave(was);
}
