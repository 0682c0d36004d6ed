/* Checks the ELF header and the segments of a plugin's file. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "plugin/elf/segments.h"

/* The ELF header of the object that contains this code. The linker defines this symbol. A plugin
   must have the same class, byte order and machine. */
extern const ElfW(Ehdr) __ehdr_start tocsin__hidden;

/* The header */

static int kind_check(const struct tocsin__view *view)
{
    const ElfW(Ehdr) *header = &view->header, *own = &__ehdr_start;

    if (memcmp(header->e_ident, own->e_ident, EI_VERSION + 1) != 0 ||
        header->e_machine != own->e_machine)
        return tocsin__refuse(view->reason, -ENOEXEC, "compiled for another machine");
    if (header->e_type == ET_EXEC)
        return tocsin__refuse(view->reason, -ENOEXEC, "an executable, not a shared object");
    if (header->e_type != ET_DYN)
        return tocsin__refuse(view->reason, -ENOEXEC, "not a shared object");
    return 0;
}

static int header_check(struct tocsin__view *view)
{
    enum { SEGMENTS_MOST = 1024 };
    ElfW(Ehdr) *header = &view->header;
    int err;

    if (view->size < SELFMAG || memcmp(view->data, ELFMAG, SELFMAG) != 0)
        return tocsin__refuse(view->reason, -ENOEXEC, "not an ELF file");
    if (view->size < sizeof *header)
        return tocsin__refuse(view->reason, -ENOEXEC, "truncated: the file ends in the ELF header");
    memcpy(header, view->data, sizeof *header);
    err = kind_check(view);
    if (err < 0)
        return err;
    if (!header->e_phnum || header->e_phnum > SEGMENTS_MOST ||
        header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phoff % sizeof(ElfW(Addr)) != 0)
        return tocsin__refuse(view->reason, -ENOEXEC, "the list of segments is malformed");
    if (!tocsin__view_within(view, header->e_phoff, header->e_phnum * sizeof(ElfW(Phdr))))
        return tocsin__refuse(view->reason, -ENOEXEC,
                              "truncated: the list of segments reaches beyond the end of the file");
    return 0;
}

/* Loadable segments */

int tocsin__segment_malformed(const struct tocsin__view *view)
{
    return tocsin__refuse(view->reason, -ENOEXEC, "a segment is malformed");
}

/* Returns true if a loadable segment does not follow the segment before it. The segments must
   ascend and share no page, because the dynamic linker maps each of them into the range that the
   first mapping reserved. They must not share a byte of the file either. */
static bool load_overlaps(const struct tocsin__view *view, const ElfW(Phdr) * segment)
{
    for (unsigned i = 0; i < view->loads_count; i++) {
        const ElfW(Phdr) *load = &view->loads[i];

        if (segment->p_offset < load->p_offset + load->p_filesz &&
            load->p_offset < segment->p_offset + segment->p_filesz)
            return true;
    }
    return view->loads_count &&
           (segment->p_vaddr & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1)) < view->elf->high;
}

static int load_check(struct tocsin__view *view, const ElfW(Phdr) * segment)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), most = UINTPTR_MAX - page, begin, end;
    uint64_t align = segment->p_align ? segment->p_align : 1;

    if (!tocsin__view_within(view, segment->p_offset, segment->p_filesz))
        return tocsin__refuse(view->reason, -ENOEXEC,
                              "truncated: a segment reaches beyond the end of the file");
    if (segment->p_filesz > segment->p_memsz || segment->p_vaddr > most ||
        segment->p_memsz > most - segment->p_vaddr)
        return tocsin__segment_malformed(view);
    begin = segment->p_vaddr & ~(page - 1);
    end = (segment->p_vaddr + segment->p_memsz + page - 1) & ~(page - 1);
    if ((align & (align - 1)) || ((segment->p_vaddr ^ segment->p_offset) & (page - 1)) ||
        view->loads_count == TOCSIN__LOADS_MAX || load_overlaps(view, segment))
        return tocsin__segment_malformed(view);
    if (begin < view->elf->low)
        view->elf->low = begin;
    if (end > view->elf->high)
        view->elf->high = end;
    view->loads[view->loads_count++] = *segment;
    return 0;
}

static int loads_check(struct tocsin__view *view)
{
    ElfW(Phdr) segment;
    unsigned cursor = 0;
    int err = 0;

    view->elf->low = UINT64_MAX;
    if (tocsin__view_segment(view, PT_INTERP, &cursor, &segment))
        return tocsin__refuse(view->reason, -ENOEXEC, "an executable, not a shared object");
    cursor = 0;
    while (err == 0 && tocsin__view_segment(view, PT_LOAD, &cursor, &segment))
        err = load_check(view, &segment);
    if (err == 0 && view->elf->low >= view->elf->high)
        return tocsin__refuse(view->reason, -ENOEXEC, "no loadable segment");
    return err;
}

/* Other segments */

/* Returns true if a segment is within a loadable segment, at the same offset and address. Each
 * segment that is not loadable itself must be within a loadable one. */
bool tocsin__segment_fits_load(const struct tocsin__view *view, const ElfW(Phdr) * part)
{
    const ElfW(Phdr) *load = tocsin__view_load(view, part->p_vaddr, part->p_filesz);

    return load && tocsin__view_in_file(load, part->p_vaddr, part->p_filesz) &&
           part->p_offset - load->p_offset == part->p_vaddr - load->p_vaddr;
}

static bool tls_fits(struct tocsin__view *view, const ElfW(Phdr) * part)
{
    enum { ALIGN_MOST = 1 << 20, SIZE_MOST = 1 << 28 };

    view->tls = *part;
    return part->p_filesz <= part->p_memsz && part->p_memsz <= SIZE_MOST &&
           part->p_align <= ALIGN_MOST && !(part->p_align & (part->p_align - 1)) &&
           (!part->p_memsz || part->p_align) &&
           (!part->p_filesz || tocsin__segment_fits_load(view, part));
}

/* Returns true if PT_GNU_RELRO is valid. The dynamic linker makes this range read-only after
 * relocation. So it must begin where a writable segment begins, and end within the pages of this
 * segment. */
static bool relro_fits(const struct tocsin__view *view, const ElfW(Phdr) * part)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const ElfW(Phdr) *load = tocsin__view_load(view, part->p_vaddr, part->p_filesz);

    return load && (load->p_flags & PF_W) && part->p_vaddr == load->p_vaddr &&
           part->p_memsz <=
               ((load->p_memsz + (load->p_vaddr & (page - 1)) + page - 1) & ~(page - 1)) -
                   (load->p_vaddr & (page - 1));
}

static bool segment_fits(struct tocsin__view *view, const ElfW(Phdr) * part)
{
    switch (part->p_type) {
    case PT_TLS: return tls_fits(view, part);
    case PT_GNU_RELRO: return relro_fits(view, part);
    case PT_PHDR:
        return part->p_offset == view->header.e_phoff && tocsin__segment_fits_load(view, part);
    case PT_GNU_EH_FRAME: return tocsin__segment_fits_load(view, part);
    default: return true;
    }
}

static int segments_check(struct tocsin__view *view)
{
    ElfW(Phdr) segment;

    for (unsigned i = 0; i < view->header.e_phnum; i++) {
        memcpy(&segment, view->data + view->header.e_phoff + i * sizeof segment, sizeof segment);
        if (!segment_fits(view, &segment))
            return tocsin__segment_malformed(view);
    }
    return 0;
}

int tocsin__segments_check(struct tocsin__view *view)
{
    int err = header_check(view);

    if (err == 0)
        err = loads_check(view);
    return err < 0 ? err : segments_check(view);
}
