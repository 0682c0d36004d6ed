/* The program tocsin: runs plugins, and lists signals and plugins. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/crash.h>

#include "print/say.h"
#include "usage.h"

static const struct command *const commands[] = { &command_run, &command_signals,
                                                  &command_plugins };
static const char *const names[] = { "run", "signals", "plugins", "--help", "--version", NULL };
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int help_all(void)
{
    puts("Usage: tocsin COMMAND [ARGUMENT...]\n");
    for (int i = 0; i < COMMANDS; i++)
        printf("  tocsin %s\n      %s\n", commands[i]->usage, commands[i]->about);
    puts("\nEach command has its own --help. The manual is tocsin(1)."
         "\nExit status: 0: success; 1: a file or a plugin is wrong; 2: the command line is wrong; "
         "3: the program ended before everything was drained.");
    return printed(EXIT_FINE);
}

/* Opens each standard descriptor that is closed, in the mode in which it is not used. So reading or
   writing fails. Otherwise the next file that is opened would become the standard output. */
static void reserve_standard(void)
{
    for (int fd = 0; fd <= STDERR_FILENO && fd >= 0;)
        fd = fcntl(fd, F_GETFD) >= 0 ? fd + 1
                                     : open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char *argv[])
{
    const char *name = argc > 1 ? argv[1] : NULL, *near;

    reserve_standard();
    say_begin();
    tocsin_crash_tell(say_line);
    if (!name)
        misused(NULL, "a command is missing: run, signals or plugins");
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i]->name) == 0)
            return commands[i]->run(argc - 2, argv + 2);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help_all();
    if (strcmp(name, "--version") == 0)
        version();
    near = meant(name, names);
    if (near)
        misused(NULL, "there is no command '%s': did you mean '%s'?", name, near);
    misused(NULL, "there is no command '%s': the commands are run, signals and plugins", name);
}
