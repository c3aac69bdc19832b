// Products of a warpgroup for sm_90: asynchronous, with both operands in shared memory. On a CPU,
// emulator/wgmma.hpp.
//
// A warpgroup is four warps whose first thread's number is a multiple of 128; all 128 threads must
// reach these functions together. Products belong to groups like copies do. Until a thread has
// waited for a group, its accumulators belong to the hardware, and nobody may write its operands.
// The hardware reads operands through another path than threads write them: what a thread has
// written, also with copy_async, is seen only after its publish_shared and a barrier.
#pragma once

#include "device.cuh"

// Describes rows of 128 bytes that lie one after the other from `place`, a multiple of 1,024, with
// their 16-byte pieces where `swizzled128` says. Products take 32 bytes of each row, from byte
// `depth` on.
DEVICE u64 describe_rows(u32 place, u32 depth) {
    // Places are counted in 16 bytes; eight rows are 1,024 bytes apart from the next eight; 1 in
    // the highest bits is the swizzle of 128 bytes, for which the other distance means nothing.
    return u64((place + depth) >> 4 & 0x3fff) | u64(1024 >> 4) << 32 | u64(1) << 62;
}

// Where the 16-byte piece `piece` of row `row` lies in a tile of 128 bytes a row.
DEVICE u32 swizzled128(u32 row, u32 piece) {
    return row * 128 + ((piece ^ row) & 7) * 16;
}

#if defined(__CUDA__)

// Makes what this thread has written to shared memory visible to products.
DEVICE void publish_shared() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// Must precede the products of a group: hands over the accumulators.
DEVICE void begin_products() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

#define TEN(tens)                                                                                \
    "%" tens "0, %" tens "1, %" tens "2, %" tens "3, %" tens "4, %" tens "5, %" tens "6, %" tens \
    "7, %" tens "8, %" tens "9, "
#define EIGHT_SUMS(i)                                                                     \
    "+r"(sums[i]), "+r"(sums[i + 1]), "+r"(sums[i + 2]), "+r"(sums[i + 3]), "+r"(sums[i + 4]), \
        "+r"(sums[i + 5]), "+r"(sums[i + 6]), "+r"(sums[i + 7])

// Starts sums += a x b for 64 rows of a and 256 rows of b, 32 deep. Lane l of warp w holds rows
// 16 w + l / 4 and eight below of the result; of its columns 8 j + l % 4 * 2 and the next, sums
// 4 j and 4 j + 1 for the upper row, 4 j + 2 and 4 j + 3 for the lower.
DEVICE void multiply_64x256x32(i32 (&sums)[128], u64 a, u64 b) {
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n256k32.s32.s8.s8 {" TEN("") TEN("1") TEN("2") TEN("3")
            TEN("4") TEN("5") TEN("6") TEN("7") TEN("8") TEN("9") TEN("10") TEN("11")
        "%120, %121, %122, %123, %124, %125, %126, %127}, %128, %129, 1;"
        : EIGHT_SUMS(0), EIGHT_SUMS(8), EIGHT_SUMS(16), EIGHT_SUMS(24), EIGHT_SUMS(32),
          EIGHT_SUMS(40), EIGHT_SUMS(48), EIGHT_SUMS(56), EIGHT_SUMS(64), EIGHT_SUMS(72),
          EIGHT_SUMS(80), EIGHT_SUMS(88), EIGHT_SUMS(96), EIGHT_SUMS(104), EIGHT_SUMS(112),
          EIGHT_SUMS(120)
        : "l"(a), "l"(b)
        : "memory");
}

#undef TEN
#undef EIGHT_SUMS

// Ends a group of products.
DEVICE void commit_products() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

// Waits for all products of this warpgroup but those of the newest COUNT groups. After the last
// of them, `sums` may be read.
template <int COUNT>
DEVICE void wait_products(i32 (&sums)[128]) {
    asm volatile("wgmma.wait_group.sync.aligned %0;" : : "n"(COUNT) : "memory");
    if (COUNT > 0) return;
    // No use of a sum may be moved before the wait.
    UNROLL for (int i = 0; i < 128; ++i) asm volatile("" : "+r"(sums[i]) : : "memory");
}

// Puts 16 bytes into a place in shared memory.
DEVICE void store_words(u32 place, const Words &words) {
    asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};"
                 :
                 : "r"(place), "r"(words.word[0]), "r"(words.word[1]), "r"(words.word[2]),
                   "r"(words.word[3])
                 : "memory");
}

#else

#include "emulator/wgmma.hpp"

#endif
