/* The declarations of a plugin: the text of its ELF note, read before the file is mapped
   (P2). No byte of the file is trusted. */
#ifndef TOCSIN_PLUGIN_NOTE_NOTE_H
#define TOCSIN_PLUGIN_NOTE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tocsin__note_signal {
    const char *name, *fields; /* fields "": no payload */
    bool emits;                /* false: the plugin consumes it */
};

struct tocsin__note_setting {
    const char *name;
    const char *otherwise; /* the default; NULL: none */
};

struct tocsin__note {
    char *text;  /* the whole text, as in the file */
    char *lines; /* a copy that was cut up: all texts below point into it */
    const char *name, *version, *about;
    const char *licence; /* "": not declared */
    uint32_t abi;
    const char **needs; /* NULL at the end */
    struct tocsin__note_signal *signals;
    struct tocsin__note_setting *settings;
    size_t needs_count, signals_count, settings_count;

    /* facts about the file, as in struct tocsin__elf */
    uint64_t low, high;
    bool threads;
    bool keys;
    uint32_t uniques;
};

/* 0; -ENOEXEC: not a shared object of this machine, or truncated, or malformed, or without a note
   of tocsin or an init; -EBADMSG: the note is malformed, larger than 64 KiB, or there are two;
   -EPROTONOSUPPORT: another TOCSIN_ABI (name, version and about are set as far as they can be read,
   else ""); -ENOMEM. On failure, writes the reason. */
int tocsin__note_read(struct tocsin__note *note, const unsigned char *data, size_t size,
                      char *reason, size_t reason_size);
/* Does nothing if the note is all zero. Needed after -EPROTONOSUPPORT, too. */
void tocsin__note_free(struct tocsin__note *note);

bool tocsin__is_plugin_name(const char *name);

#endif
