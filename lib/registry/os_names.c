/* The names and descriptions of real signals. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/os.h>

#include "base/refusal.h"
#include "registry/owner.h"
#include "registry/os_names.h"
#include "registry/registry.h"
#include "registry/declare.h"

static const struct {
    int number;
    const char *name, *doc;
} standard[] = {
    { SIGHUP, "os.sighup", "The terminal was closed; daemons read their configuration again." },
    { SIGINT, "os.sigint", "Ctrl-C." },
    { SIGQUIT, "os.sigquit", "Ctrl-\\." },
    { SIGILL, "os.sigill", "An illegal instruction; it cannot be handled." },
    { SIGTRAP, "os.sigtrap", "A breakpoint; it cannot be handled." },
    { SIGABRT, "os.sigabrt", "The process called abort(3); it ends after the handlers." },
    { SIGBUS, "os.sigbus", "An access to memory that does not exist; it cannot be handled." },
    { SIGFPE, "os.sigfpe", "An arithmetic error; it cannot be handled." },
    { SIGKILL, "os.sigkill", "The process is killed; it cannot be handled." },
    { SIGUSR1, "os.sigusr1", "Defined by the program, the first." },
    { SIGSEGV, "os.sigsegv", "An invalid access to memory; it cannot be handled." },
    { SIGUSR2, "os.sigusr2", "Defined by the program, the second." },
    { SIGPIPE, "os.sigpipe", "A write to a pipe or socket that has no reader." },
    { SIGALRM, "os.sigalrm", "A timer of alarm(2) or setitimer(2) has expired." },
    { SIGTERM, "os.sigterm", "The process is asked to end." },
    { SIGCHLD, "os.sigchld", "A child has ended, was stopped or was continued." },
    { SIGCONT, "os.sigcont", "The process was continued after a stop." },
    { SIGSTOP, "os.sigstop", "The process is stopped; it cannot be handled." },
    { SIGTSTP, "os.sigtstp", "Ctrl-Z." },
    { SIGTTIN, "os.sigttin", "A background process reads from the terminal." },
    { SIGTTOU, "os.sigttou", "A background process writes to the terminal." },
    { SIGURG, "os.sigurg", "A socket has urgent data." },
    { SIGXCPU, "os.sigxcpu", "The limit of processor time was exceeded." },
    { SIGXFSZ, "os.sigxfsz", "The limit of the size of a file was exceeded." },
    { SIGVTALRM, "os.sigvtalrm", "A timer of the processor time of the program has expired." },
    { SIGPROF, "os.sigprof",
      "A timer of the processor time of the program and the system has expired." },
    { SIGWINCH, "os.sigwinch", "The size of the terminal has changed." },
    { SIGPOLL, "os.sigpoll", "A descriptor with O_ASYNC is ready; also called SIGIO." },
    { SIGSYS, "os.sigsys", "A bad system call; it cannot be handled." },
#ifdef SIGSTKFLT
    { SIGSTKFLT, "os.sigstkflt", "Unused." },
#endif
#ifdef SIGPWR
    { SIGPWR, "os.sigpwr", "A power failure." },
#endif
};
enum { STANDARD = sizeof standard / sizeof standard[0], NAME_SIZE = 16, DOC_SIZE = 48 };

static const char queued_name[] = "os.sigrt";  /* prefix of the names of real-time signals; the
                                                * number relative to SIGRTMIN follows */
static atomic_int signos[TOCSIN__OS_MOST + 1]; /* signo of each real signal; 0: not declared yet */

const char *tocsin__os_name(int index)
{
    return index < STANDARD ? standard[index].name : NULL;
}

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
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGSYS: /* an error of the running instruction, as SIGSEGV: the signal cannot wait until a
                  * loop delivers it */
    case SIGKILL:
    case SIGSTOP: return true;
    default: return false;
    }
}

static bool is_queued(int number)
{
    return number >= SIGRTMIN && number <= SIGRTMAX && number <= TOCSIN__OS_MOST;
}

static int real_declare_as(int number, const char *name, const char *doc)
{
    bool stops = number == SIGINT || number == SIGTERM;
    int signo = tocsin__declare(
        &(struct tocsin_signal_spec){
            .name = name,
            .doc = doc,
            .layout = &tocsin_os_signal_layout,
            .kind = is_queued(number) ? TOCSIN_QUEUED : TOCSIN_COALESCE,
            .unhandled = stops ? TOCSIN_STOP_LOOP : TOCSIN_IGNORE,
            .flags = TOCSIN_ASYNC | TOCSIN__LARGE,
        },
        &tocsin__program);

    if (signo > 0)
        atomic_store_explicit(&signos[number], signo, memory_order_release);
    return signo < 0 ? signo : 0;
}

static int real_declare_queued(int number)
{
    char name[NAME_SIZE], doc[DOC_SIZE];

    snprintf(name, sizeof name, "%s%d", queued_name, number - SIGRTMIN);
    snprintf(doc, sizeof doc, "A real-time signal: SIGRTMIN + %d.", number - SIGRTMIN);
    return real_declare_as(number, name, doc);
}

static int real_declare(int number)
{
    int i = 0;

    while (i < STANDARD && standard[i].number != number)
        i++;
    if (!is_queued(number) && i == STANDARD)
        return -EINVAL;
    if (tocsin__os_signo(number))
        return 0;
    return i < STANDARD ? real_declare_as(number, standard[i].name, standard[i].doc)
                        : real_declare_queued(number);
}

static int real_declare_all(void)
{
    int err = 0;

    for (int i = 0; i < STANDARD && err == 0; i++)
        err = real_declare(standard[i].number);
    for (int number = SIGRTMIN; is_queued(number) && err == 0; number++)
        err = real_declare(number);
    return err;
}

/* Returns the number of the real signal with this name, or 0 if there is no such real signal. */
static int number_of(const char *name, size_t size)
{
    enum { HEAD = sizeof queued_name - 1 };
    int number = 0;

    for (int i = 0; i < STANDARD; i++)
        if (strlen(standard[i].name) == size && memcmp(standard[i].name, name, size) == 0)
            return standard[i].number;
    if (size <= HEAD || size > HEAD + 2 || memcmp(name, queued_name, HEAD) != 0 ||
        (name[HEAD] == '0' && size > HEAD + 1))
        return 0;
    for (size_t i = HEAD; i < size; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        number = 10 * number + name[i] - '0';
    }
    return is_queued(SIGRTMIN + number) ? SIGRTMIN + number : 0;
}

int tocsin__os_named(const char *text, size_t size)
{
    int number;

    if (size < 4 || memcmp(text, "os.", 3) != 0)
        return 0;
    if (memchr(text, '*', size))
        return real_declare_all();
    number = number_of(text, size);
    return number ? real_declare(number) : 0;
}

int tocsin_os_signo(int number)
{
    int err = tocsin__os_excluded(number) ? -EINVAL : real_declare(number);

    return tocsin__traced(err < 0 ? err : tocsin__os_signo(number));
}
