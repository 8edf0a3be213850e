/*
 * A disk that keeps nothing it was not told to keep. Preloaded into a process (LD_PRELOAD), it takes fsync and fdatasync in place of libc for
 * everything below LOST_CACHE_ROOT: the content of a file, or the names in a folder, go to LOST_CACHE_MIRROR then and only then. After a kill the
 * mirror is what a power cut would have left at its worst: content without its fsync and names without the fsync of their folder are gone,
 * whatever the page cache still shows. lost-cache.ts makes a folder of it again.
 *
 *   MIRROR/files/KEY    content of a file at its last fsync
 *   MIRROR/folders/KEY  lines `f KEY NAME` or `d KEY NAME`: a folder at its last fsync
 *   MIRROR/lock         held by whoever keeps something just now
 *   MIRROR/fail         while it is there, every fsync fails with EIO
 *
 * KEY is inode number and time of birth: a number that is used again is another file. A kill within a copy leaves part of it, as a disk may.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int key_of(int fd, const char *name, char *key, mode_t *mode) {
  struct statx found;
  int flags = AT_SYMLINK_NOFOLLOW | (name[0] ? 0 : AT_EMPTY_PATH);
  if (statx(fd, name, flags, STATX_INO | STATX_TYPE | STATX_BTIME, &found) != 0) return -1;
  if (!(found.stx_mask & STATX_BTIME)) {
    fprintf(stderr, "lost-cache: this file system knows no time of birth\n");
    abort();
  }
  sprintf(key, "%llu-%lld", (unsigned long long)found.stx_ino, (long long)found.stx_btime.tv_sec * 1000000000LL + found.stx_btime.tv_nsec);
  *mode = found.stx_mode;
  return 0;
}

static int keep_file(int fd, const char *path) {
  char self[64];
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd); /* again, since it may be open for writing only */
  int in = open(self, O_RDONLY | O_CLOEXEC);
  int out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  struct stat size;
  if (in < 0 || out < 0 || fstat(in, &size) != 0) return -1;
  loff_t from = 0, to = 0;
  while (from < size.st_size) {
    ssize_t copied = copy_file_range(in, &from, out, &to, size.st_size - from, 0);
    if (copied < 0) return -1;
    if (copied == 0) break;
  }
  if (ftruncate(out, from) != 0) return -1;
  close(in);
  close(out);
  return 0;
}

static int keep_names(int fd, const char *path) {
  char beside[2 * PATH_MAX + 32];
  snprintf(beside, sizeof beside, "%s.%ld", path, syscall(SYS_gettid));
  FILE *list = fopen(beside, "we");
  DIR *folder = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!list || !folder) return -1;
  for (struct dirent *entry; (entry = readdir(folder));) {
    char key[64];
    mode_t mode;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (key_of(dirfd(folder), entry->d_name, key, &mode) != 0) continue; /* gone meanwhile */
    fprintf(list, "%c %s %s\n", S_ISDIR(mode) ? 'd' : 'f', key, entry->d_name);
  }
  closedir(folder);
  return fclose(list) == 0 ? rename(beside, path) : -1;
}

static int keep(int fd) {
  const char *root = getenv("LOST_CACHE_ROOT"), *mirror = getenv("LOST_CACHE_MIRROR");
  char self[64], path[PATH_MAX], kept[2 * PATH_MAX], key[64];
  mode_t mode;
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(self, path, sizeof path - 1);
  if (length < 0) {
    errno = EBADF;
    return -1;
  }
  path[length] = 0;
  if (!root || !mirror || strncmp(path, root, strlen(root)) != 0) return 0; /* not ours to keep, and nobody asks for it */
  snprintf(kept, sizeof kept, "%s/fail", mirror);
  if (access(kept, F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  if (key_of(fd, "", key, &mode) != 0) return -1;
  /* One at a time: what an earlier call saw must not replace what a later one has kept */
  snprintf(kept, sizeof kept, "%s/lock", mirror);
  int lock = open(kept, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || flock(lock, LOCK_EX) != 0) return -1;
  snprintf(kept, sizeof kept, "%s/%s/%s", mirror, S_ISDIR(mode) ? "folders" : "files", key);
  int result = S_ISDIR(mode) ? keep_names(fd, kept) : keep_file(fd, kept);
  close(lock);
  return result;
}

int fsync(int fd) { return keep(fd); }
int fdatasync(int fd) { return keep(fd); }
