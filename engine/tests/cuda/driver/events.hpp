// Events of the emulated driver, and what libraries with kernels of their own need. A part of
// driver.cpp.
#pragma once

#include <chrono>
#include <cstdint>

#include "calls.hpp"
#include "memory.hpp"
#include "streams.hpp"

namespace {

// When a stream came to it, and on which stream it waits to come.
struct Event {
    std::chrono::steady_clock::time_point time;
    Stream *stream = nullptr;
    bool recorded = false;
};

}  // namespace

API cuEventCreate(void **event, unsigned) {
    ENTER(cuEventCreate)
    *event = new Event;
    return SUCCESS;
}

API cuEventDestroy_v2(void *) { return SUCCESS; }

API cuEventRecord(void *event, void *stream) {
    ENTER(cuEventRecord)
    auto *of = (Event *)event;
    of->stream = (Stream *)stream;
    of->recorded = false;
    of->stream->work.push_back([=] {
        of->time = std::chrono::steady_clock::now();
        of->recorded = true;
        return int(SUCCESS);
    });
    return SUCCESS;
}

API cuEventSynchronize(void *event) {
    ENTER(cuEventSynchronize)
    auto *of = (Event *)event;
    return of->stream ? wait_for(of->stream) : int(SUCCESS);
}

API cuEventElapsedTime(float *milliseconds, void *start, void *end) {
    ENTER(cuEventElapsedTime)
    auto *from = (Event *)start, *to = (Event *)end;
    if (!from->recorded || !to->recorded) return NOT_READY;
    float elapsed = std::chrono::duration<float, std::milli>(to->time - from->time).count();
    *milliseconds = elapsed * float(settings.slow);
    return SUCCESS;
}

// For libraries that bring kernels of their own.
API cuLaunchHostFunc(void *stream, void (*function)(void *), void *data) {
    ENTER(cuLaunchHostFunc)
    ((Stream *)stream)->work.push_back([=] {
        function(data);
        return int(SUCCESS);
    });
    return SUCCESS;
}

API cuMemGetAddressRange_v2(uint64_t *base, size_t *bytes, uint64_t address) {
    ENTER(cuMemGetAddressRange_v2)
    auto after = allocations.upper_bound(address);
    if (after == allocations.begin()) return NOT_FOUND;
    auto [start, size] = *--after;
    if (address >= start + size) return NOT_FOUND;
    *base = start;
    *bytes = size;
    return SUCCESS;
}
