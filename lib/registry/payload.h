/* Makes deep copies of payloads, and reads their fields. */
#ifndef TOCSIN_REGISTRY_PAYLOAD_H
#define TOCSIN_REGISTRY_PAYLOAD_H

#include "registry/layout.h"

/* Reads a field into the public struct tocsin_field. A name that is too long is cut. */
void tocsin__field_read(const struct tocsin_payload *payload, const struct tocsin__field *field,
                        struct tocsin_field *ret_field);

/* Returns the number of bytes that a copy of the payload needs; NULL needs 0 bytes. */
size_t tocsin__payload_size(const struct tocsin_payload *payload);
/* Copies a payload into memory of the size that tocsin__payload_size returned, aligned as by
   malloc. The copy gets the given layout. Returns 0; -EINVAL if the payload has a TOCSIN_LOCAL;
   -ENOMEM; or -errno of a copied descriptor or object. After an error there is nothing to
   release. */
int tocsin__payload_copy(const struct tocsin_payload *payload, void *memory,
                         const struct tocsin_layout *layout);
/* Releases the descriptors and objects of a copy, but not its memory. */
void tocsin__payload_clear(struct tocsin_payload *copy);

#endif
