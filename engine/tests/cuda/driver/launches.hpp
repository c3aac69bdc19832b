// Kernels of the emulated driver, and how they run. A part of driver.cpp.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "calls.hpp"
#include "kernels.hpp"
#include "memory.hpp"
#include "plain.hpp"
#include "streams.hpp"

namespace {

struct Function {
    std::string name;
    int shared_limit = 49152;
};

struct Kernel {
    unsigned arguments;
    // Sizes of those that are not 8 bytes: by index.
    std::map<unsigned, unsigned> small;
    // Index of the output; -1 for none.
    int output;
};

// Rows and columns of a tile by the end of its kernel's name; 0 where blocks share none.
uint64_t tile_elements(const std::string &name) {
    unsigned rows = 0, columns = 0;
    std::sscanf(name.c_str() + name.rfind('_'), "_%ux%u", &rows, &columns);
    return uint64_t(rows) * columns;
}

const Kernel *describe(const std::string &name) {
    static const std::map<std::string, Kernel> all = {
        {"add", {8, {{5, 4}, {6, 4}, {7, 4}}, 3}},
        {"blake3_chunks", {6, {{5, 4}}, 4}},
        {"blake3_tree", {5, {{4, 4}}, 3}},
        {"check_weights", {5, {{3, 4}, {4, 4}}, -1}},
        {"check_linear", {9, {{7, 4}, {8, 4}}, -1}},
        {"check_add", {9, {{5, 4}, {6, 4}, {7, 4}}, -1}},
    };
    static const Kernel rows = {10, {{6, 4}, {7, 4}}, 4};
    static const Kernel linear = {13, {{6, 4}, {7, 4}, {10, 4}}, 4};
    auto found = all.find(name);
    if (found != all.end()) return &found->second;
    if (name.rfind("linear_", 0) != 0) return nullptr;
    return tile_elements(name) ? &linear : &rows;
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
        uint64_t parts = kernel->arguments == 13 ? uint32_t(arguments[10]) : 1;
        if (parts > 1) {
            inside = inside && blocks % parts == 0 &&
                     holds(arguments[11], blocks * tile_elements(name) * 4) &&
                     holds(arguments[12], blocks / parts * 4);
        }
        if (!inside || parts == 0) return ILLEGAL_ADDRESS;
    }
    // The key is optional; nodes have 32 bytes each.
    bool inside = true;
    if (name == "blake3_chunks") {
        uint64_t length = arguments[1], chunks = length ? (length + 1023) / 1024 : 1;
        inside = (!length || holds(arguments[0], length)) && holds(arguments[4], chunks * 32);
    } else if (name == "blake3_tree") {
        uint64_t count = arguments[1], joined = (count + 1023) / 1024;
        inside = holds(arguments[0], count * 32) && holds(arguments[3], joined * 32);
    }
    if (!inside) return ILLEGAL_ADDRESS;
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
