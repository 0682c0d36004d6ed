/* The test changes one bit of a plugin file. If the file still passes tocsin's check, a child loads
   the file. No child may crash in the dynamic linker. The environment variable FLIPS sets the
   number of files, and SEED sets the seed. */
#define _GNU_SOURCE /* for dl_iterate_phdr() and REG_RIP */
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "plugin_host.h"
#include "registry/owner.h"
#include "plugin/note/note.h"
#include "plugin/plugin_files.h"

/* How a child may end. LINKER means a signal or an exit in the dynamic linker. OWN means a signal
   in the plugin's code. WILD means a signal at any other address, as after a jump through a wrong
   pointer. */
enum outcome { REFUSED, FAILED, LOADED, LINKER, OWN, WILD, HANGS, OUTCOMES };
static const char *const outcomes[OUTCOMES] = { "refused", "failed", "loaded", "linker",
                                                "own",     "wild",   "hangs" };

enum { CHILD_BASE = 60, LINKER_EXIT = 127, SECONDS = 20 };

static uintptr_t linker_low, linker_high;

static int linker_find(struct dl_phdr_info *object, size_t size, void *arg)
{
    (void)size, (void)arg;
    if (object->dlpi_addr != getauxval(AT_BASE) || !object->dlpi_addr)
        return 0;
    linker_low = object->dlpi_addr;
    for (int i = 0; i < object->dlpi_phnum; i++)
        if (object->dlpi_phdr[i].p_type == PT_LOAD)
            linker_high = linker_low + object->dlpi_phdr[i].p_vaddr + object->dlpi_phdr[i].p_memsz;
    return 1;
}

static uintptr_t place_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

static void on_signal(int number, siginfo_t *about, void *context)
{
    uintptr_t at = place_of(context);
    enum outcome outcome = WILD;

    (void)about;
    if (number == SIGABRT || (at >= linker_low && at < linker_high))
        outcome = number == SIGXCPU ? HANGS : LINKER;
    else if (tocsin__owner_of((const void *)at) != &tocsin__program)
        outcome = OWN;
    _exit(CHILD_BASE + (int)outcome);
}

static void signals_take(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS,  SIGILL, SIGFPE,
                                   SIGABRT, SIGTRAP, SIGSYS, SIGXCPU };
    static char stack[64 * 1024];
    const stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };
    const struct sigaction action = { .sa_sigaction = on_signal,
                                      .sa_flags = SA_SIGINFO | SA_ONSTACK };
    const struct rlimit seconds = { SECONDS, SECONDS + 5 }, none = { 0, 0 };

    sigaltstack(&other, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaction(numbers[i], &action, NULL);
    setrlimit(RLIMIT_CPU, &seconds);
    setrlimit(RLIMIT_CORE, &none);
}

static enum outcome loaded_in_child(const struct object *object)
{
    pid_t child;
    int status;

    fflush(stdout);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        FILE *file = fopen(path, "wb");

        if (!file || fwrite(object->data, 1, object->size, file) != object->size ||
            fclose(file) != 0 || !freopen("/dev/null", "w", stderr))
            _exit(1);
        signals_take();
        _exit(CHILD_BASE + (int)(tocsin_plugin_load(path, NULL) < 0 ? FAILED : LOADED));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) >= CHILD_BASE &&
        WEXITSTATUS(status) < CHILD_BASE + OUTCOMES)
        return (enum outcome)(WEXITSTATUS(status) - CHILD_BASE);
    ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == LINKER_EXIT, "%#x",
                  (unsigned)status);
    return WIFSIGNALED(status) ? WILD : LINKER;
}

static enum outcome outcome_of(const struct object *object)
{
    struct tocsin__note note;
    char why[512];
    int err = tocsin__note_read(&note, object->data, object->size, why, sizeof why);

    if (err < 0 && err != -EPROTONOSUPPORT)
        return REFUSED;
    tocsin__note_free(&note);
    return err < 0 ? REFUSED : loaded_in_child(object);
}

/* Changes one random bit in this range of bytes, and loads the file in a child. */
static enum outcome flipped(const char *name, const struct object *object, size_t from, size_t size,
                            unsigned *seed)
{
    size_t at = from + (size_t)rand_r(seed) % size;
    unsigned char bit = (unsigned char)(1 << (rand_r(seed) / 64 % 8));
    enum outcome outcome;

    object->data[at] ^= bit;
    outcome = outcome_of(object);
    object->data[at] ^= bit;
    if (outcome >= LINKER && getenv("FLIPS"))
        printf("  %s: byte %#zx, bit %#x: %s\n", name, at, bit, outcomes[outcome]);
    return outcome;
}

static void flips(const char *name, const char *where, const struct object *object, size_t from,
                  size_t size, long count, int counts[OUTCOMES])
{
    const char *said = getenv("FLIPS"), *seed_said = getenv("SEED");
    unsigned seed = seed_said ? (unsigned)atoi(seed_said) : 1;

    memset(counts, 0, OUTCOMES * sizeof *counts);
    for (long left = said ? atol(said) : count; left > 0; left--)
        counts[flipped(name, object, from, size, &seed)]++;
    printf("%s, %s, seed %s:", name, where, seed_said ? seed_said : "1");
    for (int i = 0; i < OUTCOMES; i++)
        printf(" %d %s", counts[i], outcomes[i]);
    printf("\n");
    fflush(stdout);
}

/* Without tocsin's check, 1 to 12 of 100 changed files crash the dynamic linker. With the check,
   only 2 of 108,000 files did. In both of these files, the plugin's own code returned to the
   dynamic linker with a wrong stack. */
static void check_counts(const int counts[OUTCOMES])
{
    int all = 0;

    for (int i = 0; i < OUTCOMES; i++)
        all += counts[i];
    ck_assert_int_le(counts[LINKER] + counts[HANGS], 1 + all / 200);
    ck_assert_int_gt(counts[LOADED], 0);
    if (all >= 200) /* of 100 changed files, the check refuses 3 or more */
        ck_assert_int_gt(counts[REFUSED], 0);
}

/* Returns the file offset of the code. The dynamic linker reads only the bytes before the code, and
   the dynamic section. */
static size_t front_of(const struct object *object)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)object->data;
    const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(const void *)(object->data + header->e_phoff);

    for (int i = 0; i < header->e_phnum; i++)
        if (segment[i].p_type == PT_LOAD && segment[i].p_offset)
            return segment[i].p_offset < 4096 ? segment[i].p_offset : 4096;
    return object->size;
}

static const ElfW(Phdr) * dynamic_of(const struct object *object)
{
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)(const void *)object->data;
    const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(const void *)(object->data + header->e_phoff);

    while (segment->p_type != PT_DYNAMIC)
        segment++;
    return segment;
}

static const char *const names[] = { "guest", "plain", "threads_sysv" };

static void begin(void)
{
    host_begin();
    dl_iterate_phdr(linker_find, NULL);
    put("plain", "x");
}

START_TEST(a_changed_bit_anywhere)
{
    struct object object = object_of(names[_i]);
    int counts[OUTCOMES];

    begin();
    flips(names[_i], "anywhere", &object, 0, object.size, test_scaled(400, 16, 40), counts);
    check_counts(counts);
    free(object.data);
    put_end();
}
END_TEST

START_TEST(a_changed_bit_that_the_dynamic_linker_reads)
{
    struct object object = object_of(names[_i]);
    int counts[OUTCOMES];

    begin();
    flips(names[_i], "in front", &object, 0, front_of(&object), test_scaled(400, 16, 40), counts);
    check_counts(counts);
    flips(names[_i], "dynamic section", &object, dynamic_of(&object)->p_offset,
          dynamic_of(&object)->p_filesz, test_scaled(200, 16, 40), counts);
    check_counts(counts);
    free(object.data);
    put_end();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/fuzz_bit_flips");
    TCase *tests = test_case(suite, "changed bits");

    test_needs_processes();
    tcase_set_timeout(tests, 600);
    if (!test_scaled(1, 1, 2)) {
        test_skip("plugin/fuzz_bit_flips", "too few flips under valgrind");
        return suite;
    }
    tcase_add_loop_test(tests, a_changed_bit_anywhere, 0, sizeof names / sizeof names[0]);
    tcase_add_loop_test(tests, a_changed_bit_that_the_dynamic_linker_reads, 0,
                        sizeof names / sizeof names[0]);
    return suite;
}
