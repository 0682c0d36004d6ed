/* Asking: whoever listens may object, and nobody's yes is needed. */
#include <stdio.h>
#include <string.h>
#include <tocsin.h>

#define FILE_QUESTION(F) F(string, path) F(string, user)
TOCSIN_LAYOUT(file_question, FILE_QUESTION);

static int may_delete;

static int judge(const struct tocsin_info *info, void *arg)
{
    const struct file_question *file = file_question_of(info);

    (void)arg;
    if (strncmp(file->path, "/etc/", 5) == 0 && strcmp(file->user, "root") != 0)
        return TOCSIN_STOP;                                     /* or -EPERM: stops as well, with a reason */
    return TOCSIN_NEXT;
}

static int delete_file(const char *path, const char *user)
{
    struct tocsin_handler by;

    if (tocsin_ask(may_delete, TOCSIN_PAYLOAD(file_question, .path = path, .user = user), &by) == 0)
        return printf("%s: deleted for %s\n", path, user);
    return printf("%s: refused by %s\n", path, tocsin_handler_owner(by));
}

int main(void)
{
    may_delete = tocsin_declare(&(struct tocsin_spec){ .name = "file.may_delete", .doc = "May this file be deleted?",
                                                       .layout = &file_question_layout, .kind = TOCSIN_DIRECT });
    if (tocsin_on("file.may_delete", judge, NULL) < 0)
        return 2;
    delete_file("/tmp/scratch", "nobody");
    delete_file("/etc/passwd", "nobody");
    delete_file("/etc/passwd", "root");
    return tocsin_free() != 0;
}
