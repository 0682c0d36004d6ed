/* A separate stack for a function, and the switches to and from it. ucontext enters a new stack.
 * Later switches need no system call: they use the compiler's jump, or sigsetjmp and siglongjmp. */
#ifndef TOCSIN_STYLE_STACK_H
#define TOCSIN_STYLE_STACK_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define TOCSIN__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TOCSIN__ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define TOCSIN__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TOCSIN__TSAN 1
#endif
#endif

#ifdef TOCSIN__ASAN
#include <sanitizer/common_interface_defs.h>
#define tocsin__asan_start(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define tocsin__asan_finish(save, bottom, size) __sanitizer_finish_switch_fiber(save, bottom, size)
#else
#define tocsin__asan_start(save, bottom, size) ((void)0)
#define tocsin__asan_finish(save, bottom, size) ((void)0)
#endif

#ifdef TOCSIN__TSAN
#include <sanitizer/tsan_interface.h>
#define tocsin__tsan_current() __tsan_get_current_fiber()
#define tocsin__tsan_create() __tsan_create_fiber(0)
#define tocsin__tsan_destroy(fiber) __tsan_destroy_fiber(fiber)
#define tocsin__tsan_switch(fiber) __tsan_switch_to_fiber(fiber, 0)
#else
#define tocsin__tsan_current() NULL
#define tocsin__tsan_create() NULL
#define tocsin__tsan_destroy(fiber) ((void)(fiber))
#define tocsin__tsan_switch(fiber) ((void)(fiber))
#endif

/* The compiler's jump saves three words; the one of the C library saves eight, and encrypts
 * pointers. The sanitizers only support the latter. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(TOCSIN__ASAN) && !defined(TOCSIN__TSAN)
typedef struct {
    void *words[5];
} tocsin__jump;
#define tocsin__jump_set(to) __builtin_setjmp((to)->words)
#define tocsin__jump_go(to) __builtin_longjmp((to)->words, 1)
#else
typedef struct {
    sigjmp_buf portable;
} tocsin__jump;
#define tocsin__jump_set(to) sigsetjmp((to)->portable, 0)
#define tocsin__jump_go(to) siglongjmp((to)->portable, 1)
#endif

struct tocsin__stack {
    tocsin__jump here;  /* where the function continues when the stack is entered again */
    tocsin__jump there; /* where the caller continues when the function leaves the stack */
    bool begun;         /* true: the stack was entered before */
    void (*run)(void *arg);
    void *arg;
    char *memory, *low; /* The mapping: a guard page, then size usable bytes that begin at low. */
    size_t size;
    unsigned valgrind;
    void *asan_here, *asan_there; /* what ASan and TSan must know at each switch */
    const void *asan_bottom;
    size_t asan_size;
    void *tsan_here, *tsan_there;
    struct tocsin__stack *next; /* next in the loop's list of unused stacks */
};

int tocsin__stack_open(struct tocsin__stack *stack);
void tocsin__stack_close(struct tocsin__stack *stack);
/* Sets the function that the next tocsin__stack_enter calls. */
void tocsin__stack_set(struct tocsin__stack *stack, void (*run)(void *arg), void *arg);

/* Enters the stack for the first time. tocsin__stack_enter calls it. */
void tocsin__stack_begin(struct tocsin__stack *stack) __attribute__((noreturn));
void tocsin__jump_to(tocsin__jump *to) __attribute__((noreturn));

/* tocsin__stack_enter returns when the function leaves the stack, or returns. tocsin__stack_leave
   returns when the stack is entered again. They are macros, since a function that sets a jump
   cannot be inlined, and each return that does not match a call is mispredicted by the processor.
 */
#define tocsin__stack_enter(stack) \
    do { \
        (stack)->tsan_there = tocsin__tsan_current(); \
        if (tocsin__jump_set(&(stack)->there) == 0) { \
            if (!(stack)->begun) \
                tocsin__stack_begin(stack); \
            tocsin__asan_start(&(stack)->asan_there, (stack)->low, (stack)->size); \
            tocsin__tsan_switch((stack)->tsan_here); \
            tocsin__jump_to(&(stack)->here); \
        } \
        tocsin__asan_finish((stack)->asan_there, NULL, NULL); \
    } while (0)

#define tocsin__stack_leave(stack) \
    do { \
        if (tocsin__jump_set(&(stack)->here) == 0) { \
            tocsin__asan_start(&(stack)->asan_here, (stack)->asan_bottom, (stack)->asan_size); \
            tocsin__tsan_switch((stack)->tsan_there); \
            tocsin__jump_to(&(stack)->there); \
        } \
        tocsin__asan_finish((stack)->asan_here, &(stack)->asan_bottom, &(stack)->asan_size); \
    } while (0)

#endif
