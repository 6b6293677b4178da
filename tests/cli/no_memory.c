/* Loaded into the program by a test: from when the file that $BROKEN names is there, there is no memory left. */
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);

void *malloc(size_t size)
{
    const char *broken = getenv("BROKEN");
    return broken && access(broken, F_OK) == 0 ? NULL : __libc_malloc(size);
}
