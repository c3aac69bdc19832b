// Runs every kernel on the CPU and compares with plain loops, definitions and known answers.
//
// Exit codes: 0 all is well, 1 a kernel is wrong; a sanitizer or the emulator itself ends the
// process with another code when a kernel does what it must not.

#include "testing.hpp"

u32 failures, cases;

void fail(const std::string &what) {
    if (++failures <= 20) std::fprintf(stderr, "%s\n", what.c_str());
}

int main(int count, char **names) {
    static const struct {
        const char *name;
        void (*run)();
    } TESTS[] = {{"linear", test_linear},
                 {"faults", test_faults},
                 {"add", test_add},
                 {"blake3", test_blake3}};
    u32 ran = 0;
    for (const auto &test : TESTS) {
        bool chosen = count < 2;
        for (int i = 1; i < count; ++i) chosen = chosen || std::strcmp(names[i], test.name) == 0;
        if (!chosen) continue;
        test.run();
        ++ran;
    }
    std::printf("%u tests, %u cases, %u failures\n", ran, cases, failures);
    return failures == 0 && ran > 0 ? 0 : 1;
}
