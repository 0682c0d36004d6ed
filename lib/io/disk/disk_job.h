/* The jobs of a file: blocking system calls, made by a thread of the pool. */
#ifndef TOCSIN_IO_DISK_JOB_H
#define TOCSIN_IO_DISK_JOB_H

#include "io/disk/disk.h"

/* Does what disk->verb says, and stores the result. */
void tocsin__disk_job(struct tocsin__disk *disk);

#endif
