/* Allocation. */
#include <stdlib.h>
#include <string.h>

#include "test/mem.h"

void *tocsin__test_alloc(size_t size)
{
    return tocsin__fault() ? NULL : calloc(1, size);
}

void *tocsin__test_resize(void *memory, size_t size)
{
    return tocsin__fault() ? NULL : realloc(memory, size);
}

char *tocsin__test_copy_text(const char *text)
{
    return tocsin__fault() ? NULL : strdup(text);
}

void tocsin__test_release(void *memory)
{
    free(memory);
}
