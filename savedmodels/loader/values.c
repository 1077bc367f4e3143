#include "values.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "message.h"
#include "tensor.h"

/* ---- What an input takes. ---- */

/* How many values one row of a batch has; -1 where that is unknown or too many. */
static int64_t row_size(const TensorInfo *input) {
  int64_t size = 1;
  if (input->rank < 1 || input->rank > MOST_AXES) return -1;
  for (int i = 1; i < input->rank; ++i) {
    if (input->dims[i] < 0 || input->dims[i] > INT32_MAX) return -1;
    size *= input->dims[i];
    if (size > INT32_MAX) return -1;
  }
  return size;
}

bool check_input(const TensorInfo *input) {
  char phrase[PHRASE_SIZE];
  switch (input->type) {
    case TF_INT32: case TF_INT64: case TF_FLOAT: case TF_BOOL: case TF_STRING: break;
    default:
      return fail("the input %s cannot be given: its type must be int32, int64, "
                  "float32, bool or string. Received: %s",
                  input->name, describe_type(input->type, phrase));
  }
  if (row_size(input) >= 0) return true;
  return fail("the input %s cannot be given: its shape must have a batch axis, and "
              "after it %d axes at most, of known sizes with a product below 2**31. "
              "Received: %s",
              input->name, MOST_AXES - 1,
              describe_shape(input->dims, input->rank, phrase));
}

static const char *kind_of_value(TF_DataType type) {
  switch (type) {
    case TF_FLOAT: return "number";
    case TF_BOOL: return "truth value";
    case TF_STRING: return "@FILE";
    default: return "integer";
  }
}

static const char *rule_of_values(TF_DataType type) {
  switch (type) {
    case TF_FLOAT: return "numbers in the range of float32";
    case TF_BOOL: return "true, false, 1 or 0";
    case TF_STRING: return "@ and the name of a file, with commas between several";
    case TF_INT32: return "integers from -2**31 to 2**31 - 1";
    default: return "integers from -2**63 to 2**63 - 1";
  }
}

const char *describe_values(const TensorInfo *input, char *phrase) {
  const char *kind = kind_of_value(input->type);
  int64_t size = row_size(input);
  if (size == 1) {
    snprintf(phrase, PHRASE_SIZE, "one %s, or one for each row", kind);
  } else {
    snprintf(phrase, PHRASE_SIZE, "%" PRId64 " %ss, or %" PRId64 " for each row", size,
             kind, size);
  }
  return phrase;
}

/* ---- Values as text. ---- */

#define WHITE_SPACE " \t\n\v\f\r"

/* A text of which words are taken off. */
typedef struct {
  const char *rest;
  const char *separators; /* commas, and more where white space separates, too */
  bool after_comma;
} Words;

/* File names may hold white space, so only commas separate them. */
static Words words_of(const char *text, TF_DataType type) {
  return (Words){text, type == TF_STRING ? "," : "," WHITE_SPACE, false};
}

/* Takes the next word, an empty one where a comma has none; false at the end. */
static bool take_word(Words *words, const char **word, size_t *length) {
  const char *space = words->separators + 1;
  words->rest += strspn(words->rest, space);
  if (*words->rest == '\0' && !words->after_comma) return false;
  *word = words->rest;
  *length = strcspn(words->rest, words->separators);
  words->rest += *length;
  words->rest += strspn(words->rest, space);
  words->after_comma = *words->rest == ',';
  if (words->after_comma) ++words->rest;
  return true;
}

static bool parse_float(const char *word, const char *end, void *to) {
  char *parsed;
  errno = 0;
  float value = strtof(word, &parsed);
  memcpy(to, &value, sizeof value);
  /* What is too close to 0 is no error: it is rounded. */
  return parsed == end && (errno == 0 || !isinf(value));
}

static bool parse_integer(const char *word, const char *end, TF_DataType type,
                          void *to) {
  char *parsed;
  errno = 0;
  int64_t wide = strtoll(word, &parsed, 10);
  if (parsed != end || errno != 0) return false;
  if (type == TF_INT64) {
    memcpy(to, &wide, sizeof wide);
    return true;
  }
  int32_t value = wide >= INT32_MIN && wide <= INT32_MAX ? (int32_t)wide : 0;
  memcpy(to, &value, sizeof value);
  return value == wide;
}

static bool parse_bool(const char *word, size_t length, void *to) {
  static const char *const names[] = {"false", "true", "0", "1"};
  for (unsigned i = 0; i < 4; ++i) {
    if (length != strlen(names[i]) || memcmp(word, names[i], length) != 0) continue;
    *(unsigned char *)to = i % 2;
    return true;
  }
  return false;
}

/* Writes the number that a word is; false when it is none of that type. Of a string,
 * only says whether it is the name of a file. */
static bool parse_word(const char *word, size_t length, TF_DataType type, void *to) {
  if (length == 0) return false;
  switch (type) {
    case TF_FLOAT: return parse_float(word, word + length, to);
    case TF_BOOL: return parse_bool(word, length, to);
    case TF_STRING: return *word == '@' && length > 1;
    default: return parse_integer(word, word + length, type, to);
  }
}

/* Counts the values of a text; -1, once it has said so, when it holds others. */
static int64_t count_values(const TensorInfo *input, const char *text) {
  int64_t value, count = 0;
  const char *word;
  size_t length;
  Words words = words_of(text, input->type);
  for (; take_word(&words, &word, &length); ++count) {
    if (parse_word(word, length, input->type, &value)) continue;
    const char *rule = rule_of_values(input->type);
    if (length == 0) {
      fail("--%s must be %s, one on either side of a comma. Received: none there",
           input->name, rule);
    } else {
      int shown = length < PHRASE_SIZE ? (int)length : PHRASE_SIZE;
      fail("--%s must be %s. Received: %.*s", input->name, rule, shown, word);
    }
    return -1;
  }
  return count;
}

/* How many rows a text gives; -1, once it has said so, when its values do not fit. */
static int64_t count_rows(const TensorInfo *input, const char *text) {
  char phrase[PHRASE_SIZE];
  int64_t size = row_size(input), count = count_values(input, text);
  if (count < 0) return -1;
  if (size == 0 && count == 0) return 1;
  if (size > 0 && count > 0 && count % size == 0) return count / size;
  fail("--%s must be %s. Received: %" PRId64, input->name,
       describe_values(input, phrase), count);
  return -1;
}

/* ---- Files. ---- */

static void fail_to_read(const TensorInfo *input, const char *path, const char *error) {
  fail("--%s: cannot read the file %s: %s", input->name, path, error);
}

/* Reads the text of a file of numbers; NULL, once it has said why, when it cannot. */
static char *read_text(const TensorInfo *input, const char *path) {
  size_t size = 0;
  char *text = read_file(path, &size);
  if (text == NULL) {
    fail_to_read(input, path, strerror(errno));
  } else if (strlen(text) < size) {
    fail_to_read(input, path, "it holds a byte of 0, so it is no text");
    free(text);
    text = NULL;
  }
  return text;
}

/* Copies the bytes of a file to a string. */
static bool read_string(const TensorInfo *input, const char *name, size_t length,
                        TF_TString *string) {
  size_t size = 0;
  char *path = calloc(length + 1, 1), *bytes = NULL;
  if (path != NULL) bytes = read_file(memcpy(path, name, length), &size);
  if (bytes != NULL) {
    TF_StringCopy(string, bytes, size);
  } else {
    fail_to_read(input, path == NULL ? name : path, strerror(errno));
  }
  bool done = bytes != NULL;
  free(bytes);
  free(path);
  return done;
}

/* ---- The tensor. ---- */

static TF_Tensor *parse_text(const TensorInfo *input, const char *text) {
  int64_t rows = count_rows(input, text);
  if (rows < 0) return NULL;
  TF_Tensor *tensor = new_tensor(input, rows);
  char *data = TF_TensorData(tensor);
  TF_TString *strings = TF_TensorData(tensor);
  size_t step = TF_DataTypeSize(input->type);
  const char *word;
  size_t length;
  Words words = words_of(text, input->type);
  for (size_t i = 0; take_word(&words, &word, &length); ++i) {
    if (input->type != TF_STRING) {
      parse_word(word, length, input->type, data + i * step);
    } else if (!read_string(input, word + 1, length - 1, &strings[i])) {
      delete_tensor(tensor);
      return NULL;
    }
  }
  return tensor;
}

TF_Tensor *parse_values(const TensorInfo *input, const char *values) {
  if (input->type == TF_STRING || values[0] != '@') return parse_text(input, values);
  char *text = read_text(input, values + 1);
  TF_Tensor *tensor = text == NULL ? NULL : parse_text(input, text);
  free(text);
  return tensor;
}
