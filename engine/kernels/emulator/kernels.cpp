#include "kernels.hpp"

#include <cstring>
#include <utility>

#include "fibres.hpp"

extern "C" {
#define LINEAR(name)                                                                         \
    void name(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y, u64 m, \
              u32 n, u32 k, const i32 *r, u64 *sums, u32 parts, i32 *partials, u32 *arrivals);
LINEAR(linear_dp4a_128x128)
LINEAR(linear_mma_m8n8k16_128x128)
LINEAR(linear_mma_m16n8k32_128x256)
LINEAR(linear_mma_m16n8k32_128x128)
LINEAR(linear_mma_m16n8k32_64x64)
LINEAR(linear_wgmma_128x256)
#undef LINEAR
void linear_dp4a_rows(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y, u64 m,
                      u32 n, u32 k, const i32 *r, u64 *sums);
void add(const i8 *a, const i8 *b, const i8 *table, i8 *y, u64 count, i32 ma, i32 mb, u32 shift);
void blake3_chunks(const u8 *bytes, u64 length, u64 first, const u32 *key, u32 *nodes, u32 root);
void blake3_tree(const u32 *nodes, u64 count, const u32 *key, u32 *parents, u32 root);
void check_weights(const i8 *w, const i32 *r, u64 *u, u32 n, u32 k);
void check_linear(const i8 *x, const i8 *y, const u64 *u, const i32 *r, const u64 *sums,
                  u32 *faults, u64 m, u32 n, u32 k);
void check_add(const i8 *a, const i8 *b, const i8 *table, const i8 *y, u64 count, i32 ma, i32 mb,
               u32 shift, u32 *faults);
}

namespace {

// Calls a kernel with arguments behind pointers.
template <auto kernel>
struct Call;

template <class... A, void (*kernel)(A...)>
struct Call<kernel> {
    static void body(const void *arguments) {
        call((void *const *)arguments, std::index_sequence_for<A...>());
    }

    template <size_t... I>
    static void call(void *const *arguments, std::index_sequence<I...>) {
        kernel(*(A *)arguments[I]...);
    }
};

struct Kernel {
    const char *name;
    u32 threads, shared_bytes;
    void (*body)(const void *);
};

#define ENTRY(name, threads, shared_bytes) {#name, threads, shared_bytes, Call<&name>::body}
const Kernel KERNELS[] = {
    ENTRY(linear_dp4a_128x128, 256, 37632),
    ENTRY(linear_dp4a_rows, 128, 0),
    ENTRY(linear_mma_m8n8k16_128x128, 128, 32768),
    ENTRY(linear_mma_m16n8k32_128x256, 256, 98304),
    ENTRY(linear_mma_m16n8k32_128x128, 128, 49152),
    ENTRY(linear_mma_m16n8k32_64x64, 128, 32768),
    ENTRY(linear_wgmma_128x256, 256, 197632),
    ENTRY(add, 256, 0),
    ENTRY(blake3_chunks, 128, 0),
    ENTRY(blake3_tree, 256, 0),
    ENTRY(check_weights, 256, 0),
    ENTRY(check_linear, 256, 0),
    ENTRY(check_add, 256, 0),
};

const Kernel *find(const char *name) {
    for (const Kernel &kernel : KERNELS) {
        if (std::strcmp(kernel.name, name) == 0) return &kernel;
    }
    return nullptr;
}

bool reversed_order = false;

}  // namespace

i32 emulated_kernel(const char *name) {
    return find(name) != nullptr;
}

void emulated_order(i32 reversed) {
    reversed_order = reversed != 0;
}

i32 emulated_launch(const char *name, u32 blocks, u32 threads, u32 shared_bytes,
                    void **arguments) {
    const Kernel *kernel = find(name);
    if (!kernel) return 1;
    if (threads != kernel->threads || shared_bytes < kernel->shared_bytes) return 2;
    emulator::run({blocks, threads, kernel->shared_bytes, reversed_order}, kernel->body, arguments);
    return 0;
}
