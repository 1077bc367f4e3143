"""Ways to damage bytes and documents at random."""

import json

NUMBERS = [0, 1, 2, 127, 128, 255, 256, 65535, 2**31 - 1, 2**32 - 1, 2**53, 2**63 - 1]
VALUES = [None, True, -1, 0.5, 1e308, "", "x" * 1000, [], {}, [[]], [[1], [1, 2]]]
VALUES += [float("nan"), float("inf"), "\0", "keras", 10**6, 10**9, 10**30, -(2**63)]


def mutate(chance, corpus, most=1 << 20):
    """Damages one of the inputs, once or several times."""
    content = bytearray(chance.choice(corpus))
    for _ in range(chance.choice([1, 1, 1, 2, 4, 16])):
        place = chance.randrange(len(content) + 1)
        size = min(chance.choice([1, 1, 2, 4, 8, 64, 1024]), len(content) - place)
        kind = chance.randrange(8)
        if kind == 0 and place < len(content):
            content[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            content[place : place + size] = chance.randbytes(size)
        elif kind == 2:
            del content[place : place + size]
        elif kind == 3:
            content[place:place] = chance.randbytes(size or 1)
        elif kind == 4:  # a number, of any size and byte order
            width = chance.choice([1, 2, 4, 8])
            number = chance.choice(NUMBERS) % 256**width
            order = chance.choice(["little", "big"])
            content[place : place + width] = number.to_bytes(width, order)
        elif kind == 5:  # over and over
            times = chance.choice([2, 10, 1000])
            content[place:place] = content[place : place + size] * times
        elif kind == 6:
            other = chance.choice(corpus)
            first = chance.randrange(len(other) + 1)
            content[place : place + size] = other[first : first + (size or 8)]
        else:
            content = content[:place] if chance.random() < 0.2 else content
    return bytes(content[:most])


def mutate_document(chance, document):
    """Damages one place of a document of JSON, in a copy of it."""
    document = json.loads(json.dumps(document))
    places = list(_places(document))
    if not places:
        return chance.choice(VALUES)
    parent, key = chance.choice(places)
    kind = chance.randrange(6)
    if kind == 0:
        del parent[key]
    elif kind == 1:  # one part of the document at the place of another
        other, from_key = chance.choice(places)
        parent[key] = json.loads(json.dumps(other[from_key]))
    elif kind == 2 and isinstance(parent, list):
        parent[key:key] = [parent[key]] * chance.choice([1, 10, 1000])
    elif kind == 3 and isinstance(parent, dict):
        parent[chance.choice(["class_name", "module", "x", "b64"])] = parent.pop(key)
    elif isinstance(parent[key], int):
        parent[key] = chance.choice([*NUMBERS, -1, parent[key] + 1, parent[key] * 2])
    else:
        parent[key] = chance.choice(VALUES)
    return document


def _places(document):
    keys = document if isinstance(document, dict) else range(len(document))
    for key in list(keys):
        yield document, key
        if isinstance(document[key], dict | list):
            yield from _places(document[key])
