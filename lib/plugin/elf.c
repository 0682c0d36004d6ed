#include <errno.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "plugin/elf.h"

/* The header of the object that this code is in; the linker defines it. What its class, byte order and machine are, a plugin's have to be. */
extern const ElfW(Ehdr) __ehdr_start tocsin__hidden;

struct image {
    const unsigned char *data;
    size_t size;
    ElfW(Ehdr) header;
    const struct tocsin__reason *reason;
    struct tocsin__elf *elf;
};

struct dynamic { uint64_t symbols, symbol_size, strings, strings_size, hash, gnu_hash, flags; };

enum { UNKNOWN = -1 };

/* Numbers in a file may be anything, and lie anywhere: sums are compared without being made, and what is read is copied out. */

static bool within(const struct image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->size && size <= image->size - offset;
}

static uint32_t word(const unsigned char *at, uint64_t index)
{
    uint32_t value;

    memcpy(&value, at + index * sizeof value, sizeof value);
    return value;
}

static int64_t symndx(const unsigned char *at, uint64_t index)
{
    Elf_Symndx value;

    memcpy(&value, at + index * sizeof value, sizeof value);
    return (int64_t)value;
}

/* The header, and the segments that it lists */

static int kind_check(const struct image *image)
{
    const ElfW(Ehdr) *its = &image->header, *own = &__ehdr_start;

    if (memcmp(its->e_ident, own->e_ident, EI_VERSION + 1) != 0 || its->e_machine != own->e_machine)
        return tocsin__refuse(image->reason, -ENOEXEC, "it was compiled for another machine");
    if (its->e_type == ET_EXEC)
        return tocsin__refuse(image->reason, -ENOEXEC, "it is an executable");
    if (its->e_type != ET_DYN)
        return tocsin__refuse(image->reason, -ENOEXEC, "it is no shared object");
    return 0;
}

static int header_check(struct image *image)
{
    ElfW(Ehdr) *header = &image->header;
    int err;

    if (image->size < SELFMAG || memcmp(image->data, ELFMAG, SELFMAG) != 0)
        return tocsin__refuse(image->reason, -ENOEXEC, "it is no ELF file");
    if (image->size < sizeof *header)
        return tocsin__refuse(image->reason, -ENOEXEC, "it is truncated: its header is not all there");
    memcpy(header, image->data, sizeof *header);
    err = kind_check(image);
    if (err < 0)
        return err;
    if (!header->e_phnum || header->e_phnum == PN_XNUM || header->e_phentsize != sizeof(ElfW(Phdr)))
        return tocsin__refuse(image->reason, -ENOEXEC, "its list of segments is malformed");
    if (!within(image, header->e_phoff, header->e_phnum * sizeof(ElfW(Phdr))))
        return tocsin__refuse(image->reason, -ENOEXEC, "it is truncated: its list of segments reaches beyond the end of the file");
    return 0;
}

/* The next segment of that type, from this number on, which becomes that of the one behind it. */
static bool segment_next(const struct image *image, uint32_t type, unsigned *cursor, ElfW(Phdr) *ret_segment)
{
    while (*cursor < image->header.e_phnum) {
        memcpy(ret_segment, image->data + image->header.e_phoff + (*cursor)++ * sizeof *ret_segment, sizeof *ret_segment);
        if (ret_segment->p_type == type)
            return true;
    }
    return false;
}

static int load_check(const struct image *image, const ElfW(Phdr) *segment)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), most = UINTPTR_MAX - page, begin, end;

    if (!within(image, segment->p_offset, segment->p_filesz))
        return tocsin__refuse(image->reason, -ENOEXEC, "it is truncated: a segment reaches beyond the end of the file");
    if (segment->p_filesz > segment->p_memsz || segment->p_vaddr > most || segment->p_memsz > most - segment->p_vaddr)
        return tocsin__refuse(image->reason, -ENOEXEC, "a segment is malformed");
    begin = segment->p_vaddr & ~(page - 1);
    end = (segment->p_vaddr + segment->p_memsz + page - 1) & ~(page - 1);
    if (begin < image->elf->low)
        image->elf->low = begin;
    if (end > image->elf->high)
        image->elf->high = end;
    return 0;
}

static int loads_check(const struct image *image)
{
    ElfW(Phdr) segment;
    unsigned cursor = 0;
    int err = 0;

    image->elf->low = UINT64_MAX;
    if (segment_next(image, PT_INTERP, &cursor, &segment))
        return tocsin__refuse(image->reason, -ENOEXEC, "it is an executable");
    cursor = 0;
    while (err == 0 && segment_next(image, PT_LOAD, &cursor, &segment))
        err = load_check(image, &segment);
    if (err == 0 && image->elf->low >= image->elf->high)
        return tocsin__refuse(image->reason, -ENOEXEC, "nothing of it is to be mapped");
    return err;
}

/* What lies at an address once it is mapped, as far as it is in the file: so much from there on. NULL: nothing. */
static const unsigned char *at_address(const struct image *image, uint64_t address, uint64_t *ret_left)
{
    ElfW(Phdr) segment;
    unsigned cursor = 0;

    while (segment_next(image, PT_LOAD, &cursor, &segment))
        if (address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz) {
            *ret_left = segment.p_filesz - (address - segment.p_vaddr);
            return image->data + segment.p_offset + (address - segment.p_vaddr);
        }
    return NULL;
}

/* What the dynamic linker is told */

static void dynamic_take(struct dynamic *dynamic, const ElfW(Dyn) *entry)
{
    switch (entry->d_tag) {
    case DT_SYMTAB:   dynamic->symbols = entry->d_un.d_ptr; break;
    case DT_SYMENT:   dynamic->symbol_size = entry->d_un.d_val; break;
    case DT_STRTAB:   dynamic->strings = entry->d_un.d_ptr; break;
    case DT_STRSZ:    dynamic->strings_size = entry->d_un.d_val; break;
    case DT_HASH:     dynamic->hash = entry->d_un.d_ptr; break;
    case DT_GNU_HASH: dynamic->gnu_hash = entry->d_un.d_ptr; break;
    case DT_FLAGS_1:  dynamic->flags = entry->d_un.d_val; break;
    default:          break;
    }
}

/* By its address: that is where the dynamic linker reads it. */
static bool dynamic_read(const struct image *image, const ElfW(Phdr) *segment, struct dynamic *ret_dynamic)
{
    uint64_t left = 0;
    const unsigned char *at = at_address(image, segment->p_vaddr, &left);
    ElfW(Dyn) entry;

    for (; left >= sizeof entry; at += sizeof entry, left -= sizeof entry) {
        memcpy(&entry, at, sizeof entry);
        if (entry.d_tag == DT_NULL)
            return true;
        dynamic_take(ret_dynamic, &entry);
    }
    return false;
}

/* Symbols have no count: it follows from the hash table, whose last chain ends with the last of them. A table of nothing, as an object has that exports
   nothing, does not say it. */
static int64_t count_by_gnu_hash(const struct image *image, uint64_t address)
{
    enum { BUCKETS, FIRST, BLOOM, SHIFT, HEAD };
    uint64_t left, skipped, last = 0;
    const unsigned char *table = at_address(image, address, &left), *chain;

    if (!table || left < HEAD * sizeof(uint32_t))
        return UNKNOWN;
    skipped = HEAD * sizeof(uint32_t) + (uint64_t)word(table, BLOOM) * sizeof(ElfW(Addr));
    if (skipped > left || word(table, BUCKETS) > (left - skipped) / sizeof(uint32_t))
        return UNKNOWN;
    for (uint64_t i = 0; i < word(table, BUCKETS); i++)
        if (word(table + skipped, i) > last)
            last = word(table + skipped, i);
    if (!last || last < word(table, FIRST))
        return UNKNOWN;
    chain = table + skipped + (uint64_t)word(table, BUCKETS) * sizeof(uint32_t);
    left = (left - skipped) / sizeof(uint32_t) - word(table, BUCKETS);
    for (uint64_t i = last - word(table, FIRST); i < left; i++)
        if (word(chain, i) & 1)
            return (int64_t)(i + word(table, FIRST) + 1);
    return UNKNOWN;
}

static int64_t count_by_hash(const struct image *image, uint64_t address)
{
    uint64_t left;
    const unsigned char *table = at_address(image, address, &left);

    return table && left >= 2 * sizeof(Elf_Symndx) ? symndx(table, 1) : UNKNOWN;
}

static bool starts_thread(const unsigned char *name, uint64_t left)
{
    static const struct { const char *head; size_t size; } starters[] = {
        { "pthread_create", 15 }, { "thrd_create", 12 }, { "_ZNSt6thread", 12 }, { "g_thread_new", 12 },     /* the first two with their NUL */
    };

    for (size_t i = 0; i < sizeof starters / sizeof starters[0]; i++)
        if (left >= starters[i].size && memcmp(name, starters[i].head, starters[i].size) == 0)
            return true;
    return false;
}

static bool is_init(const unsigned char *name, uint64_t left)
{
    static const char init[] = "tocsin_plugin_init";

    return left >= sizeof init && memcmp(name, init, sizeof init) == 0;
}

static void symbol_take(const struct image *image, const ElfW(Sym) *symbol, const unsigned char *name, uint64_t left)
{
    if (symbol->st_shndx == SHN_UNDEF)
        image->elf->threads |= starts_thread(name, left);
    else
        image->elf->starts |= is_init(name, left);
}

/* False: that cannot be done. */
static bool symbols_read(const struct image *image, const struct dynamic *dynamic)
{
    int64_t count = dynamic->gnu_hash ? count_by_gnu_hash(image, dynamic->gnu_hash) : dynamic->hash ? count_by_hash(image, dynamic->hash) : UNKNOWN;
    uint64_t symbols_left, strings_left;
    const unsigned char *symbols = at_address(image, dynamic->symbols, &symbols_left);
    const unsigned char *strings = at_address(image, dynamic->strings, &strings_left);
    ElfW(Sym) symbol;

    if (count < 0 || !symbols || !strings || dynamic->symbol_size != sizeof symbol || (uint64_t)count > symbols_left / sizeof symbol)
        return false;
    if (dynamic->strings_size < strings_left)
        strings_left = dynamic->strings_size;
    for (int64_t i = 0; i < count; i++) {
        memcpy(&symbol, symbols + (uint64_t)i * sizeof symbol, sizeof symbol);
        if (symbol.st_name >= strings_left)
            return false;
        symbol_take(image, &symbol, strings + symbol.st_name, strings_left - symbol.st_name);
    }
    return true;
}

static int dynamic_check(const struct image *image)
{
    struct dynamic dynamic = { 0 };
    ElfW(Phdr) segment, last;
    unsigned cursor = 0, found = 0;

    for (; segment_next(image, PT_DYNAMIC, &cursor, &segment); found++)
        last = segment;
    if (!found)
        return tocsin__refuse(image->reason, -ENOEXEC, "it has no dynamic section: it is no shared object");
    if (!dynamic_read(image, &last, &dynamic))
        return tocsin__refuse(image->reason, -ENOEXEC, "its dynamic section is malformed");
    if (dynamic.flags & DF_1_PIE)
        return tocsin__refuse(image->reason, -ENOEXEC, "it is an executable");
    if (!symbols_read(image, &dynamic))
        image->elf->threads = image->elf->starts = true;
    return 0;
}

/* Notes */

static int note_take(const struct image *image, const ElfW(Nhdr) *note, const unsigned char *vendor, const unsigned char *text)
{
    static const char ours[8] = "tocsin";

    if (note->n_namesz != sizeof ours || memcmp(vendor, ours, sizeof ours) != 0)
        return 0;
    if (image->elf->text)
        return tocsin__refuse(image->reason, -EBADMSG, "it has two notes of tocsin");
    image->elf->text = (const char *)text;
    image->elf->text_size = note->n_descsz;
    return 0;
}

/* Each is a head, a vendor and a text, and both of these are filled up to the alignment. */
static int notes_read(const struct image *image, const ElfW(Phdr) *segment)
{
    const unsigned char *at = image->data + segment->p_offset;
    uint64_t left = segment->p_filesz, align = segment->p_align == 8 ? 8 : 4, text, next;
    ElfW(Nhdr) note;
    int err = 0;

    for (; err == 0 && left >= sizeof note; at += next, left -= next) {
        memcpy(&note, at, sizeof note);
        text = (sizeof note + note.n_namesz + align - 1) & ~(align - 1);
        if (text > left || note.n_descsz > left - text)
            return tocsin__refuse(image->reason, -EBADMSG, "a note in it is longer than there is room for");
        err = note_take(image, &note, at + sizeof note, at + text);
        next = (text + note.n_descsz + align - 1) & ~(align - 1);
        if (next > left)
            next = left;
    }
    return err;
}

static int notes_check(const struct image *image)
{
    ElfW(Phdr) segment;
    unsigned cursor = 0;
    int err = 0;

    while (err == 0 && segment_next(image, PT_NOTE, &cursor, &segment)) {
        if (!within(image, segment.p_offset, segment.p_filesz))
            return tocsin__refuse(image->reason, -ENOEXEC, "it is truncated: its notes reach beyond the end of the file");
        err = notes_read(image, &segment);
    }
    if (err == 0 && !image->elf->text)
        return tocsin__refuse(image->reason, -ENOEXEC, "it has no note of tocsin: it is no plugin");
    return err;
}

int tocsin__elf_read(struct tocsin__elf *elf, const unsigned char *data, size_t size, const struct tocsin__reason *reason)
{
    struct image image = { .data = data, .size = size, .reason = reason, .elf = elf };
    int err;

    *elf = (struct tocsin__elf){ .text = NULL };
    err = header_check(&image);
    if (err == 0)
        err = loads_check(&image);
    if (err == 0)
        err = dynamic_check(&image);
    return err < 0 ? err : notes_check(&image);
}
