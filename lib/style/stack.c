#undef _FORTIFY_SOURCE                                 /* its longjmp takes a jump to another stack for an attack */
#define _GNU_SOURCE                                    /* MAP_STACK */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/mem.h"
#include "style/stack.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#define asan_start(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define asan_finish(save, bottom, size) __sanitizer_finish_switch_fiber(save, bottom, size)
#else
#define asan_start(save, bottom, size) ((void)0)
#define asan_finish(save, bottom, size) ((void)0)
#endif

#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#define tsan_current() __tsan_get_current_fiber()
#define tsan_create() __tsan_create_fiber(0)
#define tsan_destroy(fiber) __tsan_destroy_fiber(fiber)
#define tsan_switch(fiber) __tsan_switch_to_fiber(fiber, 0)
#else
#define tsan_current() NULL
#define tsan_create() NULL
#define tsan_destroy(fiber) ((void)(fiber))
#define tsan_switch(fiber) ((void)(fiber))
#endif

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

enum { STACK_SIZE = 256 * 1024 };

int tocsin__stack_open(struct tocsin__stack *stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = tocsin__fault() ? MAP_FAILED : mmap(NULL, STACK_SIZE + page, PROT_READ | PROT_WRITE,
                                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return -ENOMEM;
    if (tocsin__fault() || mprotect(memory, page, PROT_NONE) < 0) {
        munmap(memory, STACK_SIZE + page);
        return -ENOMEM;
    }
    stack->memory = memory;
    stack->size = STACK_SIZE;
    stack->valgrind = VALGRIND_STACK_REGISTER(memory + page, memory + page + STACK_SIZE);
    stack->tsan_here = tsan_create();
    return 0;
}

void tocsin__stack_close(struct tocsin__stack *stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    VALGRIND_STACK_DEREGISTER(stack->valgrind);
    tsan_destroy(stack->tsan_here);
    munmap(stack->memory, stack->size + page);
    stack->memory = NULL;
}

void tocsin__stack_set(struct tocsin__stack *stack, void (*run)(void *arg), void *arg)
{
    stack->run = run;
    stack->arg = arg;
    stack->begun = 0;
}

/* makecontext passes ints. */
static void begin(unsigned high, unsigned low)
{
    struct tocsin__stack *stack = (struct tocsin__stack *)((uintptr_t)high << 16 << 16 | low);

    asan_finish(NULL, &stack->asan_bottom, &stack->asan_size);
    stack->run(stack->arg);
    asan_start(NULL, stack->asan_bottom, stack->asan_size);     /* NULL: this stack is done */
    tsan_switch(stack->tsan_there);
    siglongjmp(stack->there, 1);
}

static void enter_first(struct tocsin__stack *stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t self = (uintptr_t)stack;
    ucontext_t context;

    stack->begun = 1;
    getcontext(&context);
    context.uc_stack.ss_sp = stack->memory + page;
    context.uc_stack.ss_size = stack->size;
    context.uc_link = NULL;
    makecontext(&context, (void (*)(void))begin, 2, (unsigned)((uint64_t)self >> 32), (unsigned)self);
    asan_start(&stack->asan_there, stack->memory + page, stack->size);
    tsan_switch(stack->tsan_here);
    setcontext(&context);
}

void tocsin__stack_enter(struct tocsin__stack *stack)
{
    stack->tsan_there = tsan_current();
    if (sigsetjmp(stack->there, 0) == 0) {
        if (!stack->begun)
            enter_first(stack);
        asan_start(&stack->asan_there, stack->memory + (size_t)sysconf(_SC_PAGESIZE), stack->size);
        tsan_switch(stack->tsan_here);
        siglongjmp(stack->here, 1);
    }
    asan_finish(stack->asan_there, NULL, NULL);
}

void tocsin__stack_leave(struct tocsin__stack *stack)
{
    if (sigsetjmp(stack->here, 0) == 0) {
        asan_start(&stack->asan_here, stack->asan_bottom, stack->asan_size);
        tsan_switch(stack->tsan_there);
        siglongjmp(stack->there, 1);
    }
    asan_finish(stack->asan_here, &stack->asan_bottom, &stack->asan_size);
}
