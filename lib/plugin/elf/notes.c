/* Finds the note of tocsin among the ELF notes of a file. */
#include <errno.h>
#include <string.h>

#include "plugin/elf/notes.h"
#include "plugin/elf/segments.h"

static int note_take(const struct tocsin__view *view, const ElfW(Nhdr) * note,
                     const unsigned char *vendor, const unsigned char *text)
{
    static const char ours[8] = "tocsin";

    if (note->n_namesz != sizeof ours || memcmp(vendor, ours, sizeof ours) != 0)
        return 0;
    if (view->elf->text)
        return tocsin__refuse(view->reason, -EBADMSG, "two notes of tocsin");
    view->elf->text = (const char *)text;
    view->elf->text_size = note->n_descsz;
    return 0;
}

/* Reads the notes of a segment. A note is a header, a vendor and a text. The vendor and the text
   are padded to the alignment. */
static int notes_read(const struct tocsin__view *view, const ElfW(Phdr) * segment)
{
    const unsigned char *at = view->data + segment->p_offset;
    uint64_t left = segment->p_filesz, align = segment->p_align == 8 ? 8 : 4, text, next;
    ElfW(Nhdr) note;
    int err = 0;

    for (; err == 0 && left >= sizeof note; at += next, left -= next) {
        memcpy(&note, at, sizeof note);
        text = (sizeof note + note.n_namesz + align - 1) & ~(align - 1);
        if (text > left || note.n_descsz > left - text)
            return tocsin__refuse(view->reason, -EBADMSG, "a note is longer than its segment");
        err = note_take(view, &note, at + sizeof note, at + text);
        next = (text + note.n_descsz + align - 1) & ~(align - 1);
        if (next > left)
            next = left;
    }
    return err;
}

/* Reads the notes of all segments of a type. The dynamic linker reads notes from memory, so a
   segment of notes must be mapped as a whole. */
static int notes_of(const struct tocsin__view *view, uint32_t type)
{
    ElfW(Phdr) segment;
    unsigned cursor = 0;
    int err = 0;

    while (err == 0 && tocsin__view_segment(view, type, &cursor, &segment)) {
        if (!tocsin__view_within(view, segment.p_offset, segment.p_filesz))
            return tocsin__refuse(view->reason, -ENOEXEC,
                                  "truncated: the notes reach beyond the end of the file");
        if (segment.p_memsz != segment.p_filesz || !tocsin__segment_fits_load(view, &segment))
            return tocsin__segment_malformed(view);
        err = notes_read(view, &segment);
    }
    return err;
}

int tocsin__notes_check(const struct tocsin__view *view)
{
    int err = notes_of(view, PT_GNU_PROPERTY);

    if (err == 0)
        err = notes_of(view, PT_NOTE);
    if (err == 0 && !view->elf->text)
        return tocsin__refuse(view->reason, -ENOEXEC, "not a tocsin plugin (no .note.tocsin)");
    return err;
}
