// What MIZAN_TEST_DRIVER says, see driver.cpp. A part of it.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

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

Settings settings;

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

}  // namespace
