/* The dynamic linker in the child of a fork (T8). Another thread may have been in the linker at
 * the time of the fork. Then the linker's locks stay held, and its list of objects may be
 * incomplete. */
#ifndef TOCSIN_PLUGIN_LINKER_H
#define TOCSIN_PLUGIN_LINKER_H

#include <stdbool.h>

/* tocsin__linker_enter must be called before each dlopen and dlclose, and tocsin__linker_leave
   afterwards. */
void tocsin__linker_enter(void);
void tocsin__linker_leave(void);

/* Returns true in the child of a fork if dlopen and dlclose could wait forever, or find an
   incomplete object. */
bool tocsin__linker_is_lost(void);

#endif
