// The linear operation with dp4a, for sm_61 and later.
//
//   y[i, j] = table[requantise(sum over l of x[i, l] * w[j, l], channels[j])]
//
// exactly as the program format defines it, for every m, n >= 1, 1 <= k <= 65,536 and all bytes.
//
//   void ENTRY(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y,
//              u64 m, u32 n, u32 k, const i32 *r, u64 *sums,
//              u32 parts, i32 *partials, u32 *arrivals)
//
// x         [m, k], any alignment
// w         [n, k], any alignment. Fast where x and w are aligned to 16 bytes and k % 16 == 0;
//           otherwise correct, and slower
// channels  n records of 16 bytes, aligned to 16
// table     256 bytes indexed by the result's byte, any alignment; null for none
// y         [m, n], any alignment; overlaps nothing that is read
// r         null, or n numbers from 1 to 2^31 - 1: then the kernel works in checked mode
// sums      in checked mode 2 * m words, zero before the launch, to which it adds what check.cu
//           compares: sums[2 * i] += sum of r[j] * accumulator[i, j], sums[2 * i + 1] += sum of
//           r[j] * y[i, j] with y evaluated a second time in other lanes. Ignored without r
// parts     blocks that share each tile, from 1 to 65,535: each sums up a part of the depth. There are
//           so many times as many blocks
// partials  room for the accumulators of all blocks, four bytes for each element of a tile, aligned
//           to 16; of any content. Ignored with one part
// arrivals  a word for each tile, zero before the launch and again behind it. Ignored with one part
//
// ENTRY                  threads   blocks                                    dynamic shared memory
// linear_dp4a_128x128    256       ceil(m / 128) * ceil(n / 128) * parts     37,632
// linear_dp4a_rows       128       ceil(m / 4) * ceil(n / 16)                0
//
// Grids and blocks have one dimension. linear_dp4a_rows is for few rows: it reads the weights once for
// every four of them and is bound by memory. Its blocks share nothing: it lacks the last three
// arguments.

#include "sharing.cuh"

namespace {

// The accumulators of a thread: of its warp's 32x64, rows 4 * (lane / 8) and 16 below, columns
// 4 * (lane % 8) and 32 to the right, four each.
struct Part {
    i32 sums[8][8];

    // Puts 16 rows' accumulators of this lane into a slab.
    DEVICE_MEMBER void operator()(int i, i32 *slab) const {
        const u32 lane = thread_index() % 32;
        i32 *to = slab + lane / 8 * 4 * Slab<64>::STRIDE + lane % 8 * 4;
        UNROLL for (int row = 0; row < 4; ++row) {
            UNROLL for (int j = 0; j < 2; ++j) {
                const i32 *four = sums[4 * i + row] + 4 * j;
                *(Words *)(to + row * Slab<64>::STRIDE + j * 32) = {
                    {u32(four[0]), u32(four[1]), u32(four[2]), u32(four[3])}};
            }
        }
    }
};

// A tile of 128 rows, 32 deep, is in shared memory with the words of a column together.
typedef Pieces<32, 256> Source;
static const u32 STRIDE = 128 + 4, TILE = 8 * STRIDE * 4, STAGE = 2 * TILE;
static_assert(2 * STAGE <= Epilogue<128, 8, 64>::BYTES, "the stages fit");

DEVICE void store(const Words &piece, const Source &from, u32 offset) {
    const u32 place = offset + from.at * STRIDE + Source::row() * 4;
    u32 *to = (u32 *)(dynamic_shared() + place);
    UNROLL for (u32 i = 0; i < 4; ++i) to[i * STRIDE] = piece.word[i];
}

// Multiplies the stage at `offset`; `row` and `column` are this thread's first in the tile.
DEVICE void multiply(Part &part, u32 offset, u32 row, u32 column) {
    const u32 *a = (const u32 *)(dynamic_shared() + (offset + row * 4));
    const u32 *b = (const u32 *)(dynamic_shared() + (offset + TILE + column * 4));
    _Pragma("unroll 2") for (int deep = 0; deep < 8; ++deep) {
        const Words rows[2] = {*(const Words *)(a + deep * STRIDE),
                               *(const Words *)(a + deep * STRIDE + 16)};
        const Words columns[2] = {*(const Words *)(b + deep * STRIDE),
                                  *(const Words *)(b + deep * STRIDE + 32)};
        UNROLL for (int i = 0; i < 8; ++i) {
            UNROLL for (int j = 0; j < 8; ++j) {
                part.sums[i][j] = dot4(rows[i / 4].word[i % 4], columns[j / 4].word[j % 4],
                                       part.sums[i][j]);
            }
        }
    }
}

// Two stages: while one is multiplied, the next is on its way in registers.
template <bool ALIGNED>
DEVICE void sum(const Linear &job, const Corner &tile, u32 row, u32 column, Part &part) {
    const Share depths = share<32>(job);
    const Source x(job.x, tile.row, job.m, job.k, depths);
    const Source w(job.w, tile.column, job.n, job.k, depths);
    Words a = x.load<ALIGNED>(0, 0), b = w.load<ALIGNED>(0, 0);
    u32 offset = 0;
    KEEP_LOOP for (u32 depth = 0; depth < depths.length; depth += 32) {
        store(a, x, offset);
        store(b, w, offset + TILE);
        barrier();
        a = x.load<ALIGNED>(0, depth + 32);
        b = w.load<ALIGNED>(0, depth + 32);
        multiply(part, offset, row, column);
        offset ^= STAGE;
    }
    barrier();
}

// A piece of four rows of k bytes from `first` on; of the first one again, where there are fewer: what
// lies behind the last row or column is never stored.
template <bool ALIGNED>
DEVICE void load_four(Words (&to)[4], const i8 *data, u64 first, u64 rows, u32 k, u32 depth) {
    const u32 count = k - depth < 16 ? k - depth : 16;
    UNROLL for (u32 i = 0; i < 4; ++i) {
        const i8 *from = data + (i < rows - first ? first + i : first) * k + depth;
        to[i] = ALIGNED ? load_words(from) : load_any(from, count);
    }
}

// Four rows times four columns, of which a warp's lanes take every 32nd piece of 16 bytes. The next
// weights are on their way while these are multiplied.
template <bool ALIGNED>
DEVICE void sum_few(const Linear &job, u64 row, u32 column, i32 (&sums)[4][4]) {
    u32 depth = thread_index() % 32 * 16;
    if (depth >= job.k) return;
    Words x[4], w[4], next[4];
    load_four<ALIGNED>(w, job.w, column, job.n, job.k, depth);
    KEEP_LOOP for (; depth < job.k; depth += 512) {
        const u32 ahead = depth + 512 < job.k ? depth + 512 : depth;
        load_four<ALIGNED>(x, job.x, row, job.m, job.k, depth);
        load_four<ALIGNED>(next, job.w, column, job.n, job.k, ahead);
        UNROLL for (u32 i = 0; i < 4; ++i) {
            UNROLL for (u32 j = 0; j < 4; ++j) {
                UNROLL for (u32 l = 0; l < 4; ++l) {
                    sums[i][j] = dot4(x[i].word[l], w[j].word[l], sums[i][j]);
                }
            }
        }
        UNROLL for (u32 j = 0; j < 4; ++j) w[j] = next[j];
    }
}

}  // namespace

KERNEL(256, 2)
linear_dp4a_128x128(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y, u64 m,
                    u32 n, u32 k, const i32 *r, u64 *sums, u32 parts, i32 *partials, u32 *arrivals) {
    const Linear job = {x, w, channels, table, y, m, n, k, r, sums, parts, partials, arrivals};
    const u32 row = thread_index() / 64 * 32, column = thread_index() / 32 % 2 * 64;
    const u32 lane = thread_index() % 32;
    const Corner tile = corner<128, 128>(job);
    Part part;
    UNROLL for (int i = 0; i < 8; ++i) {
        UNROLL for (int j = 0; j < 8; ++j) part.sums[i][j] = 0;
    }
    if (is_aligned(job)) {
        sum<true>(job, tile, row + lane / 8 * 4, column + lane % 8 * 4, part);
    } else {
        sum<false>(job, tile, row + lane / 8 * 4, column + lane % 8 * 4, part);
    }
    if (!gather<64, 256>(job, part.sums[0])) return;
    const Corner again = corner_again<128, 128>(job);
    const u32 warp = anew(thread_index()) / 32;
    finish<128, 8, 2, 64>(job, dynamic_shared(), again.row + warp / 2 * 32, again.column,
                          warp % 2 * 64, part);
}

KERNEL(128, 4)
linear_dp4a_rows(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y, u64 m,
                 u32 n, u32 k, const i32 *r, u64 *sums) {
    const Linear job = {x, w, channels, table, y, m, n, k, r, sums, 1, nullptr, nullptr};
    const u32 lane = thread_index() % 32, warp = thread_index() / 32;
    const u32 across = u32((u64(n) + 15) / 16);
    const u64 row = u64(block_index() / across) * 4;
    const u64 column = u64(block_index() % across) * 16 + warp * 4;
    if (column >= n) return;
    i32 parts[4][4] = {};
    if (is_aligned(job)) {
        sum_few<true>(job, row, u32(column), parts);
    } else {
        sum_few<false>(job, row, u32(column), parts);
    }
    // Lane l finishes row l / 4 % 4 and column l % 4. Lanes 16 to 31 do so again, for the checks.
    i32 acc = 0;
    UNROLL for (u32 i = 0; i < 16; ++i) {
        u32 part = u32(parts[i / 4][i % 4]);
        UNROLL for (u32 mask = 16; mask > 0; mask /= 2) part += shuffle_xor(part, mask);
        acc = lane % 16 == i ? i32(part) : acc;
    }
    const u64 i = row + lane / 4 % 4, j = column + lane % 4;
    const bool exists = i < m && j < n;
    i32 value = 0;
    if (exists) {
        value = requantise<false>(acc, prepare(channels, u32(j)));
        value = table ? table[value & 255] : value;
        if (lane < 16) y[i * n + j] = i8(value);
    }
    if (!r) return;
    const i64 weight = exists ? r[j] : 0;
    u64 accumulators = u64(weight * acc), results = u64(weight * value);
    UNROLL for (u32 mask = 1; mask < 4; mask *= 2) {
        accumulators = add_pairwise(accumulators, mask);
        results = add_pairwise(results, mask);
    }
    if (lane >= 16 && lane % 4 == 0 && i < m) {
        add_atomic(sums + 2 * i, accumulators);
        add_atomic(sums + 2 * i + 1, results);
    }
}
