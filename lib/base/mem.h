/* All allocations of the library go through these functions. In test builds, a switch makes the
   n-th allocation or system call fail (F3). */
#ifndef TOCSIN_BASE_MEM_H
#define TOCSIN_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#define tocsin__likely(x) __builtin_expect(!!(x), 1)
#define tocsin__unlikely(x) __builtin_expect(!!(x), 0)
/* An attribute for data: the compiler then reads the data directly, without the global offset
 * table. */
#define tocsin__hidden __attribute__((visibility("hidden")))
#define tocsin__noinline __attribute__((noinline))
#define tocsin__container(pointer, type, member) \
    ((type *)((char *)(pointer)-offsetof(type, member)))

/* Each allocating function returns NULL if there is no memory. */
void *tocsin__alloc(size_t size);       /* the memory is zeroed */
void *tocsin__alloc_lines(size_t size); /* zeroed memory that shares no cache line with other
                                           memory */
/* Changes the size of a block. The added part is not zeroed. On failure the old memory is
   unchanged. */
void *tocsin__resize(void *memory, size_t size);
char *tocsin__copy_text(const char *text);
void tocsin__release(void *memory);
void *tocsin__pages(size_t size); /* maps new zeroed pages; this function is async-signal-safe */
void tocsin__pages_release(void *pages, size_t size);
/* Maps memory to these pages, which will be used soon: one call costs less than a page fault each.
   Does nothing on a kernel before Linux 5.14. */
void tocsin__pages_populate(void *pages, size_t size);

/* Returns true if the next allocation or system call must fail. In a normal build the result is
   always false. */
#ifdef TOCSIN_FAULT
bool tocsin__fault(void);
/* Sets the count of calls to 0. Then only the call number `nth` of tocsin__fault returns true. If
   `nth` is 0, no call returns true. */
void tocsin__fault_at(long nth);
long tocsin__fault_count(void); /* returns the number of calls of tocsin__fault since
                                   tocsin__fault_at */
#else
static inline bool tocsin__fault(void)
{
    return false;
}
#endif

#endif
