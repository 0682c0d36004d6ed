/* The keys and values that sections may have. These functions check them, and convert words to
   numbers. */
#ifndef TOOLS_CONFIG_KEYS_H
#define TOOLS_CONFIG_KEYS_H

#include <tocsin/owner.h>

#include "config/config.h"

enum action { ACTION_PRINT, ACTION_IGNORE, ACTION_DRAIN, ACTION_STOP };

int action_of(const char *word); /* returns -1 if the word is not an action */

/* The keys of [limits]. The first keys are the resources, each with the number of its resource.
   LIMIT_FAULTS and LIMIT_STALLS say how many failures are tolerated. */
enum { LIMIT_FAULTS = TOCSIN_RESOURCE_TYPES, LIMIT_STALLS, LIMITS };

int limit_of(const char *word); /* returns -1 if the word is not a limit */

/* Checks the keys and values of all sections, and reads the settings of [tocsin]. */
void config_check_keys(struct config *config);

/* Returns the number in the entry. Reports an error if the number is not in the range from 0 to
   most. */
uint64_t config_number(struct config *config, const struct entry *entry, uint64_t most);

/* The entry has a misspelt key in the section of a plugin, such as "fiel = x.so". Returns the key
   of the host that was probably meant, here "file". Returns NULL if no key is similar. */
const char *config_own_key(const struct config *config, const struct entry *entry);

#endif
