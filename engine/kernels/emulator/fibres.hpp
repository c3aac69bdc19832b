// Runs the threads of a block as fibres, one at a time, from barrier to barrier.
//
// A fault of the kernel ends the process with a message: threads that wait for each other for
// ever, asynchronous copies that are misaligned or never waited for, products of warpgroups that
// are not used as they must be (wgmma.cpp). Accesses outside of buffers are for the sanitizers of
// the compiler; buffers and shared memory have their exact sizes.
#pragma once

#include "../device.cuh"

namespace emulator {

struct Launch {
    u32 blocks, threads, shared_bytes;
    // The order in which threads run between two barriers, and blocks one after the other.
    bool reversed;
};

// Calls body(context) in each thread of each block.
void run(const Launch &launch, void (*body)(const void *), const void *context);

// Before each block, and behind the last one; see sharing.cpp.
void begin_sharing();
void end_sharing();

// The accumulation, counted from now, after which `bit` of the sum is flipped; 0 for never.
void disturb(u64 accumulation, u32 bit);

// The same of what blocks leave to each other: the load, counted from now.
void disturb_shared(u64 load, u32 bit);

}  // namespace emulator
