#include <errno.h>
#include <string.h>

#include "core/pattern.h"
#include "core/registry.h"

/* The segment that begins here: its size. */
static size_t segment(const char *text, const char *end)
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
        size_t length = segment(at, end);

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

int tocsin__pattern_part(const char **cursor, const char **ret_part)
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
    *ret_part = at;
    return part_check(at, size) < 0 ? -EINVAL : (int)size;
}

bool tocsin__pattern_plain(const char *part, size_t size)
{
    return !memchr(part, '*', size);
}

bool tocsin__pattern_match(const char *part, size_t size, const char *name)
{
    const char *end = part + size, *name_end = name + strlen(name);

    while (part < end && name < name_end) {
        size_t want = segment(part, end), have = segment(name, name_end);

        if (want == 2 && memcmp(part, "**", 2) == 0)
            return true;
        if (!(want == 1 && *part == '*') && (want != have || memcmp(part, name, want) != 0))
            return false;
        part += want + 1;
        name += have + 1;
    }
    return part > end && name > name_end;
}

bool tocsin__pattern_list_match(const char *pattern, const char *name)
{
    const char *part;
    int size;

    while ((size = tocsin__pattern_part(&pattern, &part)) > 0)
        if (tocsin__pattern_match(part, (size_t)size, name))
            return true;
    return false;
}
