/* Payloads describe themselves: a struct, its layout as text, its accessor and its maker come from one list.
   E14: a payload begins with a pointer to its layout; equal text means the same layout, the address is only the quick way. */
#ifndef TOCSIN_PAYLOAD_H
#define TOCSIN_PAYLOAD_H

#include <tocsin/base.h>

TOCSIN__BEGIN

/* fields: "string text;u64 user;". The offsets follow from the types in their order, and size checks them.
   A layout stays as it is for as long as payloads with it are used: static, as TOCSIN_LAYOUT makes it. */
struct tocsin_layout  { const char *name, *fields; size_t size; };
struct tocsin_payload { const struct tocsin_layout *layout; };   /* the first member, called tocsin, of every payload */

struct tocsin_bytes  { const void *data; size_t size; };         /* in a copy data has no alignment of its own: memcpy out of it */
/* An object that is counted brings its own ref and unref: the copy of a payload takes a reference. ref answers 0 or -errno. */
struct tocsin_shared { const char *name; int (*ref)(void *object); void (*unref)(void *object); };
struct tocsin_object { void *object; const struct tocsin_shared *how; };

enum tocsin_type {
    TOCSIN_BOOL = 1, TOCSIN_I32, TOCSIN_U32, TOCSIN_I64, TOCSIN_U64, TOCSIN_F64, TOCSIN_STRING, TOCSIN_BYTES,
    TOCSIN_ERROR,                         /* 0 or a negative errno */
    TOCSIN_OP,
    TOCSIN_FD,                            /* duplicated by a copy; -1: none */
    TOCSIN_OBJECT,
    TOCSIN_LOCAL                          /* a bare pointer: crosses nothing, so only a question (TOCSIN_DIRECT) has it */
};

#define TOCSIN__C_bool   bool
#define TOCSIN__C_i32    int32_t
#define TOCSIN__C_u32    uint32_t
#define TOCSIN__C_i64    int64_t
#define TOCSIN__C_u64    uint64_t
#define TOCSIN__C_f64    double
#define TOCSIN__C_string const char *
#define TOCSIN__C_bytes  struct tocsin_bytes
#define TOCSIN__C_error  int
#define TOCSIN__C_op     struct tocsin_op
#define TOCSIN__C_fd     int
#define TOCSIN__C_object struct tocsin_object
#define TOCSIN__C_local  void *
#define TOCSIN__MEMBER(type, field) TOCSIN__C_##type field TOCSIN__UNSET;
#define TOCSIN__FIELD(type, field)  #type " " #field ";"

/* With  #define CHAT_MESSAGE(F) F(string, text) F(u64, user)  the line  TOCSIN_LAYOUT(chat_message, CHAT_MESSAGE);
   defines struct chat_message; chat_message_layout; chat_message_of(info), the payload, NULL if it is something else;
   and chat_message_make(), an empty one to be filled in field by field (and from C++). */
#define TOCSIN_LAYOUT(name, LIST)                                                               \
    struct name { struct tocsin_payload tocsin; LIST(TOCSIN__MEMBER) };                         \
    TOCSIN__UNUSED static const struct tocsin_layout name##_layout =                            \
        { #name, LIST(TOCSIN__FIELD), sizeof(struct name) };                                    \
    TOCSIN__UNUSED static inline const struct name *name##_of(const struct tocsin_info *info)   \
    {                                                                                           \
        return (const struct name *)tocsin_info_payload(info, &name##_layout);                  \
    }                                                                                           \
    TOCSIN__UNUSED static inline struct name name##_make(void)                                  \
    {                                                                                           \
        struct name made = TOCSIN__ZERO;                                                        \
        made.tocsin.layout = &name##_layout;                                                    \
        return made;                                                                            \
    }                                                                                           \
    struct name

/* A payload on the spot: TOCSIN_PAYLOAD(chat_message, .text = line, .user = id). It lives to the end of the block it
   stands in; in C++ (20, in the order of the list) to the end of the expression. */
#ifdef __cplusplus
extern "C++" {
template <typename T> struct tocsin__temporary {
    T value;
    operator const tocsin_payload *() const { return &value.tocsin; }
};
}
#define TOCSIN_PAYLOAD(name, ...) \
    (static_cast<const tocsin_payload *>(tocsin__temporary<name>{ name{ .tocsin = { &name##_layout }, __VA_ARGS__ } }))
#else
#define TOCSIN_PAYLOAD(name, ...) (&(struct name){ .tocsin = { &name##_layout }, __VA_ARGS__ }.tocsin)
#endif

/* A field by its number, for what handles payloads that it has never seen. The type says which of the values is set. */
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
        uint64_t op;                      /* the id of the operation: struct tocsin_op */
        int error, fd;
        void *local;
    } value;
};

/**
 * Reads the field with this number, from 0 on, of a payload of whatever layout.
 *
 * @owner   what the field points to belongs to the payload
 * @return  0 and ret_field set; -ENOENT: there are no more fields, or payload is NULL; -EINVAL: index is negative,
 *          ret_field is NULL, or the layout is malformed
 * @emits   none
 * @thread  any, async-signal-safe
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_payload_field(const struct tocsin_payload *payload, int index, struct tocsin_field *ret_field);

TOCSIN__END
#endif
