/* Deep copies of payloads, and single fields of them. */
#ifndef TOCSIN_REGISTRY_PAYLOAD_H
#define TOCSIN_REGISTRY_PAYLOAD_H

#include "registry/layout.h"

/* Reads a field as the public interface shows it; a name that is too long is cut. */
void tocsin__field_read(const struct tocsin_payload *payload, const struct tocsin__field *field,
                        struct tocsin_field *ret_field);

/* Returns the bytes that a copy needs; 0 for NULL. */
size_t tocsin__payload_size(const struct tocsin_payload *payload);
/* Copies a payload into memory of that size, aligned as by malloc. The copy gets this layout. After
   an error there is nothing to release. -EINVAL: the payload has a TOCSIN_LOCAL; -ENOMEM, -errno.
 */
int tocsin__payload_copy(const struct tocsin_payload *payload, void *memory,
                         const struct tocsin_layout *layout);
/* Releases the descriptors and objects of a copy, but not its memory. */
void tocsin__payload_clear(struct tocsin_payload *copy);

#endif
