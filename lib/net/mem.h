/* Allocation, all of it; and the switch by which a test makes the n-th one fail (F3). */
#ifndef TOCSIN_NET_MEM_H
#define TOCSIN_NET_MEM_H

#include <stddef.h>

void *tocsin__net_alloc(size_t size);                      /* zeroed */
void *tocsin__net_resize(void *memory, size_t size);       /* what is new is not zeroed; NULL: memory is as it was */
char *tocsin__net_copy_text(const char *text, size_t size);   /* with a zero behind it */
void  tocsin__net_release(void *memory);
int   tocsin__net_global_init(void);                       /* libcurl, once in a process; 0 or -ENOMEM */

#ifdef TOCSIN_FAULT
void tocsin__net_fault_at(long nth);                       /* the nth from now fails, once; 0: none; counting begins anew */
long tocsin__net_fault_count(void);                        /* how many could have failed since */
void tocsin__net_fault_libcurl(int too);                   /* before the first fetch: libcurl's allocations count as well */
#endif

/* Bytes that grow. Whatever is in it, a zero stands behind. */
struct tocsin__net_buffer { char *data; size_t size, room; };

int  tocsin__net_buffer_reserve(struct tocsin__net_buffer *buffer, size_t size);   /* room for so many more */
int  tocsin__net_buffer_add(struct tocsin__net_buffer *buffer, const void *data, size_t size);
void tocsin__net_buffer_free(struct tocsin__net_buffer *buffer);

#endif
