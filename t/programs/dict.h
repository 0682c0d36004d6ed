/* A dictionary as somebody else's library: it knows nothing of tocsin. */
#ifndef DICT_H
#define DICT_H

typedef void (*dict_answer)(void *arg, int err, const char *text);

/* Looks word up and answers once, on a thread of its own, unless that is forgotten before. 0 or a negative errno. */
int dict_ask(const char *word, dict_answer answer, void *arg);

/* Forgets what was asked with this arg: when it returns, no answer will come any more. */
void dict_forget(void *arg);

#endif
