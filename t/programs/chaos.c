/* Usage: chaos SCENE [SETTING=VALUE …]. Runs one scene with the plugin "chaos", or without
   plugins. The program moves the clock itself, so the result does not depend on the speed of the
   machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tocsin.h>
#include <tocsin/host.h>

static int quick(void *arg)
{
    (void)arg;
    return 0;
}

/* Scene: a job has a deadline, and always ends before it. Without the plugin chaos, the code for a
   passed deadline never runs. */
static int on_over(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    printf("%s\n", tocsin_strerror(info->status));
    return TOCSIN_NEXT;
}

static int scene_deadline(void)
{
    struct tocsin_op job;

    tocsin_work(quick, NULL, TOCSIN_CALL(on_over), &job);
    return tocsin_op_deadline(job, 2000) | tocsin_clock_move(10000);
}

/* Scene: each typed letter starts a search, and the program shows the newest result. The program
   has a bug: it takes the search that ends last for the newest one. */
static const char *shown;

static int on_found(const struct tocsin_info *info, void *arg)
{
    (void)info;
    shown = arg;
    return TOCSIN_NEXT;
}

static int scene_search(void)
{
    struct tocsin_pool one;

    if (tocsin_pool_new(1, 0, &one) < 0)
        return 1;
    for (const char *const *typed = (const char *const[]){ "s", "se", "sea", NULL }; *typed;
         typed++)
        tocsin_work_with(&(struct tocsin_work_options){ .pool = one }, quick, NULL,
                         TOCSIN_CALL(on_found, (void *)(uintptr_t)*typed), NULL);
    tocsin_clock_move(1000);
    printf("%s\n", shown);
    return tocsin_pool_free(one) < 0;
}

/* Scene: the program prints numbered messages in the order of their arrival. */
#define COUNTED(F) F(u32, number)
TOCSIN_LAYOUT(counted, COUNTED);

static int on_counted(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    printf("%u ", counted_of(info)->number);
    return TOCSIN_NEXT;
}

static int scene_messages(void)
{
    int signo = tocsin_declare(&(struct tocsin_signal_spec){
        .name = "messages.counted", .doc = "One more.", .layout = &counted_layout });
    unsigned refused = 0;

    if (tocsin_on("messages.counted", on_counted, NULL) < 0)
        return 1;
    for (uint32_t number = 1; number <= 24; number++)
        refused += tocsin_post(signo, TOCSIN_PAYLOAD(counted, .number = number)) == -EAGAIN;
    tocsin_clock_move(1000);
    printf("and %u refused\n", refused);
    return 0;
}

int main(int argc, char *argv[])
{
    const char *scene = argc > 1 ? argv[1] : "";

    if (argc > 2 && tocsin_plugin_load("chaos", (const char *const *)argv + 2) < 0) {
        fprintf(stderr, "%s\n", tocsin_plugin_last_error());
        return EXIT_FAILURE;
    }
    if (tocsin_clock_move(0) < 0)
        return EXIT_FAILURE;
    if (strcmp(scene, "deadline") == 0)
        return scene_deadline();
    if (strcmp(scene, "search") == 0)
        return scene_search();
    return strcmp(scene, "messages") == 0 ? scene_messages() : EXIT_FAILURE;
}
