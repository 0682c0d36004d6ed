/* Maps and unmaps a plugin's file, and calls the plugin's init and fini. */
#define _GNU_SOURCE /* makes the headers declare dlinfo and dl_iterate_phdr */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/fork.h"
#include "delivery/context.h"
#include "delivery/emit.h"
#include "delivery/loop.h"
#include "delivery/owner_here.h"
#include "plugin/linker.h"
#include "plugin/image.h"
#include "plugin/reason.h"

struct tocsin__image *tocsin__image_read(const char *name, const struct tocsin__reason *reason,
                                         int *ret_err)
{
    struct tocsin__image *image = tocsin__alloc(sizeof *image);
    int err = image ? tocsin__file_open(&image->file, name, reason->text, reason->size) : -ENOMEM;

    if (err == 0) {
        err = tocsin__note_read(&image->note, image->file.data, image->file.size, reason->text,
                                reason->size);
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

struct tocsin__image *tocsin__image_copy(const struct tocsin__image *image, int *ret_err)
{
    char unused[64];
    struct tocsin__image *copy = tocsin__alloc(sizeof *copy);

    *ret_err = copy ? tocsin__file_copy(&copy->file, &image->file) : -ENOMEM;
    if (*ret_err == 0) {
        *ret_err = tocsin__note_read(&copy->note, copy->file.data, copy->file.size, unused,
                                     sizeof unused);
        if (*ret_err == 0)
            return copy;
        tocsin__file_close(&copy->file);
    }
    tocsin__release(copy);
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

/* Returns a function that the plugin defines itself, or NULL. dlsym also finds functions of the
   plugin's libraries; these are ignored. */
static void *symbol_find(const struct tocsin__image *image, const char *name)
{
    void *address = dlsym(image->handle, name);

    return address && tocsin__owner_has(image->owner, address) ? address : NULL;
}

/* A record of the code that runs on a loop, saved while a function of the plugin is called. This
 * function is not a handler. It runs on behalf of the image's owner, even while the owner's
 * addresses are not known yet. */
struct context {
    struct tocsin__context loop;
    struct tocsin__owner *thread_owner;
    const struct tocsin__owner *entered;
    const char *by;
};

static struct context context_enter(const struct tocsin__image *image, const void *code,
                                    const char *by)
{
    struct tocsin__loop *loop = tocsin__self;
    struct tocsin__activity activity = { .code = code, .signal = "plugin.loaded" };
    struct context was = { tocsin__context_enter(loop, activity), tocsin__thread_owner,
                           loop->runs.entered, loop->runs.entered_by };

    tocsin__loop_enter(loop);
    tocsin__set_running(loop, NULL);
    tocsin__thread_owner = image->owner;
    atomic_store(&loop->runs.entered_by, by);
    atomic_store(&loop->runs.entered, image->owner);
    return was;
}

static void context_leave(struct context was)
{
    struct tocsin__loop *loop = tocsin__self;

    atomic_store(&loop->runs.entered, was.entered);
    atomic_store(&loop->runs.entered_by, was.by);
    tocsin__thread_owner = was.thread_owner;
    tocsin__context_restore(loop, &was.loop);
    tocsin__loop_leave(loop);
}

/* A thread holds this lock from mapping a file until the owner has its addresses, and from
 * unmapping a file until the owner has lost its addresses. Otherwise another thread could map
 * another file at the same addresses meanwhile. The lock is recursive like the dynamic linker's own
 * lock, because a constructor may load another plugin. */
static pthread_mutex_t mapping = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void tocsin__mapping_lock(void)
{
    pthread_mutex_lock(&mapping);
}

void tocsin__mapping_unlock(void)
{
    pthread_mutex_unlock(&mapping);
}

/* In the child of a fork (T8), the thread that held the lock does not exist, so the lock is
 * initialized again. */
static void images_fork_child(void)
{
    static const pthread_mutex_t unlocked = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

    memcpy(&mapping, &unlocked, sizeof mapping);
}

static __attribute__((constructor)) void images_fork_register(void)
{
    static const struct tocsin__fork_step step = { .child = images_fork_child };

    tocsin__fork_register(TOCSIN__FORK_IMAGES, &step);
}

/* Size of the path by which the dynamic linker knows the file. The path is unique while the file is
   open. */
enum { PATH_SIZE = 32 };

static void path_print(const struct tocsin__image *image, char *name)
{
    snprintf(name, PATH_SIZE, TOCSIN__MAPPED_FROM "%d", image->file.fd);
}

static int is_named(struct dl_phdr_info *object, size_t size, void *name)
{
    (void)size;
    return strcmp(object->dlpi_name, name) == 0;
}

static bool is_linked(const struct tocsin__image *image)
{
    char name[PATH_SIZE];

    path_print(image, name);
    return dl_iterate_phdr(is_named, name);
}

static void *image_open(const struct tocsin__image *image, const char *name)
{
    const struct link_map *map;
    void *handle;

    pthread_mutex_lock(&mapping);
    tocsin__linker_enter();
    handle = tocsin__fault() ? NULL : dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle) {
        dlinfo(handle, RTLD_DI_LINKMAP, &map);
        tocsin__owner_set_range(image->owner, map->l_addr + image->note.low,
                                map->l_addr + image->note.high);
    }
    tocsin__linker_leave();
    pthread_mutex_unlock(&mapping);
    return handle;
}

static int image_link(struct tocsin__image *image, const struct tocsin__reason *reason)
{
    char path[PATH_SIZE];
    const char *why;
    size_t size;
    struct context was = context_enter(image, NULL, "constructors");

    path_print(image, path);
    image->handle = image_open(image, path);
    context_leave(was);
    if (image->handle)
        return 0;
    why = dlerror();
    size = strlen(path);
    if (why && strncmp(why, path, size) == 0 && strncmp(why + size, ": ", 2) == 0)
        why += size + 2; /* skips the path, which has no meaning for the user */
    return tocsin__refuse(reason, -ELIBACC, "%s: %s", image->file.path, why);
}

int tocsin__image_map(struct tocsin__image *image, const struct tocsin__reason *reason)
{
    int err;

    err = image->note.threads ? tocsin__threads_note(&image->before) : 0;
    image->owner = err < 0 ? NULL : tocsin__owner_new(image->note.name);
    if (!image->owner)
        return err < 0 ? err : -ENOMEM;
    err = image_link(image, reason);
    if (err < 0) {
        tocsin__owner_end(image->owner);
        image->owner = NULL;
        return err;
    }
    *(void **)&image->init = symbol_find(image, "tocsin_plugin_init");
    *(void **)&image->fini = symbol_find(image, "tocsin_plugin_fini");
    if (image->init)
        return 0;
    return tocsin__refuse(reason, -ENOEXEC, "%s: tocsin_plugin_init is not defined",
                          image->file.path);
}

bool tocsin__image_is_busy(const struct tocsin__image *image)
{
    return image->note.threads && tocsin__threads_has_more(&image->before);
}

bool tocsin__image_unmap(struct tocsin__image *image)
{
    bool stays = tocsin__linker_is_lost();

    pthread_mutex_lock(&mapping);
    if (!stays) {
        tocsin__linker_enter();
        dlclose(image->handle);
        tocsin__linker_leave();
        stays = is_linked(image);
    }
    image->handle = NULL;
    if (!stays)
        tocsin__owner_set_range(image->owner, 0, 0);
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
    struct context was = context_enter(image, (const void *)image->init, "init");
    int err = image->init();

    context_leave(was);
    return err < 0 ? err : 0;
}

void tocsin__image_fini(struct tocsin__image *image)
{
    struct context was;

    if (image->is_finished || !image->fini)
        return;
    image->is_finished = true;
    was = context_enter(image, (const void *)image->fini, "fini");
    image->fini();
    context_leave(was);
}
