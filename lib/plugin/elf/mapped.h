/* Symbol lookup in the objects that the process has mapped, as the dynamic linker does it. */
#ifndef TOCSIN_PLUGIN_ELF_MAPPED_H
#define TOCSIN_PLUGIN_ELF_MAPPED_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tocsin__mapped {
    const char *name; /* path of its file; "": the program */
    uintptr_t base, low, high;
    const char *strings, *soname; /* the string table; the DT_SONAME, or NULL if there is none */
    const ElfW(Sym) * symbols;
    const uint32_t *gnu_hash;
    const Elf_Symndx *hash;
    /* version index of each symbol; NULL: no versions */
    const ElfW(Half) * versions;
    const ElfW(Verdef) * defined;
    const ElfW(Dyn) * dynamic;
    bool plugin; /* tocsin has mapped the file */
    bool global; /* a dependency of the program */
    /* a dependency of the plugin that is checked */
    bool near;
};

/* A symbol to look up. version NULL: a reference without a version. */
struct tocsin__wanted {
    const char *name, *version;
    uint32_t gnu, sysv;
};

/* False: the object has no symbols, or is not a file (vdso). */
bool tocsin__mapped_open(struct tocsin__mapped *mapped, const struct dl_phdr_info *info);
/* The definition in this object that the reference would be bound to; NULL: none. */
const ElfW(Sym) *
    tocsin__mapped_find(const struct tocsin__mapped *mapped, const struct tocsin__wanted *wanted);
/* The version of a found symbol; NULL: no version. */
const char *tocsin__mapped_version(const struct tocsin__mapped *mapped, const ElfW(Sym) * symbol);
/* True if a DT_NEEDED entry names this object. */
bool tocsin__mapped_is(const struct tocsin__mapped *mapped, const char *needed);

#endif
