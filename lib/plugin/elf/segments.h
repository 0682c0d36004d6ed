/* Checks the ELF header and the segments of a plugin's file. */
#ifndef TOCSIN_PLUGIN_ELF_SEGMENTS_H
#define TOCSIN_PLUGIN_ELF_SEGMENTS_H

#include "plugin/elf/view.h"

/* Sets `header`, `loads` and `tls` of the view. Returns 0, or -ENOEXEC if the file is malformed. */
int tocsin__segments_check(struct tocsin__view *view);

/* Returns true if a segment is within a loadable segment, at the same offset and address. */
bool tocsin__segment_fits_load(const struct tocsin__view *view, const ElfW(Phdr) * part);
/* Refuses the file because a segment is malformed. Returns -ENOEXEC. */
int tocsin__segment_malformed(const struct tocsin__view *view);

#endif
