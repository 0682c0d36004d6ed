/* Reads layouts of payloads; see layout.h. */
#include <string.h>

#include "registry/layout.h"

static const struct {
    const char *name;
    size_t size, align;
} types[] = {
#define TYPE(name) \
    { \
#name, sizeof(TOCSIN__C_##name), _Alignof(TOCSIN__C_##name) \
    }
    [TOCSIN_BOOL] = TYPE(bool),     [TOCSIN_I32] = TYPE(i32),     [TOCSIN_U32] = TYPE(u32),
    [TOCSIN_I64] = TYPE(i64),       [TOCSIN_U64] = TYPE(u64),     [TOCSIN_F64] = TYPE(f64),
    [TOCSIN_STRING] = TYPE(string), [TOCSIN_BYTES] = TYPE(bytes), [TOCSIN_ERROR] = TYPE(error),
    [TOCSIN_OP] = TYPE(op),         [TOCSIN_FD] = TYPE(fd),       [TOCSIN_OBJECT] = TYPE(object),
    [TOCSIN_LOCAL] = TYPE(local),
#undef TYPE
};

static size_t round_up(size_t offset, size_t align)
{
    return (offset + align - 1) / align * align;
}

static int type_of(const char *text, size_t size)
{
    for (int type = TOCSIN_BOOL; type <= TOCSIN_LOCAL; type++)
        if (strlen(types[type].name) == size && memcmp(types[type].name, text, size) == 0)
            return type;
    return -EINVAL;
}

void tocsin__fields_begin(struct tocsin__fields *walk, const struct tocsin_layout *layout)
{
    walk->cursor = layout->fields;
    walk->end = sizeof(struct tocsin_payload);
    walk->align = _Alignof(struct tocsin_payload);
}

int tocsin__fields_next(struct tocsin__fields *walk, struct tocsin__field *ret_field)
{
    size_t word, name;
    int type;

    if (!walk->cursor)
        return -EINVAL;
    if (!*walk->cursor)
        return 0;
    word = strcspn(walk->cursor, " ;");
    type = type_of(walk->cursor, word);
    if (type < 0 || walk->cursor[word] != ' ')
        return -EINVAL;
    name = strcspn(walk->cursor + word + 1, " ;");
    if (!name || walk->cursor[word + 1 + name] != ';')
        return -EINVAL;
    ret_field->type = (enum tocsin_type)type;
    ret_field->name = walk->cursor + word + 1;
    ret_field->name_size = name;
    ret_field->offset = round_up(walk->end, types[type].align);
    walk->cursor += word + 1 + name + 1;
    walk->end = ret_field->offset + types[type].size;
    if (types[type].align > walk->align)
        walk->align = types[type].align;
    return 1;
}

int tocsin__layout_check(const struct tocsin_layout *layout)
{
    struct tocsin__fields walk;
    struct tocsin__field field;
    int more, bits = 0;

    tocsin__fields_begin(&walk, layout);
    while ((more = tocsin__fields_next(&walk, &field)) > 0)
        bits |= 1 << field.type;
    return more < 0 || round_up(walk.end, walk.align) != layout->size ? -EINVAL : bits;
}

bool tocsin__layout_same(const struct tocsin_layout *one, const struct tocsin_layout *other)
{
    if (one == other)
        return true;
    if (!one || !other || one->size != other->size || !one->fields || !other->fields)
        return false;
    return one->fields == other->fields || strcmp(one->fields, other->fields) == 0;
}
