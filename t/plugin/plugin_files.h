/* A helper that reads the plugins of t/plugin/objects into memory. */
#ifndef TOCSIN_T_PLUGIN_PLUGIN_FILES_H
#define TOCSIN_T_PLUGIN_PLUGIN_FILES_H

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

struct object {
    unsigned char *data;
    size_t size;
};

TOCSIN__UNUSED static struct object object_at(const char *name)
{
    FILE *file = fopen(name, "rb");
    struct object object;
    long size;

    ck_assert_msg(file != NULL, "%s", name);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    ck_assert_int_gt(size, 0);
    rewind(file);
    object = (struct object){ malloc((size_t)size), (size_t)size };
    ck_assert_uint_eq(fread(object.data, 1, object.size, file), object.size);
    fclose(file);
    return object;
}

TOCSIN__UNUSED static struct object object_of(const char *name)
{
    char file[4096];

    ck_assert_int_lt(snprintf(file, sizeof file, "%s/%s.so", OBJECTS, name), sizeof file);
    return object_at(file);
}

#endif
