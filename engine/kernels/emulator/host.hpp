// device.cuh for a CPU: the sources of the kernels become C++ functions, which fibres.cpp runs as
// the threads of a block. Functions of a whole warp exchange their lanes' operands.
#pragma once

#include <cstring>

#define DEVICE static inline
#define DEVICE_MEMBER inline
#define KERNEL(threads, blocks) extern "C" void
#define SHARED alignas(16) static
#define UNROLL
#define KEEP_LOOP

namespace emulator {

// Of the running thread.
extern u32 thread, block, blocks;
// The block's dynamic shared memory, and the place where it starts: a multiple of 16, and no more.
extern u8 *dynamic;
const u32 SHARED_START = 16;

void block_barrier();
void warp_barrier();

// Gives `bytes` (at most 256) bytes of this lane to its warp; those of lane l are then at
// the returned address + 256 * l, until the next exchange but one.
const u8 *exchange(const void *mine, u32 bytes);

void store(u32 place, const Words &words);
// Starts to copy so many bytes to a place, and zeros behind them up to 16.
void copy(u32 place, const void *from, u32 bytes, u32 alignment);
void commit();
void wait(u32 newest);

// The four bytes at a place for ldmatrix, which must be aligned.
u32 matrix_word(u32 place, u32 lane);
// sum + a . b, disturbed.
i32 add_dot(i32 sum, const i8 *a, const i8 *b, u32 length);

// What blocks leave to each other; see sharing.cpp.
void store_for_others(Words *to, const Words &words);
void device_fence();
u32 arrive_at(u32 *counter, u32 value);
Words load_of_others(const Words *from);

// The sum, or with a bit flipped where that was asked for; see fibres.hpp.
i32 disturbed(i32 sum);

template <class T>
const T &of_lane(const u8 *exchanged, u32 lane) {
    return *(const T *)(exchanged + 256 * lane);
}

}  // namespace emulator

DEVICE u8 *dynamic_shared() {
    return emulator::dynamic;
}

DEVICE u32 thread_index() {
    return emulator::thread;
}

DEVICE u32 block_index() {
    return emulator::block;
}

DEVICE u32 block_count() {
    return emulator::blocks;
}

DEVICE void barrier() {
    emulator::block_barrier();
}

DEVICE void warp_barrier() {
    emulator::warp_barrier();
}

DEVICE u32 shuffle_xor(u32 value, u32 mask) {
    const u8 *values = emulator::exchange(&value, sizeof value);
    return emulator::of_lane<u32>(values, (emulator::thread ^ mask) % 32);
}

DEVICE void add_atomic(u64 *to, u64 value) {
    *to += value;
}

DEVICE void add_atomic(u32 *to, u32 value) {
    *to += value;
}

DEVICE u32 fetch_add(u32 *to, u32 value) {
    return emulator::arrive_at(to, value);
}

DEVICE Words load_words(const void *from) {
    return *(const Words *)from;
}

DEVICE void store_for_others(Words *to, const Words &words) {
    emulator::store_for_others(to, words);
}

DEVICE void device_fence() {
    emulator::device_fence();
}

template <class T>
DEVICE T anew(T value) {
    return value;
}

DEVICE Words load_of_others(const Words *from) {
    return emulator::load_of_others(from);
}

DEVICE i32 byte_of(u32 word, u32 index) {
    return i8(word >> (8 * index));
}

DEVICE i32 raised_byte_of(u32 word, u32 index) {
    return byte_of(word, index) * 65536;
}

DEVICE i32 dot4(u32 a, u32 b, i32 sum) {
    u32 total = u32(sum);
    for (int i = 0; i < 4; ++i) total += u32(i8(a >> (8 * i)) * i8(b >> (8 * i)));
    return emulator::disturbed(i32(total));
}

DEVICE u32 rotate_right(u32 value, u32 bits) {
    return value >> bits | value << (32 - bits);
}

DEVICE u32 shared_place(u32 offset) {
    return emulator::SHARED_START + offset;
}

template <int COUNT>
DEVICE void load_matrices(u32 (&to)[COUNT][4], const u32 (&place)[COUNT]) {
    typedef u32 Places[COUNT];
    const u8 *places = emulator::exchange(place, sizeof place);
    const u32 lane = emulator::thread % 32;
    for (int i = 0; i < COUNT; ++i) {
        for (int j = 0; j < 4; ++j) {
            const u32 row = emulator::of_lane<Places>(places, u32(j) * 8 + lane / 4)[i];
            to[i][j] = emulator::matrix_word(row, lane);
        }
    }
}

template <int ROWS, int COLUMNS>
DEVICE void multiply_8x8x16(i32 (&sums)[ROWS][COLUMNS][2], const u32 (&a)[ROWS],
                            const u32 (&b)[COLUMNS]) {
    struct Operands {
        u32 a[ROWS], b[COLUMNS];
    } mine;
    std::memcpy(mine.a, a, sizeof a);
    std::memcpy(mine.b, b, sizeof b);
    const u8 *all = emulator::exchange(&mine, sizeof mine);
    const u32 lane = emulator::thread % 32;
    i8 row[ROWS][16], column[COLUMNS * 2][16];
    for (u32 quarter = 0; quarter < 4; ++quarter) {
        const Operands &left = emulator::of_lane<Operands>(all, lane / 4 * 4 + quarter);
        for (int i = 0; i < ROWS; ++i) std::memcpy(row[i] + 4 * quarter, left.a + i, 4);
        for (u32 l = 0; l < 2; ++l) {
            const Operands &right =
                emulator::of_lane<Operands>(all, (lane % 4 * 2 + l) * 4 + quarter);
            for (u32 j = 0; j < COLUMNS; ++j) {
                std::memcpy(column[2 * j + l] + 4 * quarter, right.b + j, 4);
            }
        }
    }
    for (int i = 0; i < ROWS; ++i) {
        for (int j = 0; j < COLUMNS; ++j) {
            for (int l = 0; l < 2; ++l) {
                sums[i][j][l] = emulator::add_dot(sums[i][j][l], row[i], column[2 * j + l], 16);
            }
        }
    }
}

template <int ROWS, int COLUMNS>
DEVICE void multiply_16x8x32(i32 (&sums)[ROWS][COLUMNS][4], const u32 (&a)[ROWS][4],
                             const u32 (&b)[COLUMNS][2]) {
    struct Operands {
        u32 a[ROWS][4], b[COLUMNS][2];
    } mine;
    std::memcpy(mine.a, a, sizeof a);
    std::memcpy(mine.b, b, sizeof b);
    const u8 *all = emulator::exchange(&mine, sizeof mine);
    const u32 lane = emulator::thread % 32;
    i8 row[ROWS * 2][32], column[COLUMNS * 2][32];
    for (u32 quarter = 0; quarter < 4; ++quarter) {
        const Operands &left = emulator::of_lane<Operands>(all, lane / 4 * 4 + quarter);
        for (int i = 0; i < ROWS; ++i) {
            for (int word = 0; word < 4; ++word) {
                i8 *to = row[2 * i + word % 2] + word / 2 * 16 + 4 * quarter;
                std::memcpy(to, left.a[i] + word, 4);
            }
        }
        for (u32 l = 0; l < 2; ++l) {
            const Operands &right =
                emulator::of_lane<Operands>(all, (lane % 4 * 2 + l) * 4 + quarter);
            for (u32 j = 0; j < COLUMNS; ++j) {
                for (int word = 0; word < 2; ++word) {
                    std::memcpy(column[2 * j + l] + word * 16 + 4 * quarter, right.b[j] + word, 4);
                }
            }
        }
    }
    for (int i = 0; i < ROWS; ++i) {
        for (int j = 0; j < COLUMNS; ++j) {
            for (int l = 0; l < 4; ++l) {
                sums[i][j][l] = emulator::add_dot(sums[i][j][l], row[2 * i + l / 2],
                                                  column[2 * j + l % 2], 32);
            }
        }
    }
}

DEVICE void copy_async(u32 place, const void *from, bool real) {
    emulator::copy(place, from, real ? 16 : 0, 16);
}

DEVICE void copy_words_async(u32 place, const i8 *from, u32 count) {
    emulator::copy(place, from, count, 4);
}

DEVICE void commit_copies() {
    emulator::commit();
}

template <int COUNT>
DEVICE void wait_copies() {
    emulator::wait(COUNT);
}
