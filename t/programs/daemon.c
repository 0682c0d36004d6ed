/* A daemon. SIGHUP makes it read its configuration again. The first SIGTERM or Ctrl-C drains the
   loop. The second one stops the loop at once. "daemon busy" has a timer of an hour. "daemon plain"
   handles no signal, so the default actions stop its loop. */
#include <stdio.h>
#include <string.h>
#include <tocsin.h>

static int on_term(const struct tocsin_info *info, void *arg)
{
    (void)arg;
    printf("%s: draining\n", info->name);
    /* The handler is TOCSIN_ONCE, so a second signal gets the default action, which stops the loop
       at once. */
    return tocsin_drain(-1);
}

static int on_hup(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_os_signal *sent = tocsin_os_signal_of(info);

    (void)arg;
    printf("reloading, asked by pid %d\n", sent->pid);
    return TOCSIN_NEXT;
}

static int on_minute(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    return TOCSIN_NEXT;
}

static int on_running(const struct tocsin_info *info, void *arg)
{
    (void)info, (void)arg;
    printf("running\n");
    return TOCSIN_NEXT;
}

static int handlers(void)
{
    return tocsin_connect("os.sigterm, os.sigint",
                          &(struct tocsin_action){ .fn = on_term, .flags = TOCSIN_ONCE },
                          NULL) < 0 ||
           tocsin_on("os.sighup", on_hup, NULL) < 0;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    int status;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if ((strcmp(how, "plain") != 0 && handlers()) ||
        (strcmp(how, "busy") == 0 && tocsin_timer(3600 * 1000, NULL, NULL) < 0) ||
        tocsin_every(60 * 1000, TOCSIN_EACH(on_minute, NULL), NULL) < 0 ||
        tocsin_timer(0, TOCSIN_CALL(on_running), NULL) < 0)
        return 2;
    status = tocsin_run();
    printf("ended: %s\n", tocsin_strerror(status));
    tocsin_loop_free();
    return status;
}
