/* The reason why a plugin is refused. It is a sentence for the user, in a buffer of fixed size. */
#ifndef TOCSIN_PLUGIN_REASON_H
#define TOCSIN_PLUGIN_REASON_H

#include <stdbool.h>
#include <stddef.h>

struct tocsin__reason {
    char *text;
    size_t size; /* size of the buffer; 0: the caller does not want the reason */
};

/* Replaces the sentence. Text that does not fit into the buffer is cut off. Returns `err`. */
int tocsin__refuse(const struct tocsin__reason *reason, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends the whole text. If the text does not fit, appends nothing and returns false. */
bool tocsin__reason_add(const struct tocsin__reason *reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
