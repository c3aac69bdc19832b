// One element of the add operation, for the kernel and for its check.
#pragma once

#include "requantise.cuh"

// The arguments that both have in common.
struct Add {
    const i8 *a, *b, *table;
    u64 count;
    u64 rounding;
    i32 ma, mb;
    u32 shift;
};

DEVICE Add prepare_add(const i8 *a, const i8 *b, const i8 *table, u64 count, i32 ma, i32 mb,
                       u32 shift) {
    const u32 bounded = bounded_shift(shift);
    return {a, b, table, count, rounding(bounded), ma, mb, bounded};
}

// `table` is a copy of the operation's.
DEVICE i8 add_one(const Add &add, const i8 *table, i8 a, i8 b) {
    const u64 scaled = u64(i64(a) * add.ma) + u64(i64(b) * add.mb) + add.rounding;
    return table[shift_and_clamp(scaled, add.shift) & 255];
}

// Piece `index` of 16 elements.
DEVICE Words add_piece(const Add &add, const i8 *table, u64 index) {
    const Words a = ((const Words *)add.a)[index], b = ((const Words *)add.b)[index];
    Words sum;
    UNROLL for (int i = 0; i < 4; ++i) {
        sum.word[i] = 0;
        UNROLL for (int j = 0; j < 4; ++j) {
            const i8 value =
                add_one(add, table, i8(a.word[i] >> (8 * j)), i8(b.word[i] >> (8 * j)));
            sum.word[i] |= u32(u8(value)) << (8 * j);
        }
    }
    return sum;
}

// Number of whole pieces, if all tensors are aligned; the elements behind them go one by one.
DEVICE u64 pieces_of(const Add &add, const i8 *y) {
    return ((u64(add.a) | u64(add.b) | u64(y)) & 15) == 0 ? add.count / 16 : 0;
}
