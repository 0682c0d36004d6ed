#include <stdio.h>
#include <tocsin.h>
#include <tocsin/provider.h>
/* declares the functions of another library, whose dict_ask() calls a function back on a thread of
   its own */
#include "dict.h"

#define DICT_DONE(F) F(string, word) F(string, text)
TOCSIN_LAYOUT(dict_done, DICT_DONE);

struct lookup {
    struct dict_done done;
    struct tocsin_op op;
    char word[64], text[256];
};

static void on_answer(void *arg, int err, const char *text)
{
    struct lookup *lookup = arg;

    snprintf(lookup->text, sizeof lookup->text, "%s", text ? text : "");
    /* Any thread may call tocsin_op_complete(). The payload is a part of the state, and is lent,
       not copied. */
    tocsin_op_complete(lookup->op, err, &lookup->done.tocsin);
}

static int lookup_cancel(struct tocsin_op op, void *state, int reason)
{
    dict_forget(state); /* after this call, the library dict does not call found() any more */
    return tocsin_op_complete(op, reason, NULL);
}

static const struct tocsin_op_type lookup_type = {
    .done = &(const struct tocsin_signal_spec){ .name = "dict.done",
                                                .doc = "A word was looked up.",
                                                .layout = &dict_done_layout },
    .state_size = sizeof(struct lookup),
    .cancel = lookup_cancel,
};

static int dict_lookup(const char *word, const struct tocsin_notify *notify,
                       struct tocsin_op *ret_op)
{
    struct tocsin_op op;
    int err = tocsin_op_new(&lookup_type, notify, &op);

    if (err == 0) {
        struct lookup *lookup = tocsin_op_state(op);

        lookup->op = op;
        lookup->done = dict_done_make();
        lookup->done.word = lookup->word;
        lookup->done.text = lookup->text;
        snprintf(lookup->word, sizeof lookup->word, "%s", word);
        err = dict_ask(lookup->word, on_answer, lookup);
    }
    /* if err is below 0, the operation is not started and emits nothing */
    return tocsin_op_start(op, err, ret_op);
}

static int show(const struct tocsin_info *info, void *arg)
{
    const struct dict_done *done = dict_done_of(info);

    (void)arg;
    printf("%s: %s\n", done->word, info->status < 0 ? tocsin_strerror(info->status) : done->text);
    return TOCSIN_NEXT;
}

int main(void)
{
    return dict_lookup("tocsin", TOCSIN_CALL(show), NULL) < 0 || tocsin_drain(-1) < 0 ||
           tocsin_run() < 0;
}
