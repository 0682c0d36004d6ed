#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/json.h"
#include "registry/layout.h"
#include "base/refusal.h"
#include "base/text.h"
#include "registry/payload.h"

/* The buffer */

static void count(struct tocsin__json *json, size_t size)
{
    json->length = size < SIZE_MAX - json->length ? json->length + size : SIZE_MAX;
}

static void put(struct tocsin__json *json, const void *text, size_t size)
{
    size_t room = json->length < json->size ? json->size - json->length : 0;

    if (room)
        memcpy(json->buffer + json->length, text, size < room ? size : room);
    count(json, size);
}

static void put_plain(struct tocsin__json *json, const char *text)
{
    put(json, text, strlen(text));
}

void tocsin__json_begin(struct tocsin__json *json, char *buffer, size_t size)
{
    *json = (struct tocsin__json){ .buffer = buffer, .size = size };
}

int tocsin__json_end(struct tocsin__json *json)
{
    if (json->size)
        json->buffer[json->length < json->size ? json->length : json->size - 1] = '\0';
    return json->length > INT_MAX ? -EOVERFLOW : (int)json->length;
}

/* Structure */

static void item(struct tocsin__json *json)
{
    if (json->comma)
        put(json, ",", 1);
    json->comma = true;
}

void tocsin__json_open(struct tocsin__json *json, char bracket)
{
    item(json);
    put(json, &bracket, 1);
    json->comma = false;
}

void tocsin__json_close(struct tocsin__json *json, char bracket)
{
    put(json, &bracket, 1);
    json->comma = true;
}

/* Text */

static void put_quoted(struct tocsin__json *json, const char *text, size_t size)
{
    const char *end = text + size;
    char escape[TOCSIN__ESCAPE_MOST];

    put(json, "\"", 1);
    for (size_t taken; text < end; text += taken) {
        taken = tocsin__text_span(text, (size_t)(end - text), TOCSIN__JSON_STOPS);
        put(json, text, taken);
        if (!taken)
            put(json, escape, tocsin__text_escape(text, (size_t)(end - text), escape, &taken));
    }
    put(json, "\"", 1);
}

static void put_name(struct tocsin__json *json, const char *name, size_t size)
{
    item(json);
    put_quoted(json, name, size);
    put(json, ":", 1);
    json->comma = false;
}

void tocsin__json_name(struct tocsin__json *json, const char *name)
{
    put_name(json, name, strlen(name));
}

void tocsin__json_text(struct tocsin__json *json, const char *text)
{
    if (!text) {
        tocsin__json_null(json);
        return;
    }
    item(json);
    put_quoted(json, text, strlen(text));
}

static void put_three(struct tocsin__json *json, const unsigned char *at, size_t left)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = (unsigned)at[0] << 16 | (left > 1 ? at[1] : 0u) << 8 | (left > 2 ? at[2] : 0u);
    char four[4] = { digits[bits >> 18], digits[bits >> 12 & 63],
                     left > 1 ? digits[bits >> 6 & 63] : '=', left > 2 ? digits[bits & 63] : '=' };

    put(json, four, 4);
}

void tocsin__json_bytes(struct tocsin__json *json, struct tocsin_bytes bytes)
{
    const unsigned char *data = bytes.data;
    size_t at = 0, threes;

    if (!data) {
        tocsin__json_null(json);
        return;
    }
    item(json);
    put(json, "\"", 1);
    for (; at < bytes.size && json->length < json->size;
         at += bytes.size - at < 3 ? bytes.size - at : 3)
        put_three(json, data + at, bytes.size - at);
    threes = (bytes.size - at) / 3 + ((bytes.size - at) % 3 != 0);
    count(json, threes <= SIZE_MAX / 4
                    ? threes * 4
                    : SIZE_MAX); /* the buffer is full already, so the rest is not written */
    put(json, "\"", 1);
}

/* Other values */

void tocsin__json_null(struct tocsin__json *json)
{
    item(json);
    put_plain(json, "null");
}

void tocsin__json_bool(struct tocsin__json *json, bool value)
{
    item(json);
    put_plain(json, value ? "true" : "false");
}

void tocsin__json_signed(struct tocsin__json *json, int64_t value)
{
    char text[24];

    item(json);
    put(json, text, (size_t)snprintf(text, sizeof text, "%" PRId64, value));
}

void tocsin__json_unsigned(struct tocsin__json *json, uint64_t value)
{
    char text[24];

    item(json);
    put(json, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, value));
}

/* Returns true if the text reads back as the same double. Tries the nearest decimal with this
   number of digits, then the next larger one. The second try is needed because doubles just below a
   power of two are closer to each other. So the nearest decimal may read back as another double. */
static bool reads_back(char *text, double value)
{
    char *last = strchr(text, 'e') - 1;

    if (strtod(text, NULL) == value)
        return true;
    return *last < '9' && (++*last, strtod(text, NULL) == value);
}

/* Finds the fewest digits that read back as the same double, and their exponent. The digits are
   copied one by one from the output of printf, because the decimal point depends on the locale and
   may have several bytes. */
static int shortest(double value, char *ret_digits)
{
    int precision = value < DBL_MIN ? 0 : DBL_DIG - 1,
        count = 0; /* If fewer digits are enough, the text ends with zeros, which are removed. Only
                    * subnormal numbers have a single digit. */
    char text[40], *at = text;

    do
        snprintf(text, sizeof text, "%.*e", precision, value);
    while (++precision < DBL_DECIMAL_DIG && !reads_back(text, value));
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            ret_digits[count++] = *at;
    while (count > 1 && ret_digits[count - 1] == '0')
        count--;
    ret_digits[count] = '\0';
    return atoi(at + 1);
}

/* Writes a number as ECMAScript does: without an exponent, except if this would need many zeros. */
static void put_digits(struct tocsin__json *json, const char *digits, int exponent)
{
    static const char zeros[] = "00000000000000000000";
    int count = (int)strlen(digits), whole = exponent < -6 || exponent > 20 ? 1 : exponent + 1;
    char power[8];

    if (whole <= 0) {
        put_plain(json, "0.");
        put(json, zeros, (size_t)-whole);
        whole = 0;
    }
    put(json, digits, (size_t)(count < whole ? count : whole));
    if (count < whole)
        put(json, zeros, (size_t)(whole - count));
    if (count > whole && whole > 0)
        put(json, ".", 1);
    if (count > whole)
        put_plain(json, digits + whole);
    if (exponent < -6 || exponent > 20)
        put(json, power, (size_t)snprintf(power, sizeof power, "e%d", exponent));
}

void tocsin__json_real(struct tocsin__json *json, double value)
{
    char digits[DBL_DECIMAL_DIG + 1];
    int exponent;

    if (!isfinite(value)) {
        tocsin__json_null(json);
        return;
    }
    exponent = shortest(fabs(value), digits);
    item(json);
    if (signbit(value))
        put(json, "-", 1);
    put_digits(json, digits, exponent);
}

/* Payloads and infos */

static void put_value(struct tocsin__json *json, const struct tocsin_field *field)
{
    const struct tocsin_object *object = &field->value.object;

    switch (field->type) {
    case TOCSIN_BOOL: tocsin__json_bool(json, field->value.boolean); break;
    case TOCSIN_I32: tocsin__json_signed(json, field->value.i32); break;
    case TOCSIN_U32: tocsin__json_unsigned(json, field->value.u32); break;
    case TOCSIN_I64: tocsin__json_signed(json, field->value.i64); break;
    case TOCSIN_U64: tocsin__json_unsigned(json, field->value.u64); break;
    case TOCSIN_F64: tocsin__json_real(json, field->value.f64); break;
    case TOCSIN_STRING: tocsin__json_text(json, field->value.string); break;
    case TOCSIN_BYTES: tocsin__json_bytes(json, field->value.bytes); break;
    case TOCSIN_ERROR: tocsin__json_signed(json, field->value.error); break;
    case TOCSIN_OP: tocsin__json_unsigned(json, field->value.op); break;
    case TOCSIN_FD: tocsin__json_signed(json, field->value.fd); break;
    case TOCSIN_OBJECT:
        tocsin__json_text(json, object->object && object->ops ? object->ops->name : NULL);
        break;
    default: tocsin__json_null(json); break;
    }
}

void tocsin__json_payload(struct tocsin__json *json, const struct tocsin_payload *payload)
{
    struct tocsin__fields walk;
    struct tocsin__field field;
    struct tocsin_field read;

    if (!payload || !payload->layout || tocsin__layout_check(payload->layout) < 0) {
        tocsin__json_null(json);
        return;
    }
    tocsin__json_open(json, '{');
    tocsin__fields_begin(&walk, payload->layout);
    while (tocsin__fields_next(&walk, &field) > 0) {
        put_name(json, field.name, field.name_size);
        tocsin__field_read(payload, &field, &read);
        put_value(json, &read);
    }
    tocsin__json_close(json, '}');
}

static void put_code(struct tocsin__json *json, int code)
{
    static const char *const names[] = { [TOCSIN_EMITTED] = "emitted",
                                         [TOCSIN_POSTED] = "posted",
                                         [TOCSIN_OS] = "os",
                                         [TOCSIN_PROGRESS] = "progress",
                                         [TOCSIN_DONE] = "done" };

    tocsin__json_name(json, "code");
    if (code >= TOCSIN_EMITTED && code <= TOCSIN_DONE)
        tocsin__json_text(json, names[code]);
    else
        tocsin__json_signed(json, code);
}

static void put_signed(struct tocsin__json *json, const char *name, int64_t value)
{
    tocsin__json_name(json, name);
    tocsin__json_signed(json, value);
}

static void put_unsigned(struct tocsin__json *json, const char *name, uint64_t value)
{
    tocsin__json_name(json, name);
    tocsin__json_unsigned(json, value);
}

int tocsin_info_json(const struct tocsin_info *info, char *buffer, size_t size)
{
    struct tocsin__json json;

    if (!info || (!buffer && size))
        return tocsin__traced(-EINVAL);
    tocsin__json_begin(&json, buffer, size);
    tocsin__json_open(&json, '{');
    tocsin__json_name(&json, "signal");
    tocsin__json_text(&json, info->name);
    put_signed(&json, "signo", info->signo);
    put_code(&json, info->code);
    put_signed(&json, "status", info->status);
    put_unsigned(&json, "overrun", info->overrun);
    put_unsigned(&json, "source", info->source.id);
    put_unsigned(&json, "sequence", info->sequence);
    put_unsigned(&json, "parent", info->parent);
    put_signed(&json, "turn_us", info->turn_us);
    tocsin__json_name(&json, "payload");
    tocsin__json_payload(&json, info->payload);
    tocsin__json_close(&json, '}');
    return tocsin__traced(tocsin__json_end(&json));
}
