/* Finds out whether the dynamic linker can still be used in the child of a fork. */
#define _GNU_SOURCE /* makes the headers declare dl_iterate_phdr */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fork.h"
#include "base/mem.h"
#include "plugin/linker.h"

static _Atomic unsigned users;   /* number of running calls of dlopen and dlclose by this library */
static __thread unsigned own;    /* number of running calls of dlopen and dlclose on this thread */
static bool is_lost, is_untried; /* is_lost: the dynamic linker cannot be used. is_untried: in the
                                  * child of a fork, this was not checked yet */

void tocsin__linker_enter(void)
{
    own++;
    atomic_fetch_add(&users, 1);
}

void tocsin__linker_leave(void)
{
    tocsin__assert(own > 0);
    own--;
    atomic_fetch_sub(&users, 1);
}

/* The structure that the dynamic linker publishes for debuggers. Its member r_state says whether
   the linker's list of objects is being changed. The program's dynamic section contains the address
   of the structure. */
static const struct r_debug *debug;

static int debug_find(struct dl_phdr_info *program, size_t size, void *none)
{
    const ElfW(Dyn) *entry = NULL;

    (void)size, (void)none;
    for (int i = 0; i < program->dlpi_phnum; i++)
        if (program->dlpi_phdr[i].p_type == PT_DYNAMIC)
            entry = (const ElfW(Dyn) *)(program->dlpi_addr + program->dlpi_phdr[i].p_vaddr);
    for (; entry && entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_DEBUG)
            debug = (const struct r_debug *)entry->d_un.d_ptr;
    return 1; /* the result 1 ends the walk after the first object, which is the program */
}

static bool is_changing(void)
{
    return debug && debug->r_state != RT_CONSISTENT;
}

static void linker_fork_child(void)
{
    is_lost |= atomic_load(&users) > own || (!own && is_changing());
    is_untried = true;
    atomic_store(&users, own);
}

static __attribute__((constructor)) void linker_fork_register(void)
{
    static const struct tocsin__fork_step step = { .child = linker_fork_child };

    dl_iterate_phdr(debug_find, NULL);
    tocsin__fork_register(TOCSIN__FORK_LINKER, &step);
}

/* In the child of a fork, the C library initializes some of the linker's locks again, but not the
 * lock of the list of objects. There is no function to test this lock. So another process with a
 * copy of the memory takes the lock for a test. This process ends immediately, or it sleeps
 * forever, because the holder of the lock does not exist. It has no exit signal, so the program
 * does not notice it. */
struct attempt {
    atomic_bool has_begun, has_ended;
};

static int object_skip(struct dl_phdr_info *object, size_t size, void *none)
{
    (void)object, (void)size, (void)none;
    return 1;
}

static bool is_asleep(pid_t process)
{
    char path[64], text[256];
    const char *state;
    ssize_t size;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[size < 0 ? 0 : size] = '\0';
    state = strrchr(text, ')');
    return !state || state[1] == '\0' || state[2] == 'S';
}

static bool lock_try(struct attempt *attempt)
{
    pid_t process = tocsin__fault() ? -1 : (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
    bool is_stuck = process < 0;

    if (process == 0) {
        atomic_store(&attempt->has_begun, true);
        dl_iterate_phdr(object_skip, NULL);
        atomic_store(&attempt->has_ended, true);
        syscall(SYS_exit_group, 0);
    }
    while (!is_stuck && !atomic_load(&attempt->has_ended)) {
        sched_yield();
        is_stuck = atomic_load(&attempt->has_begun) && is_asleep(process) &&
                   !atomic_load(&attempt->has_ended);
    }
    if (process > 0 && is_stuck)
        kill(process, SIGKILL);
    while (process > 0 && waitpid(process, NULL, __WCLONE) < 0 && errno == EINTR)
        ;
    return !is_stuck;
}

bool tocsin__linker_is_lost(void)
{
    struct attempt *attempt;

    if (!is_untried || is_lost || own)
        return is_lost && !own;
    attempt = tocsin__fault() ? MAP_FAILED
                              : mmap(NULL, sizeof *attempt, PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    is_lost = attempt == MAP_FAILED || !lock_try(attempt);
    if (attempt != MAP_FAILED)
        munmap(attempt, sizeof *attempt);
    is_untried = false;
    return is_lost;
}
