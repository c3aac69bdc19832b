// Linear operations for tests: their kernels, data, and results by a plain loop.
#pragma once

#include "testing.hpp"

struct LinearKernel {
    const char *name;
    u32 threads, rows, columns, shared_bytes;
    // Bytes of the depth of a step, if blocks can share a tile.
    u32 step;
};

extern const LinearKernel LINEAR_KERNELS[7];

// How the bytes of a case are chosen.
enum class Data { Random, Lowest, Mixed };

struct LinearCase {
    u64 m;
    u32 n, k;
    // Misalignment of x, w and y.
    u32 offset;
    bool with_table, checked;
    Data data;
};

struct LinearJob {
    explicit LinearJob(const LinearCase &chosen, Random &random);

    // Makes what the result must be for x and w as they are now.
    void expect();
    // With so many blocks for each tile, which find what as many launches before have left.
    void run(const LinearKernel &kernel, u32 parts = 1, u32 launches_before = 0);
    // Makes u from w and r as they are now.
    void make_u();
    // Faults that check_linear counts.
    u32 check();
    // Whether y is what was expected.
    bool correct() const;

    LinearCase shape;
    Buffer x, w, channels, table, y, r, sums, u;
    std::vector<i8> expected;
};
