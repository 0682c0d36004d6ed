/* Allocation, all of it; and the switch by which a test makes the n-th allocation or system call fail (F3). */
#ifndef TOCSIN_CORE_MEM_H
#define TOCSIN_CORE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#define tocsin__likely(x)   __builtin_expect(!!(x), 1)
#define tocsin__unlikely(x) __builtin_expect(!!(x), 0)
#define tocsin__hidden      __attribute__((visibility("hidden")))     /* data: read without a detour over the table of what is exported */
#define tocsin__noinline    __attribute__((noinline))
#define tocsin__container(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

void *tocsin__alloc(size_t size);                      /* zeroed */
void *tocsin__alloc_lines(size_t size);                 /* zeroed, and alone on its cache lines */
void *tocsin__resize(void *memory, size_t size);       /* what is new is not zeroed; NULL: memory is as it was */
char *tocsin__copy_text(const char *text);
void  tocsin__release(void *memory);
void *tocsin__pages(size_t size);                      /* zeroed; async-signal-safe */
void  tocsin__pages_release(void *pages, size_t size);

/* Whether what follows is to fail, in a fault build; never in a real one. */
#ifdef TOCSIN_FAULT
bool tocsin__fault(void);
void tocsin__fault_at(long nth);                       /* the nth from now fails, once; 0: none; counting begins anew */
long tocsin__fault_count(void);                        /* how many could have failed since */
#else
static inline bool tocsin__fault(void) { return false; }
#endif

#endif
