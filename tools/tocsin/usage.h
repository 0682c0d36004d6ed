/* The command line: what there is, what was meant, and how it ends. */
#ifndef TOOLS_USAGE_H
#define TOOLS_USAGE_H

#include <stdbool.h>
#include <stddef.h>

/* What the program exits with. */
enum {
    EXIT_FINE = 0,
    EXIT_BAD = 1,                                      /* a file or a plugin is bad, or something could not be done */
    EXIT_MISUSED = 2,                                  /* the command line is wrong */
    EXIT_CUT_SHORT = 3                                 /* run: it was ended before all was drained */
};

struct command {
    const char *name, *usage, *about;
    const char *help;                                  /* its options, each on a line */
    const char *const *options;                        /* their names, then NULL */
    int (*run)(int argc, char *argv[]);                /* what stands behind the name of the command */
};

extern const struct command command_run, command_signals, command_plugins;

/* The word that is nearest, if one is near. The list ends with NULL. */
const char *meant(const char *word, const char *const *words);

/* Takes the next argument if it is an option that the command has: --help and --version end the program, one that it does not have does so, too. NULL: it is
   none, or "--", which is taken. */
const char *option_take(const struct command *command, int *at, int argc, char *argv[]);
const char *option_value(const struct command *command, const char *option, int *at, int argc, char *argv[]);

_Noreturn void misused(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void help(const struct command *command);
_Noreturn void version(void);

const char *plural(size_t count);                      /* what a noun ends with behind a number */

/* Whether all that was printed has arrived; else it says so. status, or EXIT_BAD. */
int printed(int status);

#endif
