/* The table of hooks for TOCSIN_DEBUG=1. */
#include "base/debug_hooks.h"

struct tocsin__debug_hooks tocsin__debug;
