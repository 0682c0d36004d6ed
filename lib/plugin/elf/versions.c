/* Checks the versions of symbols: versions that the file defines, versions that it imports from a
   library, and the version index of each symbol. */
#include <errno.h>
#include <string.h>

#include "plugin/elf/dynamic.h"
#include "plugin/elf/symbols.h"
#include "plugin/elf/versions.h"

/* the mask of a version index; the top bit, which is not in the mask, marks a hidden version */
enum { INDEX = 0x7fff };

static int malformed(const struct tocsin__view *view)
{
    return tocsin__refuse(view->reason, -ENOEXEC, "the versions of symbols are malformed");
}

uint16_t tocsin__version_index(const struct tocsin__view *view, uint64_t symbol)
{
    const uint64_t size = view->symbols_count * sizeof(ElfW(Half));
    const unsigned char *table = NULL;
    ElfW(Half) index = 1;

    if (view->has[D_VERSYM] && (view->has[D_VERNEED] || view->has[D_VERDEF]))
        table = tocsin__view_at(view, view->value[D_VERSYM], size);
    if (table && symbol < view->symbols_count)
        memcpy(&index, table + symbol * sizeof index, sizeof index);
    return index;
}

/* Calls `take` for each version of one library in the table DT_VERNEED, which is a list of
 * libraries, each with a list of versions. The dynamic linker follows the offsets from entry to
 * entry and ignores the counts, so this function does the same. */

static int needed_each(const struct tocsin__view *view, uint64_t at, const ElfW(Verneed) * need,
                       tocsin__version_fn take, void *arg)
{
    const char *library = tocsin__dynamic_string(view, need->vn_file);
    ElfW(Vernaux) aux;

    at += need->vn_aux;
    for (unsigned left = need->vn_cnt; left; left--, at += aux.vna_next) {
        const unsigned char *bytes = at % 4 ? NULL : tocsin__view_at(view, at, sizeof aux);
        const char *name;
        int err;

        if (!bytes || !library)
            return malformed(view);
        memcpy(&aux, bytes, sizeof aux);
        name = tocsin__dynamic_string(view, aux.vna_name);
        if (!name || (left == 1) != (aux.vna_next == 0) || aux.vna_hash != tocsin__hash_sysv(name))
            return malformed(view);
        err = take(arg, aux.vna_other, name, library);
        if (err < 0)
            return err;
    }
    return need->vn_cnt ? 0 : malformed(view);
}

static int needs_each(const struct tocsin__view *view, tocsin__version_fn take, void *arg)
{
    uint64_t at = view->value[D_VERNEED];
    ElfW(Verneed) need;

    for (uint64_t left = view->value[D_VERNEEDNUM]; left; left--, at += need.vn_next) {
        const unsigned char *bytes = at % 4 ? NULL : tocsin__view_at(view, at, sizeof need);
        int err;

        if (!bytes)
            return malformed(view);
        memcpy(&need, bytes, sizeof need);
        if (need.vn_version != VER_NEED_CURRENT || (left == 1) != (need.vn_next == 0))
            return malformed(view);
        err = needed_each(view, at, &need, take, arg);
        if (err < 0)
            return err;
    }
    return 0;
}

/* Calls `take` for each version of the table DT_VERDEF. The first name of an entry is the version;
   the other names are the parents of this version. */
static int defined_each(const struct tocsin__view *view, tocsin__version_fn take, void *arg)
{
    uint64_t at = view->value[D_VERDEF];
    ElfW(Verdef) defined;

    for (uint64_t left = view->value[D_VERDEFNUM]; left; left--, at += defined.vd_next) {
        const unsigned char *bytes = at % 4 ? NULL : tocsin__view_at(view, at, sizeof defined);
        ElfW(Verdaux) aux;
        const char *name;
        int err;

        if (!bytes)
            return malformed(view);
        memcpy(&defined, bytes, sizeof defined);
        bytes = defined.vd_aux % 4 ? NULL : tocsin__view_at(view, at + defined.vd_aux, sizeof aux);
        if (!bytes || defined.vd_version != VER_DEF_CURRENT || !defined.vd_cnt ||
            (left == 1) != (defined.vd_next == 0))
            return malformed(view);
        memcpy(&aux, bytes, sizeof aux);
        name = tocsin__dynamic_string(view, aux.vda_name);
        if (!name || defined.vd_hash != tocsin__hash_sysv(name))
            return malformed(view);
        err = defined.vd_flags & VER_FLG_BASE ? 0 : take(arg, defined.vd_ndx, name, NULL);
        if (err < 0)
            return err;
    }
    return 0;
}

int tocsin__versions_each(const struct tocsin__view *view, tocsin__version_fn take, void *arg)
{
    int err = view->has[D_VERNEED] ? needs_each(view, take, arg) : 0;

    return err == 0 && view->has[D_VERDEF] ? defined_each(view, take, arg) : err;
}

/* Data for two checks, whose results the dynamic linker assumes: each index belongs to only one
 * version, and each library is in the DT_NEEDED list. */

struct seen {
    const struct tocsin__view *view;
    unsigned char indices[TOCSIN__VERSIONS_MAX / 8];
    const char *library; /* the library of the version that was found last */
};

static bool is_needed(const struct tocsin__view *view, const char *library)
{
    const char *needed;

    for (uint64_t cursor = 0; (needed = tocsin__dynamic_needed(view, &cursor)) != NULL;)
        if (strcmp(needed, library) == 0)
            return true;
    return false;
}

static int version_see(void *arg, uint16_t index, const char *name, const char *library)
{
    struct seen *seen = arg;
    const unsigned at = index & INDEX;

    (void)name;
    if (at < 2 || seen->indices[at / 8] & 1 << at % 8)
        return malformed(seen->view);
    seen->indices[at / 8] |= (unsigned char)(1 << at % 8);
    if (library && library != seen->library && !is_needed(seen->view, library))
        return malformed(seen->view);
    seen->library = library ? library : seen->library;
    return 0;
}

int tocsin__versions_check(const struct tocsin__view *view)
{
    const uint64_t size = view->symbols_count * sizeof(ElfW(Half));
    struct seen seen = { .view = view };
    int err;

    if (!view->has[D_VERNEED] && !view->has[D_VERDEF])
        return view->has[D_VERSYM] ? malformed(view) : 0;
    if (!view->has[D_VERSYM] || view->has[D_VERNEED] != view->has[D_VERNEEDNUM] ||
        view->has[D_VERDEF] != view->has[D_VERDEFNUM] || view->value[D_VERSYM] % 2 ||
        !tocsin__view_at(view, view->value[D_VERSYM], size))
        return malformed(view);
    err = tocsin__versions_each(view, version_see, &seen);
    for (uint64_t i = 0; i < view->symbols_count && err == 0; i++) {
        const unsigned at = tocsin__version_index(view, i) & INDEX;

        if (at > 1 && !(seen.indices[at / 8] & 1 << at % 8))
            err = malformed(view);
    }
    return err;
}
