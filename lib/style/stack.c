/* Stacks of fibers. They are mapped with a guard page. ucontext enters a stack for the first
 * time. */
/* The longjmp of _FORTIFY_SOURCE reports an error if the target is on another stack. */
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE /* makes the headers declare MAP_STACK */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/mem.h"
#include "style/stack.h"

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

void tocsin__jump_to(tocsin__jump *to)
{
    tocsin__jump_go(to);
}

enum { STACK_SIZE = 256 * 1024 };

int tocsin__stack_open(struct tocsin__stack *stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = tocsin__fault()
                       ? MAP_FAILED
                       : mmap(NULL, STACK_SIZE + page, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return -ENOMEM;
    if (tocsin__fault() || mprotect(memory, page, PROT_NONE) < 0) {
        munmap(memory, STACK_SIZE + page);
        return -ENOMEM;
    }
    stack->memory = memory;
    stack->low = memory + page;
    stack->size = STACK_SIZE;
    stack->valgrind = VALGRIND_STACK_REGISTER(memory + page, memory + page + STACK_SIZE);
    stack->tsan_here = tocsin__tsan_create();
    return 0;
}

void tocsin__stack_close(struct tocsin__stack *stack)
{
    VALGRIND_STACK_DEREGISTER(stack->valgrind);
    tocsin__tsan_destroy(stack->tsan_here);
    munmap(stack->memory, stack->size + (size_t)(stack->low - stack->memory));
    stack->memory = NULL;
}

void tocsin__stack_set(struct tocsin__stack *stack, void (*run)(void *arg), void *arg)
{
    stack->run = run;
    stack->arg = arg;
    stack->begun = false;
}

/* The first function on a new stack. makecontext passes only ints, so the pointer comes in two
 * halves. */
static void stack_main(unsigned high, unsigned low)
{
    struct tocsin__stack *stack = (struct tocsin__stack *)((uintptr_t)high << 16 << 16 | low);

    tocsin__asan_finish(NULL, &stack->asan_bottom, &stack->asan_size);
    stack->run(stack->arg);
    /* with NULL, ASan knows that this stack is not used any more */
    tocsin__asan_start(NULL, stack->asan_bottom, stack->asan_size);
    tocsin__tsan_switch(stack->tsan_there);
    tocsin__jump_to(&stack->there);
}

void tocsin__stack_begin(struct tocsin__stack *stack)
{
    uintptr_t self = (uintptr_t)stack;
    /* The context is stored at the lowest address of the new stack. It is not in this stack frame:
     * this frame is left by a jump, and ASan would then keep its variables poisoned. */
    ucontext_t *context = (ucontext_t *)stack->low;

    stack->begun = true;
    getcontext(context);
    context->uc_stack.ss_sp = stack->low;
    context->uc_stack.ss_size = stack->size;
    context->uc_link = NULL;
    makecontext(context, (void (*)(void))stack_main, 2, (unsigned)((uint64_t)self >> 32),
                (unsigned)self);
    tocsin__asan_start(&stack->asan_there, stack->low, stack->size);
    tocsin__tsan_switch(stack->tsan_here);
    setcontext(context);
    __builtin_unreachable();
}
