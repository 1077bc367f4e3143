/* Runs the signatures of an exported model, in C and without Python.
 *
 *   loader EXPORT_DIR
 *
 * lists the signatures, and what each takes and gives.
 *
 *   loader EXPORT_DIR SIGNATURE [--NAME VALUES]... [--rows N] [--output NAME=FILE]...
 *
 * runs one. Every input of the signature is an option of its name, for example
 *
 *   --seed 1,2,3    --embedding "0.1 -2 3"    --spatial @FILE    --mask_bytes @A,@B
 *
 * VALUES are, by the type of the input:
 *   int32, int64, float32   numbers separated by commas or white space, or @ and the
 *                           name of a text file of them
 *   bool                    the same of true and false, or 1 and 0
 *   string                  @ and the name of a file, whose bytes are the string; with
 *                           commas between several (so none in the names)
 * They are as many as one row of the batch needs, which all rows then share, or as many
 * for each row, in their order. There are as many rows as the input with the most of
 * them gives, or N.
 *
 * The results come on stdout: first a line
 *
 *   # SIGNATURE: NAME TYPE SHAPE, NAME TYPE SHAPE, ...
 *
 * and then for each output in this order a line for each row
 *
 *   NAME VALUE VALUE ...
 *
 * with the values of an image row by row and the channels of a pixel together. A string
 * is printed as it is when it is alone in its row and of printable ASCII characters,
 * else as hex: and two hexadecimal digits a byte (so is what begins with hex: itself).
 * --output puts the strings of an output into files, where %d in FILE stands for the
 * number of the row, from 0 on; the line is then the file's name.
 *
 *   loader EXPORT_DIR SIGNATURE [OPTION]... -- SIGNATURE [OPTION]... -- ...
 *
 * loads the model once and runs one request after another.
 *
 * What goes wrong is said on stderr, and the exit code is then 1. A request that fails
 * does not stop those after it, and prints nothing on stdout. TensorFlow writes its
 * notes on stderr, too; the environment variable TF_CPP_MIN_LOG_LEVEL=3 silences most.
 *
 * The model is loaded and run as TF Serving does it: by LoadSavedModel and
 * Session::Run, with XLA disabled. Build the loader with
 * `python -m savedmodels.build_loader --output=loader`.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "request.h"
#include "saved_model.h"
#include "tensor.h"

static const char usage[] =
    "usage: loader EXPORT_DIR\n"
    "       loader EXPORT_DIR SIGNATURE [--NAME VALUES]... [--rows N]\n"
    "              [--output NAME=FILE]... [-- SIGNATURE ...]...\n"
    "  The first lists the signatures of the model, the second runs some.\n"
    "  --NAME VALUES       An input. VALUES are numbers, true or false, separated by\n"
    "                      commas or white space, or @FILE for a text file of them;\n"
    "                      for strings @FILE[,@FILE]..., whose bytes are the values.\n"
    "                      They are for one row, which all share, or for each row.\n"
    "  --rows N            The number of rows. Default: as many as an input gives.\n"
    "  --output NAME=FILE  Writes strings to files, %d in FILE being the row. Else,\n"
    "                      they are printed, in hexadecimal unless plain text.\n"
    "  --                  Another request, of the model loaded already.\n";

static const char separator[] = "--";

typedef struct {
  const char *directory;
  Request *requests;
  int num_requests;
} Arguments;

static bool wrong_usage(void) {
  fputs(usage, stderr);
  return false;
}

/* Splits the arguments after the directory, if there are any, where separators are. */
static bool split_requests(int argc, char **argv, Arguments *arguments) {
  for (int begin = 2, end; argc > 2 && begin <= argc; begin = end + 1) {
    for (end = begin; end < argc && strcmp(argv[end], separator) != 0;) ++end;
    Request *request = &arguments->requests[arguments->num_requests++];
    if (!read_request(argv + begin, end - begin, request)) return wrong_usage();
  }
  return true;
}

static bool read_arguments(int argc, char **argv, Arguments *arguments) {
  if (argc < 2 || strncmp(argv[1], "--", 2) == 0) {
    fail("the directory of an export must come first. Received: %s",
         argc < 2 ? "nothing" : argv[1]);
    return wrong_usage();
  }
  arguments->directory = argv[1];
  arguments->requests = calloc((size_t)argc, sizeof(Request));
  if (arguments->requests == NULL) return fail("there is not enough memory");
  return split_requests(argc, argv, arguments);
}

static void list_tensors(const char *verb, const TensorInfo *tensors, int count) {
  char type[PHRASE_SIZE], shape[PHRASE_SIZE];
  for (int i = 0; i < count; ++i) {
    const TensorInfo *tensor = &tensors[i];
    printf("  %s %s %s %s\n", verb, tensor->name, describe_type(tensor->type, type),
           describe_shape(tensor->dims, tensor->rank, shape));
  }
}

static bool list_signatures(const Model *model) {
  char name[NAME_SIZE] = "";
  bool done = true;
  while (next_signature(model, name)) {
    Signature signature;
    begin_request(name, 0, 0);
    if (!read_signature(model, name, &signature)) {
      done = false;
      continue;
    }
    printf("%s\n", name);
    list_tensors("takes", signature.inputs, signature.num_inputs);
    list_tensors("gives", signature.outputs, signature.num_outputs);
  }
  return done;
}

static bool run_requests(const Model *model, const Arguments *arguments) {
  bool done = true;
  for (int i = 0; i < arguments->num_requests; ++i) {
    const Request *request = &arguments->requests[i];
    begin_request(request->signature, i + 1, arguments->num_requests);
    done = run_request(model, request) && done;
    fflush(stdout);
  }
  return done;
}

static bool load_and_run(const Arguments *arguments) {
  Model model = {0};
  bool done = load_model(arguments->directory, &model) &&
              (arguments->num_requests == 0 ? list_signatures(&model)
                                            : run_requests(&model, arguments));
  close_model(&model);
  return done;
}

int main(int argc, char **argv) {
  Arguments arguments = {0};
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    return fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  bool done = read_arguments(argc, argv, &arguments) && load_and_run(&arguments);
  free(arguments.requests);
  begin_request(NULL, 0, 0);
  if (fflush(stdout) != 0 || ferror(stdout)) done = fail("cannot write the results");
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
