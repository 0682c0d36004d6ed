/* Reads the ELF notes of a plugin's file. */
#ifndef TOCSIN_PLUGIN_ELF_NOTES_H
#define TOCSIN_PLUGIN_ELF_NOTES_H

#include "plugin/elf/view.h"

/* Sets `text` and `text_size` of view->elf. Returns 0, -ENOEXEC if the notes are malformed, or
   -EBADMSG if the note of tocsin is. */
int tocsin__notes_check(const struct tocsin__view *view);

#endif
