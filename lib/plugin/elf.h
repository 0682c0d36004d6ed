/* A shared object, read from its bytes and not mapped: is it one for this machine, where does it lie when it is mapped, does it start threads, can it be started, and our note in it. */
#ifndef TOCSIN_PLUGIN_ELF_H
#define TOCSIN_PLUGIN_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/reason.h"

struct tocsin__elf {
    const char *text;                                  /* what our note says: in the bytes that were read, not checked, its NUL is not either */
    size_t text_size;
    uint64_t low, high;                                /* of what is mapped, whole pages, from the base on */
    bool threads;                                      /* it imports a function that starts one; also where that cannot be found out */
    bool starts;                                       /* it defines tocsin_plugin_init; likewise */
};

/* 0; -ENOEXEC, -EBADMSG: as tocsin__note_read, which calls this. */
int tocsin__elf_read(struct tocsin__elf *elf, const unsigned char *data, size_t size, const struct tocsin__reason *reason);

#endif
