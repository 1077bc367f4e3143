/* Whole files. */

#ifndef SAVEDMODELS_LOADER_FILE_H
#define SAVEDMODELS_LOADER_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a file to its end, and puts a byte of 0 after it. The caller frees it. NULL,
 * with errno set, when that fails. */
char *read_file(const char *path, size_t *size);

/* Writes a file, which appears whole or not at all. False, with errno set, when that
 * fails. */
bool write_file(const char *path, const char *data, size_t size);

#endif
