/* Computes the edit distance of two words, for messages that ask "did you mean". */
#include <stdint.h>
#include <string.h>

#include <tocsin/text.h>

enum { WORD_MAX = 255 };

static size_t minimum(size_t one, size_t two)
{
    return one < two ? one : two;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Computes the optimal string alignment distance. Three rows of the table are kept, because a swap
 * of two letters needs the row before the last one. */
size_t tocsin_text_distance(const char *word, size_t size, const char *other)
{
    size_t rows[3][WORD_MAX + 1], *before = rows[2], *last = rows[0], *row = rows[1];
    size_t length = strlen(other);

    if (size > WORD_MAX || length > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        last[j] = j;
    for (size_t i = 1; i <= size; i++) {
        size_t *next = before;

        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            char mine = lower(word[i - 1]), its = lower(other[j - 1]);

            row[j] = minimum(minimum(last[j], row[j - 1]) + 1, last[j - 1] + (mine != its));
            if (i > 1 && j > 1 && mine == lower(other[j - 2]) && lower(word[i - 2]) == its)
                row[j] = minimum(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
        row = next;
    }
    return last[length];
}
