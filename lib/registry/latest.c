/* Implements latest cells; see latest.h. */
#include "base/assert.h"
#include "registry/latest.h"
#include "registry/info.h"
#include "base/mem.h"

/* The parts of the word. COUNT: the number of messages stored since the last take. NEWEST: the
   index of the newest message. READING: the index of the message that the loop reads. WRITING: a
   thread writes the third message. FRESH: the newest message has not been taken. QUEUED: the node
   has been pushed and is not done. */
enum { NEWEST_SHIFT = 32, READING_SHIFT = 34, INDEX = 3 };
#define COUNT UINT32_MAX
#define WRITING ((uint64_t)1 << 36)
#define FRESH ((uint64_t)1 << 37)
#define QUEUED ((uint64_t)1 << 38)

static unsigned newest_index(uint64_t word)
{
    return word >> NEWEST_SHIFT & INDEX;
}

static unsigned reading_index(uint64_t word)
{
    return word >> READING_SHIFT & INDEX;
}

struct tocsin__latest *tocsin__latest_new(struct tocsin__signal *signal)
{
    struct tocsin__latest *latest = tocsin__alloc(sizeof *latest);

    if (!latest)
        return NULL;
    latest->signal = signal;
    return latest;
}

/* Adds `by` to the count. The count stops at its maximum, so it never overflows into the other
   bits. */
static uint64_t count_add(uint64_t word, uint64_t by)
{
    return (word & COUNT) + by > COUNT ? word | COUNT : word + by;
}

/* Returns the index of the message that is neither the newest nor being read. */
static unsigned idle_index(uint64_t word)
{
    unsigned i = 0;

    while (i == newest_index(word) || i == reading_index(word))
        i++;
    return i;
}

static struct tocsin__info *shared_info(const struct tocsin__message *message)
{
    return message->kind == TOCSIN__SHARED ? message->info : NULL;
}

bool tocsin__latest_put(struct tocsin__latest *latest, const struct tocsin__message *message,
                        struct tocsin__info **ret_older)
{
    uint64_t word = atomic_load(&latest->word), next;
    unsigned at;

    do
        next = word & WRITING ? count_add(word, 1) : word | WRITING;
    while (!atomic_compare_exchange_weak(&latest->word, &word, next));
    /* Another thread is writing. Its message counts as the newer one, so this message is only
     * counted as replaced. */
    if (word & WRITING) {
        *ret_older = shared_info(message);
        return false;
    }
    at = idle_index(word);
    tocsin__assert(at < 3);
    *ret_older = shared_info(&latest->messages[at]);
    latest->messages[at] = *message;
    do
        next = count_add((word & ~(WRITING | (uint64_t)INDEX << NEWEST_SHIFT)) |
                             (uint64_t)at << NEWEST_SHIFT | FRESH | QUEUED,
                         1);
    while (!atomic_compare_exchange_weak(&latest->word, &word, next));
    return !(word & QUEUED);
}

struct tocsin__message *tocsin__latest_take(struct tocsin__latest *latest)
{
    uint64_t word = atomic_load(&latest->word), next;
    struct tocsin__message *message;

    do {
        if (!(word & FRESH))
            return NULL;
        next = (word & ~(FRESH | COUNT | (uint64_t)INDEX << READING_SHIFT)) |
               (uint64_t)newest_index(word) << READING_SHIFT;
    } while (!atomic_compare_exchange_weak(&latest->word, &word, next));
    tocsin__assert(word & COUNT && word & QUEUED);
    message = &latest->messages[newest_index(word)];
    if (!(message->flags & TOCSIN__HAS_EXTRAS))
        message->sequence = message->parent = 0;
    message->flags |= TOCSIN__HAS_EXTRAS;
    message->overrun = (uint32_t)(word & COUNT) - 1;
    return message;
}

/* Marks the message as not taken. If a newer message was stored meanwhile, the newer message
   replaces this one. */
void tocsin__latest_put_back(struct tocsin__latest *latest, const struct tocsin__message *message)
{
    uint64_t word = atomic_load(&latest->word), next;

    do
        next = count_add(word | FRESH, (uint64_t)message->overrun + 1);
    while (!atomic_compare_exchange_weak(&latest->word, &word, next));
}

void tocsin__latest_clear(struct tocsin__latest *latest)
{
    for (int i = 0; i < 3; i++) {
        struct tocsin__info *info = shared_info(&latest->messages[i]);

        latest->messages[i].kind = TOCSIN__EMPTY;
        if (info)
            tocsin__info_put(info);
    }
}

bool tocsin__latest_done(struct tocsin__latest *latest)
{
    uint64_t word = atomic_load(&latest->word);

    do {
        if (word & FRESH)
            return false;
    } while (!atomic_compare_exchange_weak(&latest->word, &word, word & ~QUEUED));
    return true;
}

void tocsin__latest_reset(struct tocsin__latest *latest)
{
    uint64_t word = atomic_load(&latest->word);

    for (unsigned i = 0; i < 3; i++)
        if (word & WRITING && i != newest_index(word) && i != reading_index(word))
            /* drops the message, because the thread that wrote it may have stopped in the middle */
            latest->messages[i].kind = TOCSIN__EMPTY;
    tocsin__latest_clear(latest);
    atomic_store(&latest->word, 0);
}
