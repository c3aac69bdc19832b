// Modules of the emulated driver. Of PTX it reads the version, the architecture, and which kernels
// there are. A part of driver.cpp.
#pragma once

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "calls.hpp"
#include "kernels.hpp"
#include "launches.hpp"
#include "settings.hpp"

namespace {

struct Module {
    std::vector<std::string> entries;
};

// Whether the driver knows a text's version of PTX, and the device is of its target.
int check_target(const std::string &text) {
    unsigned major = 0, minor = 0, target = 0;
    char only = 0;
    size_t version = text.find(".version "), architecture = text.find(".target sm_");
    if (version == std::string::npos || architecture == std::string::npos) return INVALID_PTX;
    std::sscanf(text.c_str() + version, ".version %u.%u", &major, &minor);
    std::sscanf(text.c_str() + architecture, ".target sm_%u%c", &target, &only);
    // Since PTX 7.0 came with CUDA 11.0.
    if (major >= 7 && settings.version < (major + 4) * 1000 + minor * 10) return UNSUPPORTED_PTX;
    bool fits = only == 'a' ? settings.capability == target : settings.capability >= target;
    return fits ? SUCCESS : INVALID_PTX;
}

}  // namespace

API cuModuleLoadDataEx(void **module, const void *image, unsigned, int *, void **) {
    ENTER(cuModuleLoadDataEx)
    if (!current) return INVALID_CONTEXT;
    std::string text = (const char *)image;
    if (int code = check_target(text)) return code;
    auto *made = new Module;
    const std::string word = ".entry ";
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at)) {
        at += word.size();
        made->entries.push_back(text.substr(at, text.find('(', at) - at));
    }
    if (made->entries.empty()) return INVALID_PTX;
    *module = made;
    return SUCCESS;
}

API cuModuleUnload(void *) { return SUCCESS; }

API cuModuleGetFunction(void **function, void *module, const char *name) {
    ENTER(cuModuleGetFunction)
    for (const auto &entry : ((Module *)module)->entries) {
        if (entry == name && emulated_kernel(name) && describe(name)) {
            static std::map<std::string, Function> functions;
            functions[name].name = name;
            *function = &functions[name];
            return SUCCESS;
        }
    }
    return NOT_FOUND;
}

API cuFuncSetAttribute(void *function, int attribute, int value) {
    ENTER(cuFuncSetAttribute)
    int most = settings.capability == 90 ? 232448 : 101376;
    if (attribute != 8 || value > most) return INVALID_VALUE;
    ((Function *)function)->shared_limit = value;
    return SUCCESS;
}
