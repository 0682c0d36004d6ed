/* Payloads are structs that describe themselves. From one list of fields, a macro makes the struct,
   its layout as text, its accessor and its maker. */
#ifndef TOCSIN_PAYLOAD_H
#define TOCSIN_PAYLOAD_H

#include <tocsin/base.h>

TOCSIN__BEGIN

/* A layout: the types and names of the fields of a payload. A layout must last as long as payloads
 * use it, so TOCSIN_LAYOUT makes it static. Layouts with equal text are the same layout (E14). */
struct tocsin_layout {
    const char *name;
    const char *fields; /* text such as "string text;u64 user;"; the offsets of the fields follow
                         * from the types */
    size_t size;        /* sizeof the struct, which is compared with the size that the fields
                         * need */
};

/* The first member of every payload, called `tocsin`, has this type. */
struct tocsin_payload {
    const struct tocsin_layout *layout;
};

/* Some bytes. In a copy of a payload, `data` is not aligned, so it must be read with memcpy. A
   copy, and all bytes that the library returns, are followed by a NUL that `size` does not
   count. */
struct tocsin_bytes {
    const void *data;
    size_t size;
};

/* The functions of an object that counts its references. A copy of the payload has a reference to
   the object. */
struct tocsin_object_ops {
    const char *name;         /* name of the object, for reports and JSON; NULL: none */
    int (*ref)(void *object); /* takes a reference; returns 0 or -errno */
    void (*unref)(void *object);
};
struct tocsin_object {
    void *object;
    const struct tocsin_object_ops *ops;
};

/* The types of fields. */
enum tocsin_type {
    TOCSIN_BOOL = 1,
    TOCSIN_I32,
    TOCSIN_U32,
    TOCSIN_I64,
    TOCSIN_U64,
    TOCSIN_F64,
    TOCSIN_STRING,
    TOCSIN_BYTES,
    TOCSIN_ERROR, /* a status: 0 or a negative errno */
    TOCSIN_OP,
    TOCSIN_FD, /* a descriptor, which a copy duplicates; -1: no descriptor */
    TOCSIN_OBJECT,
    TOCSIN_LOCAL /* a bare pointer, which cannot be copied; only questions (TOCSIN_DIRECT) may have
                    one */
};

#define TOCSIN__C_bool bool
#define TOCSIN__C_i32 int32_t
#define TOCSIN__C_u32 uint32_t
#define TOCSIN__C_i64 int64_t
#define TOCSIN__C_u64 uint64_t
#define TOCSIN__C_f64 double
#define TOCSIN__C_string const char *
#define TOCSIN__C_bytes struct tocsin_bytes
#define TOCSIN__C_error int
#define TOCSIN__C_op struct tocsin_op
#define TOCSIN__C_fd int
#define TOCSIN__C_object struct tocsin_object
#define TOCSIN__C_local void *
#define TOCSIN__MEMBER(type, field) TOCSIN__C_##type field TOCSIN__UNSET;
#define TOCSIN__FIELD(type, field) #type " " #field ";"

/* TOCSIN_LAYOUT(chat_message, CHAT_MESSAGE), after

       #define CHAT_MESSAGE(F) F(string, text) F(u64, user)

   defines struct chat_message and chat_message_layout. It also defines two functions.
   chat_message_of(info) returns the payload of an info, or NULL if the payload has another layout.
   chat_message_make() returns an empty payload, whose fields the program then sets. */
#define TOCSIN_LAYOUT(name, LIST) \
    struct name { \
        struct tocsin_payload tocsin; \
        LIST(TOCSIN__MEMBER) \
    }; \
    TOCSIN__UNUSED static const struct tocsin_layout name##_layout = { #name, LIST(TOCSIN__FIELD), \
                                                                       sizeof(struct name) }; \
    TOCSIN__UNUSED static inline const struct name *name##_of(const struct tocsin_info *info) \
    { \
        return (const struct name *)tocsin_info_payload(info, &name##_layout); \
    } \
    TOCSIN__UNUSED static inline struct name name##_make(void) \
    { \
        struct name made = TOCSIN__ZERO; \
        made.tocsin.layout = &name##_layout; \
        return made; \
    } \
    struct name

/* Makes a temporary payload, as in TOCSIN_PAYLOAD(chat_message, .text = line, .user = id). The
 * payload lasts until the end of the enclosing block. In C++ (from C++20 on, with the fields in the
 * order of the list) it lasts until the end of the expression. */
#ifdef __cplusplus
extern "C++" {
template <typename T> struct tocsin__temporary {
    T value;
    operator const tocsin_payload *() const
    {
        return &value.tocsin;
    }
};
}
#define TOCSIN_PAYLOAD(name, ...) \
    (static_cast<const tocsin_payload *>( \
        tocsin__temporary<name>{ name{ .tocsin = { &name##_layout }, __VA_ARGS__ } }))
#else
#define TOCSIN_PAYLOAD(name, ...) \
    (&(struct name){ .tocsin = { &name##_layout }, __VA_ARGS__ }.tocsin)
#endif

/* One field of a payload, for code that does not know the layout. `type` says which value is
   set. */
struct tocsin_field {
    char name[64];
    enum tocsin_type type;
    union {
        bool boolean;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
        double f64;
        const char *string;
        struct tocsin_bytes bytes;
        struct tocsin_object object;
        uint64_t op; /* the id of a struct tocsin_op */
        int error, fd;
        void *local;
    } value;
};

/**
 * Reads a field of a payload of any layout. `index` counts from 0.
 *
 * @owner   what the field points to belongs to the payload
 * @return  0 and ret_field set; -ENOENT: the layout has fewer fields, or payload is NULL; -EINVAL:
 *          index is negative, ret_field is NULL, or the layout is malformed
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_payload_field(const struct tocsin_payload *payload, int index,
                                    struct tocsin_field *ret_field);

TOCSIN__END
#endif
