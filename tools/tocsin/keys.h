/* What the words of a file mean. */
#ifndef TOOLS_KEYS_H
#define TOOLS_KEYS_H

#include <tocsin/owner.h>

enum action { ACTION_PRINT, ACTION_IGNORE, ACTION_DRAIN, ACTION_STOP };

int action_of(const char *word);                       /* -1: it is none */
int holding_of(const char *word);                      /* -1: it is none, or cannot be limited */

#endif
