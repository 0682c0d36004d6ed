/* Runs the library's steps before and after a fork. The library calls pthread_atfork only once:
   with several registrations, the order of the steps would depend on the order in which the files
   are linked. */
#include <pthread.h>
#include <stddef.h>

#include "base/fork.h"

static const struct tocsin__fork_step *steps[TOCSIN__FORK_STAGES];

void tocsin__fork_register(enum tocsin__fork_stage stage, const struct tocsin__fork_step *step)
{
    steps[stage] = step;
}

static void fork_prepare(void)
{
    for (int stage = 0; stage < TOCSIN__FORK_STAGES; stage++)
        if (steps[stage] && steps[stage]->prepare)
            steps[stage]->prepare();
}

static void fork_parent(void)
{
    for (int stage = TOCSIN__FORK_STAGES - 1; stage >= 0; stage--)
        if (steps[stage] && steps[stage]->parent)
            steps[stage]->parent();
}

static void fork_child(void)
{
    for (int stage = TOCSIN__FORK_STAGES - 1; stage >= 0; stage--)
        if (steps[stage] && steps[stage]->child)
            steps[stage]->child();
}

static __attribute__((constructor)) void fork_watch(void)
{
    pthread_atfork(fork_prepare, fork_parent, fork_child);
}
