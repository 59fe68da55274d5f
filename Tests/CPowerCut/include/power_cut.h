/* A disk whose power can be cut, for SQLite.
 *
 * A SQLite VFS, named "power-cut", that hands everything on to the system's and keeps beside it, in memory, what a
 * disk would hold if the power went now: bytes count from the moment their file was synced. The files of mounted
 * directories are treated so; all others are handed on. fsync itself is not called, so that tests are quick: the
 * picture in memory is the disk.
 *
 * Every function may be called from any thread. A directory is named by its real path, without a slash at the end.
 */
#ifndef POWER_CUT_H
#define POWER_CUT_H

#include <stdint.h>

/* Makes the VFS the one of this process, for connections that are opened from now on; 0 when it is. */
int power_cut_register(void);

/* The files in the directory are on the disk from now on, with what they hold; 0 on success. */
int power_cut_mount(const char *directory);

/* Forgets the disk. No file in the directory may be open. */
void power_cut_unmount(const char *directory);

/* Writes the files as they would be after a power cut into another directory; 0 on success.
 * With a seed, every write that was not synced has got to the disk or has not, alone or in part, as chance wills. */
int power_cut_image(const char *directory, const char *target, uint64_t seed);

/* Writes the files as the kernel shows them, which is what the death of the process leaves; 0 on success. */
int power_cut_live(const char *directory, const char *target);

/* How many writes and syncs there were. */
uint64_t power_cut_operations(const char *directory);

/* How many times a sync was asked for. */
uint64_t power_cut_syncs(const char *directory);

/* Each sync takes this long, also one that is under way: less than it has waited already ends it. */
void power_cut_set_sync_delay(const char *directory, uint32_t milliseconds);

/* The next syncs fail, -1: all of them. As on Linux, what a failed sync should have written is lost:
 * a later sync succeeds without it. */
void power_cut_fail_syncs(const char *directory, int32_t count);

/* The files may hold so many bytes together, -1: any number. */
void power_cut_set_space(const char *directory, int64_t bytes);

/* How many bytes they hold. */
int64_t power_cut_used(const char *directory);

#endif
