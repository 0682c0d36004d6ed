/* Defines the table of hooks that TOCSIN_DEBUG=1 uses. */
#include "base/debug_hooks.h"

struct tocsin__debug_hooks tocsin__debug;
