// From accumulators to signed bytes: the arithmetic that follows every sum.
#pragma once

#include "device.cuh"

// A channel record, prepared: (acc + bias) * multiplier + round = acc * multiplier + addend, which
// is shifted by 32 and by `beyond` bits more. Where `beyond` is not negative, only the high word of
// the product counts.
struct alignas(16) Channel {
    u64 addend;
    i32 multiplier;
    i32 beyond;
};

// The shift that counts for a byte of a record or program.
DEVICE u32 bounded_shift(u32 byte) {
    return byte < 62 ? byte : 62;
}

DEVICE u64 rounding(u32 shift) {
    return shift == 0 ? 0 : u64(1) << (shift - 1);
}

// A multiplier that is so many bits larger, at most 32: exactly.
DEVICE i64 larger(i32 multiplier, u32 bits) {
    return i64(u64(i64(multiplier)) << bits);
}

// A channel from shared memory, read as one.
DEVICE Channel load_channel(const Channel *from) {
    const Words words = *(const Words *)from;
    return {u64(words.word[1]) << 32 | words.word[0], i32(words.word[2]), i32(words.word[3])};
}

// A shift of less than 32 becomes one of 32 if the multiplier, as many bits larger, is still one of
// 32 bits: accumulators have at most 31 bits and biases 32, so no product comes near 2^63.
DEVICE Channel prepare(const void *channels, u32 column) {
    const Words record = ((const Words *)channels)[column];
    const i32 bias = i32(record.word[0]), multiplier = i32(record.word[1]);
    const u32 shift = bounded_shift(record.word[2] & 255);
    const u64 addend = u64(i64(bias) * multiplier) + rounding(shift);
    const u32 missing = shift < 32 ? 32 - shift : 0;
    const i64 scaled = larger(multiplier, missing);
    if (scaled != i32(scaled)) return {addend, multiplier, i32(shift) - 32};
    return {addend << missing, i32(scaled), i32(shift + missing) - 32};
}

DEVICE i32 clamp(i32 value) {
    return value < -128 ? -128 : value > 127 ? 127 : value;
}

// clamp(scaled >> shift) to a signed byte.
DEVICE i32 shift_and_clamp(u64 scaled, u32 shift) {
    const i64 value = i64(scaled) >> shift;
    const i32 low = i32(value), high = i32(value >> 32);
    return high == low >> 31 ? clamp(low) : (high >> 31) ^ 127;
}

// HIGH: the channel's `beyond` is not negative.
template <bool HIGH>
DEVICE i32 requantise(i32 accumulator, const Channel &channel) {
    const u64 scaled = channel.addend + u64(i64(accumulator) * channel.multiplier);
    if (HIGH) return clamp(i32(scaled >> 32) >> (channel.beyond & 31));
    return shift_and_clamp(scaled, u32(channel.beyond + 32));
}

// Copies a table to shared memory, with `threads` threads of which this is one; or the identity,
// where it is null. A barrier must follow. In the copy, value v is at v & 255.
DEVICE void copy_table(i8 *to, const i8 *table, u32 thread, u32 threads) {
    KEEP_LOOP for (u32 i = thread; i < 256; i += threads) {
        to[i] = table ? table[i] : i8(i);
    }
}
