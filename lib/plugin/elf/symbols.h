/* Checks the symbols of a plugin's file. */
#ifndef TOCSIN_PLUGIN_ELF_SYMBOLS_H
#define TOCSIN_PLUGIN_ELF_SYMBOLS_H

#include "plugin/elf/view.h"

/* Checks the symbols and their hash tables, and sets symbols_count. Returns 0, or -ENOEXEC if one
   is malformed. */
int tocsin__symbols_check(struct tocsin__view *view);
/* Reads the symbol with this index. Returns false if there is no such symbol. */
bool tocsin__symbol_at(const struct tocsin__view *view, uint64_t index, ElfW(Sym) * ret_symbol);

uint32_t tocsin__hash_gnu(const char *name);
uint32_t tocsin__hash_sysv(const char *name);

#endif
