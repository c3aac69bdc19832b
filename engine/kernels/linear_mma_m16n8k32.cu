// The linear operation with mma.sync.m16n8k32 and asynchronous copies, for sm_80 and later.
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
//           slower where to 4 and k % 4 == 0; otherwise correct, and slowest
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
// ENTRY                           threads   blocks                                    dynamic shared memory
// linear_mma_m16n8k32_128x256     256       ceil(m / 128) * ceil(n / 256) * parts     98,304
// linear_mma_m16n8k32_128x128     128       ceil(m / 128) * ceil(n / 128) * parts     49,152
// linear_mma_m16n8k32_64x64       128       ceil(m / 64) * ceil(n / 64) * parts       32,768
//
// Grids and blocks have one dimension. More than 49,152 bytes of dynamic shared memory must be
// asked for (CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES). The largest tile is the fastest
// where its blocks fill the device.

#include "sharing.cuh"

namespace {

// The accumulators of a warp's part of a tile, in squares of 16x8.
template <int ROWS, int COLUMNS>
struct Part {
    i32 sums[ROWS / 16][COLUMNS / 8][4];

    // Puts 16 rows of this lane's accumulators into a slab.
    DEVICE_MEMBER void operator()(int i, i32 *slab) const {
        const u32 lane = thread_index() % 32;
        i32 *to = slab + lane / 4 * Slab<COLUMNS>::STRIDE + lane % 4 * 2;
        UNROLL for (int j = 0; j < COLUMNS / 8; ++j) {
            *(Pair *)(to + j * 8) = {sums[i][j][0], sums[i][j][1]};
            *(Pair *)(to + j * 8 + 8 * Slab<COLUMNS>::STRIDE) = {sums[i][j][2], sums[i][j][3]};
        }
    }
};

// The block's tile is ROWS x COLUMNS, a warp's SIDE x SIDE; STAGES tiles, 64 deep, are in shared
// memory at a time: one is multiplied, the others are on their way.
template <int ROWS, int COLUMNS, int SIDE, int STAGES>
struct Tile {
    static const int WARPS_ACROSS = COLUMNS / SIDE;
    static const int WARPS = ROWS / SIDE * WARPS_ACROSS;
    static const int THREADS = WARPS * 32;
    static const u32 STAGE = (ROWS + COLUMNS) * 64;
    static const int A = SIDE / 16, B = SIDE / 8;
    typedef Pieces<64, THREADS> Source;
    static_assert(Epilogue<COLUMNS, WARPS, SIDE>::BYTES <= STAGES * STAGE, "the epilogue fits");

    // Fills COUNT rows of 64 bytes at `offset`, with asynchronous copies or, where not even words are
    // aligned, at once.
    template <bool ALIGNED, int COUNT>
    static DEVICE_MEMBER void fill(const Source &from, u32 depth, u32 offset) {
        const u32 step = Source::ROW_STEP, times = COUNT / step;
        if (ALIGNED) {
            UNROLL for (u32 i = 0; i < times; ++i) {
                const u32 place = swizzled(Source::row() + i * step, from.at / 16);
                const bool real = from.count(i, depth) > 0;
                copy_async(shared_place(offset + place), from.address(i, depth, real), real);
            }
        } else {
            KEEP_LOOP for (u32 i = 0; i < times; ++i) {
                const u32 place = offset + swizzled(Source::row() + i * step, from.at / 16);
                if (from.in_words()) {
                    const u32 count = from.count(i, depth);
                    copy_words_async(shared_place(place), from.address(i, depth, count > 0), count);
                } else {
                    *(Words *)(dynamic_shared() + place) = from.template load<false>(i, depth);
                }
            }
        }
    }

    // Multiplies the stage at `offset`. `row` and `column` are the warp's in the tile.
    static DEVICE_MEMBER void multiply(Part<SIDE, SIDE> &part, u32 offset, u32 row, u32 column) {
        const u32 lane = thread_index() % 32;
        UNROLL for (int half = 0; half < 2; ++half) {
            u32 a[A][4], b[B / 2][4], at[A], bt[B / 2];
            // Matrices of a: rows 0-7, rows 8-15, and both again 16 bytes on.
            UNROLL for (int i = 0; i < A; ++i) {
                at[i] = shared_place(
                    offset + swizzled(row + i * 16 + lane % 16, 2 * half + lane / 16));
            }
            // Of b: columns 0-7 in two pieces, then columns 8-15.
            UNROLL for (int j = 0; j < B / 2; ++j) {
                bt[j] = shared_place(offset + ROWS * 64 +
                                     swizzled(column + j * 16 + lane / 16 * 8 + lane % 8,
                                              2 * half + lane / 8 % 2));
            }
            load_matrices(a, at);
            load_matrices(b, bt);
            u32 pairs[B][2];
            UNROLL for (int j = 0; j < B; ++j) {
                pairs[j][0] = b[j / 2][j % 2 * 2];
                pairs[j][1] = b[j / 2][j % 2 * 2 + 1];
            }
            multiply_16x8x32(part.sums, a, pairs);
        }
    }

    template <bool ALIGNED>
    static DEVICE_MEMBER void sum(const Linear &job, const Corner &tile, u32 row, u32 column,
                                  Part<SIDE, SIDE> &part) {
        const Share depths = share<64>(job);
        const Source x(job.x, tile.row, job.m, job.k, depths);
        const Source w(job.w, tile.column, job.n, job.k, depths);
        u32 next = 0, offset = 0;
        KEEP_LOOP for (int i = 0; i < STAGES - 1; ++i) {
            fill<ALIGNED, ROWS>(x, next, i * STAGE);
            fill<ALIGNED, COLUMNS>(w, next, i * STAGE + ROWS * 64);
            commit_copies();
            next += 64;
        }
        u32 free = (STAGES - 1) * STAGE;
        KEEP_LOOP for (u32 depth = 0; depth < depths.length; depth += 64) {
            wait_copies<STAGES - 2>();
            // Others' copies have arrived too, and all have left the stage that is filled next.
            barrier();
            fill<ALIGNED, ROWS>(x, next, free);
            fill<ALIGNED, COLUMNS>(w, next, free + ROWS * 64);
            commit_copies();
            next += 64;
            multiply(part, offset, row, column);
            free = offset;
            offset = offset == (STAGES - 1) * STAGE ? 0 : offset + STAGE;
        }
        wait_copies<0>();
        barrier();
    }

    static DEVICE_MEMBER void run(const Linear &job) {
        const u32 warp = thread_index() / 32;
        const u32 row = warp / WARPS_ACROSS * SIDE, column = warp % WARPS_ACROSS * SIDE;
        const Corner tile = corner<ROWS, COLUMNS>(job);
        Part<SIDE, SIDE> part;
        UNROLL for (int i = 0; i < A; ++i) {
            UNROLL for (int j = 0; j < B; ++j) {
                UNROLL for (int l = 0; l < 4; ++l) part.sums[i][j][l] = 0;
            }
        }
        if (is_aligned(job)) {
            sum<true>(job, tile, row, column, part);
        } else {
            sum<false>(job, tile, row, column, part);
        }
        if (!gather<A * B * 4, THREADS>(job, part.sums[0][0])) return;
        const Corner again = corner_again<ROWS, COLUMNS>(job);
        const u32 warp_again = anew(thread_index()) / 32;
        finish<COLUMNS, WARPS, A, SIDE>(job, dynamic_shared(),
                                        again.row + warp_again / WARPS_ACROSS * SIDE, again.column,
                                        warp_again % WARPS_ACROSS * SIDE, part);
    }
};

}  // namespace

KERNEL(256, 1)
linear_mma_m16n8k32_128x256(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y,
                            u64 m, u32 n, u32 k, const i32 *r, u64 *sums, u32 parts, i32 *partials,
                            u32 *arrivals) {
    Tile<128, 256, 64, 4>::run({x, w, channels, table, y, m, n, k, r, sums, parts, partials, arrivals});
}

KERNEL(128, 2)
linear_mma_m16n8k32_128x128(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y,
                            u64 m, u32 n, u32 k, const i32 *r, u64 *sums, u32 parts, i32 *partials,
                            u32 *arrivals) {
    Tile<128, 128, 64, 3>::run({x, w, channels, table, y, m, n, k, r, sums, parts, partials, arrivals});
}

KERNEL(128, 3)
linear_mma_m16n8k32_64x64(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y,
                          u64 m, u32 n, u32 k, const i32 *r, u64 *sums, u32 parts, i32 *partials,
                          u32 *arrivals) {
    Tile<64, 64, 32, 4>::run({x, w, channels, table, y, m, n, k, r, sums, parts, partials, arrivals});
}
