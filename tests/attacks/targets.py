"""What reads bytes of others, each with inputs to begin with and errors it declares.

Each gets a folder of its own to write to. A target's `mutate` knows the format so far
that a damaged part comes behind checksums that hold: otherwise nearly every input would
end at the first of them.
"""

import contextlib
import hashlib
import io
import json
import pathlib
import types
import zipfile
import zlib

import numpy as np
import tensorflow as tf
from PIL import Image

import keras_pixelcnn as kp
from keras_pixelcnn.codecs import (
    DamagedStreamError,
    NumericsError,
    PixelCNNCodec,
    WrongModelError,
    read_header,
)
from keras_pixelcnn.codecs.byte_fields import ByteReader, string
from keras_pixelcnn.codecs.fingerprint import DIGEST_BYTES, digest
from keras_pixelcnn.export.png import PNGFormat
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import checkpoint_file
from savedmodels import rest_bodies
from savedmodels.tensor_spec import TensorSpec
from tests.attacks.mutations import mutate, mutate_document
from tests.codecs.markov_model import MarkovModel
from tests.png_file import chunk

START = 5  # of a stream: its name and version


class Codec:
    """Streams: the header alone, and all of it."""

    errors = (DamagedStreamError, WrongModelError, NumericsError)

    def __init__(self, folder):
        model = MarkovModel()
        self._codec = PixelCNNCodec(model, batch_size=3)
        images = model.images(8)
        self.corpus = [
            self._codec.compress(images),
            self._codec.compress(list(images[:2]), metadata=b"x" * 50),
            self._codec.compress([image[:2, :3] for image in images]),
        ]

    def mutate(self, chance, corpus):
        if chance.random() < 0.3:
            return mutate(chance, corpus)
        stream = chance.choice(corpus)
        try:
            reader = ByteReader(stream[START:])
            header = reader.string()
        except DamagedStreamError:
            return mutate(chance, corpus)
        rest = stream[START + reader.position + DIGEST_BYTES :]
        header = mutate(chance, [header])
        return stream[:START] + string(header) + digest([stream[:START], header]) + rest

    def read(self, content):
        read_header(content)
        self._codec.decompress(content)


class PNG:
    """PNG files in the graph of a signature, as images and as masks."""

    errors = (tf.errors.InvalidArgumentError,)

    def __init__(self, folder):
        model = types.SimpleNamespace(image_shape=(4, 2, 1), num_levels=17)
        format_ = PNGFormat(model)
        spec = tf.TensorSpec([None], tf.string)
        self._graphs = [
            tf.function(lambda x: format_.decode("image_bytes", x), [spec]),
            tf.function(lambda x: format_.decode_mask("mask_bytes", x), [spec]),
        ]
        self.corpus, pixels = [], np.uint8([[0, 255], [255, 255], [0, 0], [255, 0]])
        for mode in ("L", "RGB", "RGBA", "LA", "P", "1", "I;16"):
            file = io.BytesIO()
            if mode == "I;16":
                image = Image.fromarray(np.uint16(pixels) * 257)
            else:
                image = Image.fromarray(pixels).convert(mode)
            image.save(file, "PNG")
            self.corpus.append(file.getvalue())

    def mutate(self, chance, corpus):
        if chance.random() < 0.2:
            return mutate(chance, corpus)
        content, chunks, place = chance.choice(corpus), [], 8
        while place + 12 <= len(content):
            size = int.from_bytes(content[place : place + 4], "big")
            kind = content[place + 4 : place + 8]
            chunks.append((kind, content[place + 8 : place + 8 + size]))
            place += 12 + size
        if not chunks:
            return mutate(chance, corpus)
        index = chance.randrange(len(chunks))
        kind, data = chunks[index]
        if kind == b"IDAT" and chance.random() < 0.7:
            with contextlib.suppress(zlib.error):
                data = zlib.decompress(data, bufsize=1 << 20)
            data = zlib.compress(mutate(chance, [data or b"\0"]))
        else:
            data = mutate(chance, [data or b"\0"])
        kinds = [kind] * 6 + [b"tRNS", b"PLTE", b"iCCP", b"zTXt", b"gAMA", b"IDAT"]
        changed = (chance.choice(kinds), data)
        chunks[index : index + chance.choice([0, 1, 1, 1])] = [changed]
        return content[:8] + b"".join(chunk(*part) for part in chunks)

    def read(self, content):
        errors = []
        for graph in self._graphs:
            try:
                graph(tf.constant([content]))
            except tf.errors.InvalidArgumentError as error:
                errors.append(error)
        if errors:
            raise errors[0]


class JSON:
    """Bodies of REST requests, as the local server reads them."""

    errors = (ValueError,)

    def __init__(self, folder):
        self._types = {
            "image": TensorSpec(np.dtype(np.int32), (None, 2, 2, 1)),
            "temperature": TensorSpec(np.dtype(np.float32), (None,)),
            "image_bytes": TensorSpec(np.dtype(object), (None,)),
        }
        row = {"image": [[[1], [2]], [[3], [4]]], "temperature": 0.5}
        row["image_bytes"] = {"b64": "AAAA"}
        columns = {name: [value] * 3 for name, value in row.items()}
        self._documents = [
            {"signature_name": "sample", "instances": [row] * 3},
            {"inputs": columns},
        ]
        self.corpus = [json.dumps(x).encode() for x in self._documents]

    def mutate(self, chance, corpus):
        if chance.random() < 0.5:
            return mutate(chance, corpus, most=8 << 20)
        document = chance.choice(self._documents)
        for _ in range(chance.choice([1, 2, 5])):
            if isinstance(document, dict | list):
                document = mutate_document(chance, document)
        return json.dumps(document).encode()

    def read(self, content):
        request = rest_bodies.parse_request(content, 10_000, 10_000)
        rest_bodies.read_inputs(request, self._types)


class Checkpoint:
    """Checkpoints of runs."""

    errors = (checkpoint_file.DamagedCheckpointError,)

    def __init__(self, folder):
        self._path = folder / "x.safetensors"
        record = checkpoint_file.Record(3, 20, True, {"loss": [1.0, 2], "name": "x"})
        arrays = {"a": np.arange(6.0).reshape(2, 3), "b/c": np.ones(3, np.uint8)}
        checkpoint_file.write(self._path, record, checkpoint_file.to_arrays(arrays))
        self.corpus = [self._path.read_bytes()]
        known = pathlib.Path(__file__).parents[1] / "data/0.1.0/run/checkpoints"
        self.corpus += [x.read_bytes() for x in sorted(known.iterdir())]

    def mutate(self, chance, corpus):
        content = chance.choice(corpus)
        size = int.from_bytes(content[:8], "little")
        try:
            header = json.loads(content[8 : 8 + size])
            record = json.loads(header["__metadata__"]["record"])
        except (ValueError, KeyError, TypeError):
            return mutate(chance, corpus)
        kind = chance.randrange(3)
        if kind == 0:
            return mutate(chance, corpus)
        if kind == 1:
            header = mutate_document(chance, header)
        else:
            said = json.dumps(mutate_document(chance, record))
            header["__metadata__"]["record"] = said
            checksum = hashlib.sha256(said.encode()).hexdigest()
            header["__metadata__"]["record_sha256"] = checksum
        said = json.dumps(header).encode()
        return len(said).to_bytes(8, "little") + said + content[8 + size :]

    def read(self, content):
        self._path.write_bytes(content)
        checkpoint_file.read_record(self._path)
        checkpoint_file.read_arrays(self._path)


class Keras:
    """`.keras` files: the archive, its config, its weights."""

    errors = (ValueError,)

    def __init__(self, folder):
        self._path = folder / "x.keras"
        self.corpus = []
        for model in (
            kp.GatedPixelCNN((2, 2, 1), 3, filters=2, num_blocks=1, num_classes=2),
            kp.PixelRNN((2, 2, 1), 3, filters=2, num_blocks=1),
        ):
            model.save(self._path)
            self.corpus.append(self._path.read_bytes())

    def mutate(self, chance, corpus):
        if chance.random() < 0.2:
            return mutate(chance, corpus)
        try:
            with zipfile.ZipFile(io.BytesIO(chance.choice(corpus))) as archive:
                members = {name: archive.read(name) for name in archive.namelist()}
            config = json.loads(members["config.json"])
        except Exception:
            return mutate(chance, corpus)
        if chance.random() < 0.6:
            for _ in range(chance.choice([1, 1, 2])):
                if isinstance(config, dict | list):
                    config = mutate_document(chance, config)
            members["config.json"] = json.dumps(config).encode()
        else:
            weights = members.get("model.weights.h5") or b"\0"
            members["model.weights.h5"] = mutate(chance, [weights])
        file = io.BytesIO()
        method = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return file.getvalue()

    def read(self, content):
        self._path.write_bytes(content)
        load_model(self._path)


TARGETS = {
    "codec": Codec,
    "png": PNG,
    "json": JSON,
    "checkpoint": Checkpoint,
    "keras": Keras,
}
