// Kernels by name, as the driver starts them.
#pragma once

#include "../device.cuh"

extern "C" {

// Runs a kernel on host memory: `arguments` points to its arguments, as cuLaunchKernel takes them.
// Not for several threads at once. 0: done, 1: there is no such kernel, 2: another number of
// threads or less shared memory than its contract says.
i32 emulated_launch(const char *name, u32 blocks, u32 threads, u32 shared_bytes,
                    void **arguments);

// Whether there is such a kernel.
i32 emulated_kernel(const char *name);

// From now on threads and blocks run in reversed order, or not.
void emulated_order(i32 reversed);
}
