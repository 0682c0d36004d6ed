/* A name server over UDP that replies 192.0.2.1 to every question: names udp:*:5353. */
#include <string.h>
#include <tocsin/io.h>

static int on_asked(const struct tocsin_info *info, void *arg)
{
    static const unsigned char answer[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 };
    const struct tocsin_datagram_received *asked = tocsin_datagram_received_of(info);
    const unsigned char *data = asked->data.data;
    unsigned char reply[512];
    size_t end = 12;

    (void)arg;
    while (end < asked->data.size && data[end])
        end += data[end] + 1u;
    end += 5; /* end of the question: a zero, type, class */
    if (end > asked->data.size || end + sizeof answer > sizeof reply)
        return TOCSIN_NEXT;
    memcpy(reply, data, end);
    memcpy(reply + end, answer, sizeof answer);
    memcpy(reply + 2, (unsigned char[]){ 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0 }, 10);
    return tocsin_datagram_send(tocsin_info_op(info), asked->peer, reply, end + sizeof answer);
}

int main(int argc, char *argv[])
{
    return argc != 2 || tocsin_datagram_open(argv[1], NULL, TOCSIN_EACH(on_asked), NULL) < 0 ||
           tocsin_run() < 0;
}
