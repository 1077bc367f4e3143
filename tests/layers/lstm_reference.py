"""The recurrent layers by NumPy, pixel by pixel."""

import numpy as np


def update(gates, cell):
    """Equation 3 of the paper: output, forget, input and content gates."""
    output, forget, write, content = np.split(gates, 4, axis=-1)
    sigmoid = [1 / (1 + np.exp(-x)) for x in (output, forget, write)]
    cell = sigmoid[1] * cell + sigmoid[2] * np.tanh(content)
    return sigmoid[0] * np.tanh(cell), cell


def padded_states(height, width, batch, filters):
    """Zeros for all pixels, with two rows and columns of them around."""
    shape = (height + 4, width + 4, batch, filters)
    return np.zeros(shape), np.zeros(shape)


def row_lstm(layer, inputs):
    """A `RowLSTM`, whose state comes from the pixels around the one above."""
    batch, height, width, _ = inputs.shape
    half = layer.kernel_size // 2
    kernel, states, bias = (np.asarray(weight) for weight in layer.weights)
    kernel = kernel * layer.mask
    left = np.pad(inputs, [(0, 0), (0, 0), (half, 0), (0, 0)])
    hidden, cells = padded_states(height, width, batch, layer.filters)
    for row, column in np.ndindex(height, width):
        gates = bias + sum(
            left[:, row, column + tap] @ kernel[tap] for tap in range(half + 1)
        )
        above = hidden[row + 1]
        for tap in range(layer.kernel_size):
            gates = gates + above[column + 2 + tap - half] @ states[tap]
        place = (row + 2, column + 2)
        hidden[place], cells[place] = update(gates, cells[row + 1, column + 2])
    return np.transpose(hidden[2:-2, 2:-2], [2, 0, 1, 3])


def diagonal_bilstm(layer, inputs):
    """A `DiagonalBiLSTM`, whose states come from above and from beside."""
    batch, height, width, _ = inputs.shape
    outputs = np.zeros((batch, height, width, layer.filters))
    for side, order in enumerate([range(width), range(width - 1, -1, -1)]):
        kernel = np.asarray(layer.input_kernels[side]) * layer.mask
        from_above, from_beside = np.asarray(layer.state_kernels[side])
        hidden, cells = padded_states(height, width, batch, layer.filters)
        for row, column in np.ndindex(height, width):
            column = order[column]
            beside = (row + 2, column + (1 if side == 0 else 3))
            gates = inputs[:, row, column] @ kernel + np.asarray(layer.biases[side])
            gates = gates + hidden[row + 1, column + 2] @ from_above
            gates = gates + hidden[beside] @ from_beside
            place = (row + 2, column + 2)
            hidden[place], cells[place] = update(gates, cells[beside])
        # What comes from the right is added one row further down.
        moved = hidden[2 - side : height + 2 - side, 2:-2]
        outputs += np.transpose(moved, [2, 0, 1, 3])
    return outputs
