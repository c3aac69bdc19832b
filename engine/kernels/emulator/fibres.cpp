#include "fibres.hpp"

#include "products.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace emulator {

u32 thread, block, blocks;
u8 *dynamic;

namespace {

const u32 STACK_BYTES = 128 * 1024, NEVER = 1u << 30;

struct Copy {
    u32 place;
    const void *from;
    u32 bytes;
};

enum class State { Ready, AtBlockBarrier, AtWarpBarrier, Done };

#if defined(__x86_64__)
typedef void *Context;
#else
typedef ucontext_t Context;
#endif

struct Fibre {
    Context context;
    std::unique_ptr<u8[]> stack;
    State state;
    u32 exchanges;
    // Groups of copies that were not waited for, oldest first; the last is not committed.
    std::vector<std::vector<Copy>> copies;
};

std::vector<Fibre> fibres;
// Two sets of what lanes exchange, by warp: one may still be read while the other is filled.
std::vector<u8> exchanged[2];
Context scheduler;
u32 shared_bytes;
void (*kernel)(const void *);
const void *kernel_context;
u64 countdown;
u32 flipped_bit;

void leave(State state);

void enter() {
    kernel(kernel_context);
    wait(NEVER);
    end_products();
    leave(State::Done);
}

#if defined(__x86_64__)

extern "C" void emulator_switch(void **from, void *to);
asm(R"(
    .text
    .globl emulator_switch
    .type emulator_switch, @function
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size emulator_switch, . - emulator_switch
)");

void prepare(Fibre &fibre) {
    void **top = (void **)(fibre.stack.get() + STACK_BYTES);
    top[-2] = (void *)enter;
    fibre.context = top - 8;
}

void resume(Fibre &fibre) {
    emulator_switch(&scheduler, fibre.context);
}

void suspend(Fibre &fibre) {
    emulator_switch(&fibre.context, scheduler);
}

#else

void prepare(Fibre &fibre) {
    getcontext(&fibre.context);
    fibre.context.uc_stack.ss_sp = fibre.stack.get();
    fibre.context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&fibre.context, enter, 0);
}

void resume(Fibre &fibre) {
    swapcontext(&scheduler, &fibre.context);
}

void suspend(Fibre &fibre) {
    swapcontext(&fibre.context, &scheduler);
}

#endif

void leave(State state) {
    Fibre &fibre = fibres[thread];
    fibre.state = state;
    suspend(fibre);
}

void prepare_block(const Launch &launch) {
    if (fibres.size() < launch.threads) {
        const size_t before = fibres.size();
        fibres.resize(launch.threads);
        for (size_t i = before; i < fibres.size(); ++i) fibres[i].stack.reset(new u8[STACK_BYTES]);
        for (auto &set : exchanged) set.resize((launch.threads + 31) / 32 * 32 * 256);
    }
    for (u32 i = 0; i < launch.threads; ++i) {
        Fibre &fibre = fibres[i];
        fibre.state = State::Ready;
        fibre.exchanges = 0;
        fibre.copies.assign(1, {});
        prepare(fibre);
    }
    for (u32 i = 0; i < launch.shared_bytes; ++i) dynamic[i] = u8(0xa5 + 29 * i);
    reset_products(launch.threads, launch.shared_bytes);
}

// Lets the threads from `first` go on if all that are not done wait there.
bool release(u32 first, u32 count, State state) {
    bool any = false;
    for (u32 i = first; i < first + count; ++i) {
        if (fibres[i].state == State::Done) continue;
        if (fibres[i].state != state) return false;
        any = true;
    }
    for (u32 i = first; i < first + count; ++i) {
        if (fibres[i].state == state) fibres[i].state = State::Ready;
    }
    return any;
}

// One warp until all its threads are at the block's barrier or done.
void run_warp(const Launch &launch, u32 warp) {
    do {
        for (u32 i = 0; i < 32; ++i) {
            thread = warp * 32 + (launch.reversed ? 31 - i : i);
            if (fibres[thread].state != State::Ready) continue;
            resume(fibres[thread]);
        }
    } while (release(warp * 32, 32, State::AtWarpBarrier));
}

void run_block(const Launch &launch) {
    const u32 warps = launch.threads / 32;
    do {
        for (u32 i = 0; i < warps; ++i) run_warp(launch, launch.reversed ? warps - 1 - i : i);
    } while (release(0, launch.threads, State::AtBlockBarrier));
    for (thread = 0; thread < launch.threads; ++thread) {
        if (fibres[thread].state != State::Done) fail("not all threads reach the same barrier");
    }
}

}  // namespace

void fail(const char *what) {
    std::fprintf(stderr, "emulator: block %u, thread %u: %s\n", block, thread, what);
    std::abort();
}

void block_barrier() {
    leave(State::AtBlockBarrier);
}

void warp_barrier() {
    leave(State::AtWarpBarrier);
}

const u8 *exchange(const void *mine, u32 bytes) {
    u8 *set = exchanged[fibres[thread].exchanges++ % 2].data();
    if (bytes > 256) fail("a lane exchanges more than 256 bytes");
    std::memcpy(set + thread * 256, mine, bytes);
    warp_barrier();
    return set + thread / 32 * 32 * 256;
}

void copy(u32 place, const void *from, u32 bytes, u32 alignment) {
    if (place % 16 != 0 || u64(from) % alignment != 0 || bytes % alignment != 0 || bytes > 16) {
        fail("an asynchronous copy is not aligned");
    }
    // Whoever reads the place before the copy has arrived does not see the old bytes.
    std::memset(dynamic + (place - SHARED_START), 0x5a, 16);
    unpublish(place);
    fibres[thread].copies.back().push_back({place, from, bytes});
}

void commit() {
    fibres[thread].copies.emplace_back();
}

void wait(u32 newest) {
    auto &copies = fibres[thread].copies;
    if (newest == NEVER) {
        for (const auto &group : copies) {
            if (!group.empty()) fail("an asynchronous copy is never waited for");
        }
        return;
    }
    while (copies.size() > newest + 1) {
        for (const Copy &copy : copies.front()) {
            u8 *to = dynamic + (copy.place - SHARED_START);
            std::memcpy(to, copy.from, copy.bytes);
            std::memset(to + copy.bytes, 0, 16 - copy.bytes);
            arrive(copy.place);
        }
        copies.erase(copies.begin());
    }
}

void store(u32 place, const Words &words) {
    if (place % 16 != 0) fail("16 bytes are stored at a place that is not aligned");
    std::memcpy(dynamic + (place - SHARED_START), &words, 16);
    unpublish(place);
    arrive(place);
}

u32 matrix_word(u32 place, u32 lane) {
    if (place % 16 != 0) fail("the row of a matrix is not aligned");
    u32 word;
    std::memcpy(&word, dynamic + (place - SHARED_START) + lane % 4 * 4, 4);
    return word;
}

// Called for every product; its operands are arrays of the caller.
__attribute__((noinline, no_sanitize("address", "undefined"))) i32 add_dot(i32 sum, const i8 *a,
                                                                           const i8 *b,
                                                                           u32 length) {
    u32 total = u32(sum);
    for (u32 i = 0; i < length; i += 16) {
        for (u32 j = 0; j < 16; ++j) total += u32(a[i + j] * b[i + j]);
    }
    return countdown == 0 ? i32(total) : disturbed(i32(total));
}

i32 disturbed(i32 sum) {
    if (countdown == 0 || --countdown > 0) return sum;
    return i32(u32(sum) ^ 1u << flipped_bit);
}

void disturb(u64 accumulation, u32 bit) {
    countdown = accumulation;
    flipped_bit = bit;
}

void run(const Launch &launch, void (*body)(const void *), const void *context) {
    blocks = launch.blocks;
    shared_bytes = launch.shared_bytes;
    kernel = body;
    kernel_context = context;
    dynamic = shared_bytes > 0 ? new u8[shared_bytes] : nullptr;
    for (u32 i = 0; i < blocks; ++i) {
        block = launch.reversed ? blocks - 1 - i : i;
        begin_sharing();
        prepare_block(launch);
        run_block(launch);
    }
    end_sharing();
    delete[] dynamic;
    dynamic = nullptr;
}

}  // namespace emulator
