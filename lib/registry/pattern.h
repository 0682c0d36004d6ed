/* Patterns of dotted names (E13). "*" matches one segment; "**" at the end matches one or more.
 * Commas separate the items of a list. An item that begins with "!" excludes names that earlier
 * items match. */
#ifndef TOCSIN_REGISTRY_PATTERN_H
#define TOCSIN_REGISTRY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* An item in the text that tocsin_sigmask returns when a handler calls it. This item stands for the
   masks of the handlers on the stack, and matches no name. */
#define TOCSIN__ON_STACK "@handlers"

struct tocsin__pattern_item {
    const char *text; /* the text of the item without "!" and without the blanks around it */
    size_t size;
    bool out; /* the item began with "!" */
};

enum tocsin__pattern_shape { TOCSIN__STARRED = 1, TOCSIN__LISTED = 2, TOCSIN__OUT = 4 };

/* Reads the next item of a list. Returns 1 if there is an item, 0 at the end of the list, or
   -EINVAL if the list is malformed. */
int tocsin__pattern_part(const char **cursor, struct tocsin__pattern_item *ret_part);
/* Returns true if the item has no star, so that the item is a name. */
bool tocsin__pattern_is_plain(const struct tocsin__pattern_item *part);
bool tocsin__pattern_match(const struct tocsin__pattern_item *part, const char *name);
/* Returns true if the item `one` matches every name that the item `other` matches. */
bool tocsin__pattern_covers(const struct tocsin__pattern_item *one,
                            const struct tocsin__pattern_item *other);
/* Returns true if there can be a name that matches both items. */
bool tocsin__pattern_overlaps(const struct tocsin__pattern_item *one,
                              const struct tocsin__pattern_item *other);
/* Returns true if the list matches the name. The last item that matches the name decides. */
bool tocsin__pattern_list_match(const char *pattern, const char *name);

/* Returns the shape of a list as bits of tocsin__pattern_shape, or -EINVAL if the list is malformed
   or can match nothing. */
int tocsin__pattern_check(const char *pattern);
/* Checks a set, which is a list that may be empty. Returns 0 or more, or -EINVAL if the list is
   malformed. */
int tocsin__set_check(const char *pattern);

#endif
