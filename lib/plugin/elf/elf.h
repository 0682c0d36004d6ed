/* Reads and checks a plugin's shared object before it is mapped. No byte of the file is trusted. */
#ifndef TOCSIN_PLUGIN_ELF_ELF_H
#define TOCSIN_PLUGIN_ELF_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/reason.h"

struct tocsin__view;

struct tocsin__elf {
    const char *text; /* the note of tocsin in the bytes of the file; the text may lack a NUL */
    size_t text_size;
    uint64_t low, high; /* the address range to be mapped, relative to the base address; it consists
                         * of whole pages */
    bool threads;       /* the file imports a function that starts a thread */
    bool starts;        /* the file defines tocsin_plugin_init */
    bool keys;          /* the file imports pthread_key_create or tss_create */
    uint32_t uniques;   /* number of STB_GNU_UNIQUE symbols that the file defines */
};

/* Reads and checks the whole file. Returns 0, -ENOEXEC or -EBADMSG, as tocsin__note_read does. */
int tocsin__elf_read(struct tocsin__elf *elf, const unsigned char *data, size_t size,
                     const struct tocsin__reason *reason);
/* Opens the view, and checks the file except its versions, relocations and notes. */
int tocsin__elf_open(struct tocsin__view *view, const unsigned char *data, size_t size,
                     struct tocsin__elf *elf, const struct tocsin__reason *reason);

#endif
