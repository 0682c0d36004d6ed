/* Tests how a plugin's file is opened. The tests cover the search path, the permissions of the file
   and its folders, and the copy of the file that is mapped. */
#define _GNU_SOURCE /* for setresuid() and F_GET_SEALS */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"
#include "plugin/file.h"
#include "plugin/plugin_files.h"

enum { NOBODY = 65534 };

static char folder[256], path[512], reason[512];
static struct tocsin__file file;

/* Creates a folder with the plugin "x" in it. */

static const char *in_folder(const char *name)
{
    ck_assert_int_lt(snprintf(path, sizeof path, "%s/%s", folder, name), sizeof path);
    return path;
}

static void put(const char *name, const void *data, size_t size)
{
    FILE *made = fopen(in_folder(name), "wb");

    ck_assert_ptr_nonnull(made);
    ck_assert_uint_eq(fwrite(data, 1, size, made), size);
    ck_assert_int_eq(fclose(made), 0);
    ck_assert_int_eq(chmod(path, 0644), 0);
}

static void begin(void)
{
    struct object object = object_of("plain");

    snprintf(folder, sizeof folder, "%s/tocsin.XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chmod(folder, 0755), 0);
    put("x.so", object.data, object.size);
    free(object.data);
    unsetenv("TOCSIN_PLUGIN_PATH");
}

static void remove_all(const char *where)
{
    DIR *listed = opendir(where);
    struct dirent *entry;
    char inner[1024];

    while (listed && (entry = readdir(listed))) {
        snprintf(inner, sizeof inner, "%s/%s", where, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlink(inner) < 0)
            remove_all(inner);
    }
    if (listed)
        closedir(listed);
    rmdir(where);
}

/* Returns how many copies of plugin files are mapped into this process. */
static int copies(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[PATH_MAX + 128];
    int count = 0;

    while (fgets(line, sizeof line, maps))
        count += strstr(line, "/memfd:tocsin:") != NULL;
    fclose(maps);
    return count;
}

static void end(void)
{
    ck_assert_int_eq(copies(), 0);
    remove_all(folder);
}

static int open_as(const char *name)
{
    int err;

    strcpy(reason, "");
    err = tocsin__file_open(&file, name, reason, sizeof reason);
    ck_assert_msg((err < 0) == (*reason != '\0'), "%d: '%s'", err, reason);
    return err;
}

static void check_opens(const char *name, const char *as)
{
    int err = open_as(name);

    ck_assert_msg(err == 0, "%s: %d: %s", name, err, reason);
    ck_assert_str_eq(file.path, as);
    tocsin__file_close(&file);
}

static void check_refused(const char *name, int err, const char *why)
{
    int descriptors = test_descriptors(), answer = open_as(name);

    ck_assert_msg(answer == err && strstr(reason, why), "%s: %d: '%s' instead of %d: '%s'", name,
                  answer, reason, err, why);
    ck_assert_int_eq(test_descriptors(), descriptors);
}

START_TEST(the_mapped_copy_does_not_change)
{
    struct object object = object_of("plain");
    char link[64], target[256] = "";

    ck_assert_int_eq(open_as(in_folder("x.so")), 0);
    ck_assert_str_eq(file.path, path);
    ck_assert_uint_eq(file.size, object.size);
    ck_assert_int_eq(memcmp(file.data, object.data, object.size), 0);
    ck_assert_int_eq(copies(), 1);
    ck_assert_int_eq(fcntl(file.fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(fcntl(file.fd, F_GET_SEALS),
                     F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    ck_assert_int_eq(ftruncate(file.fd, 0), -1);
    ck_assert_int_eq(pwrite(file.fd, "x", 1, 0), -1);
    snprintf(link, sizeof link, "/proc/self/fd/%d", file.fd);
    ck_assert_int_gt(readlink(link, target, sizeof target - 1), 0);
    ck_assert_str_eq(target, "/memfd:tocsin:x (deleted)");
    put("x.so", "gone", 4); /* The file changes. Its mapped copy must stay the same. */
    ck_assert_int_eq(memcmp(file.data, object.data, object.size), 0);
    tocsin__file_close(&file);
    ck_assert_int_eq(copies(), 0);
    free(object.data);
}
END_TEST

START_TEST(the_copy_can_be_mapped_by_the_dynamic_linker)
{
    char link[64];
    void *mapped;
    int (*init)(void);

    ck_assert_int_eq(open_as(in_folder("x.so")), 0);
    snprintf(link, sizeof link, "/proc/self/fd/%d", file.fd);
    mapped = dlopen(link, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(mapped != NULL, "%s", dlerror());
    init = (int (*)(void))dlsym(mapped, "tocsin_plugin_init");
    ck_assert_int_eq(init(), 0);
    dlclose(mapped);
    tocsin__file_close(&file);
}
END_TEST

START_TEST(a_copy_that_is_read_in_pieces)
{
    enum { SIZE = 3 * 64 * 1024 + 17 };
    unsigned char *data = malloc(SIZE);

    for (size_t i = 0; i < SIZE; i++)
        data[i] = (unsigned char)(i * 7 + i / 251);
    put("large.so", data, SIZE);
    ck_assert_int_eq(open_as(in_folder("large.so")), 0);
    ck_assert_uint_eq(file.size, SIZE);
    ck_assert_int_eq(memcmp(file.data, data, SIZE), 0);
    tocsin__file_close(&file);
    put("large.so", data, 64 * 1024);
    ck_assert_int_eq(open_as(in_folder("large.so")), 0);
    ck_assert_uint_eq(file.size, 64 * 1024);
    tocsin__file_close(&file);
    free(data);
}
END_TEST

/* Another process writes the file while it is read. The mapped copy must hold the bytes that
   were checked. */
START_TEST(a_file_that_changes_while_it_is_read)
{
    long rounds = test_scaled(300, 3, 30);
    pid_t writer, parent = getpid();

    put("y.so", "y", 1);
    writer = fork();
    ck_assert_int_ge(writer, 0);
    if (writer == 0) {
        for (int fd = open(path, O_WRONLY); getppid() == parent;)
            for (off_t size = 0; size < 1 << 18; size += 30011)
                if (ftruncate(fd, size) < 0)
                    _exit(1);
        _exit(0);
    }
    while (rounds--) {
        int err = open_as(in_folder("y.so"));

        ck_assert_msg(err == 0 || (err == -ENOEXEC && strstr(reason, "empty")), "%d: %s", err,
                      reason);
        if (err == 0) {
            struct stat it;

            ck_assert_int_eq(fstat(file.fd, &it), 0);
            ck_assert_uint_eq((size_t)it.st_size, file.size);
            tocsin__file_close(&file);
        }
    }
    kill(writer, SIGKILL);
    ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
}
END_TEST

/* Tests: the search path */

static void path_of(const char *format, ...)
{
    char value[4 * PATH_MAX];
    va_list values;

    va_start(values, format);
    ck_assert_int_lt(vsnprintf(value, sizeof value, format, values), sizeof value);
    va_end(values);
    ck_assert_int_eq(setenv("TOCSIN_PLUGIN_PATH", value, 1), 0);
}

static void check_folder(unsigned number, const char *is)
{
    char found[PATH_MAX];

    ck_assert_int_eq(tocsin__file_folder(number, found), 0);
    ck_assert_str_eq(found, is);
}

START_TEST(the_folders_of_the_path)
{
    char built[PATH_MAX], here[PATH_MAX], relative[2 * PATH_MAX];

    ck_assert_int_eq(tocsin__file_folder(0, built), 0);
    ck_assert_int_eq(built[0], '/');
    ck_assert_ptr_nonnull(strstr(built, "tocsin/plugins"));
    ck_assert_int_eq(tocsin__file_folder(1, here), -ENOENT);
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    snprintf(relative, sizeof relative, "%s/some/where", here);
    path_of(":/one::some/where:/two/:");
    check_folder(0, "/one");
    check_folder(1, relative);
    check_folder(2, "/two/");
    check_folder(3, built);
    ck_assert_int_eq(tocsin__file_folder(4, here), -ENOENT);
    ck_assert_int_eq(tocsin__file_folder(UINT_MAX, here), -ENOENT);
    path_of("%s", "");
    check_folder(0, built);
    path_of("::");
    check_folder(0, built);
    ck_assert_int_eq(chdir("/"), 0);
    path_of("some");
    check_folder(0, "/some");
}
END_TEST

START_TEST(a_name_is_looked_for_in_order)
{
    char first[1024];

    ck_assert_int_eq(mkdir(in_folder("first"), 0755), 0);
    strcpy(first, path);
    /* The first entry of the path is not a folder. The second entry is a folder that does not
       contain the file. */
    path_of("/nowhere:%s/x.so:%s:%s", folder, first, folder);
    check_opens("x", in_folder("x.so"));
    put("first/x.so", "first", 5);
    check_opens("x", in_folder("first/x.so"));
    ck_assert_int_eq(unlink(path), 0);
    /* A folder has the plugin's name: the search ends with an error. */
    ck_assert_int_eq(mkdir(path, 0755), 0);
    check_refused("x", -ENOEXEC, "not a regular file");
    ck_assert_int_eq(chdir(first), 0);
    path_of("..");
    strcat(first, "/../x.so");
    check_opens("x", first);
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(a_name_that_no_folder_contains)
{
    char wide[PATH_MAX - 8], small[40];

    path_of("/one:/two");
    check_refused("y", -ENOENT, "cannot find y.so in /one, /two, /");
    ck_assert_int_eq(tocsin__file_open(&file, "y", small, sizeof small), -ENOENT);
    ck_assert_str_eq(small, "cannot find y.so in /one, /two");
    ck_assert_int_eq(tocsin__file_open(&file, "y", NULL, 0), -ENOENT);
    memset(wide, 'w', sizeof wide);
    for (size_t i = 0; i < sizeof wide; i += 200)
        wide[i] = '/';
    wide[sizeof wide - 1] = '\0';
    path_of("%s", wide);
    check_refused("y", -ENOENT, "cannot find y.so in ");
    check_refused("a-name-that-is-too-long", -ENAMETOOLONG, "too long");
    path_of("relative%s", wide);
    check_refused("y", -ENAMETOOLONG, "TOCSIN_PLUGIN_PATH: ");
}
END_TEST

START_TEST(invalid_names_are_refused)
{
    static const char *const names[] = {
        "",     "X",
        "x.so", "a b",
        "a:b",  ".",
        "..",   "\xc3\xa4",
        "a\n",  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    };

    path_of("%s", folder);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_refused(names[i], -EINVAL, "not a plugin name");
    check_refused(NULL, -EINVAL, "not a plugin name");
    check_refused("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", -ENOENT,
                  "cannot find");
}
END_TEST

START_TEST(a_file_by_its_path)
{
    char here[PATH_MAX], was[PATH_MAX];

    ck_assert_ptr_nonnull(getcwd(was, sizeof was));
    check_opens(in_folder("x.so"), path);
    ck_assert_int_eq(chdir(folder), 0);
    snprintf(here, sizeof here, "%s/./x.so", folder);
    check_opens("./x.so", here);
    check_refused("./y.so", -ENOENT, "./y.so");
    check_refused("x.so/", -ENOTDIR, "x.so/");
    memset(here, 'a', sizeof here);
    memcpy(here, "./", 2);
    here[sizeof here - 1] = '\0';
    check_refused(here, -ENAMETOOLONG, "./aaa");
    ck_assert_int_eq(chdir(was), 0);
}
END_TEST

/* Tests: the type of the file */

static void socket_at(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    ck_assert_int_lt(snprintf(address.sun_path, sizeof address.sun_path, "%s", in_folder(name)),
                     sizeof address.sun_path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

START_TEST(files_of_another_type_are_refused)
{
    check_refused(folder, -ENOEXEC, "not a regular file");
    ck_assert_int_eq(mkfifo(in_folder("fifo.so"), 0644), 0);
    check_refused(path, -ENOEXEC, "not a regular file");
    socket_at("socket.so");
    check_refused(path, -ENOEXEC, "not a regular file");
    check_refused("/dev/zero", -ENOEXEC, "not a regular file");
    check_refused("/dev/null", -ENOEXEC, "not a regular file");
    put("empty.so", "", 0);
    check_refused(path, -ENOEXEC, "empty");
    ck_assert_int_eq(truncate(in_folder("x.so"), (1 << 30) + 1l), 0);
    check_refused(path, -ENOEXEC, "1 GiB");
    ck_assert_int_eq(symlink("loop.so", in_folder("loop.so")), 0);
    check_refused(path, -ELOOP, "loop.so");
}
END_TEST

/* Tests: the permissions of the file and its folders */

static bool as_root(const char *what)
{
    if (geteuid() != 0)
        test_skip(what, "not root");
    return geteuid() == 0;
}

/* Opens the file in a child without privileges, and returns the result. */
static int answer_of_nobody(const char *name)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
            _exit(255);
        _exit(-tocsin__file_open(&file, name, reason, sizeof reason));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 255);
    return -WEXITSTATUS(status);
}

static void check_judged(const char *name, const char *why)
{
    check_refused(name, -EPERM, why);
    ck_assert_ptr_nonnull(strstr(reason, "this program has privileges"));
    ck_assert_int_eq(answer_of_nobody(name), 0);
}

START_TEST(a_file_that_others_may_write_to)
{
    if (!as_root("plugin/file: files that others may write to"))
        return;
    in_folder("x.so");
    ck_assert_int_eq(answer_of_nobody(path), 0);
    ck_assert_int_eq(chmod(path, 0664), 0);
    check_judged(path, "a group may write to ");
    ck_assert_int_eq(chmod(path, 0646), 0);
    check_judged(path, "everybody may write to ");
    ck_assert_int_eq(chmod(path, 0444), 0);
    check_opens(path, path);
    ck_assert_int_eq(chown(path, NOBODY, 0), 0);
    check_judged(path, "/x.so belongs to user 65534");
    path_of("%s", folder);
    check_judged("x", "/x.so belongs to user 65534");
    ck_assert_int_eq(chown(path, 0, NOBODY), 0);
    check_opens(path, path);
    ck_assert_int_eq(chmod(path, 0600), 0);
    check_opens(path, path);
    ck_assert_int_eq(answer_of_nobody(path), -EACCES);
}
END_TEST

START_TEST(a_folder_that_others_may_write_to)
{
    if (!as_root("plugin/file: folders that others may write to"))
        return;
    in_folder("x.so");
    ck_assert_int_eq(chmod(folder, 0775), 0);
    check_judged(path, "a group may write to ");
    ck_assert_ptr_null(strstr(reason, "x.so"));
    ck_assert_int_eq(chmod(folder, 0777), 0);
    check_judged(path, "everybody may write to ");
    ck_assert_ptr_nonnull(strstr(reason, ": chmod go-w /"));
    /* The folder is world-writable and sticky. The plugin is accepted, since the folder and its
       files belong to root. */
    ck_assert_int_eq(chmod(folder, 01777), 0);
    check_opens(path, path);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(chown(folder, NOBODY, NOBODY), 0);
    check_judged(path, "belongs to user 65534: chown root ");
    ck_assert_ptr_null(strstr(reason, "x.so"));
    ck_assert_int_eq(chown(folder, 0, 0), 0);
    check_opens(path, path);
}
END_TEST

/* Creates a/b/c/x.so. The tests change the permissions of one parent folder at a time. */

static void deep_begin(void)
{
    struct object object = object_of("plain");

    ck_assert_int_eq(mkdir(in_folder("a"), 0755), 0);
    ck_assert_int_eq(mkdir(in_folder("a/b"), 0755), 0);
    ck_assert_int_eq(mkdir(in_folder("a/b/c"), 0755), 0);
    for (const char *const *name = (const char *const[]){ "a", "a/b", "a/b/c", NULL }; *name;
         name++)
        ck_assert_int_eq(chmod(in_folder(*name), 0755), 0);
    put("a/b/c/x.so", object.data, object.size);
    free(object.data);
}

static void check_named(const char *name, const char *inner, const char *why)
{
    char whole[600];

    snprintf(whole, sizeof whole, "%s%s", why, in_folder(inner));
    check_judged(name, whole);
}

START_TEST(a_parent_folder_that_others_may_write_to)
{
    static const char *const folders[] = { "a", "a/b", "a/b/c" };
    char file_name[512];

    if (!as_root("plugin/file: folders further up"))
        return;
    deep_begin();
    strcpy(file_name, in_folder("a/b/c/x.so"));
    check_opens(file_name, file_name);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(chmod(in_folder(folders[i]), 0775), 0);
        check_named(file_name, folders[i], "a group may write to ");
        ck_assert_int_eq(chmod(in_folder(folders[i]), 0757), 0);
        check_named(file_name, folders[i], "everybody may write to ");
        check_named(file_name, folders[i], "chmod go-w ");
        ck_assert_int_eq(chmod(in_folder(folders[i]), 01777), 0);
        check_opens(file_name, file_name);
        ck_assert_int_eq(chmod(in_folder(folders[i]), 0755), 0);
        ck_assert_int_eq(chown(in_folder(folders[i]), NOBODY, 0), 0);
        check_named(file_name, folders[i], "chown root ");
        /* the file is still refused, since the folder belongs to another user */
        ck_assert_int_eq(chmod(in_folder(folders[i]), 01755), 0);
        check_named(file_name, folders[i], "chown root ");
        ck_assert_int_eq(chown(in_folder(folders[i]), 0, 0), 0);
        ck_assert_int_eq(chmod(in_folder(folders[i]), 0755), 0);
    }
    path_of("%s/a/b/c", folder);
    ck_assert_int_eq(chmod(in_folder("a"), 0777), 0);
    check_judged("x", "everybody may write to ");
}
END_TEST

START_TEST(a_sticky_folder_with_foreign_files)
{
    char file_name[512], link[512];

    if (!as_root("plugin/file: sticky folders"))
        return;
    deep_begin();
    strcpy(file_name, in_folder("a/b/c/x.so"));
    ck_assert_int_eq(chmod(in_folder("a"), 01777), 0);
    ck_assert_int_eq(chown(in_folder("a/b"), NOBODY, 0), 0);
    check_named(file_name, "a/b", "chown root ");
    ck_assert_int_eq(chown(in_folder("a/b"), 0, 0), 0);
    check_opens(file_name, file_name);
    ck_assert_int_eq(symlink("b/c/x.so", in_folder("a/link.so")), 0);
    strcpy(link, path);
    check_opens(link, link);
    /* refused, since the owner of the link may write to this folder, and so can replace the link */
    ck_assert_int_eq(lchown(link, NOBODY, NOBODY), 0);
    check_named(link, "a/link.so", "chown root ");
    /* accepted, since nobody may write to this folder, so nobody can replace the link */
    ck_assert_int_eq(chmod(in_folder("a"), 0755), 0);
    check_opens(link, link);
}
END_TEST

START_TEST(links_in_the_path)
{
    char way[600], absolute[512];

    if (!as_root("plugin/file: links on the way"))
        return;
    deep_begin();
    ck_assert_int_eq(mkdir(in_folder("far"), 0755), 0);
    ck_assert_int_eq(chmod(in_folder("far"), 0755), 0);
    strcpy(absolute, in_folder("a/b"));
    ck_assert_int_eq(symlink(absolute, in_folder("far/b")), 0);
    ck_assert_int_eq(symlink("far", in_folder("near")), 0);
    ck_assert_int_eq(symlink("../a/./b/../b//c", in_folder("far/c")), 0);
    snprintf(way, sizeof way, "%s/near/b/c/x.so", folder);
    check_opens(way, way);
    /* Everybody may write to this folder, through which only links lead. */
    ck_assert_int_eq(chmod(in_folder("far"), 0777), 0);
    check_named(way, "far", "everybody may write to ");
    snprintf(way, sizeof way, "%s/near/c/x.so", folder);
    check_named(way, "far", "everybody may write to ");
    ck_assert_int_eq(chmod(in_folder("far"), 0755), 0);
    check_opens(way, way);
    /* The links lead into this folder, and everybody may write to it. */
    ck_assert_int_eq(chmod(in_folder("a"), 0777), 0);
    check_named(way, "a", "everybody may write to ");
    snprintf(way, sizeof way, "%s/a/../near/c/../c/x.so", folder);
    check_named(way, "a", "everybody may write to ");
    ck_assert_int_eq(chmod(in_folder("a"), 0755), 0);
    check_opens(way, way);
    ck_assert_int_eq(symlink("loop", in_folder("loop")), 0);
    snprintf(way, sizeof way, "%s/loop/x.so", folder);
    check_refused(way, -ELOOP, "loop/x.so");
}
END_TEST

START_TEST(a_link_is_followed)
{
    char link[512];

    ck_assert_int_eq(mkdir(in_folder("far"), 0755), 0);
    put("far/z.so", "far away", 8);
    ck_assert_int_eq(symlink("far/z.so", in_folder("link.so")), 0);
    strcpy(link, path);
    check_opens(link, link);
    if (!as_root("plugin/file: links, where others may write"))
        return;
    /* the owner of the link does not matter, since only the permissions of the folder do */
    ck_assert_int_eq(lchown(link, NOBODY, NOBODY), 0);
    check_opens(link, link);
    ck_assert_int_eq(chmod(in_folder("far"), 0777), 0);
    check_judged(link, "/far");
    ck_assert_int_eq(chmod(in_folder("far"), 0755), 0);
    ck_assert_int_eq(chmod(folder, 0777), 0);
    check_judged(link, "everybody may write to ");
    ck_assert_ptr_null(strstr(reason, "/far"));
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(chown(in_folder("far/z.so"), NOBODY, 0), 0);
    check_judged(link, "link.so belongs to user 65534");
}
END_TEST

/* Contract line F3: each allocation and each system call fails in turn */

static void open_both(void)
{
    int err = open_as(in_folder("x.so"));

    if (err == 0)
        tocsin__file_close(&file);
    ck_assert_int_eq(copies(), 0);
    if (open_as("x") == 0)
        tocsin__file_close(&file);
    else if (err == 0)
        ck_assert_msg(strstr(reason, "x.so: ") || strstr(reason, "TOCSIN_PLUGIN_PATH: ") ||
                          strstr(reason, folder) || *reason == '/',
                      "%s", reason);
    ck_assert_int_eq(copies(), 0);
}

START_TEST(each_call_fails_in_turn)
{
    path_of("relative:%s", folder);
    each_in_turn("plugin/file", open_both);
}
END_TEST

START_TEST(nothing_is_left_open_or_mapped)
{
    int descriptors = test_descriptors();

    path_of("/nowhere:%s", folder);
    for (int i = 0; i < 100; i++) {
        check_opens("x", in_folder("x.so"));
        check_refused("y", -ENOENT, "cannot find");
        check_refused(folder, -ENOEXEC, "not a regular file");
    }
    ck_assert_int_eq(test_descriptors(), descriptors);
    ck_assert_int_eq(copies(), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("plugin/file");
    TCase *tests = test_case(suite, "file");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_mapped_copy_does_not_change);
    tcase_add_test(tests, the_copy_can_be_mapped_by_the_dynamic_linker);
    tcase_add_test(tests, a_copy_that_is_read_in_pieces);
    tcase_add_test(tests, a_file_that_changes_while_it_is_read);
    tcase_add_test(tests, the_folders_of_the_path);
    tcase_add_test(tests, a_name_is_looked_for_in_order);
    tcase_add_test(tests, a_name_that_no_folder_contains);
    tcase_add_test(tests, invalid_names_are_refused);
    tcase_add_test(tests, a_file_by_its_path);
    tcase_add_test(tests, files_of_another_type_are_refused);
    tcase_add_test(tests, a_file_that_others_may_write_to);
    tcase_add_test(tests, a_folder_that_others_may_write_to);
    tcase_add_test(tests, a_parent_folder_that_others_may_write_to);
    tcase_add_test(tests, a_sticky_folder_with_foreign_files);
    tcase_add_test(tests, links_in_the_path);
    tcase_add_test(tests, a_link_is_followed);
    tcase_add_test(tests, each_call_fails_in_turn);
    tcase_add_test(tests, nothing_is_left_open_or_mapped);
    return suite;
}
