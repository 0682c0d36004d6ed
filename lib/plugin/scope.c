/* Looks up each symbol of a plugin in the mapped objects, as the dynamic linker will do. */
#define _GNU_SOURCE /* makes the headers declare dl_iterate_phdr and dlvsym */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "plugin/elf/dynamic.h"
#include "plugin/elf/elf.h"
#include "plugin/elf/mapped.h"
#include "plugin/elf/symbols.h"
#include "plugin/elf/versions.h"
#include "plugin/scope.h"

enum { INDEX = 0x7fff, NAMED_MAX = 3 };

/* A symbol that is looked up later with dlsym, because only the dynamic linker knows the global
   scope. For a definition of the plugin, the lookup must fail. For an import, it must succeed. */
struct lookup {
    uint64_t symbol;
    bool import;
    char version[64], file[200];
};

struct scope {
    const struct tocsin__view *view;
    const struct tocsin__image *image;
    const struct tocsin__reason *reason;
    const char **versions; /* the names of the plugin's versions; the index is the version index */
    struct tocsin__mapped *objects;
    size_t objects_count, objects_room;
    struct lookup *lookups;
    size_t lookups_count, lookups_room;
    unsigned clashes; /* number of definitions that would be bound to another object */
    /* true if every dependency of the plugin is mapped */
    bool complete;
    int err;
};

static bool array_grow(void **all, size_t *room, size_t count, size_t size)
{
    void *more;

    if (count < *room)
        return true;
    more = tocsin__alloc((2 * count + 16) * size);
    if (!more)
        return false;
    if (count)
        memcpy(more, *all, count * size);
    tocsin__release(*all);
    *all = more;
    *room = 2 * count + 16;
    return true;
}

static int version_store(void *arg, uint16_t index, const char *name, const char *library)
{
    struct scope *scope = arg;

    (void)library;
    scope->versions[index & INDEX] = name;
    return 0;
}

static int versions_store(struct scope *scope)
{
    const struct tocsin__view *view = scope->view;

    if (!view->has[D_VERNEED] && !view->has[D_VERDEF])
        return 0;
    scope->versions = tocsin__alloc(TOCSIN__VERSIONS_MAX * sizeof *scope->versions);
    return scope->versions ? tocsin__versions_each(view, version_store, scope) : -ENOMEM;
}

static struct tocsin__wanted wanted_of(const struct scope *scope, uint64_t index,
                                       const ElfW(Sym) * symbol)
{
    const char *name = tocsin__dynamic_string(scope->view, symbol->st_name);
    const unsigned version = tocsin__version_index(scope->view, index) & INDEX;

    return (struct tocsin__wanted){ name, scope->versions ? scope->versions[version] : NULL,
                                    tocsin__hash_gnu(name), tocsin__hash_sysv(name) };
}

/* The objects */

static int object_add(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct scope *scope = arg;

    (void)size;
    if (!array_grow((void **)&scope->objects, &scope->objects_room, scope->objects_count,
                    sizeof *scope->objects)) {
        scope->err = -ENOMEM;
        return 1;
    }
    scope->objects_count += tocsin__mapped_open(&scope->objects[scope->objects_count], info);
    return 0;
}

/* Marks the object that a DT_NEEDED entry names. Returns false if no mapped object has this
   name. */
static bool object_mark(struct scope *scope, const char *needed, bool global, bool *ret_marked)
{
    for (size_t i = 0; i < scope->objects_count; i++) {
        struct tocsin__mapped *object = &scope->objects[i];
        bool *flag = global ? &object->global : &object->near;

        if (!tocsin__mapped_is(object, needed))
            continue;
        *ret_marked |= !*flag;
        *flag = true;
        return true;
    }
    return false;
}

/* Marks the dependencies of marked objects, and their dependencies, until nothing changes. */
static void dependencies_mark(struct scope *scope, bool global)
{
    bool marked;

    do {
        marked = false;
        for (size_t i = 0; i < scope->objects_count; i++) {
            const struct tocsin__mapped *object = &scope->objects[i];

            if (global ? !object->global : !object->near)
                continue;
            for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++)
                if (entry->d_tag == DT_NEEDED)
                    object_mark(scope, object->strings + entry->d_un.d_val, global, &marked);
        }
    } while (marked);
}

/* Marks the dependencies of the program and of the plugin. libtocsin itself counts as a dependency
   of the program, even if the program was not linked with it. A plugin with its own copy of
   libtocsin could not work. */
static void objects_mark(struct scope *scope)
{
    const uintptr_t here = (uintptr_t)objects_mark;
    const char *needed;
    bool marked = false;

    for (size_t i = 0; i < scope->objects_count; i++) {
        struct tocsin__mapped *object = &scope->objects[i];

        object->global = !*object->name || (here >= object->low && here < object->high);
    }
    dependencies_mark(scope, true);
    scope->complete = true;
    for (uint64_t cursor = 0; (needed = tocsin__dynamic_needed(scope->view, &cursor)) != NULL;)
        scope->complete &= object_mark(scope, needed, false, &marked);
    dependencies_mark(scope, false);
}

/* Reasons */

static const char *file_of(const struct tocsin__mapped *object)
{
    return *object->name ? object->name : "the program";
}

static void clash_add(struct scope *scope, const char *name, const char *file)
{
    const struct tocsin__reason *reason = scope->reason;

    if (!scope->clashes)
        tocsin__refuse(reason, -ELIBACC,
                       "%s: symbols of the plugin would be replaced: ", scope->image->note.name);
    if (scope->clashes < NAMED_MAX)
        tocsin__reason_add(reason, "%s%s by that of %s", scope->clashes ? "; " : "", name, file);
    scope->clashes++;
    scope->err = -ELIBACC;
}

static int clashes_refuse(const struct scope *scope)
{
    if (scope->clashes > NAMED_MAX)
        tocsin__reason_add(scope->reason, "; and %u more", scope->clashes - NAMED_MAX);
    tocsin__reason_add(scope->reason, ": compile it with -fvisibility=hidden, or make it static");
    return scope->err;
}

static void lookup_add(struct scope *scope, uint64_t symbol, bool import, const char *version,
                       const char *file)
{
    struct lookup *lookup;

    if (!array_grow((void **)&scope->lookups, &scope->lookups_room, scope->lookups_count,
                    sizeof *scope->lookups)) {
        scope->err = -ENOMEM;
        return;
    }
    lookup = &scope->lookups[scope->lookups_count++];
    *lookup = (struct lookup){ .symbol = symbol, .import = import };
    snprintf(lookup->version, sizeof lookup->version, "%s", version ? version : "");
    snprintf(lookup->file, sizeof lookup->file, "%s", file);
}

/* Returns true for symbols that some linkers define in every object. */
static bool is_linker_symbol(const ElfW(Sym) * symbol, const char *name)
{
    static const char *const names[] = {
        "__bss_start", "__bss_start__", "__bss_end__", "_bss_end__", "__end__",
        "_edata",      "edata",         "_end",        "end",        "_etext",
        "etext",       "__data_start",  "data_start",
    };

    if (strcmp(name, "_init") == 0 || strcmp(name, "_fini") == 0 ||
        strcmp(name, "tocsin_plugin_init") == 0 || strcmp(name, "tocsin_plugin_fini") == 0 ||
        strncmp(name, "__start_", 8) == 0 || strncmp(name, "__stop_", 7) == 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (ELF64_ST_TYPE(symbol->st_info) == STT_NOTYPE && strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void defined_check(struct scope *scope, uint64_t index, const ElfW(Sym) * symbol)
{
    const struct tocsin__wanted wanted = wanted_of(scope, index, symbol);

    if (ELF64_ST_VISIBILITY(symbol->st_other) != STV_DEFAULT || symbol->st_shndx == SHN_ABS ||
        is_linker_symbol(symbol, wanted.name))
        return;
    for (size_t i = 0; i < scope->objects_count; i++) {
        const struct tocsin__mapped *object = &scope->objects[i];
        const ElfW(Sym) *found = object->plugin ? NULL : tocsin__mapped_find(object, &wanted);

        if (found && object->global) {
            clash_add(scope, wanted.name, file_of(object));
            return;
        }
        if (found)
            lookup_add(scope, index, false, tocsin__mapped_version(object, found), file_of(object));
    }
}

static void import_check(struct scope *scope, uint64_t index, const ElfW(Sym) * symbol)
{
    const struct tocsin__wanted wanted = wanted_of(scope, index, symbol);

    for (size_t i = 0; i < scope->objects_count; i++) {
        const struct tocsin__mapped *object = &scope->objects[i];

        if ((object->global || object->near) && tocsin__mapped_find(object, &wanted))
            return;
    }
    lookup_add(scope, index, true, wanted.version, "");
}

static bool is_earlier(const struct scope *scope, const struct tocsin__mapped *object)
{
    const struct tocsin__owner *owner;

    if (!object->plugin)
        return false;
    owner = tocsin__owner_of((const void *)object->low);
    return atomic_load(&owner->gone) && strcmp(owner->name, scope->image->note.name) == 0;
}

/* Checks a unique symbol, which the dynamic linker binds to the first definition in the process. */
static void unique_check(struct scope *scope, uint64_t index, const ElfW(Sym) * symbol)
{
    const struct tocsin__wanted wanted = wanted_of(scope, index, symbol);
    const char *name = scope->image->note.name;

    for (size_t i = 0; i < scope->objects_count && !scope->err; i++) {
        const struct tocsin__mapped *object = &scope->objects[i];
        const ElfW(Sym) *found = tocsin__mapped_find(object, &wanted);

        if (!found || ELF64_ST_BIND(found->st_info) != STB_GNU_UNIQUE)
            continue;
        if (is_earlier(scope, object))
            scope->err = tocsin__refuse(scope->reason, -ELIBACC,
                                        "%s: an earlier version left the unique symbol %s in "
                                        "the process: compile the plugin with "
                                        "-fno-gnu-unique, and start the program again",
                                        name, wanted.name);
        else if (found->st_size != symbol->st_size)
            scope->err = tocsin__refuse(scope->reason, -ELIBACC,
                                        "%s: its symbol %s has %llu bytes, but the same symbol "
                                        "of %s, which would replace it, has %llu: compile both "
                                        "with -fno-gnu-unique",
                                        name, wanted.name, (unsigned long long)symbol->st_size,
                                        file_of(object), (unsigned long long)found->st_size);
    }
}

static bool is_symbolic(const struct tocsin__view *view)
{
    return view->has[D_SYMBOLIC] || (view->value[D_FLAGS] & DF_SYMBOLIC);
}

static void symbol_check(struct scope *scope, uint64_t index)
{
    unsigned bind;
    ElfW(Sym) symbol;

    tocsin__symbol_at(scope->view, index, &symbol);
    bind = ELF64_ST_BIND(symbol.st_info);
    if (symbol.st_shndx == SHN_UNDEF && bind == STB_GLOBAL && scope->complete)
        import_check(scope, index, &symbol);
    else if (symbol.st_shndx != SHN_UNDEF && bind == STB_GLOBAL && !is_symbolic(scope->view))
        defined_check(scope, index, &symbol);
    else if (symbol.st_shndx != SHN_UNDEF && bind == STB_GNU_UNIQUE)
        unique_check(scope, index, &symbol);
}

/* Looks up all symbols. dl_iterate_phdr holds the linker's lock during this callback, so nothing is
   mapped or unmapped meanwhile. It returns 1, because one call does all the work. */
static int symbols_check(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct scope *scope = arg;

    (void)info, (void)size;
    dl_iterate_phdr(object_add, scope);
    if (scope->err == 0)
        objects_mark(scope);
    for (uint64_t i = 1; i < scope->view->symbols_count && (!scope->err || scope->clashes); i++)
        symbol_check(scope, i);
    return 1;
}

/* Lookups with dlsym */

static int refuse_undefined(const struct scope *scope, const char *name, const char *version)
{
    return tocsin__refuse(scope->reason, -ELIBACC,
                          "%s: undefined symbol: %s%s%s: no library of the plugin defines it, nor "
                          "does the program or a library of the program: is a library missing in "
                          "the command that linked the plugin?",
                          scope->image->note.name, name, *version ? ", version " : "", version);
}

static bool lookup_do(struct scope *scope, void *program, const struct lookup *lookup)
{
    const char *version = lookup->version, *name;
    const void *found;
    ElfW(Sym) symbol;

    tocsin__symbol_at(scope->view, lookup->symbol, &symbol);
    name = tocsin__dynamic_string(scope->view, symbol.st_name);
    found = *version ? dlvsym(program, name, version) : dlsym(program, name);
    if (lookup->import && !found)
        scope->err = refuse_undefined(scope, name, version);
    else if (!lookup->import && found)
        clash_add(scope, name, lookup->file);
    return scope->err == 0 || scope->clashes;
}

static void lookups_do(struct scope *scope)
{
    void *program = scope->lookups_count ? dlopen(NULL, RTLD_NOW) : NULL;

    for (size_t i = 0; program && i < scope->lookups_count; i++)
        if ((!scope->clashes || !scope->lookups[i].import) &&
            !lookup_do(scope, program, &scope->lookups[i]))
            break;
    if (program)
        dlclose(program);
}

int tocsin__scope_check(const struct tocsin__image *image, const struct tocsin__reason *reason)
{
    struct tocsin__elf elf;
    struct tocsin__view view;
    struct scope scope = { .view = &view, .image = image, .reason = reason };

    scope.err = tocsin__elf_open(&view, image->file.data, image->file.size, &elf, reason);
    if (scope.err == 0)
        scope.err = versions_store(&scope);
    tocsin__mapping_lock();
    if (scope.err == 0)
        dl_iterate_phdr(symbols_check, &scope);
    if (scope.err == 0 || scope.clashes)
        lookups_do(&scope);
    tocsin__mapping_unlock();
    tocsin__release(scope.versions);
    tocsin__release(scope.objects);
    tocsin__release(scope.lookups);
    return scope.clashes ? clashes_refuse(&scope) : scope.err;
}

/* Functions for the libraries that would be mapped with the plugin */

struct brought {
    const char *needed;
    bool mapped;
};

static int is_mapped(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct brought *brought = arg;
    struct tocsin__mapped object;

    (void)size;
    brought->mapped |= tocsin__mapped_open(&object, info) &&
                       tocsin__mapped_is(&object, brought->needed);
    return brought->mapped;
}

const char *tocsin__scope_brings(const struct tocsin__image *image, char *buffer, size_t size)
{
    const struct tocsin__reason unwanted = { NULL, 0 }, text = { buffer, size };
    struct brought brought = { .mapped = false };
    struct tocsin__elf elf;
    struct tocsin__view view;
    uint64_t cursor = 0;

    *buffer = '\0';
    if (tocsin__elf_open(&view, image->file.data, image->file.size, &elf, &unwanted) < 0)
        return buffer;
    tocsin__mapping_lock();
    while ((brought.needed = tocsin__dynamic_needed(&view, &cursor)) != NULL) {
        brought.mapped = false;
        dl_iterate_phdr(is_mapped, &brought);
        if (!brought.mapped)
            tocsin__reason_add(&text, "%s%s", *buffer ? " " : "", brought.needed);
    }
    tocsin__mapping_unlock();
    return buffer;
}

/* Functions for warnings about a plugin that can be loaded */

static const char *unique_of(const struct tocsin__view *view)
{
    ElfW(Sym) symbol;

    for (uint64_t i = 1; tocsin__symbol_at(view, i, &symbol); i++)
        if (symbol.st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol.st_info) == STB_GNU_UNIQUE)
            return tocsin__dynamic_string(view, symbol.st_name);
    return "";
}

static bool uniques_describe(const struct tocsin__image *image, const struct tocsin__reason *reason,
                             const char *what)
{
    const struct tocsin__reason unwanted = { NULL, 0 };
    const uint32_t more = image->note.uniques - 1;
    struct tocsin__elf elf;
    struct tocsin__view view;

    if (tocsin__elf_open(&view, image->file.data, image->file.size, &elf, &unwanted) < 0)
        return false;
    tocsin__refuse(reason, 0, "%s %s: %s", image->note.name, what, unique_of(&view));
    if (more)
        tocsin__reason_add(reason, " and %u more", more);
    return tocsin__reason_add(reason,
                              " cannot be replaced (unique symbol%s): compile the plugin with "
                              "-fno-gnu-unique",
                              more ? "s" : "");
}

int tocsin__scope_refuse_reload(const struct tocsin__image *image,
                                const struct tocsin__reason *reason)
{
    if (uniques_describe(image, reason, "is not reloaded"))
        tocsin__reason_add(reason, ", and start the program again");
    return -ELIBACC;
}

bool tocsin__scope_warn(const struct tocsin__image *image, const struct tocsin__reason *reason)
{
    if (image->note.uniques)
        uniques_describe(image, reason, "can be loaded, but not reloaded");
    if (image->note.keys)
        tocsin__reason_add(reason,
                           "%s%s imports pthread_key_create: a thread that ends later calls the "
                           "destructor, so delete the key in fini, or pass no destructor",
                           image->note.uniques ? "; " : "", image->note.name);
    return image->note.uniques || image->note.keys;
}
