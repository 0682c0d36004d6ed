/* E13: patterns over dotted names. "*" stands for one segment, "**" at the end for one or more; commas part a list; what begins with "!"
   is taken out of what stands in front of it. */
#ifndef TOCSIN_CORE_PATTERN_H
#define TOCSIN_CORE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* In an old set that tocsin_sigmask gives back in a handler: what the handlers on the stack hold back. No name matches it. */
#define TOCSIN__ON_STACK "@handlers"

struct tocsin__part {
    const char *text;                                  /* without the blanks around it and without its "!" */
    size_t size;
    bool out;                                          /* it had one */
};

enum tocsin__pattern_shape { TOCSIN__STARRED = 1, TOCSIN__LISTED = 2, TOCSIN__OUT = 4 };

/* The next part of a list: 1; 0: no more; -EINVAL: malformed. */
int  tocsin__pattern_part(const char **cursor, struct tocsin__part *ret_part);
bool tocsin__pattern_plain(const struct tocsin__part *part);     /* no star in it: a name */
bool tocsin__pattern_match(const struct tocsin__part *part, const char *name);
bool tocsin__pattern_covers(const struct tocsin__part *one, const struct tocsin__part *other);     /* all names that match the other match it */
bool tocsin__pattern_meets(const struct tocsin__part *one, const struct tocsin__part *other);      /* there are names that match both */
bool tocsin__pattern_list_match(const char *pattern, const char *name);         /* the last part that matches decides */

/* What it is: bits of its shape; -EINVAL: malformed, or it stands for nothing. */
int  tocsin__pattern_check(const char *pattern);
int  tocsin__set_check(const char *pattern);            /* the same of a set, which may be empty: 0; -EINVAL */

#endif
