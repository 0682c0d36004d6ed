/* Cuts received bytes into parts. */
#define _GNU_SOURCE /* memmem */
#include <limits.h>
#include <string.h>

#include "base/refusal.h"
#include "io/part.h"

int tocsin__part_set(struct tocsin__part *rule, const struct tocsin_part *part)
{
    static const struct tocsin_part plain;
    unsigned flags;

    part = part ? part : &plain;
    flags = part->flags;
    if (flags & ~3u || flags == 3 || (flags && part->until))
        return tocsin__because(-EINVAL, "a part has at most one of until, TOCSIN_EXACTLY and "
                                        "TOCSIN_TO_END");
    if (part->size > INT_MAX || (flags & TOCSIN_EXACTLY && !part->size) ||
        (part->into && !part->size))
        return tocsin__because(-EINVAL, "the size of the part is 0, or more than INT_MAX");
    *rule = (struct tocsin__part){
        .kind = flags & TOCSIN_EXACTLY  ? TOCSIN__PART_EXACTLY
                : flags & TOCSIN_TO_END ? TOCSIN__PART_TO_END
                : part->until           ? TOCSIN__PART_UNTIL
                                        : TOCSIN__PART_AS_IT_COMES,
        .size = part->size              ? part->size
                : flags & TOCSIN_TO_END ? TOCSIN__PART_TO_END_MOST
                                        : TOCSIN__PART_USUAL,
        .until = part->until,
        .until_size = part->until ? (uint32_t)strlen(part->until) : 0,
    };
    if (part->until && (!rule->until_size || rule->until_size > rule->size))
        return tocsin__because(-EINVAL, "the delimiter is empty, or longer than the part");
    return 0;
}

/* At the end of the stream the rest is a part, as in getline(3). So `size` bytes without a
   delimiter are too many only when one more byte has come. */
static int64_t cut_until(const struct tocsin__part *rule, const char *data, size_t size,
                         bool is_ended, size_t *scanned)
{
    size_t most = size < rule->size ? size : rule->size,
           from = *scanned >= rule->until_size ? *scanned - rule->until_size + 1 : 0;
    const char *found = most > from
                            ? memmem(data + from, most - from, rule->until, rule->until_size)
                            : NULL;

    *scanned = found ? 0 : most;
    if (found)
        return found - data + rule->until_size;
    if (size > rule->size)
        return TOCSIN_ETOOBIG;
    return is_ended ? (int64_t)size : 0;
}

int64_t tocsin__part_cut(const struct tocsin__part *rule, const void *data, size_t size,
                         bool is_ended, size_t *scanned)
{
    switch (rule->kind) {
    case TOCSIN__PART_EXACTLY:
        if (size >= rule->size)
            return (int64_t)rule->size;
        return is_ended && size ? TOCSIN_ETRUNCATED : 0;
    case TOCSIN__PART_UNTIL: return cut_until(rule, data, size, is_ended, scanned);
    case TOCSIN__PART_TO_END:
        if (size > rule->size)
            return TOCSIN_ETOOBIG;
        return is_ended ? (int64_t)size : 0;
    case TOCSIN__PART_AS_IT_COMES: break;
    }
    return (int64_t)(size < rule->size ? size : rule->size);
}
