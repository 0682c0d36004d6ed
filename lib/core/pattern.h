/* E13: patterns over dotted names. "*" stands for one segment, "**" at the end for one or more; commas part a list. */
#ifndef TOCSIN_CORE_PATTERN_H
#define TOCSIN_CORE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* The next part of a list, without the blanks around it: its length, and *ret_part; -EINVAL: malformed; 0: no more. */
int  tocsin__pattern_part(const char **cursor, const char **ret_part);
bool tocsin__pattern_plain(const char *part, size_t size);       /* no star in it: a name */
bool tocsin__pattern_match(const char *part, size_t size, const char *name);
bool tocsin__pattern_list_match(const char *pattern, const char *name);

#endif
