#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin.h>
#include <tocsin/text.h>

#include "mem.h"
#include "print/plain.h"
#include "usage.h"

const char *meant(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t nearest = 3; /* a word is similar if its edit distance is less than this number */

    for (; *words; words++) {
        bool begins = word[0] && word[1] && strncmp(word, *words, strlen(word)) == 0;
        size_t far = begins ? 0 : tocsin_text_distance(word, strlen(word), *words);

        if (far < nearest && far < strlen(*words)) {
            nearest = far;
            best = *words;
        }
    }
    return best;
}

void misused(const struct command *command, const char *format, ...)
{
    const char *blank = command ? " " : "", *name = command ? command->name : "";
    va_list args;
    char *text;

    va_start(args, format);
    text = must_print(format, args);
    va_end(args);
    complain("tocsin%s%s: %s (tocsin%s%s --help)", blank, name, text, blank, name);
    free(text);
    exit(EXIT_MISUSED);
}

void help(const struct command *command)
{
    printf("Usage: tocsin %s\n\n%s\n\n%s  --help     print this help\n  --version  print the "
           "version of "
           "the library\n",
           command->usage, command->about, command->help);
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
        near = meant(option, (const char *const[]){ "--help", "--version", NULL });
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

const char *option_value(const struct command *command, const char *option, int *at, int argc,
                         char *argv[])
{
    if (*at >= argc)
        misused(command, "%s needs a value", option);
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
    fprintf(stderr, "tocsin: cannot write the standard output: %s\n", strerror(errno));
    return EXIT_BAD;
}
