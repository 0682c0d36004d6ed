/* Real signals: what they are called. */
#include <stdio.h>
#include <string.h>

#include "core/os.h"

static const struct { int number; const char *name, *doc; } standard[] = {
    { SIGHUP,    "os.sighup",    "The terminal was hung up; by custom: a daemon is to read its configuration again." },
    { SIGINT,    "os.sigint",    "Ctrl-C." },
    { SIGQUIT,   "os.sigquit",   "Ctrl-\\." },
    { SIGILL,    "os.sigill",    "An illegal instruction; it cannot be handled." },
    { SIGTRAP,   "os.sigtrap",   "A breakpoint; it cannot be handled." },
    { SIGABRT,   "os.sigabrt",   "The process aborts itself; it does so all the same." },
    { SIGBUS,    "os.sigbus",    "Memory that is not there; it cannot be handled." },
    { SIGFPE,    "os.sigfpe",    "Arithmetic that has no result; it cannot be handled." },
    { SIGKILL,   "os.sigkill",   "The process is ended; it cannot be handled." },
    { SIGUSR1,   "os.sigusr1",   "The program's own, the first." },
    { SIGSEGV,   "os.sigsegv",   "Memory that is not the process's; it cannot be handled." },
    { SIGUSR2,   "os.sigusr2",   "The program's own, the second." },
    { SIGPIPE,   "os.sigpipe",   "Something was written that nobody can read any more." },
    { SIGALRM,   "os.sigalrm",   "The time of alarm(2), or of a timer, is over." },
    { SIGTERM,   "os.sigterm",   "The process is asked to end." },
    { SIGCHLD,   "os.sigchld",   "A child has ended, was stopped or goes on." },
    { SIGCONT,   "os.sigcont",   "The process goes on after it was stopped." },
    { SIGSTOP,   "os.sigstop",   "The process is stopped; it cannot be handled." },
    { SIGTSTP,   "os.sigtstp",   "Ctrl-Z." },
    { SIGTTIN,   "os.sigttin",   "A background process reads from the terminal." },
    { SIGTTOU,   "os.sigttou",   "A background process writes to the terminal." },
    { SIGURG,    "os.sigurg",    "A socket has urgent data." },
    { SIGXCPU,   "os.sigxcpu",   "The time that the process may compute is over." },
    { SIGXFSZ,   "os.sigxfsz",   "A file would be larger than the process may write." },
    { SIGVTALRM, "os.sigvtalrm", "A timer of the time that the process computed is over." },
    { SIGPROF,   "os.sigprof",   "A timer of the time that was spent on the process is over." },
    { SIGWINCH,  "os.sigwinch",  "The terminal has another size." },
    { SIGPOLL,   "os.sigpoll",   "Something can be done with a descriptor (O_ASYNC): SIGIO." },
    { SIGSYS,    "os.sigsys",    "A bad system call; it cannot be handled." },
#ifdef SIGSTKFLT
    { SIGSTKFLT, "os.sigstkflt", "Unused." },
#endif
#ifdef SIGPWR
    { SIGPWR,    "os.sigpwr",    "The power fails." },
#endif
};
enum { STANDARD = sizeof standard / sizeof standard[0], NAME_SIZE = 16, DOC_SIZE = 48 };

static const char queued_name[] = "os.sigrt";          /* and their distance from SIGRTMIN */
static atomic_int signos[TOCSIN__OS_MOST + 1];         /* by number; 0: not declared yet */

int tocsin__os_signo(int number)
{
    return atomic_load_explicit(&signos[number], memory_order_acquire);
}

int tocsin__os_number(const struct tocsin__signal *signal)
{
    if (strncmp(signal->name, "os.", 3) != 0)
        return 0;
    for (int number = 1; number <= TOCSIN__OS_MOST; number++)
        if (tocsin__os_signo(number) == signal->signo)
            return number;
    return 0;
}

bool tocsin__os_excluded(int number)
{
    switch (number) {
    case SIGSEGV: case SIGBUS: case SIGFPE: case SIGILL: case SIGTRAP: case SIGSYS:    /* they cannot wait */
    case SIGKILL: case SIGSTOP:
        return true;
    default:
        return false;
    }
}

static bool queued(int number)
{
    return number >= SIGRTMIN && number <= SIGRTMAX && number <= TOCSIN__OS_MOST;
}

static int declare_as(int number, const char *name, const char *doc)
{
    bool stops = number == SIGINT || number == SIGTERM;
    int signo = tocsin__declare(&(struct tocsin_spec){
        .name = name, .doc = doc, .layout = &tocsin_os_signal_layout, .kind = queued(number) ? TOCSIN_QUEUED : TOCSIN_COALESCE,
        .unhandled = stops ? TOCSIN_STOP_LOOP : TOCSIN_IGNORE, .flags = TOCSIN_ASYNC | TOCSIN__LARGE,
    });

    if (signo > 0)
        atomic_store_explicit(&signos[number], signo, memory_order_release);
    return signo < 0 ? signo : 0;
}

static int declare_queued(int number)
{
    char name[NAME_SIZE], doc[DOC_SIZE];

    snprintf(name, sizeof name, "%s%d", queued_name, number - SIGRTMIN);
    snprintf(doc, sizeof doc, "A real-time signal: SIGRTMIN + %d.", number - SIGRTMIN);
    return declare_as(number, name, doc);
}

static int declare(int number)
{
    int i = 0;

    while (i < STANDARD && standard[i].number != number)
        i++;
    if (!queued(number) && i == STANDARD)
        return -EINVAL;
    if (tocsin__os_signo(number))
        return 0;
    return i < STANDARD ? declare_as(number, standard[i].name, standard[i].doc) : declare_queued(number);
}

static int declare_all(void)
{
    int err = 0;

    for (int i = 0; i < STANDARD && err == 0; i++)
        err = declare(standard[i].number);
    for (int number = SIGRTMIN; queued(number) && err == 0; number++)
        err = declare(number);
    return err;
}

/* The number of what has this name; 0: none of them. */
static int number_of(const char *name, size_t size)
{
    enum { HEAD = sizeof queued_name - 1 };
    int number = 0;

    for (int i = 0; i < STANDARD; i++)
        if (strlen(standard[i].name) == size && memcmp(standard[i].name, name, size) == 0)
            return standard[i].number;
    if (size <= HEAD || size > HEAD + 2 || memcmp(name, queued_name, HEAD) != 0 || (name[HEAD] == '0' && size > HEAD + 1))
        return 0;
    for (size_t i = HEAD; i < size; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        number = 10 * number + name[i] - '0';
    }
    return queued(SIGRTMIN + number) ? SIGRTMIN + number : 0;
}

int tocsin__os_named(const char *text, size_t size)
{
    int number;

    if (size < 4 || memcmp(text, "os.", 3) != 0)
        return 0;
    if (memchr(text, '*', size))
        return declare_all();
    number = number_of(text, size);
    return number ? declare(number) : 0;
}

int tocsin_os_signo(int number)
{
    int err = tocsin__os_excluded(number) ? -EINVAL : declare(number);

    return err < 0 ? err : tocsin__os_signo(number);
}
