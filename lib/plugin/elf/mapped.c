/* Looks up symbols in objects that the dynamic linker has already mapped. The tables of these
   objects are trusted. */
#define _GNU_SOURCE /* makes the headers declare dl_iterate_phdr */
#include <string.h>
#include <sys/auxv.h>

#include "registry/owner.h"
#include "plugin/elf/mapped.h"

enum { INDEX = 0x7fff, HIDDEN = 0x8000 };

/* Returns the address that a value of a mapped dynamic section names. Some dynamic linkers have
 * added the base address to these values; others have not. */
static const void *address_of(const struct tocsin__mapped *mapped, ElfW(Addr) value)
{
    return (const void *)(uintptr_t)(value < mapped->base ? mapped->base + value : value);
}

static void dynamic_take(struct tocsin__mapped *mapped)
{
    const ElfW(Dyn) *soname = NULL;

    for (const ElfW(Dyn) *entry = mapped->dynamic; entry->d_tag != DT_NULL; entry++) {
        const void *address = address_of(mapped, entry->d_un.d_ptr);

        switch (entry->d_tag) {
        case DT_STRTAB: mapped->strings = address; break;
        case DT_SYMTAB: mapped->symbols = address; break;
        case DT_GNU_HASH: mapped->gnu_hash = address; break;
        case DT_HASH: mapped->hash = address; break;
        case DT_VERSYM: mapped->versions = address; break;
        case DT_VERDEF: mapped->defined = address; break;
        case DT_SONAME: soname = entry; break;
        default: break;
        }
    }
    if (soname && mapped->strings)
        mapped->soname = mapped->strings + soname->d_un.d_val;
}

static bool is_vdso(const struct tocsin__mapped *mapped)
{
    const uintptr_t at = getauxval(AT_SYSINFO_EHDR);

    return at >= mapped->low && at < mapped->high;
}

bool tocsin__mapped_open(struct tocsin__mapped *mapped, const struct dl_phdr_info *info)
{
    *mapped = (struct tocsin__mapped){ .name = info->dlpi_name,
                                       .base = info->dlpi_addr,
                                       .low = UINTPTR_MAX };
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        const uintptr_t begin = mapped->base + segment->p_vaddr, end = begin + segment->p_memsz;

        if (segment->p_type == PT_DYNAMIC)
            mapped->dynamic = (const void *)begin;
        if (segment->p_type == PT_LOAD && begin < mapped->low)
            mapped->low = begin;
        if (segment->p_type == PT_LOAD && end > mapped->high)
            mapped->high = end;
    }
    if (!mapped->dynamic || is_vdso(mapped))
        return false;
    dynamic_take(mapped);
    mapped->plugin = strncmp(mapped->name, TOCSIN__MAPPED_FROM, strlen(TOCSIN__MAPPED_FROM)) == 0;
    return mapped->strings && mapped->symbols && (mapped->gnu_hash || mapped->hash);
}

const char *tocsin__mapped_version(const struct tocsin__mapped *mapped, const ElfW(Sym) * symbol)
{
    const char *at = (const char *)mapped->defined;
    const ElfW(Half) *its = mapped->versions ? &mapped->versions[symbol - mapped->symbols] : NULL;
    const unsigned index = its ? *its & INDEX : 1;

    while (index > 1 && at) {
        const ElfW(Verdef) *defined = (const void *)at;
        const ElfW(Verdaux) *name = (const void *)(at + defined->vd_aux);

        if (defined->vd_ndx == index)
            return mapped->strings + name->vda_name;
        at = defined->vd_next ? at + defined->vd_next : NULL;
    }
    return NULL;
}

/* Returns true if the version of the symbol fits the reference, as for the dynamic linker. A
   reference without a version fits a symbol without a version, or with the library's first version
   (hidden or not), or with the default version. A reference with a version fits a symbol with that
   version, or without a version. */
static bool version_fits(const struct tocsin__mapped *mapped, const ElfW(Sym) * symbol,
                         const char *version)
{
    const unsigned its = mapped->versions ? mapped->versions[symbol - mapped->symbols] : 1;
    const char *name;

    if (!mapped->versions)
        return true;
    if (!version)
        return (its & INDEX) < 3 || !(its & HIDDEN);
    name = tocsin__mapped_version(mapped, symbol);
    return name ? strcmp(name, version) == 0 : !(its & HIDDEN);
}

static bool symbol_fits(const struct tocsin__mapped *mapped, const ElfW(Sym) * symbol,
                        const struct tocsin__wanted *wanted)
{
    const unsigned bind = ELF64_ST_BIND(symbol->st_info), type = ELF64_ST_TYPE(symbol->st_info);
    const unsigned seen = ELF64_ST_VISIBILITY(symbol->st_other);

    if (symbol->st_shndx == SHN_UNDEF || seen == STV_HIDDEN || seen == STV_INTERNAL)
        return false;
    if (bind != STB_GLOBAL && bind != STB_WEAK && bind != STB_GNU_UNIQUE)
        return false;
    if (!symbol->st_value && symbol->st_shndx != SHN_ABS && type != STT_TLS)
        return false;
    return strcmp(mapped->strings + symbol->st_name, wanted->name) == 0 &&
           version_fits(mapped, symbol, wanted->version);
}

static const ElfW(Sym) *
    find_gnu(const struct tocsin__mapped *mapped, const struct tocsin__wanted *wanted)
{
    enum { BUCKETS, FIRST, BLOOM, SHIFT, HEAD };
    const uint32_t *head = mapped->gnu_hash;
    const uint32_t bits = 8 * sizeof(ElfW(Addr)), first = head[FIRST];
    const ElfW(Addr) *bloom = (const void *)(head + HEAD);
    const uint32_t *buckets = (const void *)(bloom + head[BLOOM]), *chains;
    ElfW(Addr) mask = bloom[wanted->gnu / bits & (head[BLOOM] - 1)];
    uint32_t index;

    if (!head[BUCKETS] || !(mask >> wanted->gnu % bits & 1) ||
        !(mask >> (wanted->gnu >> head[SHIFT]) % bits & 1))
        return NULL;
    chains = buckets + head[BUCKETS];
    index = buckets[wanted->gnu % head[BUCKETS]];
    for (; index >= first && index; index++) {
        uint32_t hash = chains[index - first];

        if ((hash | 1) == (wanted->gnu | 1) && symbol_fits(mapped, &mapped->symbols[index], wanted))
            return &mapped->symbols[index];
        if (hash & 1)
            break;
    }
    return NULL;
}

static const ElfW(Sym) *
    find_sysv(const struct tocsin__mapped *mapped, const struct tocsin__wanted *wanted)
{
    const Elf_Symndx *head = mapped->hash, count = head[0], *chains = head + 2 + count;
    Elf_Symndx index = count ? head[2 + wanted->sysv % count] : 0;

    for (; index; index = chains[index])
        if (symbol_fits(mapped, &mapped->symbols[index], wanted))
            return &mapped->symbols[index];
    return NULL;
}

const ElfW(Sym) *
    tocsin__mapped_find(const struct tocsin__mapped *mapped, const struct tocsin__wanted *wanted)
{
    return mapped->gnu_hash ? find_gnu(mapped, wanted) : find_sysv(mapped, wanted);
}

bool tocsin__mapped_is(const struct tocsin__mapped *mapped, const char *needed)
{
    const char *slash = strrchr(mapped->name, '/');

    if (strcmp(mapped->name, needed) == 0)
        return true;
    return (mapped->soname && strcmp(mapped->soname, needed) == 0) ||
           (slash && strcmp(slash + 1, needed) == 0);
}
