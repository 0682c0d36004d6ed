/* The file that "record" writes and "replay" reads. It has one line of text, and then frames, in
   the byte order of the machine. A frame that is incomplete or has a wrong sum ends the recording.
   So after a crash, everything up to the last complete frame can be read.

   frame      u32 size of what follows the sum, u32 sum, then one of:
   signal     u8 'S', u32 number in this file, the name and the layout's fields, each with a NUL
   emission   u8 'E', u32 number, i32 code, i32 status, u32 overrun, u64 sequence, u64 parent,
              i64 turn_us, the fields
   lost       u8 'L', u64 number of emissions that could not be written here

   A number is written as it is. A text (with its NUL) or bytes are written after a u32 length; for
   a NULL text the length is RECORDING_NONE. Fields that mean nothing in another process (fd,
   object, local) are not written. */
#ifndef PLUGINS_RECORDING_H
#define PLUGINS_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define RECORDING "tocsin recording 1, little-endian\n"
#else
#define RECORDING "tocsin recording 1, big-endian\n"
#endif
enum { RECORDING_MOST = 64 << 20 }; /* the largest size of a frame, in bytes */
#define RECORDING_NONE UINT32_MAX

/* Returns the FNV-1a hash. The hash detects accidental damage, but not forgery. */
static inline uint32_t recording_sum(const unsigned char *data, size_t size)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ data[i]) * 16777619u;
    return sum;
}

#endif
