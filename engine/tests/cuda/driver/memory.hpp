// Memory of the emulated driver: allocations, and copies between them. A part of driver.cpp.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>

#include "calls.hpp"
#include "streams.hpp"

namespace {

std::map<uintptr_t, size_t> allocations;
size_t used = 0;

// The allocation must hold all of it.
bool holds(uintptr_t address, size_t bytes) {
    auto after = allocations.upper_bound(address);
    if (after == allocations.begin()) return false;
    auto [start, size] = *--after;
    return address + bytes <= start + size;
}

void flip(uintptr_t address) {
    *(unsigned char *)address ^= 0x10;
}

}  // namespace

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
