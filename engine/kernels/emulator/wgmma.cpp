// Products of warpgroups: each thread computes its own sums, and nothing is done for it that the
// hardware would not do.
//
// Operands come from `published`, what the hardware's other path to shared memory sees: bytes get
// there when the thread that wrote them publishes them. A product is computed when it starts, and
// its operands are read once more when it is waited for: they must be the same. Its sums are with
// the hardware from its start to the end of the wait; the kernel's variables hold a pattern
// meanwhile, which it must leave alone.

#include "../wgmma.cuh"
#include "products.hpp"

#include <vector>

namespace emulator {

namespace {

const i32 PATTERN = 0x5a3c5a3c;

struct Product {
    u64 a, b, operands;
};

struct Thread {
    // Places that it has written and not published.
    std::vector<u32> unpublished;
    // Groups that were not waited for, oldest first; the last is not committed.
    std::vector<std::vector<Product>> groups;
    bool begun;
    u32 products;
    // Its variables while the hardware has them, and what that has in them.
    i32 *variables;
    i32 sums[128];
};

std::vector<Thread> threads;
std::vector<u8> published;
// The operands of each warpgroup's products so far.
std::vector<std::vector<Product>> common;

// 16 bytes of a row that a descriptor names, from byte 16 * half.
const u8 *piece(u64 descriptor, u32 row, u32 half) {
    const u32 start = u32(descriptor & 0x3fff) << 4;
    const u32 eight_rows = u32(descriptor >> 32 & 0x3fff) << 4;
    const u64 known = u64(0x3fff) | u64(0x3fff) << 32 | u64(3) << 62;
    if ((descriptor & ~known) != 0 || descriptor >> 62 != 1) {
        fail("a descriptor of another kind than rows of 128 swizzled bytes");
    }
    u32 place = start + row / 8 * eight_rows + row % 8 * 128 + half * 16;
    // The swizzle is a matter of the address, wherever the rows begin.
    place ^= (place >> 7 & 7) << 4;
    if (place < SHARED_START || place - SHARED_START + 16 > published.size()) {
        fail("a descriptor names rows outside of shared memory");
    }
    return published.data() + (place - SHARED_START);
}

bool is_zero(const i8 (&bytes)[32]) {
    static const i8 zeros[32] = {};
    return std::memcmp(bytes, zeros, sizeof zeros) == 0;
}

// What a lane needs: two rows of a, 64 of b. Most rows of small tensors do not exist and are zeros,
// which add nothing; where a's are, b's do not matter.
struct Operands {
    // Of a, then of b.
    i8 rows[2 + 64][32];
    bool zero[2];

    Operands(u64 left, u64 right) {
        const u32 lane = thread % 32, warp = thread / 32 % 4;
        for (u32 i = 0; i < 2; ++i) read(rows[i], left, warp * 16 + lane / 4 + i * 8);
        for (u32 i = 0; i < 2; ++i) zero[i] = is_zero(rows[i]);
        for (u32 j = 0; j < columns(); ++j) {
            read(rows[2 + j], right, j / 2 * 8 + lane % 4 * 2 + j % 2);
        }
    }

    // Rows of b, the columns of the result, that are read.
    u32 columns() const {
        return zero[0] && zero[1] ? 0 : 64;
    }

    static void read(i8 (&to)[32], u64 descriptor, u32 row) {
        for (u32 half = 0; half < 2; ++half) {
            std::memcpy(to + 16 * half, piece(descriptor, row, half), 16);
        }
    }

    void add_to(i32 (&sums)[128]) const {
        for (u32 j = 0; j < columns(); ++j) {
            if (is_zero(rows[2 + j])) continue;
            for (u32 i = 0; i < 2; ++i) {
                i32 &sum = sums[j / 2 * 4 + i * 2 + j % 2];
                if (!zero[i]) sum = add_dot(sum, rows[i], rows[2 + j], 32);
            }
        }
    }

    // Differs if any byte does, but for a chance of about 2^-64.
    u64 digest() const {
        u64 parts[4] = {1, 2, 3, 4}, word;
        const u32 bytes = (2 + columns()) * 32;
        for (u32 i = 0; i < bytes; i += 8) {
            u64 &part = parts[i / 8 % 4];
            std::memcpy(&word, rows[i / 32] + i % 32, 8);
            part = (part ^ word) * 0x9e3779b97f4a7c15;
            part ^= part >> 32;
        }
        u64 digest = 0;
        for (u64 part : parts) digest = (digest ^ part) * 0x9e3779b97f4a7c15;
        return digest;
    }
};

// All threads of a warpgroup name the same operands.
void agree(Thread &mine, u64 a, u64 b) {
    std::vector<Product> &all = common[thread / 128];
    if (mine.products == all.size()) all.push_back({a, b, 0});
    const Product &first = all[mine.products++];
    if (first.a != a || first.b != b) fail("threads of a warpgroup multiply different operands");
}

void check_pattern(const Thread &mine) {
    for (u32 i = 0; i < 128; ++i) {
        if (mine.variables[i] != PATTERN) fail("a sum is written before its products are complete");
    }
}

}  // namespace

void reset_products(u32 count, u32 shared_bytes) {
    threads.resize(count);
    for (Thread &each : threads) {
        each.unpublished.clear();
        each.groups.assign(1, {});
        each.begun = false;
        each.products = 0;
        each.variables = nullptr;
    }
    common.assign((count + 127) / 128, {});
    published.assign(shared_bytes, 0x96);
}

void unpublish(u32 place) {
    std::memset(published.data() + (place - SHARED_START), 0x69, 16);
}

void arrive(u32 place) {
    threads[thread].unpublished.push_back(place);
}

void publish() {
    for (u32 place : threads[thread].unpublished) {
        const u32 at = place - SHARED_START;
        std::memcpy(published.data() + at, dynamic + at, 16);
    }
    threads[thread].unpublished.clear();
}

void begin_products() {
    threads[thread].begun = true;
}

void multiply(i32 (&sums)[128], u64 a, u64 b) {
    Thread &mine = threads[thread];
    if (!mine.begun) fail("a group of products that nothing precedes");
    agree(mine, a, b);
    if (!mine.variables) {
        mine.variables = sums;
        for (u32 i = 0; i < 128; ++i) {
            mine.sums[i] = sums[i];
            sums[i] = PATTERN;
        }
    }
    if (mine.variables != sums) fail("a second set of sums before the first is complete");
    check_pattern(mine);
    const Operands operands(a, b);
    operands.add_to(mine.sums);
    mine.groups.back().push_back({a, b, operands.digest()});
}

void commit_products() {
    threads[thread].groups.emplace_back();
    threads[thread].begun = false;
}

void wait_products(u32 newest) {
    Thread &mine = threads[thread];
    while (mine.groups.size() > newest + 1) {
        for (const Product &product : mine.groups.front()) {
            if (Operands(product.a, product.b).digest() != product.operands) {
                fail("an operand is written before its product is complete");
            }
        }
        mine.groups.erase(mine.groups.begin());
    }
    if (mine.groups.size() > 1 || !mine.groups.back().empty() || !mine.variables) return;
    check_pattern(mine);
    std::memcpy(mine.variables, mine.sums, sizeof mine.sums);
    mine.variables = nullptr;
}

void end_products() {
    const Thread &mine = threads[thread];
    if (mine.variables) fail("a product is never waited for");
    if (mine.products != common[thread / 128].size()) {
        fail("not all threads of a warpgroup multiply");
    }
}

}  // namespace emulator
