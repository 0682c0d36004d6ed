/* The command line: its commands, its options, suggestions for misspelt words, and the exit
   status. */
#ifndef TOOLS_USAGE_H
#define TOOLS_USAGE_H

#include <stdbool.h>
#include <stddef.h>

/* The exit status of the program. */
enum {
    EXIT_FINE = 0,
    EXIT_BAD = 1,      /* a file or a plugin has an error, or an action failed */
    EXIT_MISUSED = 2,  /* the command line has an error */
    EXIT_CUT_SHORT = 3 /* "tocsin run" ended before everything was drained */
};

struct command {
    const char *name, *usage, *about;
    const char *help;           /* the help text, which has one line for each option */
    const char *const *options; /* the names of the options; the list ends with NULL */
    /* the function of the command; it gets the arguments after the command's name */
    int (*run)(int argc, char *argv[]);
};

extern const struct command command_run, command_signals, command_plugins;

/* Returns the word of a list that is most similar to this word. The list ends with NULL. Returns
   NULL if no word is similar. */
const char *meant(const char *word, const char *const *words);

/* If the next argument is an option, moves to the next argument and returns the option. Otherwise
   returns NULL. The argument "--" is skipped. --help, --version and an unknown option end the
   program. */
const char *option_take(const struct command *command, int *at, int argc, char *argv[]);
const char *option_value(const struct command *command, const char *option, int *at, int argc,
                         char *argv[]);

_Noreturn void misused(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void help(const struct command *command);
_Noreturn void version(void);

const char *plural(size_t count); /* returns "" for the count 1, and "s" for other counts */

/* Flushes the standard output. Returns status. If the flush fails, reports the error and returns
   EXIT_BAD. */
int printed(int status);

#endif
