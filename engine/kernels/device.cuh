// What the kernels ask of the machine: built-ins and PTX on a GPU, emulator/host.hpp on a CPU.
//
// Compiled without NVIDIA's headers. The warp-wide functions must be reached by all 32 lanes.
#pragma once

using i8 = signed char;
using u8 = unsigned char;
using i32 = int;
using u32 = unsigned int;
using i64 = long long;
using u64 = unsigned long long;

// 16 bytes that move as one.
struct alignas(16) Words {
    u32 word[4];
};

// 8 bytes that move as one.
struct alignas(8) Pair {
    i32 first, second;
};

#if defined(__CUDA__)

#define DEVICE static inline __attribute__((device, always_inline))
#define DEVICE_MEMBER __attribute__((device, always_inline))
// Threads of a block; blocks that must fit on a multiprocessor.
#define KERNEL(threads, blocks) \
    extern "C" __attribute__((global, launch_bounds(threads, blocks))) void
#define SHARED static __attribute__((shared, aligned(16)))
#define UNROLL _Pragma("unroll")
#define KEEP_LOOP _Pragma("unroll 1")

extern __attribute__((shared, aligned(16))) u8 dynamic_shared_memory[];

DEVICE u8 *dynamic_shared() {
    return dynamic_shared_memory;
}

DEVICE u32 thread_index() {
    return __nvvm_read_ptx_sreg_tid_x();
}

DEVICE u32 block_index() {
    return __nvvm_read_ptx_sreg_ctaid_x();
}

// The same number, of which the compiler does not know that it is: what follows from it is worked
// out again and not kept, where registers are scarce.
DEVICE u32 anew(u32 value) {
    asm volatile("" : "+r"(value));
    return value;
}

DEVICE i32 anew(i32 value) {
    asm volatile("" : "+r"(value));
    return value;
}

DEVICE u64 anew(u64 value) {
    asm volatile("" : "+l"(value));
    return value;
}

DEVICE u32 block_count() {
    return __nvvm_read_ptx_sreg_nctaid_x();
}

// All threads of the block.
DEVICE void barrier() {
    __syncthreads();
}

// All lanes of the warp.
DEVICE void warp_barrier() {
    __nvvm_bar_warp_sync(0xffffffff);
}

// The value of the lane whose number differs in the bits of mask.
DEVICE u32 shuffle_xor(u32 value, u32 mask) {
    return u32(__nvvm_shfl_sync_bfly_i32(0xffffffff, i32(value), i32(mask), 31));
}

DEVICE void add_atomic(u64 *to, u64 value) {
    __atomic_fetch_add(to, value, __ATOMIC_RELAXED);
}

DEVICE void add_atomic(u32 *to, u32 value) {
    __atomic_fetch_add(to, value, __ATOMIC_RELAXED);
}

// What was there before.
DEVICE u32 fetch_add(u32 *to, u32 value) {
    return __atomic_fetch_add(to, value, __ATOMIC_RELAXED);
}

// 16 aligned bytes that no thread writes, as one load, which is made here and not only when they are
// needed.
DEVICE Words load_words(const void *from) {
    Words words;
    asm("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
        : "=r"(words.word[0]), "=r"(words.word[1]), "=r"(words.word[2]), "=r"(words.word[3])
        : "l"((const __attribute__((address_space(1))) void *)from));
    return words;
}

// 16 bytes for another block.
DEVICE void store_for_others(Words *to, const Words &words) {
    *to = words;
}

// Other blocks that see what this thread does behind it see what it did before it, too.
DEVICE void device_fence() {
    asm volatile("membar.gl;" ::: "memory");
}

// 16 bytes that another block has stored, past the cache that blocks do not share.
DEVICE Words load_of_others(const Words *from) {
    Words words;
    asm volatile("ld.global.cg.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words.word[0]), "=r"(words.word[1]), "=r"(words.word[2]),
                   "=r"(words.word[3])
                 : "l"((const __attribute__((address_space(1))) void *)from)
                 : "memory");
    return words;
}

// A byte of a word, as a signed number.
DEVICE i32 byte_of(u32 word, u32 index) {
    // Each digit names a byte of the result; 8 or more stands for the sign of byte `index`.
    return i32(__nvvm_prmt(word, 0, (8 + index) * 0x1110 + index));
}

// The same, 2^16 times as large.
DEVICE i32 raised_byte_of(u32 word, u32 index) {
    // 4 to 7 stand for bytes of the second operand, which is 0.
    return i32(__nvvm_prmt(word, 0, (8 + index) * 0x1000 + index * 0x100 + 0x44));
}

// sum plus four products of signed bytes.
DEVICE i32 dot4(u32 a, u32 b, i32 sum) {
    asm("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

DEVICE u32 rotate_right(u32 value, u32 bits) {
    return __builtin_rotateright32(value, bits);
}

// A place in dynamic shared memory, as the functions below want it.
DEVICE u32 shared_place(u32 offset) {
    return u32(u64((__attribute__((address_space(3))) u8 *)dynamic_shared_memory)) + offset;
}

// COUNT times four 8x8 matrices of 16-bit pairs: lane l names row l % 8 of matrix l / 8, and gets
// the pair of each matrix at row l / 4, column l % 4.
template <int COUNT>
DEVICE void load_matrices(u32 (&to)[COUNT][4], const u32 (&place)[COUNT]) {
    UNROLL for (int i = 0; i < COUNT; ++i) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(to[i][0]), "=r"(to[i][1]), "=r"(to[i][2]), "=r"(to[i][3])
                     : "r"(place[i])
                     : "memory");
    }
}

// sums += a x b for ROWS x COLUMNS tiles of 8x8, 16 deep. A lane holds row l / 4 and bytes
// 4 * (l % 4).. of a tile of a, the same of b's transposed tile, and two columns of the result.
template <int ROWS, int COLUMNS>
DEVICE void multiply_8x8x16(i32 (&sums)[ROWS][COLUMNS][2], const u32 (&a)[ROWS],
                            const u32 (&b)[COLUMNS]) {
    UNROLL for (int i = 0; i < ROWS; ++i) {
        UNROLL for (int j = 0; j < COLUMNS; ++j) {
            asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 "
                         "{%0, %1}, {%2}, {%3}, {%0, %1};"
                         : "+r"(sums[i][j][0]), "+r"(sums[i][j][1])
                         : "r"(a[i]), "r"(b[j]));
        }
    }
}

// sums += a x b for ROWS x COLUMNS tiles of 16x8, 32 deep. Words of a: rows 0-7 and 8-15 of the
// first 16 bytes, then of the last 16; of b: first and last 16 bytes.
template <int ROWS, int COLUMNS>
DEVICE void multiply_16x8x32(i32 (&sums)[ROWS][COLUMNS][4], const u32 (&a)[ROWS][4],
                             const u32 (&b)[COLUMNS][2]) {
    UNROLL for (int i = 0; i < ROWS; ++i) {
        UNROLL for (int j = 0; j < COLUMNS; ++j) {
            asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
                         "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                         : "+r"(sums[i][j][0]), "+r"(sums[i][j][1]), "+r"(sums[i][j][2]),
                           "+r"(sums[i][j][3])
                         : "r"(a[i][0]), "r"(a[i][1]), "r"(a[i][2]), "r"(a[i][3]), "r"(b[j][0]),
                           "r"(b[j][1]));
        }
    }
}

// Starts to copy 16 bytes to a place in shared memory, or zeros where `real` is false.
DEVICE void copy_async(u32 place, const void *from, bool real) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(place), "l"((const __attribute__((address_space(1))) void *)from),
                   "r"(real ? 16 : 0)
                 : "memory");
}

// Starts to copy `count` bytes, a multiple of 4 up to 16, to 16 bytes in shared memory, word by word,
// and zeros behind them. `from` is aligned to 4, and there is at least a word.
DEVICE void copy_words_async(u32 place, const i8 *from, u32 count) {
    UNROLL for (u32 i = 0; i < 16; i += 4) {
        const i8 *word = i < count ? from + i : from;
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
                     :
                     : "r"(place + i), "l"((const __attribute__((address_space(1))) void *)word),
                       "r"(i < count ? 4 : 0)
                     : "memory");
    }
}

// Ends a group of copies.
DEVICE void commit_copies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits for this thread's copies, except for those of the newest COUNT groups.
template <int COUNT>
DEVICE void wait_copies() {
    asm volatile("cp.async.wait_group %0;" : : "n"(COUNT) : "memory");
}

#else

#include "emulator/host.hpp"

#endif

// Up to 16 bytes at any address; zeros behind the first `count`.
DEVICE Words load_any(const i8 *from, u32 count) {
    Words words;
    if (count >= 16 && (u64(from) & 3) == 0) {
        UNROLL for (int i = 0; i < 4; ++i) words.word[i] = ((const u32 *)from)[i];
        return words;
    }
    UNROLL for (u32 i = 0; i < 4; ++i) {
        u32 word = 0;
        UNROLL for (u32 j = 0; j < 4; ++j) {
            const u32 byte = 4 * i + j < count ? u8(from[4 * i + j]) : 0;
            word |= byte << (8 * j);
        }
        words.word[i] = word;
    }
    return words;
}

DEVICE u64 shuffle_xor(u64 value, u32 mask) {
    return u64(shuffle_xor(u32(value >> 32), mask)) << 32 | shuffle_xor(u32(value), mask);
}

// The sum of this lane's value and that of the lane whose number differs in the bits of mask.
DEVICE u64 add_pairwise(u64 value, u32 mask) {
    return value + shuffle_xor(value, mask);
}
