// What the tests of the kernels share.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "kernels.hpp"

// A pseudo-random sequence (xorshift64*).
struct Random {
    u64 state;

    u64 next() {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return state * 0x2545f4914f6cdd1d;
    }

    u32 below(u32 bound) {
        return u32((next() >> 32) % bound);
    }
};

// Memory of exactly `bytes` bytes behind `offset` others, so that a sanitizer sees each access
// behind the end.
struct Buffer {
    explicit Buffer(size_t bytes, u32 offset = 0)
        : all(new u8[bytes + offset]), data(all + offset), size(bytes) {
        std::memset(all, 0xcc, bytes + offset);
    }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
    ~Buffer() {
        delete[] all;
    }

    void fill(Random &random) {
        for (size_t i = 0; i < size; ++i) data[i] = u8(random.next() >> 56);
    }

    template <class T>
    T *as() {
        return (T *)data;
    }

    u8 *all, *data;
    size_t size;
};

// Reports a failure and counts it.
void fail(const std::string &what);
extern u32 failures, cases;

template <class... A>
void launch(const char *name, u64 blocks, u32 threads, u32 shared_bytes, A... arguments) {
    void *pointers[] = {&arguments...};
    if (emulated_launch(name, u32(blocks), threads, shared_bytes, pointers) != 0) {
        fail(std::string(name) + ": no such kernel, or not to be launched like this");
    }
}

inline u64 divide_up(u64 a, u64 b) {
    return (a + b - 1) / b;
}

void test_linear();
void test_faults();
void test_checks();
void test_add();
void test_blake3();
void test_vectors(const char *path);
