/* A disk that can lose its power and be full, for the files of one folder and one process: preload this library
 * (LD_PRELOAD).
 *
 * DISK_FOLDER is the folder; DISK_PLATTER is another folder, which holds what the disk would hold if the power went
 * now. A byte that was written gets there when fsync or fdatasync was called for its file: until then only the kernel
 * has it, and a process that is killed loses nothing of it. Whoever wants a power cut kills the process and takes the
 * files of DISK_PLATTER instead of those of DISK_FOLDER. Names count at once: a new name, a removed one.
 *
 * SHIM_CONTROL names a file of 8 bytes, a signed number in the machine's byte order: bytes that the files of the
 * folder may still grow by, or less than zero for any number. At zero a write that makes a file longer fails with
 * ENOSPC. At -2 fsync does nothing and says that it did.
 *
 * Linux, 64 bit. Meant for SQLite and for the append-only files of Redis, which write by write, pwrite and ftruncate.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { most_descriptors = 65536, most_files = 256, lies = -2 };

struct file {
    char name[NAME_MAX * 2];
    /* Written since the last sync. */
    off_t from, until;
    int is_cut;
};

static const char *folder, *platter;
static int64_t *room;
static struct file files[most_files];
static int file_count;
/* Descriptor to 1 + place in files; 0: not of the folder. */
static int places[most_descriptors];
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

static void *must_find(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static void find_all(void) {
    real_write = must_find("write");
    real_pwrite = must_find("pwrite64");
    real_fsync = must_find("fsync");
    real_fdatasync = must_find("fdatasync");
    real_ftruncate = must_find("ftruncate64");
    real_open = must_find("open64");
    real_close = must_find("close");
    real_unlink = must_find("unlink");
    real_rename = must_find("rename");
}

__attribute__((constructor)) static void begin(void) {
    find_all();
    /* Copies: Redis writes its title over its environment. */
    folder = getenv("DISK_FOLDER") ? strdup(getenv("DISK_FOLDER")) : NULL;
    platter = getenv("DISK_PLATTER") ? strdup(getenv("DISK_PLATTER")) : NULL;
    const char *path = getenv("SHIM_CONTROL");
    int control = path ? real_open(path, O_RDWR | O_CLOEXEC) : -1;
    /* A disk that does not lose would make a run safe for the wrong reason. */
    if (!folder || !platter || control < 0) abort();
    room = mmap(NULL, sizeof *room, PROT_READ | PROT_WRITE, MAP_SHARED, control, 0);
    if (room == MAP_FAILED) abort();
    real_close(control);
}

/* The name inside the folder, or NULL. */
static const char *inside(const char *path) {
    static __thread char full[PATH_MAX];
    if (!folder || !path) return NULL;
    size_t length = strlen(folder);
    if (path[0] != '/') {
        if (!getcwd(full, sizeof full - strlen(path) - 2)) return NULL;
        strcat(full, "/");
        strcat(full, path);
        path = full;
    }
    if (strncmp(path, folder, length) != 0 || path[length] != '/') return NULL;
    return path + length + 1;
}

static void platter_path(char *text, const char *name) {
    snprintf(text, PATH_MAX, "%s/%s", platter, name);
    /* Folders of the name. */
    for (char *slash = text + strlen(platter) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(text, 0700);
        *slash = '/';
    }
}

/* The WAL index of SQLite is memory, not disk. */
static int is_memory(const char *name) {
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, "-shm") == 0;
}

/* Brings a part of a file to the platter. */
static void copy_range(int descriptor, const char *name, off_t from, off_t until, int is_cut) {
    char target[PATH_MAX], source[64];
    static char bytes[65536]; /* Under the lock. */
    platter_path(target, name);
    int copy = real_open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (copy < 0) abort();
    snprintf(source, sizeof source, "/proc/self/fd/%d", descriptor);
    /* The descriptor may be for writing only. */
    int reader = real_open(source, O_RDONLY | O_CLOEXEC);
    if (reader < 0) abort();
    off_t place = from;
    while (place < until) {
        size_t wanted = sizeof bytes;
        if ((off_t)wanted > until - place) wanted = (size_t)(until - place);
        ssize_t got = pread(reader, bytes, wanted, place);
        if (got <= 0) break;
        if (real_pwrite(copy, bytes, (size_t)got, place) != got) abort();
        place += got;
    }
    struct stat state;
    if (is_cut && fstat(reader, &state) == 0 && real_ftruncate(copy, state.st_size) != 0) abort();
    real_close(reader);
    real_close(copy);
}

static void note_open(int descriptor, const char *path, int flags) {
    const char *name = inside(path);
    if (descriptor < 0 || descriptor >= most_descriptors || !name || is_memory(name)) return;
    struct stat state;
    if (fstat(descriptor, &state) != 0 || !S_ISREG(state.st_mode)) return;
    pthread_mutex_lock(&turn);
    int place = 0;
    while (place < file_count && strcmp(files[place].name, name) != 0) place++;
    if (place == file_count) {
        if (file_count == most_files || strlen(name) >= sizeof files[0].name) abort();
        strcpy(files[place].name, name);
        file_count++;
    }
    char target[PATH_MAX];
    platter_path(target, name);
    /* New, or made again after it was removed: what it holds now counts as synced. */
    if (access(target, F_OK) != 0) {
        files[place].from = 0;
        files[place].until = state.st_size;
        files[place].is_cut = 0;
        copy_range(descriptor, name, 0, state.st_size, 0);
        files[place].until = 0;
    }
    if (flags & O_TRUNC) files[place].is_cut = 1;
    places[descriptor] = place + 1;
    pthread_mutex_unlock(&turn);
}

static struct file *file_of(int descriptor) {
    if (descriptor < 0 || descriptor >= most_descriptors || !places[descriptor]) return NULL;
    return &files[places[descriptor] - 1];
}

static void note_write(struct file *file, off_t from, off_t length) {
    if (file->until == file->from) {
        file->from = from;
        file->until = from + length;
        return;
    }
    if (from < file->from) file->from = from;
    if (from + length > file->until) file->until = from + length;
}

/* Whether a write may happen; takes what it needs from the room that is left. */
static int has_room(int descriptor, off_t end) {
    struct stat state;
    if (__atomic_load_n(room, __ATOMIC_SEQ_CST) < 0 || fstat(descriptor, &state) != 0) return 1;
    int64_t more = end - state.st_size;
    if (more <= 0) return 1;
    if (__atomic_load_n(room, __ATOMIC_SEQ_CST) < more) return 0;
    __atomic_sub_fetch(room, more, __ATOMIC_SEQ_CST);
    return 1;
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
    if (!real_write) find_all();
    struct file *file = file_of(descriptor);
    if (!file) return real_write(descriptor, bytes, length);
    pthread_mutex_lock(&turn);
    struct stat state;
    int isAppending = fcntl(descriptor, F_GETFL) & O_APPEND;
    off_t place = isAppending && fstat(descriptor, &state) == 0 ? state.st_size : lseek(descriptor, 0, SEEK_CUR);
    ssize_t done = -1;
    if (has_room(descriptor, place + (off_t)length)) {
        done = real_write(descriptor, bytes, length);
        if (done > 0) note_write(file, place, done);
    } else {
        errno = ENOSPC;
    }
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off_t place) {
    if (!real_pwrite) find_all();
    struct file *file = file_of(descriptor);
    if (!file) return real_pwrite(descriptor, bytes, length, place);
    pthread_mutex_lock(&turn);
    ssize_t done = -1;
    if (has_room(descriptor, place + (off_t)length)) {
        done = real_pwrite(descriptor, bytes, length, place);
        if (done > 0) note_write(file, place, done);
    } else {
        errno = ENOSPC;
    }
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t place) {
    return pwrite64(descriptor, bytes, length, place);
}

int ftruncate64(int descriptor, off_t size) {
    if (!real_ftruncate) find_all();
    struct file *file = file_of(descriptor);
    if (!file) return real_ftruncate(descriptor, size);
    pthread_mutex_lock(&turn);
    int code = real_ftruncate(descriptor, size);
    if (code == 0) file->is_cut = 1;
    pthread_mutex_unlock(&turn);
    return code;
}

int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }

static int sync_with(int (*real)(int), int descriptor) {
    struct file *file = file_of(descriptor);
    if (!file) return real(descriptor);
    if (__atomic_load_n(room, __ATOMIC_SEQ_CST) == lies) return 0;
    /* What is written while the disk works is not promised by it. */
    pthread_mutex_lock(&turn);
    off_t from = file->from, until = file->until;
    int is_cut = file->is_cut;
    file->from = 0;
    file->until = 0;
    file->is_cut = 0;
    pthread_mutex_unlock(&turn);
    int code = real(descriptor);
    int reason = errno;
    pthread_mutex_lock(&turn);
    if (code == 0) {
        if (file->name[0]) copy_range(descriptor, file->name, from, until, is_cut);
    } else {
        if (until > from) note_write(file, from, until - from);
        file->is_cut |= is_cut;
    }
    pthread_mutex_unlock(&turn);
    errno = reason;
    return code;
}

int fsync(int descriptor) {
    if (!real_fsync) find_all();
    return sync_with(real_fsync, descriptor);
}

int fdatasync(int descriptor) {
    if (!real_fdatasync) find_all();
    return sync_with(real_fdatasync, descriptor);
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(arguments, int) : 0;
}

int open64(const char *path, int flags, ...) {
    if (!real_open) find_all();
    va_list arguments;
    va_start(arguments, flags);
    int descriptor = real_open(path, flags, mode_of(flags, arguments));
    va_end(arguments);
    note_open(descriptor, path, flags);
    return descriptor;
}

int open(const char *path, int flags, ...) {
    if (!real_open) find_all();
    va_list arguments;
    va_start(arguments, flags);
    int descriptor = real_open(path, flags, mode_of(flags, arguments));
    va_end(arguments);
    note_open(descriptor, path, flags);
    return descriptor;
}

int close(int descriptor) {
    if (!real_close) find_all();
    if (file_of(descriptor)) {
        pthread_mutex_lock(&turn);
        places[descriptor] = 0;
        pthread_mutex_unlock(&turn);
    }
    return real_close(descriptor);
}

int unlink(const char *path) {
    if (!real_unlink) find_all();
    int code = real_unlink(path);
    const char *name = inside(path);
    if (code == 0 && name) {
        char target[PATH_MAX];
        platter_path(target, name);
        real_unlink(target);
        pthread_mutex_lock(&turn);
        for (int place = 0; place < file_count; place++) {
            if (strcmp(files[place].name, name) != 0) continue;
            files[place].from = 0;
            files[place].until = 0;
            files[place].is_cut = 0;
        }
        pthread_mutex_unlock(&turn);
    }
    return code;
}

int rename(const char *from, const char *to) {
    if (!real_rename) find_all();
    char old[PATH_MAX], target[PATH_MAX], new_target[PATH_MAX];
    const char *name = inside(from);
    snprintf(old, sizeof old, "%s", name ? name : "");
    int code = real_rename(from, to);
    name = inside(to);
    if (code != 0 || !old[0] || !name) return code;
    platter_path(target, old);
    platter_path(new_target, name);
    real_rename(target, new_target);
    pthread_mutex_lock(&turn);
    for (int place = 0; place < file_count; place++) {
        if (strcmp(files[place].name, name) == 0) files[place].name[0] = 0;
        if (strcmp(files[place].name, old) == 0) snprintf(files[place].name, sizeof files[0].name, "%s", name);
    }
    pthread_mutex_unlock(&turn);
    return code;
}
