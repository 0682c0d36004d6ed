/* All allocation of this library, and faults for its tests: its objects for tests are linked with
   libtocsin-internal, which makes the nth allocation or system call fail. */
#ifndef TOCSIN_TEST_MEM_H
#define TOCSIN_TEST_MEM_H

#include <stdbool.h>
#include <stddef.h>

void *tocsin__test_alloc(size_t size);                /* zeroed; NULL: no memory */
void *tocsin__test_resize(void *memory, size_t size); /* NULL: memory stays as it is */
char *tocsin__test_copy_text(const char *text);       /* NULL: no memory */
void tocsin__test_release(void *memory);

/* True if the system call that follows is to fail. */
#ifdef TOCSIN_FAULT
bool tocsin__fault(void);
#else
static inline bool tocsin__fault(void)
{
    return false;
}
#endif

#endif
