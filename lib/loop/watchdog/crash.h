/* Prepares threads for the line about a crash (tocsin/crash.h). */
#ifndef TOCSIN_LOOP_WATCHDOG_CRASH_H
#define TOCSIN_LOOP_WATCHDOG_CRASH_H

#include <tocsin/crash.h>

#include "base/mem.h"

/* Gives the calling thread its own signal stack, so that a stack overflow can be reported. Does
   nothing before tocsin_crash_tell was called. */
void tocsin__crash_stack_make(void);

#endif
