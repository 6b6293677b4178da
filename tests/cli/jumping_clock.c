/* Loaded into the program by a test: the file that $JUMP names holds by how many seconds the clock of the calendar has
 * jumped, and that of the boot: somebody has set the time, or the machine was suspended. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = syscall(SYS_clock_gettime, clock, now);
    long calendar = 0, boot = 0;
    FILE *file = fopen(getenv("JUMP"), "r");
    if (file) {
        if (fscanf(file, "%ld %ld", &calendar, &boot) != 2)
            calendar = boot = 0;
        fclose(file);
    }
    now->tv_sec += clock == CLOCK_REALTIME ? calendar : clock == CLOCK_BOOTTIME ? boot : 0;
    return failed;
}
