/* Reads a shared object's file by offset or by address. Sums of numbers in the file could overflow,
   so comparisons do not compute them. Values may be at unaligned addresses, so they are copied. */
#include <string.h>

#include "plugin/elf/view.h"

bool tocsin__view_within(const struct tocsin__view *view, uint64_t offset, uint64_t size)
{
    return offset <= view->size && size <= view->size - offset;
}

bool tocsin__view_segment(const struct tocsin__view *view, uint32_t type, unsigned *cursor,
                          ElfW(Phdr) * ret_segment)
{
    while (*cursor < view->header.e_phnum) {
        memcpy(ret_segment, view->data + view->header.e_phoff + (*cursor)++ * sizeof *ret_segment,
               sizeof *ret_segment);
        if (ret_segment->p_type == type)
            return true;
    }
    return false;
}

const ElfW(Phdr) *
    tocsin__view_load(const struct tocsin__view *view, uint64_t address, uint64_t size)
{
    for (unsigned i = 0; i < view->loads_count; i++) {
        const ElfW(Phdr) *load = &view->loads[i];

        if (address >= load->p_vaddr && address - load->p_vaddr <= load->p_memsz &&
            size <= load->p_memsz - (address - load->p_vaddr))
            return load;
    }
    return NULL;
}

bool tocsin__view_contains(const struct tocsin__view *view, uint64_t address, uint64_t size,
                           uint32_t rights)
{
    const ElfW(Phdr) *load = tocsin__view_load(view, address, size);

    return load && (load->p_flags & (PF_R | rights)) == (PF_R | rights);
}

bool tocsin__view_in_file(const ElfW(Phdr) * load, uint64_t address, uint64_t size)
{
    return address - load->p_vaddr <= load->p_filesz &&
           size <= load->p_filesz - (address - load->p_vaddr);
}

const unsigned char *tocsin__view_at(const struct tocsin__view *view, uint64_t address,
                                     uint64_t size)
{
    const ElfW(Phdr) *load = tocsin__view_load(view, address, size);

    if (!load || !(load->p_flags & PF_R) || !tocsin__view_in_file(load, address, size))
        return NULL;
    return view->data + load->p_offset + (address - load->p_vaddr);
}

bool tocsin__view_is_code(const struct tocsin__view *view, uint64_t address)
{
    const ElfW(Phdr) *load = tocsin__view_load(view, address, 1);

    return load && (load->p_flags & PF_X) && tocsin__view_in_file(load, address, 1);
}
