/* Checks the dynamic section of a plugin's file. Each table that the section names must be in the
   file and have the right size. */
#include <errno.h>
#include <string.h>

#include "plugin/elf/dynamic.h"

static const struct {
    int64_t tag;
    enum tocsin__tag at;
} tags[] = {
    { DT_SYMTAB, D_SYMTAB },
    { DT_SYMENT, D_SYMENT },
    { DT_STRTAB, D_STRTAB },
    { DT_STRSZ, D_STRSZ },
    { DT_HASH, D_HASH },
    { DT_GNU_HASH, D_GNU_HASH },
    { DT_FLAGS, D_FLAGS },
    { DT_FLAGS_1, D_FLAGS_1 },
    { DT_SYMBOLIC, D_SYMBOLIC },
    { DT_TEXTREL, D_TEXTREL },
    { DT_RELA, D_RELA },
    { DT_RELASZ, D_RELASZ },
    { DT_RELAENT, D_RELAENT },
    { DT_RELACOUNT, D_RELACOUNT },
    { DT_REL, D_REL },
    { DT_RELSZ, D_RELSZ },
    { DT_RELENT, D_RELENT },
    { DT_RELCOUNT, D_RELCOUNT },
    { 36, D_RELR },
    { 35, D_RELRSZ },
    { 37, D_RELRENT },
    { DT_JMPREL, D_JMPREL },
    { DT_PLTREL, D_PLTREL },
    { DT_PLTRELSZ, D_PLTRELSZ },
    { DT_PLTGOT, D_PLTGOT },
    { DT_INIT, D_INIT },
    { DT_FINI, D_FINI },
    { DT_INIT_ARRAY, D_INIT_ARRAY },
    { DT_INIT_ARRAYSZ, D_INIT_ARRAYSZ },
    { DT_FINI_ARRAY, D_FINI_ARRAY },
    { DT_FINI_ARRAYSZ, D_FINI_ARRAYSZ },
    { DT_VERSYM, D_VERSYM },
    { DT_VERNEED, D_VERNEED },
    { DT_VERNEEDNUM, D_VERNEEDNUM },
    { DT_VERDEF, D_VERDEF },
    { DT_VERDEFNUM, D_VERDEFNUM },
};

static int malformed(const struct tocsin__view *view, const char *what)
{
    return tocsin__refuse(view->reason, -ENOEXEC, "the dynamic section is malformed: %s", what);
}

static bool entry_at(const struct tocsin__view *view, uint64_t index, ElfW(Dyn) * ret_entry)
{
    /* Limits the time that a hostile file can cost. */
    const uint64_t max = 4096;
    const unsigned char *at;

    if (index >= max)
        return false;
    at = tocsin__view_at(view, view->dynamic + index * sizeof *ret_entry, sizeof *ret_entry);
    if (at)
        memcpy(ret_entry, at, sizeof *ret_entry);
    return at != NULL;
}

/* Stores the value of a tag. Returns false if the tag occurs twice. */
static bool entry_take(struct tocsin__view *view, const ElfW(Dyn) * entry)
{
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (tags[i].tag == (int64_t)entry->d_tag) {
            if (view->has[tags[i].at])
                return false;
            view->value[tags[i].at] = entry->d_un.d_val;
            view->has[tags[i].at] = true;
        }
    return true;
}

int tocsin__dynamic_read(struct tocsin__view *view)
{
    ElfW(Phdr) segment;
    ElfW(Dyn) entry;
    unsigned cursor = 0, found = 0;
    uint32_t rights = 0;

    for (; tocsin__view_segment(view, PT_DYNAMIC, &cursor, &segment); found++) {
        view->dynamic = segment.p_vaddr;
        rights = segment.p_flags & PF_W;
    }
    if (!found)
        return tocsin__refuse(view->reason, -ENOEXEC, "no dynamic section, so not a shared object");
    if (view->dynamic % sizeof(ElfW(Addr)) != 0 ||
        !tocsin__view_contains(view, view->dynamic, sizeof entry, rights))
        return malformed(view, "not in a mapped segment with its rights");
    for (uint64_t i = 0; entry_at(view, i, &entry); i++)
        if (entry.d_tag == DT_NULL)
            return 0;
        else if (!entry_take(view, &entry))
            return malformed(view, "a tag occurs twice");
    return malformed(view, "it has no DT_NULL entry");
}

/* Strings */

const char *tocsin__dynamic_string(const struct tocsin__view *view, uint64_t offset)
{
    const uint64_t size = view->value[D_STRSZ];

    if (offset >= size)
        return NULL;
    return (const char *)tocsin__view_at(view, view->value[D_STRTAB], size) + offset;
}

const char *tocsin__dynamic_needed(const struct tocsin__view *view, uint64_t *cursor)
{
    ElfW(Dyn) entry;

    while (entry_at(view, *cursor, &entry) && entry.d_tag != DT_NULL) {
        ++*cursor;
        if (entry.d_tag == DT_NEEDED)
            return tocsin__dynamic_string(view, entry.d_un.d_val);
    }
    return NULL;
}

static bool is_string(int64_t tag)
{
    return tag == DT_NEEDED || tag == DT_SONAME || tag == DT_RPATH || tag == DT_RUNPATH ||
           tag == DT_AUXILIARY || tag == DT_FILTER || tag == DT_AUDIT || tag == DT_DEPAUDIT;
}

static int strings_check(const struct tocsin__view *view)
{
    const uint64_t size = view->value[D_STRSZ];
    const unsigned char *strings = tocsin__view_at(view, view->value[D_STRTAB], size);
    ElfW(Dyn) entry;

    if (!view->has[D_STRTAB] || !size || !strings || strings[size - 1])
        return malformed(view, "the string table is not in the file");
    for (uint64_t i = 0; entry_at(view, i, &entry) && entry.d_tag != DT_NULL; i++)
        if (is_string(entry.d_tag) && entry.d_un.d_val >= size)
            return malformed(view, "the name of a library is outside the string table");
    return 0;
}

/* Tables. Each table has an address and a size; some tables also state the size of an entry. */

struct list {
    enum tocsin__tag at, size, entry;
    uint64_t entry_size;
    bool named; /* true if a tag must state the size of an entry of this table */
    const char *what;
};

static const struct list lists[] = {
    { D_RELA, D_RELASZ, D_RELAENT, sizeof(ElfW(Rela)), true, "the relocations" },
    { D_REL, D_RELSZ, D_RELENT, sizeof(ElfW(Rel)), true, "the relocations" },
    { D_RELR, D_RELRSZ, D_RELRENT, sizeof(ElfW(Addr)), true, "the relocations" },
    { D_INIT_ARRAY, D_INIT_ARRAYSZ, 0, sizeof(ElfW(Addr)), false, "the list of constructors" },
    { D_FINI_ARRAY, D_FINI_ARRAYSZ, 0, sizeof(ElfW(Addr)), false, "the list of destructors" },
};

static bool list_fits(const struct tocsin__view *view, const struct list *list)
{
    const uint64_t at = view->value[list->at], size = view->value[list->size];

    if (!view->has[list->at])
        return !view->has[list->size] || !size;
    if (!view->has[list->size] || size % list->entry_size != 0)
        return false;
    if (list->named && (!view->has[list->entry] || view->value[list->entry] != list->entry_size))
        return false;
    return !size || (at % sizeof(ElfW(Addr)) == 0 && tocsin__view_at(view, at, size));
}

/* Checks the PLT relocations. They may be the end of the general table, or a table of their own. */
static bool procedures_fit(const struct tocsin__view *view)
{
    const uint64_t at = view->value[D_JMPREL], size = view->value[D_PLTRELSZ];
    const uint64_t kind = view->value[D_PLTREL];
    const bool addends = kind == DT_RELA;
    const uint64_t entry = addends ? sizeof(ElfW(Rela)) : sizeof(ElfW(Rel));
    const enum tocsin__tag all = addends ? D_RELA : D_REL, all_size = addends ? D_RELASZ : D_RELSZ;

    if (!view->has[D_JMPREL] && !view->has[D_PLTREL] && !view->has[D_PLTRELSZ])
        return true;
    if (!view->has[D_JMPREL] || !view->has[D_PLTREL] || !view->has[D_PLTRELSZ])
        return false;
    if ((!addends && kind != DT_REL) || size % entry != 0 || at % sizeof(ElfW(Addr)) != 0)
        return false;
    if (view->has[all] && view->value[all] + view->value[all_size] == at + size &&
        size > view->value[all_size])
        return false;
    return !size || tocsin__view_at(view, at, size);
}

static int lists_check(const struct tocsin__view *view)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (!list_fits(view, &lists[i]))
            return malformed(view, lists[i].what);
    return procedures_fit(view) ? 0 : malformed(view, "the relocations");
}

int tocsin__dynamic_check(const struct tocsin__view *view)
{
    int err;

    if (view->value[D_FLAGS_1] & DF_1_PIE)
        return tocsin__refuse(view->reason, -ENOEXEC, "an executable, not a shared object");
    err = strings_check(view);
    if (err == 0)
        err = lists_check(view);
    if (err < 0)
        return err;
    if ((view->has[D_INIT] && !tocsin__view_is_code(view, view->value[D_INIT])) ||
        (view->has[D_FINI] && !tocsin__view_is_code(view, view->value[D_FINI])))
        return malformed(view, "DT_INIT or DT_FINI is not the address of code");
    if (view->has[D_PLTGOT] &&
        !tocsin__view_contains(view, view->value[D_PLTGOT], sizeof(ElfW(Addr)), 0))
        return malformed(view, "DT_PLTGOT is not in a mapped segment");
    return 0;
}
