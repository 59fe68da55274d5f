#include "power_cut.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A write or a cut that no sync has followed yet. */
struct change {
    struct change *next;
    int is_cut;
    sqlite3_int64 offset;
    size_t length;
    unsigned char bytes[];
};

struct content {
    unsigned char *bytes;
    sqlite3_int64 size;
};

/* One file: what the disk holds of it, what the kernel shows of it, and what is on its way from there to the disk. */
struct image {
    struct image *next;
    char *path;
    struct content disk, live;
    struct change *first, *last;
    int is_deleted;
};

struct disk {
    struct disk *next;
    char *directory;
    struct image *images;
    uint64_t operations, syncs;
    uint32_t sync_delay;
    int32_t failing_syncs;
    sqlite3_int64 space;
};

struct file {
    sqlite3_file base;
    struct disk *disk;
    struct image *image;
    sqlite3_file *real;
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static struct disk *disks;
static sqlite3_vfs *below;
static sqlite3_vfs vfs;

/* A test whose memory is gone cannot go on. */
static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

static void lock(void) { pthread_mutex_lock(&turn); }

static void unlock(void) { pthread_mutex_unlock(&turn); }

/* --- images, all under the lock --- */

static void resize(struct content *content, sqlite3_int64 size) {
    if (size > content->size) {
        content->bytes = must(realloc(content->bytes, (size_t)size));
        memset(content->bytes + content->size, 0, (size_t)(size - content->size));
    }
    content->size = size;
}

static void put(struct content *content, const void *bytes, size_t length, sqlite3_int64 offset) {
    if (offset + (sqlite3_int64)length > content->size) resize(content, offset + (sqlite3_int64)length);
    if (length) memcpy(content->bytes + offset, bytes, length);
}

static void apply(struct content *content, const struct change *change) {
    if (!change->is_cut) {
        put(content, change->bytes, change->length, change->offset);
    } else if (change->offset < content->size) {
        resize(content, change->offset);
    }
}

static void forget_changes(struct image *image) {
    while (image->first) {
        struct change *change = image->first;
        image->first = change->next;
        free(change);
    }
    image->last = NULL;
}

static void note(struct image *image, int is_cut, const void *bytes, size_t length, sqlite3_int64 offset) {
    struct change *change = must(malloc(sizeof *change + length));
    change->next = NULL;
    change->is_cut = is_cut;
    change->offset = offset;
    change->length = length;
    if (length) memcpy(change->bytes, bytes, length);
    if (image->last) image->last->next = change; else image->first = change;
    image->last = change;
}

static struct disk *disk_named(const char *directory) {
    for (struct disk *disk = disks; disk; disk = disk->next)
        if (strcmp(disk->directory, directory) == 0) return disk;
    return NULL;
}

static struct disk *disk_of(const char *path) {
    for (struct disk *disk = disks; path && disk; disk = disk->next) {
        size_t length = strlen(disk->directory);
        if (strncmp(path, disk->directory, length) == 0 && path[length] == '/') return disk;
    }
    return NULL;
}

static struct image *image_of(struct disk *disk, const char *path) {
    for (struct image *image = disk->images; image; image = image->next)
        if (strcmp(image->path, path) == 0) return image;
    return NULL;
}

static sqlite3_int64 used(const struct disk *disk) {
    sqlite3_int64 sum = 0;
    for (const struct image *image = disk->images; image; image = image->next) sum += image->live.size;
    return sum;
}

/* The image of a file that was just opened; what it held before counts as synced. */
static struct image *begin_image(struct disk *disk, const char *path, sqlite3_file *real) {
    struct image *image = image_of(disk, path);
    sqlite3_int64 size = 0;
    if (real->pMethods->xFileSize(real, &size) != SQLITE_OK) size = 0;
    if (image) {
        /* Made again after it was deleted: the disk keeps the old one until the new one is synced. */
        if (image->is_deleted) note(image, 1, NULL, 0, 0);
        image->is_deleted = 0;
        return image;
    }
    image = must(calloc(1, sizeof *image));
    image->path = must(strdup(path));
    resize(&image->disk, size);
    /* Not by a descriptor of our own: closing one would drop the locks of this process on the file. */
    if (size) real->pMethods->xRead(real, image->disk.bytes, (int)size, 0);
    put(&image->live, image->disk.bytes, (size_t)size, 0);
    image->next = disk->images;
    disk->images = image;
    return image;
}

/* --- methods of a file --- */

#define REAL(handle) (((struct file *)(handle))->real)

static int file_close(sqlite3_file *base) {
    int code = REAL(base)->pMethods->xClose(REAL(base));
    base->pMethods = NULL;
    return code;
}

static int file_read(sqlite3_file *base, void *bytes, int length, sqlite3_int64 offset) {
    return REAL(base)->pMethods->xRead(REAL(base), bytes, length, offset);
}

static int file_write(sqlite3_file *base, const void *bytes, int length, sqlite3_int64 offset) {
    struct file *file = (struct file *)base;
    if (!file->image) return file->real->pMethods->xWrite(file->real, bytes, length, offset);
    lock();
    struct disk *disk = file->disk;
    struct image *image = file->image;
    sqlite3_int64 end = offset + length;
    sqlite3_int64 growth = end > image->live.size ? end - image->live.size : 0;
    if (growth && disk->space >= 0 && used(disk) + growth > disk->space) {
        unlock();
        return SQLITE_FULL;
    }
    int code = file->real->pMethods->xWrite(file->real, bytes, length, offset);
    if (code == SQLITE_OK) {
        disk->operations++;
        put(&image->live, bytes, (size_t)length, offset);
        note(image, 0, bytes, (size_t)length, offset);
    }
    unlock();
    return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size) {
    struct file *file = (struct file *)base;
    if (!file->image) return file->real->pMethods->xTruncate(file->real, size);
    lock();
    int code = file->real->pMethods->xTruncate(file->real, size);
    if (code == SQLITE_OK) {
        file->disk->operations++;
        resize(&file->image->live, size);
        note(file->image, 1, NULL, 0, size);
    }
    unlock();
    return code;
}

static int file_sync(sqlite3_file *base, int flags) {
    struct file *file = (struct file *)base;
    if (!file->image) return file->real->pMethods->xSync(file->real, flags);
    lock();
    struct disk *disk = file->disk;
    for (uint32_t waited = 0; waited < disk->sync_delay; waited++) {
        unlock();
        usleep(1000);
        lock();
    }
    int code = SQLITE_OK;
    disk->operations++;
    disk->syncs++;
    if (disk->failing_syncs) {
        if (disk->failing_syncs > 0) disk->failing_syncs--;
        code = SQLITE_IOERR_FSYNC;
    } else {
        for (struct change *change = file->image->first; change; change = change->next)
            apply(&file->image->disk, change);
        /* As with a file system that keeps a journal: one sync takes along what was deleted before it. */
        for (struct image *image = disk->images; image; image = image->next)
            if (image->is_deleted) resize(&image->disk, 0);
    }
    forget_changes(file->image);
    unlock();
    return code;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size) {
    return REAL(base)->pMethods->xFileSize(REAL(base), size);
}

static int file_lock(sqlite3_file *base, int level) { return REAL(base)->pMethods->xLock(REAL(base), level); }

static int file_unlock(sqlite3_file *base, int level) {
    return REAL(base)->pMethods->xUnlock(REAL(base), level);
}

static int file_check_lock(sqlite3_file *base, int *is_held) {
    return REAL(base)->pMethods->xCheckReservedLock(REAL(base), is_held);
}

static int file_control(sqlite3_file *base, int operation, void *argument) {
    return REAL(base)->pMethods->xFileControl(REAL(base), operation, argument);
}

static int file_sector_size(sqlite3_file *base) { return REAL(base)->pMethods->xSectorSize(REAL(base)); }

static int file_characteristics(sqlite3_file *base) {
    return REAL(base)->pMethods->xDeviceCharacteristics(REAL(base));
}

static int file_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **memory) {
    return REAL(base)->pMethods->xShmMap(REAL(base), page, size, extend, memory);
}

static int file_shm_lock(sqlite3_file *base, int offset, int count, int flags) {
    return REAL(base)->pMethods->xShmLock(REAL(base), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *base) { REAL(base)->pMethods->xShmBarrier(REAL(base)); }

static int file_shm_unmap(sqlite3_file *base, int is_deleted) {
    return REAL(base)->pMethods->xShmUnmap(REAL(base), is_deleted);
}

/* Version 2: shared memory for the WAL, and no mapped pages, which would get around file_write. */
static const sqlite3_io_methods methods = {
    2, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock,
    file_check_lock, file_control, file_sector_size, file_characteristics, file_shm_map, file_shm_lock,
    file_shm_barrier, file_shm_unmap, NULL, NULL,
};

/* --- methods of the VFS; what is not here is the system's --- */

static int vfs_open(
    sqlite3_vfs *self, sqlite3_filename name, sqlite3_file *base, int flags, int *flags_out
) {
    (void)self;
    struct file *file = (struct file *)base;
    memset(file, 0, sizeof *file);
    file->real = (sqlite3_file *)(file + 1);
    int code = below->xOpen(below, name, file->real, flags, flags_out);
    if (code != SQLITE_OK) {
        if (file->real->pMethods) file->real->pMethods->xClose(file->real);
        return code;
    }
    file->base.pMethods = &methods;
    lock();
    file->disk = disk_of(name);
    if (file->disk) file->image = begin_image(file->disk, name, file->real);
    unlock();
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *self, const char *name, int syncs_directory) {
    (void)self;
    int code = below->xDelete(below, name, 0);
    lock();
    struct disk *disk = disk_of(name);
    struct image *image = disk ? image_of(disk, name) : NULL;
    if (image && code == SQLITE_OK) {
        disk->operations++;
        image->is_deleted = 1;
        resize(&image->live, 0);
        forget_changes(image);
        if (syncs_directory) resize(&image->disk, 0);
    }
    unlock();
    return code;
}

int power_cut_register(void) {
    lock();
    int code = SQLITE_OK;
    if (!below) {
        below = sqlite3_vfs_find(NULL);
        if (below) {
            vfs = *below;
            vfs.szOsFile = (int)sizeof(struct file) + below->szOsFile;
            vfs.pNext = NULL;
            vfs.zName = "power-cut";
            vfs.xOpen = vfs_open;
            vfs.xDelete = vfs_delete;
            code = sqlite3_vfs_register(&vfs, 1);
        } else {
            code = SQLITE_ERROR;
        }
    }
    unlock();
    return code;
}

int power_cut_mount(const char *directory) {
    lock();
    int is_new = disk_named(directory) == NULL;
    if (is_new) {
        struct disk *disk = must(calloc(1, sizeof *disk));
        disk->directory = must(strdup(directory));
        disk->space = -1;
        disk->next = disks;
        disks = disk;
    }
    unlock();
    return is_new ? 0 : -1;
}

void power_cut_unmount(const char *directory) {
    lock();
    for (struct disk **link = &disks; *link; link = &(*link)->next) {
        struct disk *disk = *link;
        if (strcmp(disk->directory, directory) != 0) continue;
        *link = disk->next;
        while (disk->images) {
            struct image *image = disk->images;
            disk->images = image->next;
            forget_changes(image);
            free(image->disk.bytes);
            free(image->live.bytes);
            free(image->path);
            free(image);
        }
        free(disk->directory);
        free(disk);
        break;
    }
    unlock();
}

/* --- after the power cut --- */

static uint64_t chance(uint64_t *state) {
    uint64_t value = (*state += 0x9e3779b97f4a7c15u);
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

/* Applies what was on its way as far as chance wills; a sector of 512 bytes is written whole or not at all. */
static void tear(struct content *content, const struct change *changes, uint64_t *state) {
    for (const struct change *change = changes; change; change = change->next) {
        uint64_t draw = chance(state);
        if (draw & 1) continue;
        if (change->is_cut || (draw & 2)) {
            apply(content, change);
            continue;
        }
        size_t sectors = change->length / 512;
        put(content, change->bytes, sectors ? chance(state) % sectors * 512 : 0, change->offset);
    }
}

static int write_out(const struct content *content, const char *path, const char *target) {
    const char *name = strrchr(path, '/');
    size_t length = strlen(target) + strlen(name) + 1;
    char *copy = must(malloc(length));
    snprintf(copy, length, "%s%s", target, name);
    FILE *out = fopen(copy, "wb");
    free(copy);
    if (!out) return -1;
    size_t size = (size_t)content->size;
    int is_written = fwrite(content->bytes, 1, size, out) == size;
    return fclose(out) == 0 && is_written ? 0 : -1;
}

int power_cut_image(const char *directory, const char *target, uint64_t seed) {
    int code = 0;
    uint64_t state = seed;
    lock();
    struct disk *disk = disk_named(directory);
    if (!disk) code = -1;
    for (struct image *image = disk ? disk->images : NULL; image && code == 0; image = image->next) {
        struct content copy = {NULL, 0};
        put(&copy, image->disk.bytes, (size_t)image->disk.size, 0);
        if (seed) tear(&copy, image->first, &state);
        if (copy.size) code = write_out(&copy, image->path, target);
        free(copy.bytes);
    }
    unlock();
    return code;
}

int power_cut_live(const char *directory, const char *target) {
    int code = 0;
    lock();
    struct disk *disk = disk_named(directory);
    if (!disk) code = -1;
    for (struct image *image = disk ? disk->images : NULL; image && code == 0; image = image->next)
        if (image->live.size) code = write_out(&image->live, image->path, target);
    unlock();
    return code;
}

/* --- what a test turns and reads --- */

#define WITH_DISK(directory, statement)              \
    do {                                             \
        lock();                                      \
        struct disk *disk = disk_named(directory);   \
        if (disk) { statement; }                     \
        unlock();                                    \
    } while (0)

uint64_t power_cut_operations(const char *directory) {
    uint64_t count = 0;
    WITH_DISK(directory, count = disk->operations);
    return count;
}

uint64_t power_cut_syncs(const char *directory) {
    uint64_t count = 0;
    WITH_DISK(directory, count = disk->syncs);
    return count;
}

void power_cut_set_sync_delay(const char *directory, uint32_t milliseconds) {
    WITH_DISK(directory, disk->sync_delay = milliseconds);
}

void power_cut_fail_syncs(const char *directory, int32_t count) {
    WITH_DISK(directory, disk->failing_syncs = count);
}

void power_cut_set_space(const char *directory, int64_t bytes) {
    WITH_DISK(directory, disk->space = bytes);
}

int64_t power_cut_used(const char *directory) {
    int64_t bytes = 0;
    WITH_DISK(directory, bytes = used(disk));
    return bytes;
}
