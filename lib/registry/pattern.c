/* Parses and compares patterns; see pattern.h. */
#include <errno.h>
#include <string.h>

#include "registry/pattern.h"
#include "registry/registry.h"

/* Returns the length of the segment that begins here. */
static size_t segment_length(const char *text, const char *end)
{
    const char *dot = memchr(text, '.', (size_t)(end - text));

    return (size_t)((dot ? dot : end) - text);
}

static int part_check(const char *part, size_t size)
{
    const char *end = part + size;
    char plain[TOCSIN_NAME_MAX + 1];

    if (size > TOCSIN_NAME_MAX)
        return -EINVAL;
    memcpy(plain, part, size);
    for (const char *at = part; at < end;) {
        size_t length = segment_length(at, end);

        if (memchr(at, '*', length)) {
            bool all = length == 2 && at[0] == '*' && at[1] == '*';

            if ((length > 1 && !all) || (all && at + length < end))
                return -EINVAL;
            memset(plain + (at - part), 'a', length);
        }
        at += length + 1;
    }
    return tocsin__name_check(plain, size);
}

int tocsin__pattern_part(const char **cursor, struct tocsin__pattern_item *ret_part)
{
    const char *at = *cursor;
    size_t size;

    if (!at || !*at)
        return 0;
    at += strspn(at, " ");
    size = strcspn(at, ",");
    *cursor = at + size + (at[size] == ',');
    if (at[size] == ',' && !**cursor)
        return -EINVAL;
    while (size && at[size - 1] == ' ')
        size--;
    ret_part->out = *at == '!';
    if (ret_part->out) {
        size_t skip = 1 + strspn(at + 1, " ");

        at += skip;
        size -= skip < size ? skip : size;
    }
    ret_part->text = at;
    ret_part->size = size;
    if (size == sizeof TOCSIN__ON_STACK - 1 && memcmp(at, TOCSIN__ON_STACK, size) == 0)
        return ret_part->out = true;
    return part_check(at, size) < 0 ? -EINVAL : 1;
}

bool tocsin__pattern_is_plain(const struct tocsin__pattern_item *part)
{
    return !memchr(part->text, '*', part->size);
}

bool tocsin__pattern_match(const struct tocsin__pattern_item *part, const char *name)
{
    const char *at = part->text, *end = at + part->size, *name_end = name + strlen(name);

    while (at < end && name < name_end) {
        size_t want = segment_length(at, end), have = segment_length(name, name_end);

        if (want == 2 && memcmp(at, "**", 2) == 0)
            return true;
        if (!(want == 1 && *at == '*') && (want != have || memcmp(at, name, want) != 0))
            return false;
        at += want + 1;
        name += have + 1;
    }
    return at > end && name > name_end;
}

bool tocsin__pattern_covers(const struct tocsin__pattern_item *one,
                            const struct tocsin__pattern_item *other)
{
    const char *a = one->text, *b = other->text, *a_end = a + one->size, *b_end = b + other->size;

    while (a < a_end && b < b_end) {
        size_t a_size = segment_length(a, a_end), b_size = segment_length(b, b_end);

        if (a_size == 2 && memcmp(a, "**", 2) == 0)
            return true;
        if (b_size == 2 && memcmp(b, "**", 2) == 0)
            return false;
        if (*a != '*' && (a_size != b_size || memcmp(a, b, a_size) != 0))
            return false;
        a += a_size + 1;
        b += b_size + 1;
    }
    return a > a_end && b > b_end;
}

bool tocsin__pattern_overlaps(const struct tocsin__pattern_item *one,
                              const struct tocsin__pattern_item *other)
{
    const char *a = one->text, *b = other->text, *a_end = a + one->size, *b_end = b + other->size;

    while (a < a_end && b < b_end) {
        size_t a_size = segment_length(a, a_end), b_size = segment_length(b, b_end);

        if ((a_size == 2 && memcmp(a, "**", 2) == 0) || (b_size == 2 && memcmp(b, "**", 2) == 0))
            return true;
        if (*a != '*' && *b != '*' && (a_size != b_size || memcmp(a, b, a_size) != 0))
            return false;
        a += a_size + 1;
        b += b_size + 1;
    }
    return a > a_end && b > b_end;
}

bool tocsin__pattern_list_match(const char *pattern, const char *name)
{
    struct tocsin__pattern_item part;
    bool hit = false;

    while (tocsin__pattern_part(&pattern, &part) > 0)
        if (hit == part.out && tocsin__pattern_match(&part, name))
            hit = !part.out;
    return hit;
}

int tocsin__set_check(const char *pattern)
{
    return !*pattern || strcmp(pattern, TOCSIN__ON_STACK) == 0 ? 0 : tocsin__pattern_check(pattern);
}

int tocsin__pattern_check(const char *pattern)
{
    struct tocsin__pattern_item part;
    int more, parts = 0, shape = 0;
    bool stands = false;

    while ((more = tocsin__pattern_part(&pattern, &part)) > 0) {
        stands |= !part.out;
        shape |= part.out ? TOCSIN__OUT : tocsin__pattern_is_plain(&part) ? 0 : TOCSIN__STARRED;
        shape |= parts++ ? TOCSIN__LISTED : 0;
    }
    return more < 0 || !stands ? -EINVAL : shape;
}
