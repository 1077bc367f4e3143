#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_to_end(FILE *file, size_t *size) {
  char *bytes = NULL;
  size_t capacity = 0;
  *size = 0;
  do {
    capacity = 2 * capacity + BUFSIZ;
    char *larger = realloc(bytes, capacity + 1);
    if (larger == NULL) break;
    bytes = larger;
    *size += fread(bytes + *size, 1, capacity - *size, file);
  } while (*size == capacity);
  if (bytes != NULL && feof(file)) {
    bytes[*size] = '\0';
    return bytes;
  }
  free(bytes);
  return NULL;
}

char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  char *bytes = read_to_end(file, size);
  int error = errno;
  fclose(file);
  errno = error;
  return bytes;
}

bool write_file(const char *path, const char *data, size_t size) {
  static const char suffix[] = ".part";
  char *part = malloc(strlen(path) + sizeof suffix);
  if (part == NULL) return false;
  strcat(strcpy(part, path), suffix);
  FILE *file = fopen(part, "wb");
  bool done = file != NULL && fwrite(data, 1, size, file) == size;
  if (file != NULL) done = fclose(file) == 0 && done;
  done = done && rename(part, path) == 0;
  int error = errno;
  if (!done && file != NULL) remove(part);
  free(part);
  errno = error;
  return done;
}
