#include "core/box.h"
#include "core/info.h"
#include "core/mem.h"
#include "core/receive.h"

/* The word: how many were put in since the last was taken; which letter is the newest, and which is being read; whether somebody writes, whether the
   newest has not been read, and whether the node is on its way to the loop, or with it. */
enum { NEWEST_SHIFT = 32, READING_SHIFT = 34, INDEX = 3 };
#define COUNT   UINT32_MAX
#define WRITING ((uint64_t)1 << 36)
#define FRESH   ((uint64_t)1 << 37)
#define QUEUED  ((uint64_t)1 << 38)

static unsigned newest(uint64_t word)
{
    return word >> NEWEST_SHIFT & INDEX;
}

static unsigned reading(uint64_t word)
{
    return word >> READING_SHIFT & INDEX;
}

struct tocsin__box *tocsin__box_new(struct tocsin__signal *signal)
{
    struct tocsin__box *box = tocsin__alloc(sizeof *box);

    if (!box)
        return NULL;
    box->signal = signal;
    box->node.run = tocsin__receive_box;
    return box;
}

/* One more, as far as 32 bits count. */
static uint64_t more(uint64_t word, uint64_t by)
{
    return (word & COUNT) + by > COUNT ? word | COUNT : word + by;
}

/* The one that is neither the newest nor being read. */
static unsigned idle(uint64_t word)
{
    unsigned i = 0;

    while (i == newest(word) || i == reading(word))
        i++;
    return i;
}

static struct tocsin__info *shared(const struct tocsin__letter *letter)
{
    return letter->kind == TOCSIN__SHARED ? letter->info : NULL;
}

bool tocsin__box_put(struct tocsin__box *box, const struct tocsin__letter *letter, struct tocsin__info **ret_older)
{
    uint64_t word = atomic_load(&box->word), next;
    unsigned at;

    do
        next = word & WRITING ? more(word, 1) : word | WRITING;
    while (!atomic_compare_exchange_weak(&box->word, &word, next));
    if (word & WRITING) {                              /* whoever writes comes after us: its letter is the newest, and we are counted */
        *ret_older = shared(letter);
        return false;
    }
    at = idle(word);
    *ret_older = shared(&box->letters[at]);
    box->letters[at] = *letter;
    do
        next = more((word & ~(WRITING | (uint64_t)INDEX << NEWEST_SHIFT)) | (uint64_t)at << NEWEST_SHIFT | FRESH | QUEUED, 1);
    while (!atomic_compare_exchange_weak(&box->word, &word, next));
    return !(word & QUEUED);
}

struct tocsin__letter *tocsin__box_take(struct tocsin__box *box)
{
    uint64_t word = atomic_load(&box->word), next;
    struct tocsin__letter *letter;

    do {
        if (!(word & FRESH))
            return NULL;
        next = (word & ~(FRESH | COUNT | (uint64_t)INDEX << READING_SHIFT)) | (uint64_t)newest(word) << READING_SHIFT;
    } while (!atomic_compare_exchange_weak(&box->word, &word, next));
    letter = &box->letters[newest(word)];
    if (!(letter->flags & TOCSIN__MORE))
        letter->sequence = letter->parent = 0;
    letter->flags |= TOCSIN__MORE;
    letter->overrun = (uint32_t)(word & COUNT) - 1;
    return letter;
}

/* If a newer one has come meanwhile, it stands for this one as well. */
void tocsin__box_back(struct tocsin__box *box, const struct tocsin__letter *letter)
{
    uint64_t word = atomic_load(&box->word), next;

    do
        next = more(word | FRESH, (uint64_t)letter->overrun + 1);
    while (!atomic_compare_exchange_weak(&box->word, &word, next));
}

void tocsin__box_clear(struct tocsin__box *box)
{
    for (int i = 0; i < 3; i++) {
        struct tocsin__info *info = shared(&box->letters[i]);

        box->letters[i].kind = TOCSIN__VOID;
        if (info)
            tocsin__info_put(info);
    }
}

bool tocsin__box_done(struct tocsin__box *box)
{
    uint64_t word = atomic_load(&box->word);

    do {
        if (word & FRESH)
            return false;
    } while (!atomic_compare_exchange_weak(&box->word, &word, word & ~QUEUED));
    return true;
}

void tocsin__box_reset(struct tocsin__box *box)
{
    uint64_t word = atomic_load(&box->word);

    for (unsigned i = 0; i < 3; i++)
        if (word & WRITING && i != newest(word) && i != reading(word))
            box->letters[i].kind = TOCSIN__VOID;       /* half written, perhaps */
    tocsin__box_clear(box);
    atomic_store(&box->word, 0);
}
