/* Memory and text. If an allocation fails, each function reports it and ends the program. */
#ifndef TOOLS_MEM_H
#define TOOLS_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *must_alloc(size_t size); /* returns memory that is all zero */
void *must_grow(void *block, size_t count, size_t size);
/* grows a block of count elements for one more; doubles its size */
void *must_room(void *block, size_t count, size_t size);
char *must_copy(const char *text); /* returns NULL for NULL */
char *must_print(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
char *must_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A growing text; appending takes amortized linear time. All zero: empty. */
struct growing {
    char *text;
    size_t length, room;
};
void must_add(struct growing *growing, const char *more);

#endif
