#!/usr/bin/env python3
"""Writes elements.txt: golden vectors for every operation, from Python's unbounded integers.

An implementation of its own, so that a mistake in the Rust code is not repeated here.
Run: python3 generate.py > elements.txt
"""
import struct

MASK = (1 << 64) - 1


def fill(kind, count):
    """Bytes of a tensor: 'const:V' or 'lcg:SEED' (Knuth's MMIX generator, top byte)."""
    name, value = kind.split(":")
    if name == "const":
        return bytes([int(value) & 255]) * count
    state, out = int(value), bytearray()
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        out.append(state >> 56)
    return bytes(out)


def signed(byte):
    return byte - 256 if byte > 127 else byte


def requantise(v, multiplier, shift):
    shift = min(shift, 62)
    half = 0 if shift == 0 else 1 << (shift - 1)
    return max(-128, min(127, (v * multiplier + half) >> shift))


def finish(value, table):
    if table is not None:
        value = signed(table[value & 255])
    return value & 255


def linear(batch, k, n, x, w, channels, table="none"):
    xs, ws = fill(x, batch * k), fill(w, n * k)
    entries = None if table == "none" else fill(table, 256)
    out = bytearray()
    for row in range(batch):
        for column in range(n):
            bias, multiplier, shift = channels[column % len(channels)]
            acc = sum(
                signed(xs[row * k + i]) * signed(ws[column * k + i]) for i in range(k)
            )
            out.append(finish(requantise(acc + bias, multiplier, shift), entries))
    records = b"".join(
        struct.pack("<iiB", *channels[column % len(channels)]) + fill("lcg:%d" % column, 7)
        for column in range(n)
    )
    print(
        f"linear batch={batch} k={k} n={n} x={x} w={w} channels={records.hex()} "
        f"table={table} out={out.hex()}"
    )


def add(batch, n, a, b, ma, mb, shift, table="none"):
    left, right = fill(a, batch * n), fill(b, batch * n)
    entries = None if table == "none" else fill(table, 256)
    out = bytes(
        finish(requantise(signed(p) * ma + signed(q) * mb, 1, shift), entries)
        for p, q in zip(left, right)
    )
    print(
        f"add batch={batch} n={n} a={a} b={b} ma={ma} mb={mb} shift={shift} "
        f"table={table} out={out.hex()}"
    )


LOW, HIGH = -(2**31), 2**31 - 1
print("# Written by generate.py. See src/vectors.rs for the fields.")
# The smallest programs, and the longest reduction at both ends of its range.
linear(1, 1, 1, "const:-128", "const:-128", [(0, 1, 0)])
linear(1, 1, 1, "const:5", "const:7", [(0, 1, 0)])
linear(1, 1, 1, "const:0", "const:0", [(0, 0, 0)])
for x, w in [("const:-128", "const:-128"), ("const:-128", "const:127"), ("lcg:1", "lcg:2")]:
    for bias in (LOW, 0, HIGH):
        for multiplier in (LOW, -1, 1, HIGH):
            linear(1, 65536, 1, x, w, [(bias, multiplier, 62)])
    linear(1, 65536, 1, x, w, [(0, 1, 23)])
    linear(1, 65536, 1, x, w, [(-7, 3, 24)])
# Every shift, the capped ones too, on one accumulator of either sign.
for v in (77, -77):
    for shift in list(range(64)) + [127, 128, 255]:
        linear(1, 1, 1, "const:1", f"const:{v}", [(0, 1 << 24, shift)])
# Halves are rounded up, on both sides of zero.
for v in range(-6, 7):
    linear(1, 1, 1, "const:1", f"const:{v}", [(0, 1, 1)])
    linear(1, 1, 1, "const:1", f"const:{v}", [(0, 1, 2)])
# Rows, columns, odd sizes and tables: each output of a whole small product.
linear(3, 7, 5, "lcg:3", "lcg:4", [(100, 5, 6), (-100, -5, 6), (0, 1, 8)])
linear(3, 64, 10, "lcg:5", "lcg:6", [(1000, 77, 14)], "lcg:7")
linear(2, 1023, 3, "lcg:8", "lcg:9", [(-1, 1, 9), (1, -1, 9)])
linear(2, 1025, 3, "lcg:10", "lcg:11", [(HIGH, 1, 24), (LOW, 1, 24)], "lcg:12")
linear(5, 33, 1, "lcg:13", "lcg:14", [(0, 1 << 20, 27)])
# Sums: plain, extreme multipliers, capped shifts, tables.
add(2, 16, "lcg:20", "lcg:21", 1, 1, 0)
add(2, 16, "lcg:22", "lcg:23", 1, 1, 1)
add(1, 8, "const:-128", "const:-128", LOW, LOW, 62)
add(1, 8, "const:-128", "const:-128", HIGH, HIGH, 62)
add(1, 8, "const:127", "const:-128", HIGH, LOW, 31)
add(1, 8, "const:127", "const:127", LOW, HIGH, 255)
add(3, 21, "lcg:24", "lcg:25", 12345, -54321, 17, "lcg:26")
add(1, 1, "const:-1", "const:0", 1, 0, 1)
