/* Unloads an image of a plugin that no plugin uses. */
#ifndef TOCSIN_PLUGIN_UNLOAD_H
#define TOCSIN_PLUGIN_UNLOAD_H

#include "plugin/image.h"

/* Unloads an image that no plugin uses: its init failed, or a newer version has replaced it.
   Reclaims what the image has on this loop now, and what it has on other loops later. Then unmaps
   and frees the image. */
void tocsin__unload_image(struct tocsin__image *image);

#endif
