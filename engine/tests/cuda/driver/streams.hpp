// Streams of the emulated driver, whose work is done when something waits for it. A part of
// driver.cpp.
#pragma once

#include <functional>
#include <vector>

#include "calls.hpp"

namespace {

struct Stream {
    std::vector<std::function<int()>> work;
};

int wait_for(Stream *stream) {
    std::vector<std::function<int()>> work;
    work.swap(stream->work);
    for (auto &step : work) {
        int code = step();
        if (code != SUCCESS) return lost = code;
    }
    return lost;
}

}  // namespace

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
