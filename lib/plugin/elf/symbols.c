/* Checks the symbols of a plugin's file and their hash tables. The dynamic linker checks neither
   indices nor the ends of chains. So this file follows each chain once. */
#include <errno.h>
#include <string.h>

#include "plugin/elf/dynamic.h"
#include "plugin/elf/symbols.h"

enum { NAME_MAX_BYTES = 32 * 1024 };
static const uint64_t NAMES_MAX = UINT64_C(1) << 30; /* the most bytes of symbol names that are
                                                      * hashed in total */

uint32_t tocsin__hash_gnu(const char *name)
{
    uint32_t hash = 5381;

    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

uint32_t tocsin__hash_sysv(const char *name)
{
    uint32_t hash = 0;

    for (; *name; name++) {
        hash = (hash << 4) + (unsigned char)*name;
        hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
    }
    return hash;
}

static int malformed(const struct tocsin__view *view, const char *what)
{
    return tocsin__refuse(view->reason, -ENOEXEC, "the symbols are malformed: %s", what);
}

static uint32_t word(const unsigned char *at, uint64_t index)
{
    uint32_t value;

    memcpy(&value, at + index * sizeof value, sizeof value);
    return value;
}

static uint64_t symndx(const unsigned char *at, uint64_t index)
{
    Elf_Symndx value;

    memcpy(&value, at + index * sizeof value, sizeof value);
    return value;
}

static const unsigned char *table_at(const struct tocsin__view *view, uint64_t count)
{
    if (count > view->size / sizeof(ElfW(Sym)))
        return NULL;
    return tocsin__view_at(view, view->value[D_SYMTAB], count * sizeof(ElfW(Sym)));
}

bool tocsin__symbol_at(const struct tocsin__view *view, uint64_t index, ElfW(Sym) * ret_symbol)
{
    const unsigned char *table;

    if (index >= view->symbols_count)
        return false;
    table = table_at(view, view->symbols_count);
    memcpy(ret_symbol, table + index * sizeof *ret_symbol, sizeof *ret_symbol);
    return true;
}

/* Returns the name of a symbol, or NULL if the name is malformed. The caller has checked that the
   table contains the index. */
static const char *name_at(const struct tocsin__view *view, uint64_t index, uint64_t *work)
{
    const unsigned char *table = table_at(view, index + 1);
    const char *name;
    ElfW(Sym) symbol;
    size_t size;

    if (!table)
        return NULL;
    memcpy(&symbol, table + index * sizeof symbol, sizeof symbol);
    name = tocsin__dynamic_string(view, symbol.st_name);
    size = name ? strnlen(name, NAME_MAX_BYTES) : NAME_MAX_BYTES;
    *work += size;
    return size < NAME_MAX_BYTES && *work < NAMES_MAX ? name : NULL;
}

/* The table DT_GNU_HASH. It has a Bloom filter, then buckets with the first symbol of each chain,
   then one hash for each hashed symbol. The lowest bit of a hash marks the end of its chain. */
struct gnu {
    uint64_t buckets_count, first, bloom_count, chains_count;
    uint32_t shift;
    const unsigned char *bloom, *buckets, *chains;
};

static bool gnu_open(const struct tocsin__view *view, struct gnu *gnu)
{
    enum { BUCKETS, FIRST, BLOOM, SHIFT, HEAD };
    const uint64_t address = view->value[D_GNU_HASH], wordsize = sizeof(uint32_t);
    const unsigned char *head = tocsin__view_at(view, address, HEAD * wordsize);
    uint64_t size;

    if (!head)
        return false;
    *gnu = (struct gnu){ .buckets_count = word(head, BUCKETS),
                         .first = word(head, FIRST),
                         .bloom_count = word(head, BLOOM),
                         .shift = word(head, SHIFT) };
    if (!gnu->buckets_count || !gnu->bloom_count || (gnu->bloom_count & (gnu->bloom_count - 1)))
        return false;
    size = HEAD * wordsize + gnu->bloom_count * sizeof(ElfW(Addr)) + gnu->buckets_count * wordsize;
    if (!tocsin__view_at(view, address, size) || gnu->shift >= 32)
        return false;
    gnu->bloom = head + HEAD * wordsize;
    gnu->buckets = gnu->bloom + gnu->bloom_count * sizeof(ElfW(Addr));
    gnu->chains = gnu->buckets + gnu->buckets_count * wordsize;
    for (const ElfW(Phdr) *load = view->loads; load < view->loads + view->loads_count; load++)
        if (address >= load->p_vaddr && address - load->p_vaddr < load->p_filesz)
            gnu->chains_count = (load->p_filesz - (address - load->p_vaddr) - size) / wordsize;
    return true;
}

static bool gnu_blooms(const struct gnu *gnu, uint32_t hash)
{
    const uint64_t bits = 8 * sizeof(ElfW(Addr));
    ElfW(Addr) mask;

    memcpy(&mask, gnu->bloom + (hash / bits & (gnu->bloom_count - 1)) * sizeof mask, sizeof mask);
    return (mask >> hash % bits & 1) && (mask >> (hash >> gnu->shift) % bits & 1);
}

/* Follows a chain. Returns false if a symbol has another hash than the stored one, or belongs to
   another bucket. */
static bool gnu_chain(const struct tocsin__view *view, const struct gnu *gnu, uint64_t bucket,
                      uint64_t *work, uint64_t *ret_count)
{
    for (uint64_t index = word(gnu->buckets, bucket);; index++) {
        uint64_t place = index - gnu->first;
        const char *name;
        uint32_t hash;

        if (index < gnu->first || place >= gnu->chains_count)
            return false;
        name = name_at(view, index, work);
        hash = name ? tocsin__hash_gnu(name) : 0;
        if (!name || (hash | 1) != (word(gnu->chains, place) | 1) ||
            hash % gnu->buckets_count != bucket || !gnu_blooms(gnu, hash))
            return false;
        if (index >= *ret_count)
            *ret_count = index + 1;
        if (word(gnu->chains, place) & 1)
            return true;
    }
}

static bool gnu_check(const struct tocsin__view *view, uint64_t *work, uint64_t *ret_count)
{
    struct gnu gnu;

    if (!gnu_open(view, &gnu))
        return false;
    for (uint64_t i = 0; i < gnu.buckets_count; i++)
        if (word(gnu.buckets, i) && !gnu_chain(view, &gnu, i, work, ret_count))
            return false;
    return true;
}

/* Checks the table DT_HASH. It has buckets with the first symbol of each chain, then the next
   symbol for each symbol. A symbol is in one chain only, so a walk longer than the number of
   symbols means a cycle. */
static bool sysv_check(const struct tocsin__view *view, uint64_t *work, uint64_t *ret_count)
{
    const uint64_t address = view->value[D_HASH], size = sizeof(Elf_Symndx);
    const unsigned char *head = tocsin__view_at(view, address, 2 * size), *buckets;
    uint64_t buckets_count, count, steps = 0;

    if (!head)
        return false;
    buckets_count = symndx(head, 0);
    count = symndx(head, 1);
    if (!buckets_count || buckets_count > view->size || count > view->size ||
        !table_at(view, count) ||
        !tocsin__view_at(view, address, (2 + buckets_count + count) * size))
        return false;
    buckets = head + 2 * size;
    for (uint64_t i = 0; i < buckets_count; i++)
        for (uint64_t index = symndx(buckets, i); index != STN_UNDEF;
             index = symndx(buckets, buckets_count + index)) {
            const char *name = index < count && steps++ < count ? name_at(view, index, work) : NULL;

            if (!name || tocsin__hash_sysv(name) % buckets_count != i)
                return false;
        }
    *ret_count = count;
    return true;
}

static int hashes_check(struct tocsin__view *view)
{
    uint64_t work = 0, by_gnu = 0, by_sysv = 0;

    if (!view->has[D_GNU_HASH] && !view->has[D_HASH])
        return malformed(view, "there is no hash table");
    if ((view->has[D_GNU_HASH] && !gnu_check(view, &work, &by_gnu)) ||
        (view->has[D_HASH] && !sysv_check(view, &work, &by_sysv)))
        return malformed(view, "a hash table does not match the symbols");
    if (view->has[D_HASH] && by_gnu > by_sysv)
        return malformed(view, "the two hash tables do not match each other");
    view->symbols_count = by_gnu > by_sysv ? by_gnu : by_sysv;
    return 0;
}

/* Each symbol */

static bool starts_thread(const char *name)
{
    static const char *const starters[] = { "_ZNSt6thread", "g_thread_new" };

    for (size_t i = 0; i < sizeof starters / sizeof starters[0]; i++)
        if (strncmp(name, starters[i], strlen(starters[i])) == 0)
            return true;
    return strcmp(name, "pthread_create") == 0 || strcmp(name, "thrd_create") == 0;
}

static bool makes_key(const char *name)
{
    return strcmp(name, "pthread_key_create") == 0 || strcmp(name, "tss_create") == 0;
}

static bool is_ours(const char *name)
{
    return strcmp(name, "tocsin_plugin_init") == 0 || strcmp(name, "tocsin_plugin_fini") == 0;
}

static bool is_code(const ElfW(Sym) * symbol)
{
    const unsigned type = ELF64_ST_TYPE(symbol->st_info);

    return type == STT_FUNC || type == STT_GNU_IFUNC;
}

static bool defined_fits(const struct tocsin__view *view, const ElfW(Sym) * symbol,
                         const char *name)
{
    const uint64_t value = symbol->st_value, high = view->elf->high;
    const unsigned type = ELF64_ST_TYPE(symbol->st_info);

    if (type == STT_TLS)
        return value <= view->tls.p_memsz && symbol->st_size <= view->tls.p_memsz - value;
    if (symbol->st_shndx == SHN_ABS)
        return true;
    if (value > high || symbol->st_size > high - value)
        return false;
    if (is_ours(name))
        return (type == STT_FUNC || type == STT_NOTYPE) && tocsin__view_is_code(view, value);
/* In ELFv1 a function symbol is the address of a data descriptor, and not of code. */
#if !defined(__powerpc64__) || _CALL_ELF == 2
    if (is_code(symbol))
        return tocsin__view_is_code(view, value);
#endif
    return true;
}

/* Returns true if an imported symbol is valid. An import has no address, except on machines that
   use the address of a PLT stub. */
static bool import_fits(const ElfW(Sym) * symbol)
{
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || defined(__riscv)
    return symbol->st_value == 0;
#else
    return true;
#endif
}

static void import_take(struct tocsin__elf *elf, const ElfW(Sym) * symbol, const char *name)
{
    elf->threads |= starts_thread(name);
    elf->keys |= ELF64_ST_BIND(symbol->st_info) != STB_WEAK && makes_key(name);
}

static void export_take(struct tocsin__elf *elf, const ElfW(Sym) * symbol, const char *name)
{
    elf->starts |= strcmp(name, "tocsin_plugin_init") == 0;
    elf->uniques += ELF64_ST_BIND(symbol->st_info) == STB_GNU_UNIQUE;
}

static int symbol_check(const struct tocsin__view *view, uint64_t index)
{
    const char *name;
    ElfW(Sym) symbol;

    tocsin__symbol_at(view, index, &symbol);
    name = tocsin__dynamic_string(view, symbol.st_name);
    if (!name)
        return malformed(view, "a name is outside the string table");
    if (symbol.st_shndx == SHN_UNDEF) {
        if (!import_fits(&symbol))
            return malformed(view, "an undefined symbol has an address");
        import_take(view->elf, &symbol, name);
        return 0;
    }
    if (!defined_fits(view, &symbol, name))
        return malformed(view, "one has an address that is not mapped");
    export_take(view->elf, &symbol, name);
    return 0;
}

int tocsin__symbols_check(struct tocsin__view *view)
{
    int err = 0;

    if (!view->has[D_SYMTAB] || !view->has[D_SYMENT] ||
        view->value[D_SYMENT] != sizeof(ElfW(Sym)) || view->value[D_SYMTAB] % sizeof(ElfW(Addr)))
        return malformed(view, "the symbol table is not in the file");
    err = hashes_check(view);
    for (uint64_t i = 1; i < view->symbols_count && err == 0; i++)
        err = symbol_check(view, i);
    return err;
}
