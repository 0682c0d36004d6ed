/* The symbols. */
#ifndef TOCSIN_PLUGIN_ELF_SYMBOLS_H
#define TOCSIN_PLUGIN_ELF_SYMBOLS_H

#include "plugin/elf/view.h"

/* Checks the symbols and their hash tables, and sets symbols_count. 0 or -ENOEXEC. */
int tocsin__symbols_check(struct tocsin__view *view);
/* False: there is no symbol of this index. */
bool tocsin__symbol_at(const struct tocsin__view *view, uint64_t index, ElfW(Sym) * ret_symbol);

uint32_t tocsin__hash_gnu(const char *name);
uint32_t tocsin__hash_sysv(const char *name);

#endif
