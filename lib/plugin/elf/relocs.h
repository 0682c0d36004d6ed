/* Checks the relocations of a plugin's file. */
#ifndef TOCSIN_PLUGIN_ELF_RELOCS_H
#define TOCSIN_PLUGIN_ELF_RELOCS_H

#include "plugin/elf/view.h"

/* Checks all relocations. Returns 0, or -ENOEXEC if one is malformed. */
int tocsin__relocs_check(const struct tocsin__view *view);

#endif
