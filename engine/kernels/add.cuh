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
DEVICE i8 add_one(const Add &add, const i8 *table, i32 a, i32 b) {
    const u64 scaled = u64(i64(a) * add.ma) + u64(i64(b) * add.mb) + add.rounding;
    return table[shift_and_clamp(scaled, add.shift) & 255];
}

// Element `index` of the four of a word of a and one of b.
DEVICE i8 add_element(const Add &add, const i8 *table, u32 a, u32 b, u32 index) {
    return add_one(add, table, byte_of(a, index), byte_of(b, index));
}

// The same with bytes that are 2^16 times as large: (a * ma + b * mb + addend) is shifted by 32 and by
// `beyond` bits more, so that only the high word of the sum counts. Not TABLE: there is none.
template <bool TABLE>
struct Raised {
    u64 addend;
    i32 ma, mb, beyond;
    // Whether it comes to the same.
    bool exact;
};

// A shift of less than 16 becomes one of 16 if both multipliers, as many bits larger, are still of 32
// bits. Then no product is above 2^54, and the addend, with a shift of up to 47, not above 2^62: the
// sum stays below 2^63. Larger shifts, of which the result is always 0, are not worth more.
template <bool TABLE>
DEVICE Raised<TABLE> raise(const Add &add) {
    const u32 missing = add.shift < 16 ? 16 - add.shift : 0;
    const i64 ma = larger(add.ma, missing), mb = larger(add.mb, missing);
    return {add.rounding << missing << 16, i32(ma), i32(mb), i32(add.shift + missing) - 16,
            ma == i32(ma) && mb == i32(mb) && add.shift <= 47};
}

template <bool TABLE>
DEVICE i8 add_element(const Raised<TABLE> &add, const i8 *table, u32 a, u32 b, u32 index) {
    const u64 scaled = add.addend + u64(i64(raised_byte_of(a, index)) * add.ma) +
                       u64(i64(raised_byte_of(b, index)) * add.mb);
    const i32 value = clamp(i32(scaled >> 32) >> (add.beyond & 31));
    return TABLE ? table[value & 255] : i8(value);
}

// Some of the pieces of 16 elements.
struct AddPieces {
    const Words *a, *b;
    u64 first, step, end;
};

// Calls `body` with the index and the result of each piece; `way` is what add_element takes.
template <class Way, class Body>
DEVICE void add_pieces(Way way, const AddPieces &pieces, const i8 *table, const Body &body) {
    KEEP_LOOP for (u64 index = pieces.first; index < pieces.end; index += pieces.step) {
        // Were they made wide before the loop, products of two words would be several instructions.
        way.ma = anew(way.ma);
        way.mb = anew(way.mb);
        const Words a = pieces.a[index], b = pieces.b[index];
        Words sum;
        UNROLL for (u32 i = 0; i < 4; ++i) {
            sum.word[i] = 0;
            UNROLL for (u32 j = 0; j < 4; ++j) {
                const i8 value = add_element(way, table, a.word[i], b.word[i], j);
                sum.word[i] |= u32(u8(value)) << (8 * j);
            }
        }
        body(index, sum);
    }
}

// The same in the shortest way that there is. `table` is a copy of the operation's.
template <class Body>
DEVICE void add_shortest(const Add &add, const AddPieces &pieces, const i8 *table, const Body &body) {
    const Raised<true> raised = raise<true>(add);
    if (!raised.exact) {
        add_pieces(add, pieces, table, body);
    } else if (add.table) {
        add_pieces(raised, pieces, table, body);
    } else {
        add_pieces(raise<false>(add), pieces, table, body);
    }
}

// Number of whole pieces, if all tensors are aligned; the elements behind them go one by one.
DEVICE u64 whole_pieces(const Add &add, const i8 *y) {
    return ((u64(add.a) | u64(add.b) | u64(y)) & 15) == 0 ? add.count / 16 : 0;
}
