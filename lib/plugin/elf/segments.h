/* The ELF header and the segments. */
#ifndef TOCSIN_PLUGIN_ELF_SEGMENTS_H
#define TOCSIN_PLUGIN_ELF_SEGMENTS_H

#include "plugin/elf/view.h"

/* Sets header, loads and tls of the view. 0 or -ENOEXEC. */
int tocsin__segments_check(struct tocsin__view *view);

/* True if a segment lies within a loadable segment, at the same offset and address. */
bool tocsin__segment_fits_load(const struct tocsin__view *view, const ElfW(Phdr) * part);
/* Refuses the file: a segment is malformed. */
int tocsin__segment_malformed(const struct tocsin__view *view);

#endif
