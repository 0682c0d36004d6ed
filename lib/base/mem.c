#define _DEFAULT_SOURCE /* for MAP_ANONYMOUS */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"

#ifdef TOCSIN_FAULT
#include <stdatomic.h>

static atomic_long fault_nth, fault_seen;

bool tocsin__fault(void)
{
    return atomic_fetch_add(&fault_seen, 1) + 1 == atomic_load(&fault_nth);
}

void tocsin__fault_at(long nth)
{
    atomic_store(&fault_seen, 0);
    atomic_store(&fault_nth, nth);
}

long tocsin__fault_count(void)
{
    return atomic_load(&fault_seen);
}
#endif

void *tocsin__alloc(size_t size)
{
    return tocsin__fault() ? NULL : calloc(1, size);
}

void *tocsin__alloc_lines(size_t size)
{
    enum { LINES = 128 };
    size_t rounded = (size + LINES - 1) / LINES * LINES;
    void *memory = tocsin__fault() ? NULL : aligned_alloc(LINES, rounded);

    return memory ? memset(memory, 0, rounded) : NULL;
}

void *tocsin__resize(void *memory, size_t size)
{
    return tocsin__fault() ? NULL : realloc(memory, size);
}

char *tocsin__copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = tocsin__alloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}

void tocsin__release(void *memory)
{
    free(memory);
}

void *tocsin__pages(size_t size)
{
    void *pages = tocsin__fault() ? MAP_FAILED
                                  : mmap(NULL, size, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return pages == MAP_FAILED ? NULL : pages;
}

void tocsin__pages_release(void *pages, size_t size)
{
    munmap(pages, size);
}

void tocsin__pages_populate(void *pages, size_t size)
{
#ifdef MADV_POPULATE_WRITE
    int before = errno;

    madvise(pages, size, MADV_POPULATE_WRITE);
    errno = before;
#else
    (void)pages, (void)size;
#endif
}
