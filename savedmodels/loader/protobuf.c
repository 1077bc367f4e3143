#include "protobuf.h"

#include <string.h>

/* An entry of a map is a message of two fields. */
enum { MAP_KEY = 1, MAP_VALUE = 2 };

static bool take_bytes(Bytes *message, uint64_t size, Bytes *taken) {
  if (size > message->size) return false;
  *taken = (Bytes){message->data, (size_t)size};
  message->data += size;
  message->size -= (size_t)size;
  return true;
}

static bool take_integer(Bytes *message, uint64_t *value) {
  Bytes byte;
  *value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (!take_bytes(message, 1, &byte)) return false;
    *value |= (uint64_t)(*byte.data & 0x7f) << shift;
    if (*byte.data < 0x80) return true;
  }
  return false;
}

bool take_field(Bytes *message, Field *field) {
  uint64_t key, size;
  *field = (Field){0};
  if (!take_integer(message, &key)) return false;
  field->number = key >> 3;
  switch (key & 7) {
    case 0: return take_integer(message, &field->integer);
    case 1: return take_bytes(message, 8, &field->bytes);
    case 2: return take_integer(message, &size) &&
                   take_bytes(message, size, &field->bytes);
    case 5: return take_bytes(message, 4, &field->bytes);
    default: return false;
  }
}

Field find_field(Bytes message, uint64_t number) {
  Field field;
  while (take_field(&message, &field)) {
    if (field.number == number) return field;
  }
  return (Field){0};
}

bool take_map_entry(Bytes *message, uint64_t map, Bytes *key, Bytes *value) {
  Field entry;
  while (take_field(message, &entry)) {
    if (entry.number != map) continue;
    *key = find_field(entry.bytes, MAP_KEY).bytes;
    *value = find_field(entry.bytes, MAP_VALUE).bytes;
    return true;
  }
  return false;
}

bool find_in_map(Bytes message, uint64_t map, const char *name, Bytes *value) {
  Bytes key;
  while (take_map_entry(&message, map, &key, value)) {
    if (key.size == strlen(name) && memcmp(key.data, name, key.size) == 0) return true;
  }
  return false;
}

bool copy_text(Bytes string, char *text, size_t size) {
  bool fits = string.size < size;
  size_t length = fits ? string.size : size - 1;
  if (length > 0) memcpy(text, string.data, length);
  text[length] = '\0';
  return fits;
}
