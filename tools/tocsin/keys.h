/* What the words of a file mean. */
#ifndef TOOLS_KEYS_H
#define TOOLS_KEYS_H

#include <tocsin/owner.h>

enum action { ACTION_PRINT, ACTION_IGNORE, ACTION_DRAIN, ACTION_STOP };

int action_of(const char *word);                       /* -1: it is none */
/* What [limits] may set: holdings by their numbers, and how long handlers are borne with. */
enum { LIMIT_FAULTS = TOCSIN_HOLDS_TYPES, LIMIT_STALLS, LIMITS };

int limit_of(const char *word);                        /* -1: it is none, or cannot be limited */

#endif
