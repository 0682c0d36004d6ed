/* All allocations of this library go through these functions. A test can make the n-th allocation
   fail (F3). */
#ifndef TOCSIN_NET_MEM_H
#define TOCSIN_NET_MEM_H

#include <stddef.h>

void *tocsin__net_alloc(size_t size); /* the memory is zeroed */
/* Changes the size of a block. New bytes are not set. Returns NULL if there is no memory; then the
   old block is unchanged. */
void *tocsin__net_resize(void *memory, size_t size);
char *tocsin__net_copy_text(const char *text, size_t size); /* copies `size` bytes and appends a
                                                               NUL */
void tocsin__net_release(void *memory);
/* Initializes libcurl once. Returns 0, -ENOTSUP if libcurl is too old, or the error of libcurl. */
int tocsin__net_global_init(void);
/* Checks the version of the loaded libcurl, 0xMMmmpp. Returns 0 or -ENOTSUP. */
int tocsin__net_version_check(unsigned version);

#ifdef TOCSIN_FAULT
/* From now on, the allocation number `nth` fails, once; 0 means that none fails. The count begins
   again at 0. */
void tocsin__net_fault_at(long nth);
long tocsin__net_fault_count(void); /* returns the number of allocations since
                                       tocsin__net_fault_at */
/* If `too` is not 0, the allocations of libcurl are counted, too. This must be called before the
   first fetch. */
void tocsin__net_fault_libcurl(int too);
#endif

/* An array of bytes that can grow. A NUL follows its contents. */
struct tocsin__net_buffer {
    char *data;
    size_t size, room;
};

/* Makes room for `size` more bytes. Returns 0 or -ENOMEM. */
int tocsin__net_buffer_reserve(struct tocsin__net_buffer *buffer, size_t size);
int tocsin__net_buffer_add(struct tocsin__net_buffer *buffer, const void *data, size_t size);
void tocsin__net_buffer_free(struct tocsin__net_buffer *buffer);

#endif
