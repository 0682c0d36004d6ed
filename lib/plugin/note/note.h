/* The note of a plugin: its declarations, as text in an ELF note. The note is read before the file
   is mapped (P2). No byte of the file is trusted. */
#ifndef TOCSIN_PLUGIN_NOTE_NOTE_H
#define TOCSIN_PLUGIN_NOTE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tocsin__note_signal {
    const char *name, *fields; /* name and fields of a signal; fields "": the signal has no
                                * payload */
    bool emits;                /* true if the plugin emits the signal, false if it consumes the
                                  signal */
};

struct tocsin__note_setting {
    const char *name;
    const char *otherwise; /* the default of the setting; NULL: the setting has no default */
};

struct tocsin__note {
    char *text;  /* the whole text of the note, as in the file */
    char *lines; /* a copy of the text, with NULs between its parts; the following texts point into
                    this copy */
    const char *name, *version, *about;
    const char *licence; /* the licence; "": the plugin does not declare it */
    uint32_t abi;
    const char **needs; /* names of the needed plugins, with NULL at the end */
    struct tocsin__note_signal *signals;
    struct tocsin__note_setting *settings;
    size_t needs_count, signals_count, settings_count;

    /* facts about the file, as in struct tocsin__elf */
    uint64_t low, high;
    bool threads;
    bool keys;
    uint32_t uniques;
};

/* Reads the note of a file. Returns 0; -ENOEXEC if the file is not a shared object of this machine,
   is truncated or malformed, or has no note of tocsin or no init; -EBADMSG if the note is
   malformed, larger than 64 KiB, or there are two; -EPROTONOSUPPORT for another TOCSIN_ABI;
   -ENOMEM. After -EPROTONOSUPPORT, name, version and about are set as far as they can be read, else
   to "". On failure, writes the reason. */
int tocsin__note_read(struct tocsin__note *note, const unsigned char *data, size_t size,
                      char *reason, size_t reason_size);
/* Frees a note. This must also be called after -EPROTONOSUPPORT. It does nothing if the note is all
   zero. */
void tocsin__note_free(struct tocsin__note *note);

bool tocsin__is_plugin_name(const char *name);

#endif
