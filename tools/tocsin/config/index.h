/* A hash table that maps a name to its position in a list. So reading a file takes linear time. */
#ifndef TOOLS_CONFIG_INDEX_H
#define TOOLS_CONFIG_INDEX_H

#include <stddef.h>

struct index_slot {
    const char *name;
    size_t scope, place;
};
struct index { /* an index whose bytes are all zero is empty */
    struct index_slot *slots;
    size_t room, count;
};

enum { INDEX_NONE = -1 };

/* Adds a name with its position. The name must be unique within its scope. The index does not copy
   the name. */
void index_add(struct index *index, size_t scope, const char *name, size_t place);
/* returns the position of the name, or INDEX_NONE */
ptrdiff_t index_find(const struct index *index, size_t scope, const char *name);
void index_free(struct index *index);

#endif
