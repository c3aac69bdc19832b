// Runs every kernel on the CPU and compares with plain loops, definitions and known answers.
//
// Its argument is the file of golden vectors. Exit codes: 0 all is well, 1 a kernel is wrong, 2
// wrong arguments; a sanitizer or the emulator itself ends the process when a kernel does what it
// must not.

#include "testing.hpp"

u32 failures, cases;

void fail(const std::string &what) {
    if (++failures <= 20) std::fprintf(stderr, "%s\n", what.c_str());
}

int main(int count, char **arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: test VECTORS\n");
        return 2;
    }
    test_vectors(arguments[1]);
    test_linear();
    test_faults();
    test_checks();
    test_add();
    test_blake3();
    std::printf("%u cases, %u failures\n", cases, failures);
    return failures == 0 ? 0 : 1;
}
