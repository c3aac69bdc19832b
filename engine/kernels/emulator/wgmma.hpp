// wgmma.cuh for a CPU. What a kernel must not do ends the process with a message: see wgmma.cpp.
#pragma once

namespace emulator {

void publish();
void begin_products();
void multiply(i32 (&sums)[128], u64 a, u64 b);
void commit_products();
void wait_products(u32 newest);

}  // namespace emulator

DEVICE void publish_shared() {
    emulator::publish();
}

DEVICE void begin_products() {
    emulator::begin_products();
}

DEVICE void multiply_64x256x32(i32 (&sums)[128], u64 a, u64 b) {
    emulator::multiply(sums, a, b);
}

DEVICE void commit_products() {
    emulator::commit_products();
}

template <int COUNT>
DEVICE void wait_products(i32 (&)[128]) {
    emulator::wait_products(COUNT);
}

DEVICE void store_words(u32 place, const Words &words) {
    emulator::store(place, words);
}
