/* Runs a sequence of operations (see contract/oracle.h) in the kernel, in tocsin or in the model.
   Writes the log of the run, and prints sequences. */
#include <string.h>

#include "contract/oracle.h"

static struct {
    const struct world *world;
    const struct sequence *sequence;
    struct log *log;
    int depth, written, step;
    bool stopped, handled[OPS_MAX];
} run, kept;

void oracle_begin(const struct world *world, const struct sequence *sequence, struct log *log)
{
    memset(&run, 0, sizeof run);
    run.world = world;
    run.sequence = sequence;
    run.log = log;
    log->count = log->step = log->died = log->seen = 0;
}

static void note(int what, int op, int result, int detail)
{
    if (run.stopped || run.log->count == ENTRIES_MAX)
        return;
    run.log->entries[run.log->count] = (struct entry){ what, op, result, detail };
    run.log->count++;
}

static void do_one(int at)
{
    const struct op *op = &run.sequence->ops[at];
    int detail = 0, before = run.log->step, result;

    run.log->step = at;
    result = run.world->act[op->kind](op, &detail);
    if (result == NOT_DONE)
        run.log->step = before;
    if (run.stopped || result == NOT_DONE)
        return;
    if (op->late && run.world->late)
        run.world->late();
    note(ANSWERS, at, result, detail);
}

void oracle_do(int op)
{
    for (; op && !run.stopped; op = run.sequence->ops[op].next)
        if (run.sequence->ops[op].kind != VOID)
            do_one(op);
}

void oracle_handle(int number, int value)
{
    bool known = value > 0 && value < run.sequence->count && !run.handled[value];

    note(STARTS, value, number, 0);
    if (known) {
        run.handled[value] = true;
        run.depth++;
        oracle_do(run.sequence->ops[value].body);
        run.depth--;
    }
    note(ENDS, value, number, 0);
}

bool oracle_handled(int value)
{
    return run.handled[value];
}

int oracle_depth(void)
{
    return run.depth;
}

void oracle_stop(void)
{
    run.stopped = true;
}

void oracle_keep(void)
{
    kept = run;
    kept.written = run.log->count;
    kept.step = run.log->step;
}

void oracle_back(void)
{
    run = kept;
    run.log->count = kept.written;
    run.log->step = kept.step;
}

void oracle_complain(int op, int result)
{
    note(COMPLAINS, op, result, 0);
}

/* Printing a sequence */

static const char *const names[KINDS] = { "void",   "block",   "unblock", "setmask", "queue",
                                          "ignore", "default", "handle",  "pending", "wait" };

void oracle_print_set(FILE *file, unsigned set)
{
    fputc('{', file);
    for (int n = 0; n < NUMBERS; n++)
        if (set >> n & 1)
            fprintf(file, "%d%s", n, set >> n > 1 ? " " : "");
    fputc('}', file);
}

static void print_op(FILE *file, const struct sequence *sequence, int at, int indent)
{
    const struct op *op = &sequence->ops[at];

    fprintf(file, "%4d: %*s%s ", at, indent, "", names[op->kind]);
    if (op->kind == BLOCK || op->kind == UNBLOCK || op->kind == SETMASK || op->kind == WAIT)
        oracle_print_set(file, op->set);
    else if (op->kind != PENDING)
        fprintf(file, "%d", op->number);
    if (op->kind == HANDLE) {
        fputs(" mask ", file);
        oracle_print_set(file, op->set);
    }
    fprintf(file, "%s%s%s%s\n", op->flags & ONE_SHOT ? " one-shot" : "",
            op->flags & NODEFER ? " nodefer" : "", op->timed ? " with time" : "",
            op->late ? " (late)" : "");
}

static void print_ops(FILE *file, const struct sequence *sequence, int at, int indent)
{
    for (; at; at = sequence->ops[at].next) {
        if (sequence->ops[at].kind == VOID)
            continue;
        print_op(file, sequence, at, indent);
        print_ops(file, sequence, sequence->ops[at].body, indent + 4);
    }
}

void oracle_print(FILE *file, const struct sequence *sequence)
{
    print_ops(file, sequence, sequence->first, 0);
}

void oracle_print_entry(FILE *file, const struct sequence *sequence, const struct entry *entry)
{
    static const char *const whats[] = { "starts", "ends", "answers", "FAILS" };
    char text[80];
    int kind = entry->op >= 0 && entry->op < sequence->count ? sequence->ops[entry->op].kind : VOID;

    if (entry->what == STARTS || entry->what == ENDS)
        snprintf(text, sizeof text, "%d: handler of %d %s", entry->op, entry->result,
                 whats[entry->what]);
    else if (kind == PENDING || kind <= SETMASK || kind == WAIT)
        snprintf(text, sizeof text, "%d: %s %s %d, %#x", entry->op, names[kind], whats[entry->what],
                 entry->result, (unsigned)entry->detail);
    else
        snprintf(text, sizeof text, "%d: %s %s %d", entry->op, names[kind], whats[entry->what],
                 entry->result);
    fprintf(file, "%-34s", text);
}
