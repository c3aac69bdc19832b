// The linear operation with wgmma.m64n256k32 and asynchronous copies, for sm_90 and nothing else.
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
// ENTRY                    threads   blocks                                    dynamic shared memory
// linear_wgmma_128x256     256       ceil(m / 128) * ceil(n / 256) * parts     197,632
//
// Grids and blocks have one dimension. The shared memory must be asked for
// (CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES).

#include "sharing.cuh"
#include "wgmma.cuh"

namespace {

const int ROWS = 128, COLUMNS = 256, THREADS = 256, WARPS = THREADS / 32;
// Bytes of a row's depth in shared memory at a time, as many as the widest swizzle takes.
const u32 DEEP = 128;
// Of the stages one is multiplied, one may still be, and two are on their way.
const u32 STAGES = 4, STAGE = (ROWS + COLUMNS) * DEEP;
typedef Pieces<DEEP, THREADS> Source;
static_assert(Epilogue<COLUMNS, WARPS, 64>::BYTES <= STAGES * STAGE, "the epilogue fits");

// The accumulators of a lane: 16 rows of its warp, all columns of the tile.
struct Part {
    i32 sums[COLUMNS / 2];

    // Puts this lane's accumulators of 64 columns into a slab.
    DEVICE_MEMBER void operator()(int i, i32 *slab) const {
        const u32 lane = thread_index() % 32;
        i32 *to = slab + lane / 4 * Slab<64>::STRIDE + lane % 4 * 2;
        UNROLL for (int j = 0; j < 8; ++j) {
            const i32 *from = sums + (8 * i + j) * 4;
            *(Pair *)(to + j * 8) = {from[0], from[1]};
            *(Pair *)(to + j * 8 + 8 * Slab<64>::STRIDE) = {from[2], from[3]};
        }
    }
};

// Fills COUNT rows at a place, with asynchronous copies or, where not even words are aligned, at once.
template <bool ALIGNED, int COUNT>
DEVICE void fill_rows(const Source &from, u32 depth, u32 place) {
    const u32 step = Source::ROW_STEP, times = COUNT / step;
    // The piece's place among eight rows is the same in each step.
    const u32 first = place + swizzled128(Source::row(), from.at / 16);
    static_assert(step % 8 == 0, "the swizzle repeats");
    if (ALIGNED) {
        UNROLL for (u32 i = 0; i < times; ++i) {
            const bool real = from.count(i, depth) > 0;
            copy_async(first + i * step * DEEP, from.address(i, depth, real), real);
        }
    } else {
        KEEP_LOOP for (u32 i = 0; i < times; ++i) {
            const u32 to = first + i * step * DEEP;
            if (from.in_words()) {
                const u32 count = from.count(i, depth);
                copy_words_async(to, from.address(i, depth, count > 0), count);
            } else {
                store_words(to, from.template load<false>(i, depth));
            }
        }
    }
}

// What a block multiplies: its rows of x and w, and where shared memory holds stages of them.
struct Operands {
    Source x, w;
    u32 place;

    template <bool ALIGNED>
    DEVICE_MEMBER void fill(u32 depth, u32 offset) const {
        fill_rows<ALIGNED, ROWS>(x, depth, place + offset);
        fill_rows<ALIGNED, COLUMNS>(w, depth, place + offset + ROWS * DEEP);
        commit_copies();
    }

    // Starts to multiply the stage at `offset`, each warpgroup 64 rows of it.
    DEVICE_MEMBER void multiply(Part &part, u32 offset) const {
        const u32 rows = place + offset + thread_index() / 128 * 64 * DEEP;
        const u32 columns = place + offset + ROWS * DEEP;
        begin_products();
        UNROLL for (u32 depth = 0; depth < DEEP; depth += 32) {
            multiply_64x256x32(part.sums, describe_rows(rows, depth),
                               describe_rows(columns, depth));
        }
        commit_products();
    }
};

template <bool ALIGNED>
DEVICE void sum(const Operands &operands, u32 length, Part &part) {
    u32 next = 0, offset = 0;
    KEEP_LOOP for (; next < (STAGES - 2) * DEEP; next += DEEP) {
        operands.fill<ALIGNED>(next, next / DEEP * STAGE);
    }
    u32 free = (STAGES - 2) * STAGE;
    KEEP_LOOP for (u32 depth = 0; depth < length; depth += DEEP) {
        wait_copies<STAGES - 3>();
        publish_shared();
        // Others' copies have arrived too, and all have waited for the products of the stage that
        // is filled next, the last but one.
        barrier();
        operands.multiply(part, offset);
        operands.fill<ALIGNED>(next, free);
        next += DEEP;
        wait_products<1>(part.sums);
        offset = offset == (STAGES - 1) * STAGE ? 0 : offset + STAGE;
        free = free == (STAGES - 1) * STAGE ? 0 : free + STAGE;
    }
    wait_products<0>(part.sums);
    wait_copies<0>();
    barrier();
}

}  // namespace

KERNEL(256, 1)
linear_wgmma_128x256(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y, u64 m,
                     u32 n, u32 k, const i32 *r, u64 *sums, u32 parts, i32 *partials, u32 *arrivals) {
    const Linear job = {x, w, channels, table, y, m, n, k, r, sums, parts, partials, arrivals};
    const Corner tile = corner<ROWS, COLUMNS>(job);
    // The swizzle counts from multiples of 1,024, and shared memory may start anywhere.
    const u32 place = (shared_place(0) + 1023) & ~u32(1023);
    const Share depths = share<DEEP>(job);
    const Operands operands = {Source(x, tile.row, m, k, depths),
                               Source(w, tile.column, n, k, depths), place};
    Part part;
    UNROLL for (int i = 0; i < COLUMNS / 2; ++i) part.sums[i] = 0;
    if (is_aligned(job)) {
        sum<true>(operands, depths.length, part);
    } else {
        sum<false>(operands, depths.length, part);
    }
    if (!gather<COLUMNS / 2, THREADS>(job, part.sums)) return;
    finish_across<COLUMNS, WARPS, 64>(job, dynamic_shared(), tile.row + thread_index() / 32 * 16,
                                      tile.column, part);
}
