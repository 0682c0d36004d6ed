/* Usage: delete PATH USER   The program asks a question before it deletes the file. Each handler
   may object, and no handler has to agree. */
#include <stdio.h>
#include <unistd.h>
#include <tocsin/host.h>
#include <tocsin/inspect.h>

#include "may_delete.h"

static int may_delete;

static int delete_file(const char *path, const char *user)
{
    struct tocsin_handler_facts facts;
    struct tocsin_handler by;

    if (tocsin_ask(may_delete, TOCSIN_PAYLOAD(file_question, .path = path, .user = user), &by) == 0)
        return unlink(path) < 0 ? -errno : 0;
    if (tocsin_handler_get(by, &facts) == 0)
        fprintf(stderr, "%s: refused by %s\n", path, facts.owner);
    return -EPERM;
}

int main(int argc, char *argv[])
{
    may_delete = tocsin_declare(&(struct tocsin_signal_spec){ .name = "file.may_delete",
                                                              .doc = "May this file be deleted?",
                                                              .layout = &file_question_layout,
                                                              .kind = TOCSIN_DIRECT });
    if (argc != 3 || tocsin_plugin_load("keep-etc", NULL) < 0)
        return 2;
    return delete_file(argv[1], argv[2]) < 0;
}
