"""The passes over memory behind models/fused.py: numba kernels on rows of pixels and columns of channels.

bfloat16 comes as uint16 and is widened and rounded in registers; float32 comes as it is. Rows are shared out in CHUNKS
parts whatever the number of threads, and parts are added in order: results are the same to the bit on any machine with
the same instructions. (no_type_check keeps the tests' import hook from wrapping what numba compiles.)
"""

from typing import no_type_check

import numba
import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.extending import intrinsic

CHUNKS = 8
BLOCK = 32
"""Rows summed in float32 before they are added in float64."""
FAST = {"contract", "reassoc", "nsz"}
F32, U32, U16 = ir.FloatType(), ir.IntType(32), ir.IntType(16)


@no_type_check
@intrinsic
def widen(_context, stored):
    """A stored number as float32: a bfloat16 is the upper half of one."""

    def generate(_target, builder, _signature, values):
        if isinstance(stored, types.Float):
            return values[0]
        return builder.bitcast(builder.shl(builder.zext(values[0], U32), U32(16)), F32)

    return types.float32(stored), generate


@no_type_check
@intrinsic
def narrow(_context, number, like):
    """A float32 as it is stored in arrays of `like`: as it is, or rounded to the nearest bfloat16, ties to even.

    NaN stays NaN: it is quiet, and 0x7FFF carries nothing out of a quiet NaN that x86 and ARM compute.
    """

    def generate(_target, builder, _signature, values):
        if isinstance(like, types.Float):
            return values[0]
        bits = builder.bitcast(values[0], U32)
        odd = builder.and_(builder.lshr(bits, U32(16)), U32(1))
        return builder.trunc(builder.lshr(builder.add(bits, builder.add(odd, U32(0x7FFF))), U32(16)), U16)

    return like(number, like), generate


def use_threads(count: int) -> None:
    """As many as torch has, if numba was started with as many."""
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))


@no_type_check
@njit(inline="always")
def added(parts, what, column):
    """In order. (As an array's sum() numba would share out each of these over the threads.)"""
    total = 0.0
    for k in range(CHUNKS):
        total += parts[k, what, column]
    return total


@no_type_check
@njit(parallel=True, fastmath=FAST, cache=True)
def forward(x, weight, bias, eps, momentum, running_mean, running_variance, y):
    """y = relu(norm(x)); running statistics take their share of the batch's, as torch's do: of the variance without
    bias. Returns the population's variance of each column, float64, and (3, C) float32: the mean, slope and bias with
    which y was computed."""
    rows, columns = x.shape
    pivot = np.empty(columns, np.float32)  # near the mean, so that squares lose nothing
    for j in range(columns):
        pivot[j] = widen(x[0, j])
    parts = np.zeros((CHUNKS, 2, columns))
    for k in prange(CHUNKS):
        end = rows * (k + 1) // CHUNKS
        for start in range(rows * k // CHUNKS, end, BLOCK):
            sums, squares = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
            for i in range(start, min(start + BLOCK, end)):
                for j in range(columns):
                    value = widen(x[i, j]) - pivot[j]
                    sums[j] += value
                    squares[j] += value * value
            for j in range(columns):
                parts[k, 0, j] += sums[j]
                parts[k, 1, j] += squares[j]
    variance, line = np.empty(columns), np.empty((3, columns), np.float32)
    for j in range(columns):
        total, square = added(parts, 0, j), added(parts, 1, j)
        offset = total / rows
        mean = offset + pivot[j]
        variance[j] = max(square / rows - offset * offset, 0.0)
        line[0, j], line[1, j], line[2, j] = mean, weight[j] / np.sqrt(variance[j] + eps), bias[j]
        running_mean[j] += momentum * (mean - running_mean[j])
        running_variance[j] += momentum * (variance[j] * rows / max(rows - 1, 1) - running_variance[j])
    centre, slope, shift = line[0], line[1], line[2]
    for k in prange(CHUNKS):
        for i in range(rows * k // CHUNKS, rows * (k + 1) // CHUNKS):
            for j in range(columns):
                value = (widen(x[i, j]) - centre[j]) * slope[j] + shift[j]
                y[i, j] = narrow(np.float32(0) if value < 0 else value, y[i, j])  # NaN stays NaN
    return variance, line


@no_type_check
@njit(parallel=True, fastmath=FAST, cache=True)
def backward(x, grad, line, variance, eps, skip, found):
    """found = gradient of the loss by x, plus `skip` unless that is empty; returns those by weight and bias, float32.

    grad: by y. With d = grad where y > 0, xhat = (x - mean) / sqrt(variance + eps) and means over the rows:
    gradient = slope (d - mean(d) - xhat mean(d xhat)).
    """
    rows, columns = x.shape
    centre, slope, shift = line[0], line[1], line[2]
    parts = np.zeros((CHUNKS, 2, columns))
    for k in prange(CHUNKS):
        end = rows * (k + 1) // CHUNKS
        for start in range(rows * k // CHUNKS, end, BLOCK):
            sums, products = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
            for i in range(start, min(start + BLOCK, end)):
                for j in range(columns):
                    value = widen(x[i, j]) - centre[j]
                    passed = widen(grad[i, j]) if value * slope[j] + shift[j] > 0 else np.float32(0)
                    sums[j] += passed
                    products[j] += passed * value
            for j in range(columns):
                parts[k, 0, j] += sums[j]
                parts[k, 1, j] += products[j]
    by_weight, by_bias = np.empty(columns, np.float32), np.empty(columns, np.float32)
    along, level = np.empty(columns, np.float32), np.empty(columns, np.float32)
    for j in range(columns):
        total, product = added(parts, 0, j), added(parts, 1, j)
        precision = 1 / (variance[j] + eps)
        by_weight[j], by_bias[j] = product * np.sqrt(precision), total
        along[j], level[j] = -slope[j] * precision * product / rows, -slope[j] * total / rows
    for k in prange(CHUNKS):
        for i in range(rows * k // CHUNKS, rows * (k + 1) // CHUNKS):
            if len(skip):
                for j in range(columns):
                    value = widen(x[i, j]) - centre[j]
                    passed = widen(grad[i, j]) if value * slope[j] + shift[j] > 0 else np.float32(0)
                    total = slope[j] * passed + along[j] * value + level[j]
                    found[i, j] = narrow(total + widen(skip[i, j]), found[i, j])
            else:
                for j in range(columns):
                    value = widen(x[i, j]) - centre[j]
                    passed = widen(grad[i, j]) if value * slope[j] + shift[j] > 0 else np.float32(0)
                    found[i, j] = narrow(slope[j] * passed + along[j] * value + level[j], found[i, j])
    return by_weight, by_bias
