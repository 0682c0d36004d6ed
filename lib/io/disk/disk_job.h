/* The jobs of a file: blocking system calls, which a thread of the pool makes. */
#ifndef TOCSIN_IO_DISK_JOB_H
#define TOCSIN_IO_DISK_JOB_H

#include "io/disk/disk.h"

/* Runs the job that disk->verb names, and stores its result. */
void tocsin__disk_job(struct tocsin__disk *disk);

#endif
