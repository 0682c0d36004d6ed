/* Reads the fields of payloads, and makes deep copies of payloads. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "registry/layout.h"
#include "base/mem.h"
#include "registry/owner.h"
#include "base/refusal.h"
#include "registry/payload.h"

void tocsin__field_read(const struct tocsin_payload *payload, const struct tocsin__field *field,
                        struct tocsin_field *ret_field)
{
    static const size_t sizes[] = {
        [TOCSIN_BOOL] = sizeof(bool),
        [TOCSIN_I32] = 4,
        [TOCSIN_U32] = 4,
        [TOCSIN_I64] = 8,
        [TOCSIN_U64] = 8,
        [TOCSIN_F64] = 8,
        [TOCSIN_STRING] = sizeof(char *),
        [TOCSIN_BYTES] = sizeof(struct tocsin_bytes),
        [TOCSIN_ERROR] = sizeof(int),
        [TOCSIN_OP] = 8,
        [TOCSIN_FD] = sizeof(int),
        [TOCSIN_OBJECT] = sizeof(struct tocsin_object),
        [TOCSIN_LOCAL] = sizeof(void *),
    };
    size_t name = field->name_size < sizeof ret_field->name ? field->name_size
                                                            : sizeof ret_field->name - 1;

    memset(ret_field, 0, sizeof *ret_field);
    memcpy(ret_field->name, field->name, name);
    ret_field->type = field->type;
    memcpy(&ret_field->value, (const char *)payload + field->offset, sizes[field->type]);
}

int tocsin_payload_field(const struct tocsin_payload *payload, int index,
                         struct tocsin_field *ret_field)
{
    struct tocsin__fields walk;
    struct tocsin__field field;
    int more;

    if (index < 0 || !ret_field)
        return tocsin__traced_but(-ENOENT, -EINVAL);
    if (!payload || !payload->layout)
        return tocsin__traced_but(-ENOENT, -ENOENT);
    if (tocsin__layout_check(payload->layout) < 0)
        return tocsin__traced_but(-ENOENT, -EINVAL);
    tocsin__fields_begin(&walk, payload->layout);
    do {
        more = tocsin__fields_next(&walk, &field);
        if (more <= 0)
            return tocsin__traced_but(-ENOENT, more < 0 ? more : -ENOENT);
    } while (index--);
    tocsin__field_read(payload, &field, ret_field);
    return 0;
}

/* Returns the bytes that the value of a field points to. */
static struct tocsin_bytes bytes_of(enum tocsin_type type, const void *value)
{
    const struct tocsin_bytes *bytes = value;
    const char *text;

    switch (type) {
    case TOCSIN_STRING:
        text = *(const char *const *)value;
        return (struct tocsin_bytes){ text, text ? strlen(text) + 1 : 0 };
    case TOCSIN_BYTES: return (struct tocsin_bytes){ bytes->data, bytes->data ? bytes->size : 0 };
    default: return (struct tocsin_bytes){ NULL, 0 };
    }
}

size_t tocsin__payload_size(const struct tocsin_payload *payload)
{
    struct tocsin__fields walk;
    struct tocsin__field field;
    size_t size;

    if (!payload)
        return 0;
    size = payload->layout->size;
    tocsin__fields_begin(&walk, payload->layout);
    while (tocsin__fields_next(&walk, &field) > 0) {
        struct tocsin_bytes bytes = bytes_of(field.type, (const char *)payload + field.offset);

        /* adds one byte for a NUL */
        size += bytes.size + (field.type == TOCSIN_BYTES && bytes.data);
    }
    return size;
}

/* Takes a reference to an object. ref and unref may be functions of a plugin. So the object is
 * charged to the plugin, which is not unloaded before unref was called. */
/* Cancellation of the thread is disabled while ref and unref run. The copy is incomplete then, and
 * the caller may have claimed an operation. */
static int object_own(const struct tocsin_object *object)
{
    int cancel = tocsin__cancel_off();
    int err = object->ops && object->ops->ref && object->ops->unref
                  ? object->ops->ref(object->object)
                  : -EINVAL;

    tocsin__cancel_back(cancel);
    if (err >= 0)
        tocsin__owner_charge_force(tocsin__owner_of((const void *)object->ops->unref),
                                   TOCSIN_RESOURCE_OBJECTS, 1);
    return err;
}

static void object_disown(const struct tocsin_object *object)
{
    struct tocsin__owner *owner = tocsin__owner_of((const void *)object->ops->unref);
    int cancel = tocsin__cancel_off();

    object->ops->unref(object->object);
    tocsin__cancel_back(cancel);
    tocsin__owner_uncharge(owner, TOCSIN_RESOURCE_OBJECTS, 1);
}

/* Copies bytes, and adds a NUL. The result is NULL only if the original pointer is NULL, even if
 * there are no bytes. */
static const void *bytes_own(const struct tocsin_bytes *bytes, char **tail)
{
    char *copy = *tail;

    if (!bytes->data)
        return NULL;
    memcpy(copy, bytes->data, bytes->size);
    copy[bytes->size] = 0;
    ++*tail;
    return copy;
}

/* Makes a field of a copy independent of the original. The bytes that the field points to are
 * copied to *tail. */
static int field_own(enum tocsin_type type, void *value, char **tail)
{
    struct tocsin_bytes bytes = bytes_of(type, value);
    struct tocsin_object *object = value;
    int fd;

    switch (type) {
    case TOCSIN_STRING:
        *(const char **)value = bytes.size ? memcpy(*tail, bytes.data, bytes.size) : NULL;
        break;
    case TOCSIN_BYTES: ((struct tocsin_bytes *)value)->data = bytes_own(&bytes, tail); break;
    case TOCSIN_FD:
        if (*(int *)value < 0)
            break;
        fd = tocsin__fault() ? (errno = EMFILE, -1) : fcntl(*(int *)value, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            return -errno;
        *(int *)value = fd;
        break;
    case TOCSIN_OBJECT:
        if (!object->object)
            return 0;
        return object_own(object);
    case TOCSIN_LOCAL: return -EINVAL;
    default: break;
    }
    *tail += bytes.size;
    return 0;
}

static void field_disown(enum tocsin_type type, void *value)
{
    struct tocsin_object *object = value;

    if (type == TOCSIN_FD && *(int *)value >= 0)
        tocsin__fd_close(*(int *)value);
    if (type == TOCSIN_OBJECT && object->object)
        object_disown(object);
}

/* Releases the first `count` fields of a copy. */
static void fields_disown(struct tocsin_payload *copy, size_t count)
{
    struct tocsin__fields walk;
    struct tocsin__field field;

    tocsin__fields_begin(&walk, copy->layout);
    while (count-- && tocsin__fields_next(&walk, &field) > 0)
        field_disown(field.type, (char *)copy + field.offset);
}

int tocsin__payload_copy(const struct tocsin_payload *payload, void *memory,
                         const struct tocsin_layout *layout)
{
    struct tocsin__fields walk;
    struct tocsin__field field;
    struct tocsin_payload *copy = memory;
    char *tail = (char *)memory + payload->layout->size;
    int err;

    memcpy(memory, payload, payload->layout->size);
    copy->layout = layout;
    tocsin__fields_begin(&walk, layout);
    for (size_t done = 0; tocsin__fields_next(&walk, &field) > 0; done++) {
        err = field_own(field.type, (char *)memory + field.offset, &tail);
        if (err < 0) {
            fields_disown(copy, done);
            return err;
        }
    }
    return 0;
}

void tocsin__payload_clear(struct tocsin_payload *copy)
{
    fields_disown(copy, (size_t)-1);
}
