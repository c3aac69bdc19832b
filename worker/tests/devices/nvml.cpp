// NVIDIA's management library for tests: the functions that the worker calls. Built as
// libnvidia-ml.so.1; with OLDER defined it is that of a driver before version 510.
//
// MIZAN_TEST_NVML names a file that says how devices are, read anew at each call: lines NAME=VALUE,
// where NAME may start with a device's number and a dot. What it does not say the library does not
// support.
//
//   init=CODE           nvmlInit fails so
//   devices=N           shows so many devices (1), known as those of the emulated CUDA driver
//   temperature=N       degrees
//   power=N limit=N     milliwatts
//   busy=N memory=N     percent
//   used=N              bytes of memory
//   graphics=P,P        processes that have opened it: a number, or `worker` for the one that
//   compute=P,P         started this process, or `own` for this process
//   using=P:N,P:N       processes and the percent of the device that they use
//   NAME_error=CODE     what that NAME says can't be told so
//   lost=1              the device has fallen off the bus
//   hang=1              its temperature is never told
//   crash=1             asking for its temperature ends the process
//   print=TEXT          it writes to the standard output

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

enum Code {
    SUCCESS = 0,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    GPU_IS_LOST = 15,
};

using Word = unsigned long long;

std::optional<std::string> script(const std::string &name) {
    const char *path = std::getenv("MIZAN_TEST_NVML");
    std::ifstream lines(path ? path : "");
    std::string line;
    while (std::getline(lines, line)) {
        size_t equals = line.find('=');
        if (equals != std::string::npos && line.substr(0, equals) == name)
            return line.substr(equals + 1);
    }
    return std::nullopt;
}

// A device is the address of its number.
const int NUMBERS[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

std::optional<std::string> of(const void *device, const std::string &name) {
    int number = *static_cast<const int *>(device);
    auto own = script(std::to_string(number) + "." + name);
    return own ? own : script(name);
}

bool is(const void *device, const std::string &name) { return of(device, name) == "1"; }

// Why nothing can be told, or zero.
int error(const void *device, const std::string &name) {
    if (is(device, "lost")) return GPU_IS_LOST;
    auto code = of(device, name + "_error");
    return code ? std::atoi(code->c_str()) : SUCCESS;
}

template <typename Number>
int tell(const void *device, const std::string &name, Number *to) {
    if (int code = error(device, name)) return code;
    auto value = of(device, name);
    if (!value) return NOT_SUPPORTED;
    *to = static_cast<Number>(std::strtoull(value->c_str(), nullptr, 10));
    return SUCCESS;
}

unsigned process(const std::string &name) {
    if (name == "worker") return getppid();
    if (name == "own") return getpid();
    return std::strtoul(name.c_str(), nullptr, 10);
}

// Processes, each with the number behind its colon.
std::vector<std::pair<unsigned, unsigned>> processes(const std::string &list) {
    std::vector<std::pair<unsigned, unsigned>> found;
    std::istringstream names(list);
    std::string name;
    while (std::getline(names, name, ',')) {
        size_t colon = name.find(':');
        unsigned number = colon == std::string::npos ? 0 : std::stoul(name.substr(colon + 1));
        found.emplace_back(process(name.substr(0, colon)), number);
    }
    return found;
}

struct Process {
    unsigned pid;
    Word memory;
    unsigned instance, compute_instance;
};

int list(const void *device, const std::string &kind, unsigned *count, Process *to) {
    if (int code = error(device, kind)) return code;
    auto names = of(device, kind);
    if (!names) return NOT_SUPPORTED;
    auto found = processes(*names);
    bool fits = *count >= found.size();
    *count = found.size();
    if (!fits || (!to && !found.empty())) return INSUFFICIENT_SIZE;
    for (size_t i = 0; i < found.size(); i++) to[i] = {found[i].first, 1 << 20, 0, 0};
    return SUCCESS;
}

}  // namespace

#define API extern "C" __attribute__((visibility("default"))) int

API nvmlInit_v2() {
    if (auto text = script("print")) {
        std::printf("%s\n", text->c_str());
        std::fflush(stdout);
    }
    auto code = script("init");
    return code ? std::atoi(code->c_str()) : SUCCESS;
}

API nvmlShutdown() { return SUCCESS; }

API nvmlDeviceGetCount_v2(unsigned *count) {
    auto devices = script("devices");
    *count = devices ? std::atoi(devices->c_str()) : 1;
    return SUCCESS;
}

API nvmlDeviceGetHandleByIndex_v2(unsigned index, const void **device) {
    if (index >= 16) return INVALID_ARGUMENT;
    *device = &NUMBERS[index];
    return SUCCESS;
}

API nvmlDeviceGetUUID(const void *device, char *to, unsigned length) {
    std::string text = "GPU-";
    for (int i = 0; i < 16; i++) {
        char digits[4];
        std::snprintf(digits, sizeof digits, "%02x", *static_cast<const int *>(device) + 1);
        text += digits;
        if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
    }
    if (length <= text.size()) return INSUFFICIENT_SIZE;
    std::strcpy(to, text.c_str());
    return SUCCESS;
}

API nvmlDeviceGetTemperature(const void *device, int, unsigned *to) {
    if (is(device, "crash")) std::abort();
    while (is(device, "hang")) sleep(1);
    return tell(device, "temperature", to);
}

API nvmlDeviceGetPowerUsage(const void *device, unsigned *to) { return tell(device, "power", to); }

API nvmlDeviceGetEnforcedPowerLimit(const void *device, unsigned *to) {
    return tell(device, "limit", to);
}

API nvmlDeviceGetUtilizationRates(const void *device, unsigned *to) {
    int code = tell(device, "busy", &to[0]);
    return code ? code : tell(device, "memory", &to[1]);
}

#ifdef OLDER
API nvmlDeviceGetComputeRunningProcesses_v2(const void *device, unsigned *count, Process *to) {
    return list(device, "compute", count, to);
}

API nvmlDeviceGetGraphicsRunningProcesses_v2(const void *device, unsigned *count, Process *to) {
    return list(device, "graphics", count, to);
}
#else
API nvmlDeviceGetComputeRunningProcesses_v3(const void *device, unsigned *count, Process *to) {
    return list(device, "compute", count, to);
}

API nvmlDeviceGetGraphicsRunningProcesses_v3(const void *device, unsigned *count, Process *to) {
    return list(device, "graphics", count, to);
}

struct Memory {
    unsigned version;
    Word total, reserved, free, used;
};

API nvmlDeviceGetMemoryInfo_v2(const void *device, Memory *to) {
    to->total = 1 << 30;
    return tell(device, "used", &to->used);
}

struct Sample {
    unsigned pid;
    Word micros;
    unsigned sm, memory, encoder, decoder;
};

// Samples of this moment, and of one when each process used nothing.
API nvmlDeviceGetProcessUtilization(const void *device, Sample *to, unsigned *count, Word since) {
    if (int code = error(device, "using")) return code;
    auto names = of(device, "using");
    if (!names) return NOT_SUPPORTED;
    auto found = processes(*names);
    if (found.empty()) return NOT_FOUND;
    auto now = std::chrono::system_clock::now().time_since_epoch();
    Word micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    if (since == 0 || since >= micros) return INVALID_ARGUMENT;
    bool fits = *count >= 2 * found.size();
    *count = 2 * found.size();
    if (!fits || !to) return INSUFFICIENT_SIZE;
    for (size_t i = 0; i < found.size(); i++) {
        auto [pid, percent] = found[i];
        to[2 * i] = {pid, micros, percent, 0, 0, 0};
        to[2 * i + 1] = {pid, since + 1, 0, 0, 0, 0};
    }
    return SUCCESS;
}
#endif
