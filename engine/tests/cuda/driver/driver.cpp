// A CUDA driver on the memory and processor of the host, for tests: the functions that the engine
// calls, and the engine's kernels in their emulator. Built as libcuda.so.1.
//
// Work on a stream is done when something waits for it, so that a buffer that is let go too early
// is noticed. Every address is checked against the allocations.
//
// MIZAN_TEST_DRIVER says, with commas between, how it differs from a good driver with one device:
//
//   version=N          supports CUDA N (12040 for 12.4)
//   devices=N          shows so many devices
//   capability=N       their compute capability, 10 * major + minor
//   clock=N            their highest clock in kHz; 0: it does not say
//   slow=N             events say that everything takes N times as long as it does
//   memory=N           bytes of each
//   fail=NAME:NTH:CODE the NTH call of the function NAME, counted from 1, returns CODE; NTH 0: all
//   hang=NAME:NTH      that call never returns; or NAME is a kernel, and so is that run of it
//   break=KERNEL:NTH   that run of the kernel is an illegal instruction
//   exit=NAME:NTH      that call ends the process
//   flip=KERNEL:NTH    the NTH run of that kernel leaves one bit wrong in its output
//   decay=WHAT:NTH     before the NTH run of any linear kernel a bit flips, and stays so, in its
//                      input, weights, channels or table, or in the output of the run before;
//                      hashed: in what the NTH run of blake3_chunks is to hash
//   spoil=NAME:NTH     the NTH copy of that name, cuMemcpyDtoHAsync_v2, brings one bit wrong
//   armed=PATH         faults wait until there is a file PATH: the process that removes it has
//                      them, and counts from then; only one with a device open does
//   kernels=emulated   runs kernels thread by thread, instead of as plain loops
//   print=TEXT         it writes to the standard output

#include "calls.hpp"
#include "device.hpp"
#include "events.hpp"
#include "launches.hpp"
#include "memory.hpp"
#include "modules.hpp"
#include "settings.hpp"
#include "streams.hpp"

API cuGetErrorName(int code, const char **text) {
    switch (code) {
        case 46: *text = "CUDA_ERROR_DEVICE_UNAVAILABLE"; break;
        case 218: *text = "CUDA_ERROR_INVALID_PTX"; break;
        case 222: *text = "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"; break;
        case 700: *text = "CUDA_ERROR_ILLEGAL_ADDRESS"; break;
        case 715: *text = "CUDA_ERROR_ILLEGAL_INSTRUCTION"; break;
        default: return INVALID_VALUE;
    }
    return SUCCESS;
}
