/* The dynamic linker in the child of a fork (T8). Another thread may have been in it at the fork:
   its locks stay held, and its list of objects may be half changed. */
#ifndef TOCSIN_PLUGIN_LINKER_H
#define TOCSIN_PLUGIN_LINKER_H

#include <stdbool.h>

/* To be called around each dlopen and dlclose. */
void tocsin__linker_enter(void);
void tocsin__linker_leave(void);

/* True in a child where dlopen and dlclose could wait forever, or find half an object. */
bool tocsin__linker_is_lost(void);

#endif
