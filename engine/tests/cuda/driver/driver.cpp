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

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "kernels.hpp"
#include "plain.hpp"

namespace {

enum Code {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    INVALID_PTX = 218,
    UNSUPPORTED_PTX = 222,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
    ILLEGAL_INSTRUCTION = 715,
};

struct Fault {
    std::string kind, name;
    long nth, code;
};

struct Settings {
    long version = 12040, devices = 1, capability = 80, clock = 1410000, slow = 1;
    size_t memory = size_t(1) << 30;
    std::vector<Fault> faults;
    std::string armed;
    bool emulated = false;
};

std::recursive_mutex mutex;
bool initialised = false, faulty = false;
Settings settings;
std::map<std::string, long> calls;
thread_local void *current = nullptr;
// A code that every call gives once it was given: the context is lost.
int lost = SUCCESS;

std::map<uintptr_t, size_t> allocations;
size_t used = 0;

struct Module {
    std::vector<std::string> entries;
};
struct Function {
    std::string name;
    int shared_limit = 49152;
};
struct Stream {
    std::vector<std::function<int()>> work;
};

Fault parse_fault(const std::string &kind, const std::string &text) {
    Fault fault{kind, text, 0, 0};
    size_t first = text.find(':');
    if (first != std::string::npos) {
        fault.name = text.substr(0, first);
        char *end = nullptr;
        fault.nth = std::strtol(text.c_str() + first + 1, &end, 10);
        if (*end == ':') fault.code = std::strtol(end + 1, nullptr, 10);
    }
    return fault;
}

void read_settings() {
    const char *all = std::getenv("MIZAN_TEST_DRIVER");
    std::string text = all ? all : "";
    while (!text.empty()) {
        size_t comma = text.find(',');
        std::string one = text.substr(0, comma);
        text = comma == std::string::npos ? "" : text.substr(comma + 1);
        size_t equals = one.find('=');
        std::string key = one.substr(0, equals), value = one.substr(equals + 1);
        long number = std::strtol(value.c_str(), nullptr, 10);
        if (key == "version") settings.version = number;
        else if (key == "devices") settings.devices = number;
        else if (key == "capability") settings.capability = number;
        else if (key == "clock") settings.clock = number;
        else if (key == "slow") settings.slow = number;
        else if (key == "memory") settings.memory = size_t(number);
        else if (key == "kernels") settings.emulated = value == "emulated";
        else if (key == "armed") settings.armed = value;
        else if (key == "print") std::printf("%s\n", value.c_str()), std::fflush(stdout);
        else settings.faults.push_back(parse_fault(key, value));
    }
}

// Whether a fault of that kind is due at this call, which it counts.
const Fault *due(const char *kind, const std::string &name, long call) {
    if (!faulty) return nullptr;
    for (const Fault &fault : settings.faults) {
        bool now = fault.nth == 0 || fault.nth == call;
        if (fault.kind == kind && fault.name == name && now) return &fault;
    }
    return nullptr;
}

// Whether faults are on from now.
void arm() {
    if (faulty || (!settings.armed.empty() && !current)) return;
    faulty = settings.armed.empty() || unlink(settings.armed.c_str()) == 0;
    if (faulty) calls.clear();
}

// What happens before a function does anything.
int enter(const char *name) {
    arm();
    long call = ++calls[name];
    if (due("hang", name, call)) {
        mutex.unlock();
        for (;;) pause();
    }
    if (due("exit", name, call)) {
        std::fprintf(stderr, "the test driver ends the process in %s\n", name);
        std::fflush(stderr);
        _exit(7);
    }
    if (const Fault *fault = due("fail", name, call)) {
        // All but these leave a context unusable.
        bool harmless = fault->code == OUT_OF_MEMORY || fault->code == NO_DEVICE ||
                        fault->code == INVALID_PTX || fault->code == NOT_FOUND;
        if (!harmless && current) lost = int(fault->code);
        return int(fault->code);
    }
    return lost;
}

// The allocation must hold all of it.
bool holds(uintptr_t address, size_t bytes) {
    auto after = allocations.upper_bound(address);
    if (after == allocations.begin()) return false;
    auto [start, size] = *--after;
    return address + bytes <= start + size;
}

int wait_for(Stream *stream) {
    std::vector<std::function<int()>> work;
    work.swap(stream->work);
    for (auto &step : work) {
        int code = step();
        if (code != SUCCESS) return lost = code;
    }
    return lost;
}

struct Kernel {
    unsigned arguments;
    // Sizes of those that are not 8 bytes: by index.
    std::map<unsigned, unsigned> small;
    // Index of the output; -1 for none.
    int output;
};

const std::map<unsigned, unsigned> LINEAR_SMALL = {{6, 4}, {7, 4}};

const Kernel *describe(const std::string &name) {
    static const std::map<std::string, Kernel> all = {
        {"add", {8, {{5, 4}, {6, 4}, {7, 4}}, 3}},
        {"blake3_chunks", {6, {{5, 4}}, 4}},
        {"blake3_tree", {5, {{4, 4}}, 3}},
        {"check_weights", {5, {{3, 4}, {4, 4}}, -1}},
        {"check_linear", {9, {{7, 4}, {8, 4}}, -1}},
        {"check_add", {9, {{5, 4}, {6, 4}, {7, 4}}, -1}},
    };
    static const Kernel linear = {10, LINEAR_SMALL, 4};
    auto found = all.find(name);
    if (found != all.end()) return &found->second;
    return name.rfind("linear_", 0) == 0 ? &linear : nullptr;
}

void flip(uintptr_t address) {
    *(unsigned char *)address ^= 0x10;
}

int run(const std::string &name, unsigned blocks, unsigned threads, unsigned shared,
        std::vector<uint64_t> arguments) {
    const Kernel *kernel = describe(name);
    std::vector<void *> pointers;
    for (auto &argument : arguments) pointers.push_back(&argument);
    bool linear = name.rfind("linear_", 0) == 0;
    if (linear) {
        long nth = ++calls["any linear kernel"];
        if (due("decay", "weights", nth)) flip(arguments[1]);
        if (due("decay", "channels", nth)) flip(arguments[2]);
        if (due("decay", "input", nth)) flip(arguments[0]);
        if (due("decay", "table", nth)) flip(arguments[3]);
        static uintptr_t output_before;
        if (due("decay", "output", nth)) flip(output_before);
        output_before = arguments[4];
        uint64_t m = arguments[5], n = uint32_t(arguments[6]), k = uint32_t(arguments[7]);
        bool inside = holds(arguments[0], m * k) && holds(arguments[1], n * k) &&
                      holds(arguments[2], n * 16) && holds(arguments[4], m * n) &&
                      (!arguments[8] ||
                       (holds(arguments[8], n * 4) && holds(arguments[9], m * 16))) &&
                      (!arguments[3] || holds(arguments[3], 256));
        if (!inside) return ILLEGAL_ADDRESS;
    }
    if (name == "blake3_chunks" && due("decay", "hashed", ++calls["any blake3_chunks"]))
        flip(arguments[0]);
    long nth = ++calls["run of " + name];
    while (due("hang", name, nth)) pause();
    if (due("break", name, nth)) return ILLEGAL_INSTRUCTION;
    bool done = !settings.emulated && plain::run(name, pointers.data());
    if (!done && emulated_launch(name.c_str(), blocks, threads, shared, pointers.data()) != 0)
        return INVALID_VALUE;
    if (kernel->output >= 0 && due("flip", name, nth))
        flip(arguments[kernel->output]);
    return SUCCESS;
}

}  // namespace

#define API extern "C" __attribute__((visibility("default"))) int
#define ENTER(name)                                      \
    std::lock_guard<std::recursive_mutex> guard(mutex); \
    if (int code = enter(#name)) return code;

API cuDriverGetVersion(int *version) {
    static bool read = (read_settings(), true);
    (void)read;
    *version = int(settings.version);
    return SUCCESS;
}

API cuInit(unsigned) {
    int version;
    cuDriverGetVersion(&version);
    ENTER(cuInit)
    if (settings.devices == 0) return NO_DEVICE;
    initialised = true;
    return SUCCESS;
}

API cuDeviceGetCount(int *count) {
    ENTER(cuDeviceGetCount)
    if (!initialised) return NOT_INITIALIZED;
    *count = int(settings.devices);
    return SUCCESS;
}

API cuDeviceGet(int *device, int ordinal) {
    ENTER(cuDeviceGet)
    if (!initialised) return NOT_INITIALIZED;
    if (ordinal < 0 || ordinal >= settings.devices) return INVALID_DEVICE;
    *device = ordinal;
    return SUCCESS;
}

API cuDeviceGetName(char *name, int length, int device) {
    ENTER(cuDeviceGetName)
    std::snprintf(name, size_t(length), "Emulated device %d", device);
    return SUCCESS;
}

API cuDeviceGetUuid(void *uuid, int device) {
    ENTER(cuDeviceGetUuid)
    std::memset(uuid, device + 1, 16);
    return SUCCESS;
}

API cuDeviceGetAttribute(int *value, int attribute, int) {
    ENTER(cuDeviceGetAttribute)
    switch (attribute) {
        case 13: *value = int(settings.clock); break;
        case 16: *value = 2; break;
        case 75: *value = int(settings.capability / 10); break;
        case 76: *value = int(settings.capability % 10); break;
        default: return INVALID_VALUE;
    }
    return SUCCESS;
}

API cuDeviceTotalMem_v2(size_t *bytes, int) {
    ENTER(cuDeviceTotalMem_v2)
    *bytes = settings.memory;
    return SUCCESS;
}

API cuDevicePrimaryCtxRetain(void **context, int) {
    std::lock_guard<std::recursive_mutex> guard(mutex);
    if (int code = enter("cuDevicePrimaryCtxRetain")) return code;
    static int only;
    *context = &only;
    return SUCCESS;
}

API cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
API cuDevicePrimaryCtxSetFlags_v2(int, unsigned) { return SUCCESS; }

API cuCtxSetCurrent(void *context) {
    ENTER(cuCtxSetCurrent)
    current = context;
    return SUCCESS;
}

#include "modules.hpp"

API cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                   unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                   void *stream, void **arguments, void **) {
    ENTER(cuLaunchKernel)
    auto *of = (Function *)function;
    if (!current) return INVALID_CONTEXT;
    bool flat = grid_y == 1 && grid_z == 1 && block_y == 1 && block_z == 1;
    if (!flat || grid_x == 0 || grid_x > 0x7fffffff || int(shared) > of->shared_limit)
        return INVALID_VALUE;
    const Kernel *kernel = describe(of->name);
    std::vector<uint64_t> copies(kernel->arguments);
    for (unsigned i = 0; i < kernel->arguments; ++i) {
        auto small = kernel->small.find(i);
        std::memcpy(&copies[i], arguments[i], small == kernel->small.end() ? 8 : small->second);
    }
    std::string name = of->name;
    ((Stream *)stream)->work.push_back(
        [=] { return run(name, grid_x, block_x, shared, copies); });
    return SUCCESS;
}

API cuMemGetInfo_v2(size_t *free, size_t *total) {
    ENTER(cuMemGetInfo_v2)
    *free = settings.memory - used;
    *total = settings.memory;
    return SUCCESS;
}

API cuMemAlloc_v2(uint64_t *pointer, size_t bytes) {
    ENTER(cuMemAlloc_v2)
    if (!current) return INVALID_CONTEXT;
    if (bytes == 0) return INVALID_VALUE;
    if (used + bytes > settings.memory) return OUT_OF_MEMORY;
    void *memory = nullptr;
    if (posix_memalign(&memory, 512, bytes)) return OUT_OF_MEMORY;
    std::memset(memory, 0xa5, bytes);
    allocations[uintptr_t(memory)] = bytes;
    used += bytes;
    *pointer = uintptr_t(memory);
    return SUCCESS;
}

API cuMemFree_v2(uint64_t pointer) {
    std::lock_guard<std::recursive_mutex> guard(mutex);
    auto found = allocations.find(pointer);
    if (found == allocations.end()) return INVALID_VALUE;
    used -= found->second;
    allocations.erase(found);
    std::free((void *)pointer);
    return SUCCESS;
}

API cuMemHostRegister_v2(void *, size_t, unsigned) {
    ENTER(cuMemHostRegister_v2)
    return SUCCESS;
}

API cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream) {
    ENTER(cuMemcpyHtoDAsync_v2)
    ((Stream *)stream)->work.push_back([=] {
        if (!holds(to, bytes)) return int(ILLEGAL_ADDRESS);
        std::memcpy((void *)to, from, bytes);
        return int(SUCCESS);
    });
    return SUCCESS;
}

API cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream) {
    ENTER(cuMemcpyDtoHAsync_v2)
    const char *name = "cuMemcpyDtoHAsync_v2";
    bool spoilt = due("spoil", name, calls[name]);
    ((Stream *)stream)->work.push_back([=] {
        if (!holds(from, bytes)) return int(ILLEGAL_ADDRESS);
        std::memcpy(to, (const void *)from, bytes);
        if (spoilt) flip(uintptr_t(to));
        return int(SUCCESS);
    });
    return SUCCESS;
}

API cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *stream) {
    ENTER(cuMemcpyDtoDAsync_v2)
    ((Stream *)stream)->work.push_back([=] {
        if (!holds(from, bytes) || !holds(to, bytes)) return int(ILLEGAL_ADDRESS);
        std::memcpy((void *)to, (const void *)from, bytes);
        return int(SUCCESS);
    });
    return SUCCESS;
}

API cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *stream) {
    ENTER(cuMemsetD8Async)
    ((Stream *)stream)->work.push_back([=] {
        if (!holds(to, bytes)) return int(ILLEGAL_ADDRESS);
        std::memset((void *)to, value, bytes);
        return int(SUCCESS);
    });
    return SUCCESS;
}

API cuStreamCreateWithPriority(void **stream, unsigned, int) {
    ENTER(cuStreamCreateWithPriority)
    *stream = new Stream;
    return SUCCESS;
}

API cuStreamDestroy_v2(void *) { return SUCCESS; }

API cuStreamSynchronize(void *stream) {
    ENTER(cuStreamSynchronize)
    return wait_for((Stream *)stream);
}

#include "events.hpp"

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
