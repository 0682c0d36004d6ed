/* The file that "record" writes and "replay" reads: a line, then frames in the byte order of the machine. A frame that is not whole, or whose sum is wrong, ends the recording: so
   after a crash it can be read to the last whole one.

   frame:     u32 size of what follows the sum, u32 sum, and then
   SIGNAL     u8 'S', u32 number in this file, its name and the fields of its layout, each with a NUL
   EMISSION   u8 'E', u32 number, i32 code, i32 status, u32 overrun, u64 sequence, u64 parent, i64 turn_us, the fields: numbers as they are, a text with its NUL or
              bytes with their u32 length in front (NONE: a text that is NULL); what means nothing in another process (fd, object, local) is left out
   LOST       u8 'L', u64 how many emissions could not be written here */
#ifndef PLUGINS_RECORDING_H
#define PLUGINS_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define RECORDING "tocsin recording 1, little-endian\n"
#else
#define RECORDING "tocsin recording 1, big-endian\n"
#endif
enum { RECORDING_MOST = 64 << 20 };                    /* bytes of a frame */
#define RECORDING_NONE UINT32_MAX

/* FNV-1a: it finds what was cut off or overwritten, it is no protection against malice. */
static inline uint32_t recording_sum(const unsigned char *data, size_t size)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ data[i]) * 16777619u;
    return sum;
}

#endif
