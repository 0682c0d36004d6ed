/* Looks up symbols in the objects that the process has mapped, as the dynamic linker does. */
#ifndef TOCSIN_PLUGIN_ELF_MAPPED_H
#define TOCSIN_PLUGIN_ELF_MAPPED_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tocsin__mapped {
    const char *name; /* path of the object's file; "": the program */
    uintptr_t base, low, high;
    const char *strings, *soname; /* `strings`: the string table; `soname`: the DT_SONAME, or NULL
                                     if there is none */
    const ElfW(Sym) * symbols;
    const uint32_t *gnu_hash;
    const Elf_Symndx *hash;
    /* version index of each symbol; NULL: the object has no versions */
    const ElfW(Half) * versions;
    const ElfW(Verdef) * defined;
    const ElfW(Dyn) * dynamic;
    bool plugin; /* true if tocsin has mapped the file */
    bool global; /* the object is a dependency of the program */
    /* The object is a dependency of the plugin that is being checked. */
    bool near;
};

/* A symbol to look up. If `version` is NULL, the reference has no version. */
struct tocsin__wanted {
    const char *name, *version;
    uint32_t gnu, sysv;
};

/* Reads the tables of a mapped object. Returns false if the object has no symbols, or is not a file
   (vdso). */
bool tocsin__mapped_open(struct tocsin__mapped *mapped, const struct dl_phdr_info *info);
/* Returns the definition in this object to which the reference would be bound, or NULL if there is
   none. */
const ElfW(Sym) *
    tocsin__mapped_find(const struct tocsin__mapped *mapped, const struct tocsin__wanted *wanted);
/* Returns the version of a found symbol, or NULL if the symbol has no version. */
const char *tocsin__mapped_version(const struct tocsin__mapped *mapped, const ElfW(Sym) * symbol);
/* Returns true if the name `needed` of a DT_NEEDED entry names this object. */
bool tocsin__mapped_is(const struct tocsin__mapped *mapped, const char *needed);

#endif
