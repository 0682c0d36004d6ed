/* The layers that libraries have registered, for the life of the process. */
#ifndef TOCSIN_IO_LAYER_H
#define TOCSIN_IO_LAYER_H

#include <tocsin/layer.h>

/* Finds a layer by its scheme, a text of `size` bytes. NULL: there is none. */
const struct tocsin_layer_type *tocsin__layer_find(const char *scheme, size_t size);

#endif
