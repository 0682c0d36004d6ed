/* All allocation of this library. A test can make the n-th allocation fail (F3). */
#ifndef TOCSIN_NET_MEM_H
#define TOCSIN_NET_MEM_H

#include <stddef.h>

void *tocsin__net_alloc(size_t size); /* all zero */
/* New bytes are not set. NULL: memory is unchanged. */
void *tocsin__net_resize(void *memory, size_t size);
char *tocsin__net_copy_text(const char *text, size_t size); /* ends with a NUL */
void tocsin__net_release(void *memory);
/* Initializes libcurl once. 0; -ENOTSUP: libcurl is too old; or the error of libcurl */
int tocsin__net_global_init(void);
/* version: of the loaded libcurl, 0xMMmmpp. 0 or -ENOTSUP */
int tocsin__net_version_check(unsigned version);

#ifdef TOCSIN_FAULT
/* The nth allocation from now on fails, once; 0: none fails. Restarts the count. */
void tocsin__net_fault_at(long nth);
long tocsin__net_fault_count(void); /* allocations since then */
/* Counts the allocations of libcurl too. Call it before the first fetch. */
void tocsin__net_fault_libcurl(int too);
#endif

/* A growing array of bytes. A NUL follows its contents. */
struct tocsin__net_buffer {
    char *data;
    size_t size, room;
};

/* Makes room for size more bytes. */
int tocsin__net_buffer_reserve(struct tocsin__net_buffer *buffer, size_t size);
int tocsin__net_buffer_add(struct tocsin__net_buffer *buffer, const void *data, size_t size);
void tocsin__net_buffer_free(struct tocsin__net_buffer *buffer);

#endif
