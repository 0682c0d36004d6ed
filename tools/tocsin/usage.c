#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin.h>

#include "usage.h"

enum { WORD_MOST = 31 };

static int least(int one, int two, int three)
{
    int less = one < two ? one : two;

    return less < three ? less : three;
}

/* How many letters are to be changed, put in or left out to make one of the other (Levenshtein). */
static int distance(const char *one, const char *other)
{
    int row[WORD_MOST + 1], width = (int)strlen(other), height = (int)strlen(one);

    if (width > WORD_MOST || height > WORD_MOST)
        return WORD_MOST;
    for (int x = 0; x <= width; x++)
        row[x] = x;
    for (int y = 1; y <= height; y++) {
        int corner = row[0];

        row[0] = y;
        for (int x = 1; x <= width; x++) {
            int above = row[x];

            row[x] = least(above + 1, row[x - 1] + 1, corner + (one[y - 1] != other[x - 1]));
            corner = above;
        }
    }
    return row[width];
}

const char *meant(const char *word, const char *const *words)
{
    const char *best = NULL;
    int nearest = 3;                                   /* further away it is another word */

    for (; *words; words++) {
        int far = strncmp(word, *words, strlen(word)) == 0 && word[0] && word[1] ? 0 : distance(word, *words);

        if (far < nearest && far < (int)strlen(*words)) {
            nearest = far;
            best = *words;
        }
    }
    return best;
}

void misused(const struct command *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "tocsin%s%s: ", command ? " " : "", command ? command->name : "");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (tocsin%s%s --help)\n", command ? " " : "", command ? command->name : "");
    exit(EXIT_MISUSED);
}

void help(const struct command *command)
{
    printf("Usage: tocsin %s\n\n%s\n\n%s  --help     this text\n  --version  the version of the library\n", command->usage, command->about, command->help);
    exit(printed(EXIT_FINE));
}

void version(void)
{
    printf("tocsin %s\n", tocsin_version());
    exit(printed(EXIT_FINE));
}

static void unknown(const struct command *command, const char *option)
{
    const char *near = meant(option, command->options);

    if (!near)
        near = meant(option, (const char *const []){ "--help", "--version", NULL });
    if (near)
        misused(command, "there is no option '%s': did you mean '%s'?", option, near);
    misused(command, "there is no option '%s'", option);
}

const char *option_take(const struct command *command, int *at, int argc, char *argv[])
{
    const char *option = *at < argc ? argv[*at] : NULL;

    if (!option || option[0] != '-' || !option[1])
        return NULL;
    ++*at;
    if (strcmp(option, "--") == 0)
        return NULL;
    if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0)
        help(command);
    if (strcmp(option, "--version") == 0)
        version();
    for (const char *const *known = command->options; *known; known++)
        if (strcmp(option, *known) == 0)
            return *known;
    unknown(command, option);
    return NULL;
}

const char *option_value(const struct command *command, const char *option, int *at, int argc, char *argv[])
{
    if (*at >= argc)
        misused(command, "%s wants a value", option);
    return argv[(*at)++];
}

const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

int printed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "tocsin: standard output: %s\n", strerror(errno));
    return EXIT_BAD;
}
