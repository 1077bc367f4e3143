#include "condition.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What a condition takes. ---- */

/* How many numbers one row of a batch has; -1 where that is unknown or too many. */
static int64_t row_size(const Input *condition) {
  int64_t size = 1;
  if (condition->rank < 1 || condition->rank > MOST_AXES) return -1;
  for (int i = 1; i < condition->rank; ++i) {
    if (condition->dims[i] < 0 || condition->dims[i] > INT32_MAX) return -1;
    size *= condition->dims[i];
    if (size > INT32_MAX) return -1;
  }
  return size;
}

/* Writes a shape as a phrase and returns it. */
static const char *describe_shape(const Input *condition, char *phrase) {
  if (condition->rank < 0) return "any shape";
  snprintf(phrase, PHRASE_SIZE, "(");
  for (int i = 0; i < condition->rank && i < MOST_AXES; ++i) {
    size_t used = strlen(phrase);
    char *end = phrase + used;
    if (i > 0) used += (size_t)snprintf(end, PHRASE_SIZE - used, ", ");
    end = phrase + used;
    if (condition->dims[i] < 0) {
      snprintf(end, PHRASE_SIZE - used, "?");
    } else {
      snprintf(end, PHRASE_SIZE - used, "%" PRId64, condition->dims[i]);
    }
  }
  strcat(phrase, condition->rank > MOST_AXES ? ", ...)" : ")");
  return phrase;
}

bool check_condition(const Input *condition) {
  char phrase[PHRASE_SIZE];
  if (condition->type != TF_INT32 && condition->type != TF_INT64 &&
      condition->type != TF_FLOAT) {
    return fail("the input %s cannot be given: its type must be int32, int64 or "
                "float32. Received: number %d of TensorFlow's DataType",
                condition->name, (int)condition->type);
  }
  if (row_size(condition) >= 0) return true;
  return fail("the input %s cannot be given: its shape must have a batch axis, and "
              "after it %d axes at most, of known sizes with a product below 2**31. "
              "Received: %s",
              condition->name, MOST_AXES - 1, describe_shape(condition, phrase));
}

const char *describe_values(const Input *condition, char *phrase) {
  const char *kind = condition->type == TF_FLOAT ? "number" : "integer";
  int64_t size = row_size(condition);
  if (size == 1) {
    snprintf(phrase, PHRASE_SIZE, "one %s, or one for each seed", kind);
  } else {
    snprintf(phrase, PHRASE_SIZE, "%" PRId64 " %ss, or %" PRId64 " for each seed",
             size, kind, size);
  }
  return phrase;
}

/* ---- Numbers as text. ---- */

#define WHITE_SPACE " \t\n\v\f\r"

/* A text of which words are taken off. */
typedef struct {
  const char *rest;
  bool after_comma;
} Words;

/* Takes the next word, an empty one where a comma has none; false at the end. */
static bool take_word(Words *words, const char **word, size_t *length) {
  words->rest += strspn(words->rest, WHITE_SPACE);
  if (*words->rest == '\0' && !words->after_comma) return false;
  *word = words->rest;
  *length = strcspn(words->rest, "," WHITE_SPACE);
  words->rest += *length;
  words->rest += strspn(words->rest, WHITE_SPACE);
  words->after_comma = *words->rest == ',';
  if (words->after_comma) ++words->rest;
  return true;
}

/* Writes the number that a word is; false when it is none of that type. */
static bool parse_number(const char *word, size_t length, TF_DataType type, void *to) {
  char *end;
  bool fits;
  errno = 0;
  if (type == TF_FLOAT) {
    float value = strtof(word, &end);
    fits = errno == 0 || !isinf(value); /* too close to 0 is no error: it is rounded */
    memcpy(to, &value, sizeof value);
  } else if (type == TF_INT32) {
    long long wide = strtoll(word, &end, 10);
    fits = wide >= INT32_MIN && wide <= INT32_MAX;
    int32_t value = fits ? (int32_t)wide : 0;
    memcpy(to, &value, sizeof value);
  } else {
    int64_t value = strtoll(word, &end, 10);
    fits = errno == 0;
    memcpy(to, &value, sizeof value);
  }
  return fits && length > 0 && end == word + length;
}

static const char *rule_of_numbers(TF_DataType type) {
  if (type == TF_INT32) return "integers from -2**31 to 2**31 - 1";
  if (type == TF_INT64) return "integers from -2**63 to 2**63 - 1";
  return "numbers in the range of float32";
}

/* Counts the numbers of a text; -1, once it has said so, when it holds others. */
static int64_t count_numbers(const Input *condition, const char *values) {
  int64_t number, count = 0;
  const char *word;
  size_t length;
  for (Words words = {values, false}; take_word(&words, &word, &length); ++count) {
    if (parse_number(word, length, condition->type, &number)) continue;
    const char *rule = rule_of_numbers(condition->type);
    if (length == 0) {
      fail("--%s must be %s, one on either side of a comma. Received: none there",
           condition->name, rule);
    } else {
      int shown = length < PHRASE_SIZE ? (int)length : PHRASE_SIZE;
      fail("--%s must be %s. Received: %.*s", condition->name, rule, shown, word);
    }
    return -1;
  }
  return count;
}

/* ---- The tensor. ---- */

TF_Tensor *parse_condition(const Input *condition, const char *values, int64_t rows) {
  char phrase[PHRASE_SIZE];
  int64_t size = row_size(condition), count = count_numbers(condition, values);
  if (count < 0) return NULL;
  if (count != size && count != rows * size) {
    fail("--%s must be %s. Received: %" PRId64 " for %" PRId64 " seed%s",
         condition->name, describe_values(condition, phrase), count, rows,
         rows == 1 ? "" : "s");
    return NULL;
  }
  int64_t dims[MOST_AXES] = {rows};
  for (int i = 1; i < condition->rank; ++i) dims[i] = condition->dims[i];
  TF_Tensor *tensor = new_tensor(condition->type, dims, condition->rank);
  char *data = TF_TensorData(tensor);
  size_t step = TF_DataTypeSize(condition->type);
  const char *word;
  size_t length;
  Words words = {values, false};
  for (int64_t i = 0; i < count && take_word(&words, &word, &length); ++i) {
    parse_number(word, length, condition->type, data + (size_t)i * step);
  }
  size_t row_bytes = (size_t)size * step;
  for (int64_t row = 1; count == size && row < rows; ++row) {
    memcpy(data + (size_t)row * row_bytes, data, row_bytes);
  }
  return tensor;
}
