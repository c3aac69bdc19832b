// The engine's kernels as plain loops, by their contracts: for tests that are about something else
// than kernels, and need many of them. BLAKE3 is left to the emulator.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

namespace plain {

inline int8_t requantise(int64_t v, int32_t multiplier, unsigned shift, const int8_t *table) {
    if (shift > 62) shift = 62;
    const uint64_t round = shift ? uint64_t(1) << (shift - 1) : 0;
    const int64_t scaled = int64_t(uint64_t(v) * uint64_t(int64_t(multiplier)) + round) >> shift;
    const int8_t value = int8_t(scaled < -128 ? -128 : scaled > 127 ? 127 : scaled);
    return table ? table[uint8_t(value)] : value;
}

template <class T>
T &argument(void **arguments, int index) {
    return *(T *)arguments[index];
}

inline void linear(void **a) {
    const int8_t *x = argument<const int8_t *>(a, 0), *w = argument<const int8_t *>(a, 1);
    const uint8_t *channels = argument<const uint8_t *>(a, 2);
    const int8_t *table = argument<const int8_t *>(a, 3);
    int8_t *y = argument<int8_t *>(a, 4);
    const uint64_t m = argument<uint64_t>(a, 5);
    const uint32_t n = argument<uint32_t>(a, 6), k = argument<uint32_t>(a, 7);
    const int32_t *r = argument<const int32_t *>(a, 8);
    uint64_t *sums = argument<uint64_t *>(a, 9);
    for (uint64_t i = 0; i < m; ++i) {
        for (uint32_t j = 0; j < n; ++j) {
            int32_t sum = 0;
            const int8_t *row = x + i * k, *weights = w + uint64_t(j) * k;
            for (uint32_t l = 0; l < k; ++l) sum += row[l] * weights[l];
            int32_t bias, multiplier;
            std::memcpy(&bias, channels + 16 * j, 4);
            std::memcpy(&multiplier, channels + 16 * j + 4, 4);
            const unsigned shift = channels[16 * j + 8];
            y[i * n + j] = requantise(int64_t(sum) + bias, multiplier, shift, table);
            if (!r) continue;
            sums[2 * i] += uint64_t(int64_t(r[j]) * sum);
            sums[2 * i + 1] += uint64_t(int64_t(r[j]) * y[i * n + j]);
        }
    }
}

inline int8_t sum_of(void **arguments, int multipliers, uint64_t i) {
    const int64_t left = argument<const int8_t *>(arguments, 0)[i];
    const int64_t right = argument<const int8_t *>(arguments, 1)[i];
    const int64_t ma = argument<int32_t>(arguments, multipliers);
    const int64_t mb = argument<int32_t>(arguments, multipliers + 1);
    const unsigned shift = argument<uint32_t>(arguments, multipliers + 2);
    return requantise(left * ma + right * mb, 1, shift, argument<const int8_t *>(arguments, 2));
}

inline void add(void **a) {
    for (uint64_t i = 0; i < argument<uint64_t>(a, 4); ++i) {
        argument<int8_t *>(a, 3)[i] = sum_of(a, 5, i);
    }
}

inline void check_add(void **a) {
    for (uint64_t i = 0; i < argument<uint64_t>(a, 4); ++i) {
        *argument<uint32_t *>(a, 8) += argument<const int8_t *>(a, 3)[i] != sum_of(a, 5, i);
    }
}

inline void check_weights(void **a) {
    const int8_t *w = argument<const int8_t *>(a, 0);
    const int32_t *r = argument<const int32_t *>(a, 1);
    uint64_t *u = argument<uint64_t *>(a, 2);
    const uint32_t n = argument<uint32_t>(a, 3), k = argument<uint32_t>(a, 4);
    for (uint32_t j = 0; j < n; ++j) {
        for (uint32_t l = 0; l < k; ++l) u[l] += uint64_t(int64_t(r[j]) * w[uint64_t(j) * k + l]);
    }
}

inline void check_linear(void **a) {
    const int8_t *x = argument<const int8_t *>(a, 0), *y = argument<const int8_t *>(a, 1);
    const uint64_t *u = argument<const uint64_t *>(a, 2);
    const int32_t *r = argument<const int32_t *>(a, 3);
    const uint64_t *sums = argument<const uint64_t *>(a, 4);
    const uint64_t m = argument<uint64_t>(a, 6);
    const uint32_t n = argument<uint32_t>(a, 7), k = argument<uint32_t>(a, 8);
    for (uint64_t i = 0; i < m; ++i) {
        uint64_t before = 0, after = 0;
        for (uint32_t l = 0; l < k; ++l) before += uint64_t(int64_t(x[i * k + l])) * u[l];
        for (uint32_t j = 0; j < n; ++j) after += uint64_t(int64_t(r[j]) * y[i * n + j]);
        *argument<uint32_t *>(a, 5) += before != sums[2 * i] || after != sums[2 * i + 1];
    }
}

// Whether there is a plain form of that kernel; then it has run.
inline bool run(const std::string &name, void **arguments) {
    if (name.rfind("linear_", 0) == 0) linear(arguments);
    else if (name == "add") add(arguments);
    else if (name == "check_add") check_add(arguments);
    else if (name == "check_weights") check_weights(arguments);
    else if (name == "check_linear") check_linear(arguments);
    else return false;
    return true;
}

}  // namespace plain
