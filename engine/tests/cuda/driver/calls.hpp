// What is the same for every call: the faults that are due, and the code that it gives. A part of
// driver.cpp.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <map>
#include <mutex>
#include <string>

#include "settings.hpp"

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

std::recursive_mutex mutex;
bool initialised = false, faulty = false;
std::map<std::string, long> calls;
thread_local void *current = nullptr;
// A code that every call gives once it was given: the context is lost.
int lost = SUCCESS;

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

}  // namespace

#define API extern "C" __attribute__((visibility("default"))) int
#define ENTER(name)                                      \
    std::lock_guard<std::recursive_mutex> guard(mutex); \
    if (int code = enter(#name)) return code;
