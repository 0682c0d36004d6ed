/* The relocations. */
#ifndef TOCSIN_PLUGIN_ELF_RELOCS_H
#define TOCSIN_PLUGIN_ELF_RELOCS_H

#include "plugin/elf/view.h"

/* 0 or -ENOEXEC. */
int tocsin__relocs_check(const struct tocsin__view *view);

#endif
