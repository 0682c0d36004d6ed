/* All allocations of this library go through these functions. For its own tests, the library is
   linked with libtocsin-internal, which makes the n-th allocation or system call fail. */
#ifndef TOCSIN_TEST_MEM_H
#define TOCSIN_TEST_MEM_H

#include <stdbool.h>
#include <stddef.h>

void *tocsin__test_alloc(size_t size);                /* zeroed memory; returns NULL if there is no
                                                         memory */
void *tocsin__test_resize(void *memory, size_t size); /* returns NULL if there is no memory; then
                                                         the block is unchanged */
char *tocsin__test_copy_text(const char *text);       /* returns NULL if there is no memory */
void tocsin__test_release(void *memory);

/* Returns true if the next system call must fail. */
#ifdef TOCSIN_FAULT
bool tocsin__fault(void);
#else
static inline bool tocsin__fault(void)
{
    return false;
}
#endif

#endif
