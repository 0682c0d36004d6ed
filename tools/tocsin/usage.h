/* The command line: commands, options, suggestions, exit status. */
#ifndef TOOLS_USAGE_H
#define TOOLS_USAGE_H

#include <stdbool.h>
#include <stddef.h>

/* The exit status of the program. */
enum {
    EXIT_FINE = 0,
    EXIT_BAD = 1,      /* a file or a plugin is wrong, or an action failed */
    EXIT_MISUSED = 2,  /* the command line is wrong */
    EXIT_CUT_SHORT = 3 /* run: the program ended before everything was drained */
};

struct command {
    const char *name, *usage, *about;
    const char *help;                   /* one line for each option */
    const char *const *options;         /* names of the options, then NULL */
    int (*run)(int argc, char *argv[]); /* receives the arguments behind the command's name */
};

extern const struct command command_run, command_signals, command_plugins;

/* Returns the most similar word of a list that ends with NULL. Returns NULL if no word is
   similar. */
const char *meant(const char *word, const char *const *words);

/* Returns the next argument if it is an option, and moves on. Returns NULL if it is no option, or
   if it is "--", which is skipped. --help, --version and an unknown option end the program. */
const char *option_take(const struct command *command, int *at, int argc, char *argv[]);
const char *option_value(const struct command *command, const char *option, int *at, int argc,
                         char *argv[]);

_Noreturn void misused(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void help(const struct command *command);
_Noreturn void version(void);

const char *plural(size_t count); /* returns "" for 1, else "s" */

/* Flushes the standard output. Returns status; or reports the error and returns EXIT_BAD. */
int printed(int status);

#endif
