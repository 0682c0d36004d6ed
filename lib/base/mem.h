/* All allocations of the library; and the switch by which a test makes the n-th allocation or
 * system call fail (F3). */
#ifndef TOCSIN_BASE_MEM_H
#define TOCSIN_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#define tocsin__likely(x) __builtin_expect(!!(x), 1)
#define tocsin__unlikely(x) __builtin_expect(!!(x), 0)
/* for data: the code reads it directly, not through the global offset table */
#define tocsin__hidden __attribute__((visibility("hidden")))
#define tocsin__noinline __attribute__((noinline))
#define tocsin__container(pointer, type, member) \
    ((type *)((char *)(pointer)-offsetof(type, member)))

/* Each allocating function returns NULL if there is no memory. */
void *tocsin__alloc(size_t size);       /* zeroed */
void *tocsin__alloc_lines(size_t size); /* zeroed; shares no cache line with other memory */
/* The added part is not zeroed. On failure the old memory is unchanged. */
void *tocsin__resize(void *memory, size_t size);
char *tocsin__copy_text(const char *text);
void tocsin__release(void *memory);
void *tocsin__pages(size_t size); /* zeroed pages of their own; async-signal-safe */
void tocsin__pages_release(void *pages, size_t size);

/* Whether the next allocation or system call must fail. Always false in a normal build. */
#ifdef TOCSIN_FAULT
bool tocsin__fault(void);
/* Sets the count of calls to 0. Then only the nth call of tocsin__fault returns true. nth 0: no
 * call returns true. */
void tocsin__fault_at(long nth);
long tocsin__fault_count(void); /* calls of tocsin__fault since tocsin__fault_at */
#else
static inline bool tocsin__fault(void)
{
    return false;
}
#endif

#endif
