/* A sentence for an error message, in a buffer of fixed size. Control characters are escaped,
   because names of files and plugins may contain them. */
#ifndef TOCSIN_TEST_SENTENCE_H
#define TOCSIN_TEST_SENTENCE_H

#include <stdbool.h>
#include <stddef.h>

struct tocsin__sentence {
    char *text; /* the text, which always ends with a NUL */
    size_t size;
};

/* Replaces the text. Text that does not fit into the buffer is cut off. */
void tocsin__sentence_set(const struct tocsin__sentence *sentence, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends the whole text. If the text does not fit, appends nothing and returns false. */
bool tocsin__sentence_add(const struct tocsin__sentence *sentence, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
