// From accumulators to signed bytes: the arithmetic that follows every sum.
#pragma once

#include "device.cuh"

// A channel record, prepared: (acc + bias) * multiplier + round = acc * multiplier + addend.
struct alignas(16) Channel {
    u64 addend;
    i32 multiplier;
    u32 shift;
};

// The shift that counts for a byte of a record or program.
DEVICE u32 bounded_shift(u32 byte) {
    return byte < 62 ? byte : 62;
}

DEVICE u64 rounding(u32 shift) {
    return shift == 0 ? 0 : u64(1) << (shift - 1);
}

// A channel from shared memory, read as one.
DEVICE Channel load_channel(const Channel *from) {
    const Words words = *(const Words *)from;
    return {u64(words.word[1]) << 32 | words.word[0], i32(words.word[2]), words.word[3]};
}

DEVICE Channel prepare(const void *channels, u32 column) {
    const Words record = ((const Words *)channels)[column];
    Channel channel;
    channel.multiplier = i32(record.word[1]);
    channel.shift = bounded_shift(record.word[2] & 255);
    channel.addend =
        u64(i64(i32(record.word[0])) * channel.multiplier) + rounding(channel.shift);
    return channel;
}

// clamp(scaled >> shift) to a signed byte.
DEVICE i32 shift_and_clamp(u64 scaled, u32 shift) {
    const i64 value = i64(scaled) >> shift;
    const i32 low = i32(value), high = i32(value >> 32);
    const i32 clamped = low < -128 ? -128 : low > 127 ? 127 : low;
    return high == low >> 31 ? clamped : (high >> 31) ^ 127;
}

DEVICE i32 requantise(i32 accumulator, const Channel &channel) {
    return shift_and_clamp(channel.addend + u64(i64(accumulator) * channel.multiplier),
                           channel.shift);
}

// Copies a table to shared memory, with `threads` threads of which this is one; or the identity,
// where it is null. A barrier must follow.
DEVICE void copy_table(i8 *to, const i8 *table, u32 thread, u32 threads) {
    KEEP_LOOP for (u32 i = thread; i < 256; i += threads) {
        to[i] = table ? table[i] : i8(i);
    }
}
