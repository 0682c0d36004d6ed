/* Memory that is there, or the program ends: it is a small program, and says so. Text is made to measure. */
#ifndef TOOLS_MEM_H
#define TOOLS_MEM_H

#include <stddef.h>

void *must_alloc(size_t size);                         /* zeroed */
void *must_grow(void *block, size_t count, size_t size);
char *must_copy(const char *text);                     /* of NULL: NULL */
char *must_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
