// Checks of linear operations alone, for sizes that no product is needed for: each row that does not
// fit is counted, and no other.

#include "testing.hpp"

namespace {

struct CheckCase {
    u64 m;
    u32 n, k;
    // Misalignment of x and y, and of u and r in words of theirs.
    u32 offset, weight_offset;
    // Whether bytes and weights are extreme.
    bool extreme;
};

struct CheckJob {
    CheckJob(const CheckCase &chosen, Random &random)
        : shape(chosen),
          x(chosen.m * chosen.k, chosen.offset),
          y(chosen.m * chosen.n, chosen.offset),
          u(u64(chosen.k) * 8, chosen.weight_offset * 8),
          r(u64(chosen.n) * 4, chosen.weight_offset * 4),
          sums(chosen.m * 16) {
        static const u64 WORDS[] = {0x80000000, 0x7fffffff, 0xffffffff80000000, 0x8000000000000001,
                                    0xffffffffffffffff};
        for (Buffer *buffer : {&x, &y, &u}) buffer->fill(random);
        for (u32 j = 0; j < shape.n; ++j) r.as<i32>()[j] = i32(1 + random.below(0x7fffffff));
        if (shape.extreme) {
            for (u32 l = 0; l < shape.k; ++l) u.as<u64>()[l] = WORDS[random.below(5)];
            for (u32 j = 0; j < shape.n; ++j) r.as<i32>()[j] = random.below(2) ? 1 : 0x7fffffff;
            std::memset(x.data, 0x80, x.size);
            std::memset(y.data, 0x80, y.size);
        }
        for (u64 i = 0; i < shape.m; ++i) expect(i);
    }

    // Makes the sums of a row from the definition.
    void expect(u64 i) {
        u64 *row = sums.as<u64>() + 2 * i;
        row[0] = row[1] = 0;
        for (u32 l = 0; l < shape.k; ++l) {
            row[0] += u64(i64(x.as<i8>()[i * shape.k + l])) * u.as<u64>()[l];
        }
        for (u32 j = 0; j < shape.n; ++j) {
            row[1] += u64(i64(y.as<i8>()[i * shape.n + j]) * r.as<i32>()[j]);
        }
    }

    u32 check() {
        Buffer faults(4);
        std::memset(faults.data, 0, 4);
        launch("check_linear", divide_up(shape.m, 32), 256, 0, x.data, y.data, u.data, r.data,
               sums.data, faults.data, shape.m, shape.n, shape.k);
        return *faults.as<u32>();
    }

    void expect_faults(u32 expected, const char *what) {
        ++cases;
        const u32 found = check();
        if (found == expected) return;
        char text[200];
        std::snprintf(text, sizeof text,
                      "check_linear: m %llu, n %u, k %u, offsets %u and %u: %u faults and not %u, %s",
                      shape.m, shape.n, shape.k, shape.offset, shape.weight_offset, found, expected,
                      what);
        fail(text);
    }

    CheckCase shape;
    Buffer x, y, u, r, sums;
};

// A bit that flips in a row, at its ends or anywhere, is that row's fault and no other's.
void flip_in_rows(CheckJob &job, Random &random) {
    const struct {
        Buffer &buffer;
        u32 bytes;
        const char *name;
    } places[] = {{job.x, job.shape.k, "x"}, {job.y, job.shape.n, "y"}, {job.sums, 16, "sums"}};
    for (const auto &place : places) {
        for (u64 i = 0; i < job.shape.m; ++i) {
            const u32 columns[] = {0, place.bytes - 1, random.below(place.bytes)};
            u8 &byte = place.buffer.data[i * place.bytes + columns[random.below(3)]];
            const u8 bit = u8(1 << random.below(8));
            byte ^= bit;
            job.expect_faults(1, place.name);
            byte ^= bit;
        }
    }
}

// A weight that changes is the fault of each row that it has a part in.
void flip_in_weights(CheckJob &job, Random &random) {
    for (Buffer *weights : {&job.u, &job.r}) {
        const bool first = weights == &job.u;
        const u32 count = first ? job.shape.k : job.shape.n, size = first ? 8 : 4;
        const u32 column = random.below(count), bit = random.below(8);
        const i8 *bytes = (first ? job.x : job.y).as<i8>() + column;
        u32 expected = 0;
        for (u64 i = 0; i < job.shape.m; ++i) expected += bytes[i * count] != 0;
        // The highest bits of 64, times an even byte, are nothing.
        u8 &byte = weights->data[column * size + random.below(first ? 7 : 4)];
        byte ^= u8(1 << bit);
        job.expect_faults(expected, first ? "u" : "r");
        byte ^= u8(1 << bit);
    }
}

}  // namespace

void test_checks() {
    // Rows that share warps in every way, and the next block; columns on and beside the borders of
    // what a warp takes at a time and of what all warps do.
    static const u64 ROWS[] = {1, 3, 4, 5, 8, 9, 12, 16, 17, 21, 31, 32, 33, 70};
    static const u32 COLUMNS[] = {1,    4,    127,  128,  508,  511,  512,  513,  516, 1024,
                                  1536, 2052, 3000, 4092, 4095, 4096, 4097, 4608, 8192};
    Random random = {11};
    for (u32 i = 0; i < 84; ++i) {
        const bool misaligned = i % 5 == 3, moved = i % 7 == 5;
        const CheckCase chosen = {ROWS[i % 14],
                                  COLUMNS[random.below(19)],
                                  COLUMNS[i % 19],
                                  misaligned ? 1 + random.below(15) : 4 * random.below(4),
                                  moved ? 1u : 0u,
                                  i % 9 == 4};
        CheckJob job(chosen, random);
        emulated_order(i % 2);
        job.expect_faults(0, "nothing flipped");
        if (chosen.m * (chosen.n + chosen.k) > 60000) continue;
        flip_in_rows(job, random);
        flip_in_weights(job, random);
    }
    emulated_order(0);
}
