/*
 * Loaded into a process before everything else (LD_PRELOAD), answers its writes as a full disk does, while the file of
 * FULL_DISK_SWITCH is there: what would take a regular file under FULL_DISK_FOLDER beyond its last block is refused with
 * ENOSPC, what is within its blocks goes through. Each refusal adds a byte to FULL_DISK_REFUSED.
 * Out of its reach: memory-mapped files, stdio's own buffers, and system calls that are made without libc.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK 4096

static char *switch_file, *folder, *refused;

/* Copied, as some processes write their title over their environment. */
__attribute__((constructor)) static void read_environment(void) {
  const char *file = getenv("FULL_DISK_SWITCH"), *under = getenv("FULL_DISK_FOLDER"), *count = getenv("FULL_DISK_REFUSED");
  if (!file || !under || !count) return;
  folder = strdup(under);
  refused = strdup(count);
  switch_file = strdup(file);
}

static int is_under_folder(int fd) {
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  size_t prefix = strlen(folder);
  return strncmp(path, folder, prefix) == 0 && path[prefix] == '/';
}

static void count_refusal(void) {
  int fd = open(refused, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return;
  syscall(SYS_write, fd, "x", 1);
  close(fd);
}

/* An offset of -1 is where the file stands. */
static int has_no_room(int fd, off_t offset, size_t length) {
  if (!switch_file || length == 0 || access(switch_file, F_OK) != 0) return 0;
  struct stat file;
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return 0;
  if (offset < 0) offset = fcntl(fd, F_GETFL) & O_APPEND ? file.st_size : lseek(fd, 0, SEEK_CUR);
  off_t room = (file.st_size + BLOCK - 1) / BLOCK * BLOCK;
  if (offset + (off_t)length <= room || !is_under_folder(fd)) return 0;
  count_refusal();
  return 1;
}

static size_t total(const struct iovec *parts, int count) {
  size_t sum = 0;
  for (int i = 0; i < count; i++) sum += parts[i].iov_len;
  return sum;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define REFUSE_UNLESS_ROOM(fd, offset, length) \
  int before = errno;                          \
  if (has_no_room(fd, offset, length)) {       \
    errno = ENOSPC;                            \
    return -1;                                 \
  }                                            \
  errno = before

ssize_t write(int fd, const void *bytes, size_t length) {
  REFUSE_UNLESS_ROOM(fd, -1, length);
  return REAL(write)(fd, bytes, length);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  REFUSE_UNLESS_ROOM(fd, offset, length);
  return REAL(pwrite)(fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  REFUSE_UNLESS_ROOM(fd, offset, length);
  return REAL(pwrite64)(fd, bytes, length, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REFUSE_UNLESS_ROOM(fd, -1, total(parts, count));
  return REAL(writev)(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  REFUSE_UNLESS_ROOM(fd, offset, total(parts, count));
  return REAL(pwritev)(fd, parts, count, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  REFUSE_UNLESS_ROOM(fd, offset, total(parts, count));
  return REAL(pwritev64)(fd, parts, count, offset);
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  REFUSE_UNLESS_ROOM(fd, offset, (size_t)length);
  return REAL(fallocate)(fd, mode, offset, length);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  REFUSE_UNLESS_ROOM(fd, offset, (size_t)length);
  return REAL(fallocate64)(fd, mode, offset, length);
}

/* These answer the error instead of setting it. */
int posix_fallocate(int fd, off_t offset, off_t length) {
  return has_no_room(fd, offset, (size_t)length) ? ENOSPC : REAL(posix_fallocate)(fd, offset, length);
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) {
  return has_no_room(fd, offset, (size_t)length) ? ENOSPC : REAL(posix_fallocate64)(fd, offset, length);
}
