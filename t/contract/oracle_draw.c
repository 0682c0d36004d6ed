/* Chooses random sequences. The model runs each operation as soon as it is chosen. An operation
   that breaks a rule of the model is not added to the sequence. */
#include "contract/oracle.h"

/* LENGTH is the number of operations outside of handlers. TRIES limits the attempts to choose them.
   DEPTH limits how deep handlers nest. ROOM is more than the number of operations that one
   operation and its handlers contain. */
enum { LENGTH = 44, TRIES = 400, DEPTH = 5, ROOM = 100 };

static struct sequence *drawn;
static unsigned long long state;
/* the signal whose limit of pending signals the sequence tries to reach; -1 means no signal */
static int favourite;

static int draw(int count) /* a pseudo-random number below count, made by the algorithm xorshift */
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (int)((state >> 11) % (unsigned)count);
}

static int draw_number(void)
{
    return favourite >= 0 && draw(4) ? favourite : draw(NUMBERS);
}

static unsigned draw_set(int number)
{
    switch (draw(4)) {
    case 0: return EVERY;
    case 1: return 1 + (unsigned)draw(EVERY);
    case 2: return 1u << number | 1u << draw(NUMBERS);
    default: return 1u << number;
    }
}

static int draw_kind(void)
{
    static const struct {
        int kind, below;
    } kinds[] = { { QUEUE, 44 },   { BLOCK, 55 },  { UNBLOCK, 70 }, { SETMASK, 74 }, { IGNORE, 78 },
                  { DEFAULT, 80 }, { HANDLE, 88 }, { PENDING, 92 }, { WAIT, 100 } };
    int at = 0, drew = draw(100);

    while (drew >= kinds[at].below)
        at++;
    return kinds[at].kind;
}

static int draw_ops(int length, int number, int depth);

static void draw_rest(struct op *op, int depth)
{
    switch (op->kind) {
    case QUEUE:
        if (depth < DEPTH)
            op->body = draw_ops(draw(2) ? draw(5) : 0, op->number, depth + 1);
        break;
    case BLOCK:
    case UNBLOCK:
    case WAIT:
        op->set = draw_set(op->number);
        op->timed = op->kind == WAIT && draw(2);
        break;
    case SETMASK: op->set = (unsigned)draw(EVERY + 1); break;
    case IGNORE: op->flags = draw(2) ? DISCONNECTS : 0; break;
    case HANDLE:
        op->set = draw(2) ? EVERY : draw(4) ? (unsigned)draw(EVERY + 1) : 0;
        op->flags = draw(7) ? 0 : ONE_SHOT;
        op->flags |= draw(4) ? 0 : NODEFER;
        break;
    }
}

static int draw_op(int kind, int number, int depth)
{
    int at = drawn->count++;

    drawn->ops[at] = (struct op){ .at = at, .kind = kind, .number = number };
    draw_rest(&drawn->ops[at], depth);
    return at;
}

/* Chooses the operations that a handler of this signal number runs. About a third of these
   operations use the same number. */
static int draw_ops(int length, int number, int depth)
{
    int first = 0, *end = &first;

    while (length-- && drawn->count < OPS_MAX) {
        int about = draw(3) ? draw_number() : number, at = draw_op(draw_kind(), about, depth);

        *end = at;
        end = &drawn->ops[at].next;
    }
    return first;
}

/* Chooses an operation, and adds it to the sequence unless it breaks a rule. If the operation kills
   the process, it is usually undone, so that most sequences are long. */
static bool extend(int kind, int number, int *end)
{
    int count = drawn->count, at = draw_op(kind, number, 0);
    enum fate fate = oracle_model_try(at);

    if (fate == BROKE || (fate == DIED && draw(3))) {
        oracle_model_undo();
        drawn->count = count;
        return false;
    }
    *end = at;
    return fate == WENT;
}

void oracle_draw(unsigned long long seed, int limit, struct sequence *sequence, struct log *log)
{
    int *end = &sequence->first, done = 0;

    drawn = sequence;
    *sequence = (struct sequence){ .seed = seed, .limit = limit, .count = 1 };
    state = seed | 1;
    for (int i = 0; i < 8; i++)
        draw(2);
    sequence->aborts = draw(2);
    favourite = limit ? draw(NUMBERS) : -1;
    oracle_model_begin(sequence, log);
    for (int tries = 0; tries < TRIES && done < LENGTH && sequence->count < OPS_MAX - ROOM;
         tries++) {
        bool first = done < NUMBERS; /* the first operations install a handler for each signal */
        int number = first ? done : draw_number();

        if (extend(first ? HANDLE : draw_kind(), number, end)) {
            end = &sequence->ops[*end].next;
            done++;
        } else if (*end) {
            break;
        }
    }
    oracle_model_end(log);
}
