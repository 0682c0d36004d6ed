/* Builds a text from pieces in a buffer. The text is cut at the end of the buffer, and always ends
   with a NUL. All functions are async-signal-safe. */
#ifndef TOCSIN_BASE_WORDS_H
#define TOCSIN_BASE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct tocsin__text_builder {
    char *text;
    size_t size, used; /* size of the buffer; length of the text without its NUL */
};

tocsin__hidden struct tocsin__text_builder tocsin__text_builder(char *text, size_t size);
tocsin__hidden void tocsin__text_add(struct tocsin__text_builder *words, const char *piece);
tocsin__hidden void tocsin__text_add_number(struct tocsin__text_builder *words, uint64_t number);
tocsin__hidden void tocsin__text_add_hex(struct tocsin__text_builder *words, uint64_t number);
/* Appends a count and its noun, such as "1 task" or "2 tasks", after a comma if the text is not
   empty. Appends nothing if the count is 0. */
tocsin__hidden void tocsin__text_add_count(struct tocsin__text_builder *words, uint64_t count,
                                           const char *noun);

#endif
