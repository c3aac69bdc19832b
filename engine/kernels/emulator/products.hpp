// What fibres.cpp tells wgmma.cpp.
#pragma once

#include "../device.cuh"

namespace emulator {

// A block begins, with so much dynamic shared memory.
void reset_products(u32 threads, u32 shared_bytes);
// This thread has begun to write 16 bytes at a place, or they have arrived there.
void unpublish(u32 place);
void arrive(u32 place);
// This thread ends.
void end_products();

[[noreturn]] void fail(const char *what);

}  // namespace emulator
