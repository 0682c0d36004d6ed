/* Waits for any signal of a set, first with tocsin_queue_wait(), then in a poll loop of the
   program. */
#include <poll.h>
#include <stdio.h>
#include <tocsin.h>

int main(void)
{
    struct tocsin_queue queue;
    struct tocsin_info *info;
    int err, left = 3;

    tocsin_timer(0, NULL, NULL); /* the first timer creates the loop of this thread */
    if (tocsin_queue_open("timer.*, config.changed", NULL, &queue) == -ENOENT)
        puts("config.changed: nobody declared it");
    if (tocsin_queue_open("timer.*", NULL, &queue) < 0)
        return 1;

    /* waits at most five seconds for any signal of the set */
    err = tocsin_queue_wait(queue, 5000, &info);
    if (err == 0)
        printf("%s\n", info->name), tocsin_info_unref(info);
    else
        printf("%s\n", tocsin_strerror(err));

    /* From here on the program polls in its own poll loop. The descriptor is readable when tocsin
       has anything to do, such as a due timer. */
    tocsin_every(1, NULL, NULL);
    struct pollfd fds[] = { { .fd = -1, .events = POLLIN },
                            { .fd = tocsin_queue_fd(queue), .events = POLLIN } };
    while (left > 0 && poll(fds, 2, -1) > 0 && !fds[0].revents)
        while (left > 0 && tocsin_queue_wait(queue, 0, &info) == 0)
            printf("%s\n", info->name), tocsin_info_unref(info), left--;
    /* The repeating timer still exists, so tocsin_loop_free() returns 1. */
    return tocsin_queue_close(queue) | (tocsin_loop_free() != 1);
}
