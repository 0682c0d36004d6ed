/* Unloading. */
#ifndef TOCSIN_PLUGIN_UNLOAD_H
#define TOCSIN_PLUGIN_UNLOAD_H

#include "plugin/image.h"

/* Unloads an image that no plugin uses: its init failed, or a newer version has replaced it.
   Reclaims at once what the image has on this loop, and later what it has on other loops. Then
   unmaps and frees it. */
void tocsin__unload_image(struct tocsin__image *image);

#endif
