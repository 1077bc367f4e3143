/* Reads serialized messages of protobuf: TensorFlow's C API hands them out, but reads
 * none. A message is a row of fields, each a number and its content. */

#ifndef SAVEDMODELS_LOADER_PROTOBUF_H
#define SAVEDMODELS_LOADER_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Some bytes of a message; they belong to someone else. */
typedef struct {
  const uint8_t *data;
  size_t size;
} Bytes;

typedef struct {
  uint64_t number;
  Bytes bytes;      /* of a string or a message */
  uint64_t integer; /* a negative one as its two's complement */
} Field;

/* Takes the first field off a message; false at its end, or where it is damaged. */
bool take_field(Bytes *message, Field *field);

/* The field of a number; empty or 0, as protobuf has it, when it is absent. */
Field find_field(Bytes message, uint64_t number);

/* Takes the next entry of a map off a message: `map` is the number of its fields. */
bool take_map_entry(Bytes *message, uint64_t map, Bytes *key, Bytes *value);

/* Looks an entry of a map up by its key. */
bool find_in_map(Bytes message, uint64_t map, const char *name, Bytes *value);

/* Copies a string to `text`, ended by a 0. False when it is too long for that. */
bool copy_text(Bytes string, char *text, size_t size);

#endif
