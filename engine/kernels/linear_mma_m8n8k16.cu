// The linear operation with mma.sync.m8n8k16, for sm_75 and later.
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
// ENTRY                          threads   blocks                                    dynamic shared memory
// linear_mma_m8n8k16_128x128     128       ceil(m / 128) * ceil(n / 128) * parts     32,768
//
// Grids and blocks have one dimension.

#include "sharing.cuh"

namespace {

// The accumulators of a warp's 64x64, in squares of 8x8.
struct Part {
    i32 sums[8][8][2];

    // Puts 16 rows of this lane's accumulators into a slab.
    DEVICE_MEMBER void operator()(int i, i32 *slab) const {
        const u32 lane = thread_index() % 32;
        UNROLL for (int half = 0; half < 2; ++half) {
            i32 *to = slab + (half * 8 + lane / 4) * Slab<64>::STRIDE + lane % 4 * 2;
            UNROLL for (int j = 0; j < 8; ++j) {
                *(Pair *)(to + j * 8) = {sums[2 * i + half][j][0], sums[2 * i + half][j][1]};
            }
        }
    }
};

typedef Pieces<64, 128> Source;
static const u32 STAGE = 256 * 64, PIECES = 128 / Source::ROW_STEP;
static_assert(Epilogue<128, 4, 64>::BYTES <= 2 * STAGE, "the epilogue fits");

template <bool ALIGNED>
DEVICE void load(Words (&to)[PIECES], const Source &from, u32 depth) {
    UNROLL for (u32 i = 0; i < PIECES; ++i) to[i] = from.load<ALIGNED>(i, depth);
}

DEVICE void store(const Words (&pieces)[PIECES], const Source &from, u32 offset) {
    UNROLL for (u32 i = 0; i < PIECES; ++i) {
        const u32 place = swizzled(Source::row() + i * Source::ROW_STEP, from.at / 16);
        *(Words *)(dynamic_shared() + offset + place) = pieces[i];
    }
}

// Multiplies the stage at `offset`. `row` and `column` are the warp's in the tile.
DEVICE void multiply(Part &part, u32 offset, u32 row, u32 column) {
    const u32 lane = thread_index() % 32;
    UNROLL for (int piece = 0; piece < 4; ++piece) {
        u32 a[2][4], b[2][4], at[2], bt[2];
        UNROLL for (int i = 0; i < 2; ++i) {
            at[i] = shared_place(offset + swizzled(row + i * 32 + lane, piece));
            bt[i] = shared_place(offset + 128 * 64 + swizzled(column + i * 32 + lane, piece));
        }
        load_matrices(a, at);
        load_matrices(b, bt);
        u32 rows[8], columns[8];
        UNROLL for (int i = 0; i < 8; ++i) {
            rows[i] = a[i / 4][i % 4];
            columns[i] = b[i / 4][i % 4];
        }
        multiply_8x8x16(part.sums, rows, columns);
    }
}

// Two stages: while one is multiplied, the next is on its way in registers.
template <bool ALIGNED>
DEVICE void sum(const Linear &job, const Corner &tile, u32 row, u32 column, Part &part) {
    const Share depths = share<64>(job);
    const Source x(job.x, tile.row, job.m, job.k, depths);
    const Source w(job.w, tile.column, job.n, job.k, depths);
    Words pieces[2][PIECES];
    load<ALIGNED>(pieces[0], x, 0);
    load<ALIGNED>(pieces[1], w, 0);
    u32 offset = 0;
    KEEP_LOOP for (u32 depth = 0; depth < depths.length; depth += 64) {
        store(pieces[0], x, offset);
        store(pieces[1], w, offset + 128 * 64);
        barrier();
        load<ALIGNED>(pieces[0], x, depth + 64);
        load<ALIGNED>(pieces[1], w, depth + 64);
        multiply(part, offset, row, column);
        offset ^= STAGE;
    }
    barrier();
}

}  // namespace

KERNEL(128, 2)
linear_mma_m8n8k16_128x128(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y,
                           u64 m, u32 n, u32 k, const i32 *r, u64 *sums, u32 parts,
                           i32 *partials, u32 *arrivals) {
    const Linear job = {x, w,    channels, table,    y,       m,
                        n, k, r, sums, parts, partials, arrivals};
    const u32 row = thread_index() / 64 * 64, column = thread_index() / 32 % 2 * 64;
    const Corner tile = corner<128, 128>(job);
    Part part;
    UNROLL for (int i = 0; i < 8; ++i) {
        UNROLL for (int j = 0; j < 8; ++j) part.sums[i][j][0] = part.sums[i][j][1] = 0;
    }
    if (is_aligned(job)) {
        sum<true>(job, tile, row, column, part);
    } else {
        sum<false>(job, tile, row, column, part);
    }
    if (!gather<128, 128>(job, part.sums[0][0])) return;
    const Corner again = corner_again<128, 128>(job);
    const u32 warp = anew(thread_index()) / 32;
    finish<128, 4, 4, 64>(job, dynamic_shared(), again.row + warp / 2 * 64, again.column,
                          warp % 2 * 64, part);
}
