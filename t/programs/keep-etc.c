/* A plugin that handles a question. The plugin may object to the question with TOCSIN_STOP. */
#include <string.h>
#include <tocsin/plugin.h>

#include "may_delete.h"

TOCSIN_PLUGIN("keep-etc", "1.0",
              "Nobody but root deletes anything under /etc." TOCSIN_CONSUMES("file.may_delete",
                                                                             FILE_QUESTION));

static int judge(const struct tocsin_info *info, void *arg)
{
    const struct file_question *file = file_question_of(info);

    (void)arg;
    if (strncmp(file->path, "/etc/", 5) == 0 && strcmp(file->user, "root") != 0)
        return TOCSIN_STOP; /* a result such as -EPERM would also object, and would give a reason */
    return TOCSIN_NEXT;
}

int tocsin_plugin_init(void)
{
    return tocsin_on("file.may_delete", judge, NULL);
}
