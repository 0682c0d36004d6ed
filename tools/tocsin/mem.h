/* Functions for memory and text. If an allocation fails, each function reports the failure and ends
   the program. */
#ifndef TOOLS_MEM_H
#define TOOLS_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *must_alloc(size_t size); /* returns memory whose bytes are all zero */
void *must_grow(void *block, size_t count, size_t size);
/* makes room for one more element in a block of count elements; the size is doubled */
void *must_room(void *block, size_t count, size_t size);
char *must_copy(const char *text); /* returns a copy of the text; returns NULL if text is NULL */
char *must_print(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
char *must_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A text that grows. Appending takes amortized linear time. A struct whose bytes are all zero is an
   empty text. */
struct growing {
    char *text;
    size_t length, room;
};
void must_add(struct growing *growing, const char *more);

#endif
