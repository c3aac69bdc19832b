#include "testing.hpp"

namespace {

struct AddJob {
    AddJob(u64 count, u32 offset, bool with_table, Random &random)
        : a(count, offset), b(count, offset), table(256), y(count, offset), with_table(with_table) {
        a.fill(random);
        b.fill(random);
        table.fill(random);
    }

    u8 *entries() {
        return with_table ? table.data : nullptr;
    }

    void run(u32 blocks, i32 ma, i32 mb, u32 shift) {
        launch("add", blocks, 256, 0, a.data, b.data, entries(), y.data, u64(y.size), ma, mb,
               shift);
    }

    u32 check(u32 blocks, i32 ma, i32 mb, u32 shift) {
        Buffer faults(4);
        std::memset(faults.data, 0, 4);
        launch("check_add", blocks, 256, 0, a.data, b.data, entries(), y.data, u64(y.size), ma, mb,
               shift, faults.data);
        return *faults.as<u32>();
    }

    bool correct(i32 ma, i32 mb, u32 shift) {
        shift = shift > 62 ? 62 : shift;
        for (size_t i = 0; i < y.size; ++i) {
            const __int128 round = shift == 0 ? 0 : (__int128)1 << (shift - 1);
            const __int128 sum = (__int128)a.as<i8>()[i] * ma + (__int128)b.as<i8>()[i] * mb;
            const __int128 value = (sum + round) >> shift;
            u8 byte = u8(value < -128 ? -128 : value > 127 ? 127 : i8(value));
            if (with_table) byte = table.data[byte];
            if (byte != y.data[i]) return false;
        }
        return true;
    }

    Buffer a, b, table, y;
    bool with_table;
};

void test_faults_of_add(AddJob &job, Random &random) {
    job.run(3, 1 << 20, -(1 << 19), 20);
    for (u32 bit = 0; bit < 8; ++bit) {
        u8 &byte = job.y.data[random.below(u32(job.y.size))];
        byte ^= u8(1 << bit);
        ++cases;
        if (job.check(3, 1 << 20, -(1 << 19), 20) != 1) fail("add: a flipped bit is not found");
        byte ^= u8(1 << bit);
    }
}

void compare(AddJob &job, u32 blocks, i32 ma, i32 mb, u32 shift) {
    job.run(blocks, ma, mb, shift);
    ++cases;
    if (job.correct(ma, mb, shift) && job.check(blocks, ma, mb, shift) == 0) return;
    char text[160];
    std::snprintf(text, sizeof text, "add: wrong, or not passed: count %zu, ma %d, mb %d, shift %u",
                  job.y.size, ma, mb, shift);
    fail(text);
}

// All pairs of bytes, with multipliers on and beside the largest that can be made as much larger as
// a shift is too small, and with the shifts from which on that is not needed and no longer done.
void test_scales(Random &random) {
    for (u32 shift = 0; shift <= 48; shift += shift == 18 ? 24 : 1) {
        const u32 bits = shift < 16 ? 15 + shift : 31;
        const i32 largest = i32((u32(1) << bits) - 1), lowest = -largest - 1;
        // Scales of about a half and less, with results on both sides of what a byte holds.
        const i32 usual = shift == 0 ? 1 : i32(u32(1) << (shift < 31 ? shift - 1 : 30)) + 1;
        const i32 pairs[][2] = {{largest, lowest}, {lowest, lowest}, {usual, -usual / 3 - 1},
                                {usual, usual},    {largest, 1},     {bits < 31 ? largest + 1 : 7, 1},
                                {-1, bits < 31 ? lowest - 1 : -7}};
        for (const auto &pair : pairs) {
            AddJob job(256 * 256, 0, random.below(2), random);
            for (u32 i = 0; i < 256 * 256; ++i) {
                job.a.data[i] = u8(i);
                job.b.data[i] = u8(i / 256);
            }
            compare(job, 4, pair[0], pair[1], shift);
        }
    }
}

}  // namespace

void test_add() {
    static const i32 MULTIPLIERS[] = {0, 1, -1, 1 << 20, 0x7fffffff, i32(0x80000000)};
    static const u32 SHIFTS[] = {0, 1, 7, 20, 31, 32, 38, 62, 63, 255, 0xffffffff};
    static const u64 COUNTS[] = {0, 1, 15, 16, 17, 255, 4099, 20000};
    Random random = {3};
    for (u32 i = 0; i < 160; ++i) {
        const u64 count = COUNTS[i % 8];
        const u32 offset = i / 8 % 3 == 2 ? 1 + random.below(15) : 0, blocks = 1 + i % 5;
        const i32 ma = MULTIPLIERS[random.below(6)], mb = MULTIPLIERS[random.below(6)];
        const u32 shift = SHIFTS[i % 11];
        AddJob job(count, offset, i / 8 % 2 == 0, random);
        emulated_order(i % 2);
        compare(job, blocks, ma, mb, shift);
        if (i >= 150 && count > 0) test_faults_of_add(job, random);
    }
    emulated_order(0);
    test_scales(random);
}
