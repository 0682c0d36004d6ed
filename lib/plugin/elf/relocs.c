/* Checks the relocations: each must write to a writable segment and name an existing symbol. Each
   entry of the constructor and destructor arrays must have a relocation. */
#include <errno.h>
#include <string.h>

#include "plugin/elf/relocs.h"
#include "plugin/elf/symbols.h"

/* Relocation types, named by their effect. If all are 0, the types of this machine are unknown and
   are not checked. */
enum {
#if defined(__x86_64__) && defined(__LP64__)
    RELATIVE = R_X86_64_RELATIVE,
    IRELATIVE = R_X86_64_IRELATIVE,
    WORD = R_X86_64_64,
    COPY = R_X86_64_COPY,
    DATA = R_X86_64_GLOB_DAT,
    CALL = R_X86_64_JUMP_SLOT,
    TLS_FIRST = R_X86_64_DTPMOD64,
    TLS_LAST = R_X86_64_TPOFF64
#elif defined(__i386__)
    RELATIVE = R_386_RELATIVE,
    IRELATIVE = R_386_IRELATIVE,
    WORD = R_386_32,
    COPY = R_386_COPY,
    DATA = R_386_GLOB_DAT,
    CALL = R_386_JMP_SLOT,
    TLS_FIRST = R_386_TLS_DTPMOD32,
    TLS_LAST = R_386_TLS_TPOFF32
#elif defined(__aarch64__) && defined(__LP64__)
    RELATIVE = R_AARCH64_RELATIVE,
    IRELATIVE = R_AARCH64_IRELATIVE,
    WORD = R_AARCH64_ABS64,
    COPY = R_AARCH64_COPY,
    DATA = R_AARCH64_GLOB_DAT,
    CALL = R_AARCH64_JUMP_SLOT,
    TLS_FIRST = R_AARCH64_TLS_DTPMOD,
    TLS_LAST = R_AARCH64_TLSDESC
#elif defined(__riscv) && __riscv_xlen == 64
    RELATIVE = R_RISCV_RELATIVE,
    IRELATIVE = R_RISCV_IRELATIVE,
    WORD = R_RISCV_64,
    COPY = R_RISCV_COPY,
    DATA = 0,
    CALL = R_RISCV_JUMP_SLOT,
    TLS_FIRST = R_RISCV_TLS_DTPMOD32,
    TLS_LAST = R_RISCV_TLS_TPREL64
#else
    RELATIVE = 0,
    IRELATIVE = 0,
    WORD = 0,
    COPY = 0,
    DATA = 0,
    CALL = 0,
    TLS_FIRST = 0,
    TLS_LAST = 0
#endif
};

#if __ELF_NATIVE_CLASS == 64
#define SYMBOL_OF(info) ELF64_R_SYM(info)
#define TYPE_OF(info) ELF64_R_TYPE(info)
#else
#define SYMBOL_OF(info) ELF32_R_SYM(info)
#define TYPE_OF(info) ELF32_R_TYPE(info)
#endif

struct relocs {
    const struct tocsin__view *view;
    /* numbers of entries of the constructor and destructor arrays that have a relocation */
    uint64_t begins, ends;
};

struct reloc {
    uint64_t offset, symbol, addend;
    uint32_t type;
};

static int malformed(const struct tocsin__view *view, const char *what)
{
    return tocsin__refuse(view->reason, -ENOEXEC, "the relocations are malformed: %s", what);
}

static bool is_known(uint32_t type)
{
#if defined(__x86_64__) && defined(__LP64__)
    static const uint64_t known = 1ull << R_X86_64_NONE | 1ull << R_X86_64_64 |
                                  1ull << R_X86_64_PC32 | 1ull << R_X86_64_GLOB_DAT |
                                  1ull << R_X86_64_JUMP_SLOT | 1ull << R_X86_64_RELATIVE |
                                  1ull << R_X86_64_32 | 1ull << R_X86_64_DTPMOD64 |
                                  1ull << R_X86_64_DTPOFF64 | 1ull << R_X86_64_TPOFF64 |
                                  1ull << R_X86_64_PC64 | 1ull << R_X86_64_SIZE32 |
                                  1ull << R_X86_64_SIZE64 | 1ull << R_X86_64_TLSDESC |
                                  1ull << R_X86_64_IRELATIVE;

    return type < 64 && (known >> type & 1);
#else
    return COPY == 0 || type != COPY;
#endif
}

static bool is_slot(uint32_t type)
{
    return RELATIVE != 0 && (type == RELATIVE || type == IRELATIVE || type == WORD ||
                             type == CALL || (DATA != 0 && type == DATA));
}

static bool is_in(const struct tocsin__view *view, enum tocsin__tag list, enum tocsin__tag size,
                  uint64_t address)
{
    return view->has[list] && address >= view->value[list] &&
           address - view->value[list] < view->value[size];
}

/* Counts a relocation of the constructor or destructor array. Returns false if the entry is not the
   address of code. */
static bool list_fits(struct relocs *relocs, const struct reloc *reloc)
{
    const struct tocsin__view *view = relocs->view;
    const bool begins = is_in(view, D_INIT_ARRAY, D_INIT_ARRAYSZ, reloc->offset);
    const bool ends = is_in(view, D_FINI_ARRAY, D_FINI_ARRAYSZ, reloc->offset);

    relocs->begins += begins;
    relocs->ends += ends;
    if (!begins && !ends)
        return true;
    if (reloc->offset % sizeof(ElfW(Addr)) || (RELATIVE != 0 && !is_slot(reloc->type)))
        return false;
    return !RELATIVE || reloc->type != RELATIVE || tocsin__view_is_code(view, reloc->addend);
}

static bool target_fits(const struct tocsin__view *view, const struct reloc *reloc)
{
    const bool texts = view->has[D_TEXTREL] || (view->value[D_FLAGS] & DF_TEXTREL);
    const uint64_t size = is_slot(reloc->type) ? sizeof(ElfW(Addr)) : sizeof(uint32_t);
    const bool aligned = RELATIVE != 0 &&
                         (reloc->type == CALL || (DATA != 0 && reloc->type == DATA));

    if (aligned && reloc->offset % sizeof(ElfW(Addr)))
        return false;
    return tocsin__view_contains(view, reloc->offset, size, texts ? 0 : PF_W);
}

static bool symbol_fits(const struct tocsin__view *view, const struct reloc *reloc)
{
    const bool tls = TLS_FIRST != 0 && reloc->type >= TLS_FIRST && reloc->type <= TLS_LAST;
    ElfW(Sym) symbol;

    if (reloc->symbol && !tocsin__symbol_at(view, reloc->symbol, &symbol))
        return false;
    if (RELATIVE != 0 && (reloc->type == RELATIVE || reloc->type == IRELATIVE))
        return !reloc->symbol;
    if (RELATIVE != 0 && (reloc->type == CALL || (DATA != 0 && reloc->type == DATA)) &&
        !reloc->symbol)
        return false;
    return !tls || view->tls.p_memsz || (reloc->symbol && symbol.st_shndx == SHN_UNDEF);
}

/* Returns true if the addend is valid. A relative pointer must point into the mapped range, or to
   the end of this range. */
static bool addend_fits(const struct tocsin__view *view, const struct reloc *reloc)
{
    if (RELATIVE != 0 && reloc->type == RELATIVE)
        return reloc->addend <= view->elf->high;
    return RELATIVE == 0 || reloc->type != IRELATIVE || tocsin__view_is_code(view, reloc->addend);
}

static int reloc_check(struct relocs *relocs, const struct reloc *reloc)
{
    const struct tocsin__view *view = relocs->view;

    if (reloc->type == 0) /* a relocation of type 0 (R_*_NONE on every machine) does nothing */
        return 0;
    if (!is_known(reloc->type))
        return malformed(view, "a type does not occur in shared objects");
    if (!target_fits(view, reloc))
        return malformed(view, "one writes to memory that is not writable");
    if (!symbol_fits(view, reloc))
        return malformed(view, "one names a symbol that does not exist");
    if (!addend_fits(view, reloc) || !list_fits(relocs, reloc))
        return malformed(view, "one points to an address that is not mapped");
    return 0;
}

/* Reads the addend of a DT_REL entry. Such an entry has no addend field, so its addend is the word
   at the target address. */
static uint64_t word_at(const struct tocsin__view *view, uint64_t address)
{
    const unsigned char *at = tocsin__view_at(view, address, sizeof(ElfW(Addr)));
    ElfW(Addr) value = 0;

    if (at)
        memcpy(&value, at, sizeof value);
    return value;
}

static struct reloc reloc_at(const struct tocsin__view *view, const unsigned char *at, bool addends)
{
    ElfW(Rela) rela = { 0 };

    memcpy(&rela, at, addends ? sizeof rela : sizeof(ElfW(Rel)));
    return (struct reloc){ rela.r_offset, SYMBOL_OF(rela.r_info),
                           addends ? (ElfW(Addr))rela.r_addend : word_at(view, rela.r_offset),
                           (uint32_t)TYPE_OF(rela.r_info) };
}

/* Checks one table of relocations. The dynamic linker assumes that the first DT_RELACOUNT entries
   are relative, and does not check this. */
static int list_check(struct relocs *relocs, enum tocsin__tag list, enum tocsin__tag size,
                      bool addends, uint64_t relatives)
{
    const struct tocsin__view *view = relocs->view;
    const uint64_t entry = addends ? sizeof(ElfW(Rela)) : sizeof(ElfW(Rel));
    const uint64_t count = view->has[list] ? view->value[size] / entry : 0;
    const unsigned char *at = tocsin__view_at(view, view->value[list], count * entry);
    int err = 0;

    if (relatives > count)
        return malformed(view, "the count of relative relocations is larger than the table");
    for (uint64_t i = 0; i < count && err == 0; i++) {
        struct reloc reloc = reloc_at(view, at + i * entry, addends);

        if (i < relatives && RELATIVE != 0 && reloc.type != RELATIVE)
            return malformed(view, "the count of relative relocations is too large");
        if (list == D_JMPREL && !reloc.type)
            return malformed(view, "one in the PLT table is R_*_NONE");
        err = reloc_check(relocs, &reloc);
    }
    return err;
}

/* Checks the table DT_RELR. An even word is the address of a word that is relocated. An odd word is
   a bitmap of the words that follow the last address. */
static int packed_check(struct relocs *relocs)
{
    enum { BITS = 8 * sizeof(ElfW(Addr)) - 1 };
    const struct tocsin__view *view = relocs->view;
    const uint64_t size = view->has[D_RELR] ? view->value[D_RELRSZ] : 0, word = sizeof(ElfW(Addr));
    uint64_t next = 0;
    int err = 0;

    for (uint64_t at = 0; at < size && err == 0; at += word) {
        uint64_t value = word_at(view, view->value[D_RELR] + at);
        uint64_t bits = value & 1 ? value >> 1 : 1, from = value & 1 ? next : value;

        if ((value & 1) && !next)
            return malformed(view, "a DT_RELR table begins with a bitmap");
        for (uint64_t i = 0; bits && err == 0; i++, bits >>= 1) {
            uint64_t offset = from + i * word;
            struct reloc reloc = { offset, 0, word_at(view, offset), RELATIVE };

            if (bits & 1)
                err = RELATIVE ? reloc_check(relocs, &reloc) : 0;
        }
        next = value & 1 ? next + BITS * word : value + word;
    }
    return err;
}

static uint64_t listed(const struct tocsin__view *view, enum tocsin__tag list,
                       enum tocsin__tag size)
{
    return view->has[list] ? view->value[size] / sizeof(ElfW(Addr)) : 0;
}

int tocsin__relocs_check(const struct tocsin__view *view)
{
    const bool addends = view->value[D_PLTREL] == DT_RELA;
    struct relocs relocs = { .view = view };
    int err;

    if (!view->symbols_count)
        /* A file without symbols is not checked here. It exports no tocsin_plugin_init, so it is
         * refused later. */
        return 0;
    err = list_check(&relocs, D_RELA, D_RELASZ, true, view->value[D_RELACOUNT]);
    if (err == 0)
        err = list_check(&relocs, D_REL, D_RELSZ, false, view->value[D_RELCOUNT]);
    if (err == 0)
        err = packed_check(&relocs);
    if (err == 0)
        err = list_check(&relocs, D_JMPREL, D_PLTRELSZ, addends, 0);
    if (err == 0 && RELATIVE != 0 &&
        (relocs.begins < listed(view, D_INIT_ARRAY, D_INIT_ARRAYSZ) ||
         relocs.ends < listed(view, D_FINI_ARRAY, D_FINI_ARRAYSZ)))
        err = malformed(view, "a constructor or destructor is not relocated");
    return err;
}
