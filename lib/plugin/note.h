/* What a plugin says of itself: its ELF note, read from the bytes of its file, before anything of it is mapped (P2). No byte of a file is trusted. */
#ifndef TOCSIN_PLUGIN_NOTE_H
#define TOCSIN_PLUGIN_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tocsin__note_signal { const char *name, *fields; bool emits; };     /* fields "": it carries nothing; !emits: consumes */

struct tocsin__note {
    char *text;                                        /* all of it, as it is in the file */
    char *lines;                                       /* the same cut up; what follows points into it */
    const char *name, *version, *about, *licence;      /* licence "": not said */
    uint32_t abi;
    const char **needs;                                /* NULL at the end */
    struct tocsin__note_signal *signals;
    size_t needs_count, signals_count;
    uint64_t low, high;                                /* of what is mapped: page of the lowest and end of the highest PT_LOAD, from the base on */
    bool threads;                                      /* it imports a function that starts a thread */
};

/* 0; -ENOEXEC: no ELF shared object of this machine's class, byte order and architecture, an executable, truncated (a segment reaches beyond the end of the
   file), without a dynamic section, without our note, or without an init; -EBADMSG: the note is malformed, larger than 64 KiB, or there are two; -EPROTONOSUPPORT: another
   TOCSIN_ABI (name, version and about are set, as far as they can be read, else ""); -ENOMEM. reason: a sentence that says which, where it fails. */
int  tocsin__note_read(struct tocsin__note *note, const unsigned char *data, size_t size, char *reason, size_t reason_size);
void tocsin__note_free(struct tocsin__note *note);    /* also after -EPROTONOSUPPORT; of zeroes it does nothing */

bool tocsin__plugin_name(const char *name);           /* it can be a plugin's */

#endif
