// Bits flipped anywhere must be found by the checks.

#include "fibres.hpp"
#include "linear.hpp"

namespace {

void expect_found(u32 found, const char *kernel, const char *where, u32 bit) {
    ++cases;
    if (found > 0) return;
    fail(std::string(kernel) + ": bit " + std::to_string(bit) + " flipped in " + where +
         " is not found");
}

// In what blocks that share a tile leave to each other.
void flip_shared(LinearJob &job, const LinearKernel &kernel, Random &random) {
    for (u32 bit = 0; bit < 32; ++bit) {
        // The first words of the first thread are of accumulators that exist.
        emulator::disturb_shared(bit % 2 ? 1 : 1 + random.below(2000), bit);
        job.run(kernel, 3);
        emulator::disturb_shared(0, 0);
        const u32 found = job.check();
        if (bit % 2 || found > 0 || !job.correct()) {
            expect_found(found, kernel.name, "what a block left", bit);
        }
    }
}

// In accumulators, at any time. Those of rows and columns that do not exist do not matter.
void flip_accumulators(LinearJob &job, const LinearKernel &kernel, Random &random) {
    for (u32 bit = 0; bit < 32; ++bit) {
        emulator::disturb(1 + random.below(20000), bit);
        job.run(kernel);
        emulator::disturb(0, 0);
        const u32 found = job.check();
        if (found > 0 || !job.correct()) expect_found(found, kernel.name, "an accumulator", bit);
    }
    // The first accumulator of the first thread always exists.
    emulator::disturb(1, 31);
    job.run(kernel);
    emulator::disturb(0, 0);
    expect_found(job.check(), kernel.name, "the first accumulator", 31);
}

// In what was read, after the operation and before the check; x and w must come from others.
void flip_memory(LinearJob &job, const LinearKernel &kernel, Random &random) {
    struct {
        const char *name;
        Buffer &buffer;
        bool before;
    } const places[] = {{"x", job.x, false}, {"y", job.y, false}, {"sums", job.sums, false},
                        {"w", job.w, true}};
    for (const auto &place : places) {
        for (u32 bit = 0; bit < 8; ++bit) {
            u8 &byte = place.buffer.data[random.below(u32(place.buffer.size))];
            if (place.before) byte ^= u8(1 << bit);
            job.run(kernel);
            if (!place.before) byte ^= u8(1 << bit);
            expect_found(job.check(), kernel.name, place.name, bit);
            byte ^= u8(1 << bit);
            if (place.before) continue;
            job.run(kernel);
            if (job.check() != 0) fail(std::string(kernel.name) + ": fault found without a flip");
        }
    }
}

}  // namespace

void test_faults() {
    Random random = {7};
    for (const LinearKernel &kernel : LINEAR_KERNELS) {
        LinearJob job({64, 128, 96, 0, false, true, Data::Random}, random);
        for (size_t i = 0; i < job.x.size; ++i) job.x.data[i] |= 1;
        job.expect();
        job.make_u();
        flip_accumulators(job, kernel, random);
        flip_memory(job, kernel, random);
        if (kernel.step > 0) flip_shared(job, kernel, random);
    }
}
