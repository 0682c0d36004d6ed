/* The notes. */
#ifndef TOCSIN_PLUGIN_ELF_NOTES_H
#define TOCSIN_PLUGIN_ELF_NOTES_H

#include "plugin/elf/view.h"

/* Sets text and text_size of view->elf. 0, -ENOEXEC or -EBADMSG. */
int tocsin__notes_check(const struct tocsin__view *view);

#endif
