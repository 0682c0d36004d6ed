/* The type of a setting, as a plugin's note declares it, such as "u64 1..10" or "choice A|B". */
#ifndef TOCSIN_PLUGIN_NOTE_SETTING_TYPE_H
#define TOCSIN_PLUGIN_NOTE_SETTING_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tocsin__setting_kind {
    TOCSIN__SETTING_STRING,
    TOCSIN__SETTING_BOOL,
    TOCSIN__SETTING_I64,
    TOCSIN__SETTING_U64,
    TOCSIN__SETTING_F64,
    TOCSIN__SETTING_CHOICE,
    TOCSIN__SETTING_PATTERN,
    TOCSIN__SETTING_KINDS
};

struct tocsin__setting_type {
    enum tocsin__setting_kind kind;
    char first[128]; /* the lower end of a range, as in the note; "": no lower end. For a choice:
                        A|B|C */
    char last[128];  /* the upper end of a range; "": no upper end */
};

/* Reads a type. Returns false if the text is not a type. */
bool tocsin__setting_type_read(struct tocsin__setting_type *type, const char *text);
/* Writes what a value of this type must be, such as "a whole number from 1 to 10". */
void tocsin__setting_type_describe(const struct tocsin__setting_type *type, char *text,
                                   size_t size);
bool tocsin__setting_type_accepts(const struct tocsin__setting_type *type, const char *value);

#endif
