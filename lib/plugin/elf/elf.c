/* Checks everything that the dynamic linker assumes of a file but does not check itself. */
#include "plugin/elf/dynamic.h"
#include "plugin/elf/elf.h"
#include "plugin/elf/notes.h"
#include "plugin/elf/relocs.h"
#include "plugin/elf/segments.h"
#include "plugin/elf/symbols.h"
#include "plugin/elf/versions.h"

int tocsin__elf_open(struct tocsin__view *view, const unsigned char *data, size_t size,
                     struct tocsin__elf *elf, const struct tocsin__reason *reason)
{
    int err;

    *view = (struct tocsin__view){ .data = data, .size = size, .reason = reason, .elf = elf };
    *elf = (struct tocsin__elf){ .text = NULL };
    err = tocsin__segments_check(view);
    if (err == 0)
        err = tocsin__dynamic_read(view);
    if (err == 0)
        err = tocsin__dynamic_check(view);
    return err == 0 ? tocsin__symbols_check(view) : err;
}

int tocsin__elf_read(struct tocsin__elf *elf, const unsigned char *data, size_t size,
                     const struct tocsin__reason *reason)
{
    struct tocsin__view view;
    int err = tocsin__elf_open(&view, data, size, elf, reason);

    if (err == 0)
        err = tocsin__versions_check(&view);
    if (err == 0)
        err = tocsin__relocs_check(&view);
    return err < 0 ? err : tocsin__notes_check(&view);
}
