/* Reports a crash. Everything except the installation runs in a real signal handler. So these
   functions take no lock, allocate no memory and do not use stdio. */
#define _GNU_SOURCE /* makes the headers declare REG_RIP and MAP_STACK */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/fork.h"
#include "delivery/hooks.h"
#include "delivery/loop.h"
#include "registry/owner.h"
#include "base/refusal.h"
#include "loop/watchdog/crash.h"
#include "loop/watchdog/sight.h"
#include "delivery/owner_here.h"

enum { STACK_LEAST = 64 * 1024, SIGNALS = 5 };

static const struct {
    int number;
    const char *name;
} signals[SIGNALS] = {
    { SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" },   { SIGFPE, "SIGFPE" },
    { SIGILL, "SIGILL" },   { SIGABRT, "SIGABRT" },
};

static struct sigaction before[SIGNALS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static size_t stack_size;
static _Atomic bool installed;
static _Atomic tocsin_crash_fn listener;
static atomic_flag crashed = ATOMIC_FLAG_INIT;

/* The line */

static uintptr_t crash_instruction(const void *context)
{
#if defined(__x86_64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

static void crash_write_cause(const siginfo_t *info, struct tocsin__text_builder *words)
{
    if (info->si_code > 0 && info->si_signo != SIGABRT) {
        tocsin__text_add(words, " at address ");
        tocsin__text_add_hex(words, (uintptr_t)info->si_addr);
    } else if (info->si_pid != getpid()) {
        tocsin__text_add(words, " sent by process ");
        tocsin__text_add_number(words, (uint64_t)info->si_pid);
    }
}

/* Writes where the code is. The plugin is named only if the code is in the plugin's own file. If a
   plugin has called a library, the description of the running handler names the plugin. */
static void crash_write_code(uintptr_t code, struct tocsin__text_builder *words)
{
    const struct tocsin__owner *owner = tocsin__owner_of((const void *)code);

    if (!code)
        return;
    tocsin__text_add(words, "; code at ");
    tocsin__text_add_hex(words, code);
    if (owner == &tocsin__program)
        return;
    tocsin__text_add(words, " (plugin ");
    tocsin__text_add(words, owner->name);
    tocsin__text_add(words, "+");
    tocsin__text_add_hex(words, code - atomic_load(&owner->low));
    tocsin__text_add(words, ")");
}

static void crash_write_sight(struct tocsin__text_builder *words)
{
    const struct tocsin__loop *loop = tocsin__self;
    struct tocsin__sight sight = tocsin__sight_read(loop);

    if (loop != &tocsin__no_loop) {
        tocsin__loop_describe(loop, words);
        tocsin__text_add(words, ": ");
    }
    if (tocsin__sight_write(&sight, words))
        return;
    if (tocsin__thread_owner && tocsin__thread_owner != &tocsin__program) {
        tocsin__text_add(words, "a task of plugin ");
        tocsin__text_add(words, tocsin__thread_owner->name);
    } else {
        tocsin__text_add(words, tocsin__thread_owner       ? "a task of the program"
                                : loop != &tocsin__no_loop ? "no handler runs"
                                                           : "a thread without a loop");
    }
}

static void crash_print(const char *line, size_t size)
{
    ssize_t unused = write(STDERR_FILENO, line, size);

    (void)unused;
}

static void crash_report(const char *name, const siginfo_t *info, const void *context)
{
    tocsin_crash_fn fn = atomic_load(&listener);
    char line[700];
    struct tocsin__text_builder words = tocsin__text_builder(line, sizeof line - 1);

    tocsin__text_add(&words, "tocsin: crash: ");
    tocsin__text_add(&words, name);
    crash_write_cause(info, &words);
    tocsin__text_add(&words, ": ");
    crash_write_sight(&words);
    crash_write_code(crash_instruction(context), &words);
    line[words.used++] = '\n';
    (fn ? fn : crash_print)(line, words.used);
}

/* Only the first thread that crashes prints; other threads wait, because the first one ends the
 * process. It restores the former disposition and returns, so the instruction faults again. A
 * signal that another process has sent does not occur again by itself, so this function raises
 * it. */
static void on_crash(int number, siginfo_t *info, void *context)
{
    int which = 0, was = errno;

    while (signals[which].number != number)
        which++;
    while (atomic_flag_test_and_set(&crashed))
        pause();
    crash_report(signals[which].name, info, context);
    sigaction(number, &before[which], NULL);
    if (info->si_code <= 0)
        raise(number);
    errno = was;
}

/* Stacks */

static void crash_stack_free(void *stack)
{
    const stack_t none = { .ss_flags = SS_DISABLE };

    sigaltstack(&none, NULL);
    munmap(stack, stack_size);
}

/* Unblocks the signals of crashes. If a thread blocks such a signal, the kernel ends the process
   without calling the handler. */
static void crash_unblock(void)
{
    sigset_t those;

    sigemptyset(&those);
    for (int i = 0; i < SIGNALS; i++)
        sigaddset(&those, signals[i].number);
    pthread_sigmask(SIG_UNBLOCK, &those, NULL);
}

/* Makes a signal stack for this thread. A signal stack that the thread already has belongs to a
   sanitizer or a language run time, and is kept. If there is no memory, the thread has no signal
   stack. */
void tocsin__crash_stack_make(void)
{
    stack_t stack;

    if (!atomic_load(&installed))
        return;
    crash_unblock();
    if (sigaltstack(NULL, &stack) < 0 || !(stack.ss_flags & SS_DISABLE) || tocsin__fault())
        return;
    stack.ss_sp = mmap(NULL, stack_size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack.ss_sp == MAP_FAILED)
        return;
    stack.ss_size = stack_size;
    stack.ss_flags = 0;
    if (pthread_setspecific(key, stack.ss_sp) || sigaltstack(&stack, NULL) < 0) {
        pthread_setspecific(key, NULL);
        munmap(stack.ss_sp, stack_size);
    }
}

/* Installs all handlers, or none if one of them fails. */
static int crash_install(void)
{
    struct sigaction action = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    long least = sysconf(_SC_SIGSTKSZ);
    int err = tocsin__fault() ? ENOMEM : pthread_key_create(&key, crash_stack_free), at = 0;

    if (err)
        return -err;
    stack_size = least > STACK_LEAST ? (size_t)least : STACK_LEAST;
    sigfillset(&action.sa_mask);
    while (at < SIGNALS && !tocsin__fault() &&
           sigaction(signals[at].number, &action, &before[at]) == 0)
        at++;
    if (at == SIGNALS)
        return 0;
    err = errno;
    while (at-- > 0)
        sigaction(signals[at].number, &before[at], NULL);
    pthread_key_delete(key);
    return err ? -err : -EAGAIN;
}

int tocsin_crash_tell(tocsin_crash_fn fn)
{
    int err = 0;

    pthread_mutex_lock(&lock);
    atomic_store(&listener, fn);
    if (!atomic_load(&installed))
        err = crash_install();
    if (err == 0)
        atomic_store(&installed, true);
    pthread_mutex_unlock(&lock);
    if (err == 0)
        tocsin__crash_stack_make();
    return tocsin__traced(err);
}

/* The step of this file before and after a fork (T8; lib/base/fork.h). */

static void crash_fork_prepare(void)
{
    pthread_mutex_lock(&lock);
}

static void crash_fork_after(void)
{
    pthread_mutex_unlock(&lock);
}

static void crash_thread_begins(struct tocsin__loop *loop)
{
    (void)loop;
    tocsin__crash_stack_make();
}

static __attribute__((constructor)) void crash_register(void)
{
    static const struct tocsin__fork_step step = { .prepare = crash_fork_prepare,
                                                   .parent = crash_fork_after,
                                                   .child = crash_fork_after };

    tocsin__fork_register(TOCSIN__FORK_CRASH, &step);
    tocsin__hooks.thread_begins = crash_thread_begins;
}
