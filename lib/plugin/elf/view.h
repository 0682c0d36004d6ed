/* A view of a shared object's file by the addresses at which the dynamic linker will map it. No
   number in the file is trusted. */
#ifndef TOCSIN_PLUGIN_ELF_VIEW_H
#define TOCSIN_PLUGIN_ELF_VIEW_H

#include <link.h>

#include "plugin/elf/elf.h"

enum { TOCSIN__LOADS_MAX = 64, TOCSIN__VERSIONS_MAX = 0x8000 };

/* The tags that may occur at most once in the dynamic section. */
enum tocsin__tag {
    D_SYMTAB,
    D_SYMENT,
    D_STRTAB,
    D_STRSZ,
    D_HASH,
    D_GNU_HASH,
    D_FLAGS,
    D_FLAGS_1,
    D_SYMBOLIC,
    D_TEXTREL,
    D_RELA,
    D_RELASZ,
    D_RELAENT,
    D_RELACOUNT,
    D_REL,
    D_RELSZ,
    D_RELENT,
    D_RELCOUNT,
    D_RELR,
    D_RELRSZ,
    D_RELRENT,
    D_JMPREL,
    D_PLTREL,
    D_PLTRELSZ,
    D_PLTGOT,
    D_INIT,
    D_FINI,
    D_INIT_ARRAY,
    D_INIT_ARRAYSZ,
    D_FINI_ARRAY,
    D_FINI_ARRAYSZ,
    D_VERSYM,
    D_VERNEED,
    D_VERNEEDNUM,
    D_VERDEF,
    D_VERDEFNUM,
    TOCSIN__TAGS
};

struct tocsin__view {
    const unsigned char *data;
    size_t size;
    ElfW(Ehdr) header;
    const struct tocsin__reason *reason;
    struct tocsin__elf *elf;
    ElfW(Phdr) loads[TOCSIN__LOADS_MAX]; /* the PT_LOAD segments, in ascending order */
    unsigned loads_count;
    ElfW(Phdr) tls;               /* the PT_TLS segment; its p_memsz is 0 if there is none */
    uint64_t value[TOCSIN__TAGS]; /* values of the tags of the dynamic section; 0: no such tag */
    bool has[TOCSIN__TAGS];
    uint64_t dynamic;       /* address of the first entry of the dynamic section */
    uint64_t symbols_count; /* number of symbols; 0: unknown, because no symbol is exported */
};

/* Returns true if the range lies within the file. */
bool tocsin__view_within(const struct tocsin__view *view, uint64_t offset, uint64_t size);
/* Finds the next segment of this type from *cursor on, and sets *cursor to the segment after it.
   Returns false if there is none. */
bool tocsin__view_segment(const struct tocsin__view *view, uint32_t type, unsigned *cursor,
                          ElfW(Phdr) * ret_segment);
/* Returns the loadable segment that will contain the whole range when the file is mapped, or NULL
   if there is none. */
const ElfW(Phdr) *
    tocsin__view_load(const struct tocsin__view *view, uint64_t address, uint64_t size);
/* Returns true if all bytes of the range come from the file, and none from the zeroed memory after
   it. */
bool tocsin__view_in_file(const ElfW(Phdr) * load, uint64_t address, uint64_t size);
/* Returns the bytes at an address. Returns NULL if they are not all in the file, or will not be
   readable when mapped. */
const unsigned char *tocsin__view_at(const struct tocsin__view *view, uint64_t address,
                                     uint64_t size);
/* Returns true if the whole range is within one loadable segment that has these rights. */
bool tocsin__view_contains(const struct tocsin__view *view, uint64_t address, uint64_t size,
                           uint32_t rights);
/* Returns true if the address is in an executable segment. */
bool tocsin__view_is_code(const struct tocsin__view *view, uint64_t address);

#endif
