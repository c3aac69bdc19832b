#include "linear.hpp"

const LinearKernel LINEAR_KERNELS[7] = {
    {"linear_dp4a_128x128", 256, 128, 128, 37632, 32},
    {"linear_dp4a_rows", 128, 4, 16, 0, 0},
    {"linear_mma_m8n8k16_128x128", 128, 128, 128, 32768, 64},
    {"linear_mma_m16n8k32_128x256", 256, 128, 256, 98304, 64},
    {"linear_mma_m16n8k32_128x128", 128, 128, 128, 49152, 64},
    {"linear_mma_m16n8k32_64x64", 128, 64, 64, 32768, 64},
    {"linear_wgmma_128x256", 256, 128, 256, 197632, 128},
};

namespace {

// The definition, in integers that can't overflow.
i8 by_definition(i32 accumulator, const u8 *record, const i8 *table) {
    i32 bias, multiplier;
    std::memcpy(&bias, record, 4);
    std::memcpy(&multiplier, record + 4, 4);
    const u32 shift = record[8] > 62 ? 62 : record[8];
    const __int128 round = shift == 0 ? 0 : (__int128)1 << (shift - 1);
    const __int128 product = ((__int128)accumulator + bias) * multiplier + round;
    const __int128 value = product >> shift;
    const i8 clamped = value < -128 ? -128 : value > 127 ? 127 : i8(value);
    return table ? table[u8(clamped)] : clamped;
}

i32 by_loop(const i8 *a, const i8 *b, u32 k) {
    i32 sum = 0;
    for (u32 l = 0; l < k; ++l) sum += a[l] * b[l];
    return sum;
}

void fill(Buffer &buffer, Data data, Random &random) {
    buffer.fill(random);
    if (data == Data::Lowest) std::memset(buffer.data, 0x80, buffer.size);
    for (size_t i = 0; data == Data::Mixed && i < buffer.size; ++i) {
        buffer.data[i] = buffer.data[i] & 1 ? 0x80 : 0x7f;
    }
}

// The bias, multiplier and shift of a record with extreme fields. HIGH: one whose shift is 32 or
// more, or becomes so when the multiplier is made as large as it can be.
void fill_extreme(u8 *record, bool high, Random &random) {
    static const u32 EXTREMES[] = {0, 1, 0xffffffff, 0x7fffffff, 0x80000000, 0x80000001};
    static const u8 SHIFTS[] = {32, 33, 61, 62, 63, 64, 255, 0, 1, 31};
    const u32 bias = EXTREMES[random.below(6)];
    u32 multiplier = EXTREMES[random.below(6)];
    u8 shift = SHIFTS[random.below(high ? 7 : 10)];
    if (random.below(2)) {
        // Bounds of the multipliers that can be made larger by as many bits as 32 is.
        shift = u8(1 + random.below(31));
        const u32 bound = u32(1) << (shift - 1);
        const u32 inside[] = {bound - 1, 0 - bound, 1, 0xffffffff};
        const u32 outside[] = {bound, 0 - bound - 1};
        multiplier = high || random.below(2) ? inside[random.below(4)] : outside[random.below(2)];
    }
    std::memcpy(record, &bias, 4);
    std::memcpy(record + 4, &multiplier, 4);
    record[8] = shift;
}

// A third of the records has the multiplier and shift that bring the sums into range, a third
// has extreme fields, a third any bytes. In half of the cases all shifts are high.
void fill_records(Buffer &channels, u32 k, Random &random) {
    channels.fill(random);
    const bool high = random.below(2) != 0;
    for (size_t j = 0; j < channels.size / 16; ++j) {
        u8 *record = channels.data + 16 * j;
        if (j % 3 == 0) {
            const u32 bias = random.below(2001) - 1000;
            const u32 multiplier = 0x40000000 + random.below(0x3fffffff);
            std::memcpy(record, &bias, 4);
            std::memcpy(record + 4, &multiplier, 4);
            record[8] = 38;
            for (u32 depth = k; depth > 4; depth /= 4) ++record[8];
        } else if (j % 3 == 1) {
            fill_extreme(record, high, random);
        } else if (high) {
            record[8] |= 32;
        }
    }
}

std::string describe(const LinearKernel &kernel, const LinearCase &chosen, u32 parts,
                     const char *order) {
    char text[200];
    std::snprintf(text, sizeof text,
                  "%s: m %llu, n %u, k %u, parts %u, offset %u, table %d, checked %d, %s",
                  kernel.name, chosen.m, chosen.n, chosen.k, parts, chosen.offset,
                  chosen.with_table, chosen.checked, order);
    return text;
}

void compare(const LinearCase &chosen, u32 which, Random &random, u32 parts = 1) {
    LinearJob job(chosen, random);
    job.make_u();
    for (u32 i = 0; i < 7; ++i) {
        if (!(which >> i & 1)) continue;
        for (i32 reversed = 0; reversed < 2; ++reversed) {
            emulated_order(reversed);
            job.run(LINEAR_KERNELS[i], parts, parts > 1);
            ++cases;
            const std::string name = describe(LINEAR_KERNELS[i], chosen, parts,
                                              reversed ? "reversed" : "in order");
            if (!job.correct()) fail(name + ": wrong result");
            if (chosen.checked && job.check() != 0) fail(name + ": a right result is not passed");
        }
    }
    emulated_order(0);
}

}  // namespace

LinearJob::LinearJob(const LinearCase &chosen, Random &random)
    : shape(chosen),
      x(chosen.m * chosen.k, chosen.offset),
      w(u64(chosen.n) * chosen.k, chosen.offset),
      channels(u64(chosen.n) * 16),
      table(256, chosen.offset % 2),
      y(chosen.m * chosen.n, chosen.offset),
      r(u64(chosen.n) * 4),
      sums(chosen.m * 16),
      u(u64(chosen.k) * 8),
      expected(chosen.m * chosen.n) {
    fill(x, chosen.data, random);
    fill(w, chosen.data, random);
    fill_records(channels, chosen.k, random);
    table.fill(random);
    for (u32 j = 0; j < chosen.n; ++j) r.as<i32>()[j] = i32(1 + random.below(0x7fffffff));
    expect();
}

void LinearJob::expect() {
    const i8 *entries = shape.with_table ? table.as<i8>() : nullptr;
    for (u64 i = 0; i < shape.m; ++i) {
        for (u64 j = 0; j < shape.n; ++j) {
            const i32 sum =
                by_loop(x.as<i8>() + i * shape.k, w.as<i8>() + j * shape.k, shape.k);
            expected[i * shape.n + j] = by_definition(sum, channels.data + 16 * j, entries);
        }
    }
}

void LinearJob::run(const LinearKernel &kernel, u32 parts, u32 launches_before) {
    std::memset(y.data, 0xcc, y.size);
    std::memset(sums.data, 0, sums.size);
    const u64 tiles = divide_up(shape.m, kernel.rows) * divide_up(shape.n, kernel.columns);
    const u64 blocks = tiles * parts;
    const auto start = [&](auto... sharing) {
        launch(kernel.name, blocks, kernel.threads, kernel.shared_bytes, x.data, w.data,
               channels.data, shape.with_table ? table.data : nullptr, y.data, shape.m, shape.n,
               shape.k, shape.checked ? r.data : nullptr, shape.checked ? sums.data : nullptr,
               sharing...);
    };
    if (kernel.step == 0) return start();
    if (parts == 1) return start(parts, (i32 *)nullptr, (u32 *)nullptr);
    Buffer partials(blocks * kernel.rows * kernel.columns * 4), arrivals(tiles * 4);
    std::memset(arrivals.data, 0, arrivals.size);
    for (u32 i = 0; i <= launches_before; ++i) {
        // Whoever reads what no block of this launch has stored must not find what would be right.
        std::memset(partials.data, 0xcc + i, partials.size);
        std::memset(y.data, 0xcc, y.size);
        std::memset(sums.data, 0, sums.size);
        start(parts, partials.as<i32>(), arrivals.as<u32>());
    }
    for (u64 i = 0; i < tiles; ++i) {
        if (arrivals.as<u32>()[i] != 0) fail(std::string(kernel.name) + ": counters are not zero");
    }
}

void LinearJob::make_u() {
    std::memset(u.data, 0, u.size);
    launch("check_weights", divide_up(shape.k, 256) * divide_up(shape.n, 1024), 256, 0, w.data,
           r.data, u.data, shape.n, shape.k);
}

u32 LinearJob::check() {
    Buffer faults(4);
    std::memset(faults.data, 0, 4);
    launch("check_linear", divide_up(shape.m, 32), 256, 0, x.data, y.data, u.data, r.data,
           sums.data, faults.data, shape.m, shape.n, shape.k);
    return *faults.as<u32>();
}

bool LinearJob::correct() const {
    return std::memcmp(y.data, expected.data(), y.size) == 0;
}

// Blocks that share tiles: more of them than there are steps, too.
void test_sharing() {
    const u32 tiled = 125;
    Random random = {20261129};
    const struct {
        u64 m;
        u32 n, k, parts;
    } sizes[] = {
        {1, 1, 1, 2},       {17, 19, 96, 3},    {65, 67, 251, 2}, {5, 300, 640, 7},
        {130, 33, 1040, 5}, {70, 260, 1023, 2}, {2, 9, 256, 64},
    };
    u32 number = 0;
    for (const auto &size : sizes) {
        for (u32 i = 0; i < 2; ++i, ++number) {
            const u32 offset = i == 0 ? 0 : 1 + number % 15;
            const LinearCase chosen = {size.m, size.n,          size.k, offset, number % 3 == 0,
                                       i == 0, Data::Random};
            compare(chosen, tiled, random, size.parts);
        }
    }
    compare({3, 18, 65536, 0, false, true, Data::Lowest}, 32 | 64, random, 31);
}

// Tensors of which words are aligned, but no more, and reductions that end between any two words of
// a piece: in the first and in later steps, alone and with blocks that share a tile.
void test_words() {
    const u32 copied = 8 | 16 | 32 | 64;
    Random random = {20261130};
    const struct {
        u64 m;
        u32 n, k, offset, parts;
    } sizes[] = {
        {3, 5, 4, 0, 1},      {65, 67, 100, 0, 1}, {129, 257, 60, 4, 1}, {64, 64, 64, 12, 1},
        {70, 33, 1028, 8, 1}, {17, 19, 252, 0, 3}, {66, 40, 1000, 4, 2}, {5, 260, 312, 0, 5},
    };
    for (const auto &size : sizes) {
        compare({size.m, size.n, size.k, size.offset, true, true, Data::Random}, copied, random,
                size.parts);
    }
}

void test_linear() {
    test_sharing();
    test_words();
    const u32 all = 127, tiled = 125, rows = 2, small = 32, wgmma = 64;
    Random random = {20260101};
    const struct {
        u64 m;
        u32 n, k, which;
    } sizes[] = {
        {1, 1, 1, all},      {1, 1, 16, all},       {3, 5, 7, all},        {2, 1, 33, all},
        {17, 19, 23, all},   {16, 16, 16, all},     {13, 64, 48, all},     {64, 64, 64, all},
        {65, 67, 128, all},  {127, 131, 251, tiled}, {129, 257, 80, tiled}, {128, 256, 192, tiled},
        {5, 300, 208, all},  {200, 12, 321, tiled}, {577, 130, 16, small}, {590, 70, 17, small},
        {1100, 260, 16, 73}, {8, 1031, 1040, rows}, {3, 37, 2049, rows}, {140, 270, 1040, wgmma},
    };
    u32 number = 0;
    for (const auto &size : sizes) {
        // Each size with aligned data, checked and unchecked, and with misaligned data.
        for (u32 i = 0; i < 3; ++i, ++number) {
            const u32 offset = i < 2 ? 0 : 1 + number % 15;
            const Data data = number % 5 == 4 ? Data::Mixed : Data::Random;
            const LinearCase chosen = {size.m, size.n, size.k, offset, number % 2 == 0, i != 1,
                                       data};
            compare(chosen, size.which, random);
        }
    }
    // The longest reduction, with the largest sum that it can have, and mixed signs.
    compare({3, 18, 65536, 0, false, true, Data::Lowest}, rows | small | wgmma, random);
    compare({2, 9, 65536, 0, true, true, Data::Mixed}, tiled ^ 8, random);
    compare({1, 3, 65535, 0, true, true, Data::Random}, rows | small, random);
}
