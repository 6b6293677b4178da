/* Loaded into the program by a test: from when the file that $BROKEN names is there, the clock fails. Rust's library
 * takes that for impossible and panics. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    return access(getenv("BROKEN"), F_OK) == 0 ? -1 : syscall(SYS_clock_gettime, clock, now);
}
