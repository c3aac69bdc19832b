// A library with cublasLt's functions and numbers, as far as the engine uses them, for tests:
// written from cublasLt.h and cublas_api.h of CUDA 12.9. It takes descriptors for what they say,
// refuses what NVIDIA's documentation says that the library refuses, and computes on the emulated
// driver's memory, in the order of its streams.
//
// MIZAN_TEST_CUBLASLT says, with commas between, how it differs from a good one:
//
//   fail=FUNCTION:STATUS   that function returns STATUS
//   propose=N              it proposes N algorithms instead of three
//   wrong=all              every product has a wrong number
//   wrong=large            only those of more than 100 rows of the library's D
//   wrong=second           only those by the second algorithm
//   refuse=first           the first algorithm is refused when it is used
//   refuse=large           only for more than 100 rows of the library's D
//
// With LACKS_MATMUL defined it has no cublasLtMatmul.

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

enum Status {
    SUCCESS = 0,
    INVALID_VALUE = 7,
    EXECUTION_FAILED = 13,
    NOT_SUPPORTED = 15,
};

enum Type { FLOAT_32 = 0, INT_8 = 3, INT_32 = 10 };
constexpr int COMPUTE_INT_32 = 72;
constexpr uint64_t ALGORITHM = 0x6d697a616e;

struct Layout {
    int type;
    uint64_t rows, columns;
    int64_t stride;
};
struct Operation {
    int compute, scale;
    int32_t transpose_a = 0, transpose_b = 0;
};
struct Preference {
    uint64_t workspace = 0;
};
struct Algorithm {
    uint64_t data[8];
};
struct Proposal {
    Algorithm algorithm;
    size_t workspace;
    int state;
    float waves;
    int reserved[4];
};

std::string setting(const std::string &key) {
    const char *all = std::getenv("MIZAN_TEST_CUBLASLT");
    std::string text = std::string(",") + (all ? all : "") + ",";
    size_t at = text.find("," + key + "=");
    if (at == std::string::npos) return "";
    at += key.size() + 2;
    return text.substr(at, text.find(',', at) - at);
}

int failure(const std::string &function) {
    std::string fail = setting("fail");
    size_t colon = fail.find(':');
    if (fail.substr(0, colon) != function) return SUCCESS;
    return std::atoi(fail.c_str() + colon + 1);
}

void *driver(const char *name) {
    static void *library = dlopen("libcuda.so.1", RTLD_NOW);
    return library ? dlsym(library, name) : nullptr;
}

size_t width(int type) {
    return type == INT_8 ? 1 : 4;
}

// Whether a matrix lies within one allocation of the device.
bool holds(const void *address, const Layout &layout) {
    auto *range = (int (*)(uint64_t *, size_t *, uint64_t))driver("cuMemGetAddressRange_v2");
    uint64_t base = 0;
    size_t bytes = 0;
    if (!range || range(&base, &bytes, uint64_t(address)) != 0) return false;
    if (uint64_t(layout.stride) < layout.rows || layout.columns == 0) return false;
    uint64_t elements = uint64_t(layout.stride) * (layout.columns - 1) + layout.rows;
    return uint64_t(address) + elements * width(layout.type) <= base + bytes;
}

// What the documentation says of 8-bit products: exact accumulators; A transposed and B not; the
// rows of D, the depth and all strides in steps of 4; signed bytes only with a scale of floats.
bool supported(const Operation &operation, const Layout &a, const Layout &b, const Layout &c,
               const Layout &d) {
    bool types = a.type == INT_8 && b.type == INT_8 && c.type == d.type &&
                 operation.compute == COMPUTE_INT_32 &&
                 ((d.type == INT_32 && operation.scale == INT_32) ||
                  (d.type == INT_8 && operation.scale == FLOAT_32));
    bool order = operation.transpose_a == 1 && operation.transpose_b == 0;
    bool fits = a.rows == b.rows && a.columns == d.rows && b.columns == d.columns &&
                c.rows == d.rows && c.columns == d.columns;
    bool steps = a.rows % 4 == 0 && d.rows % 4 == 0 && a.stride % 4 == 0 && b.stride % 4 == 0 &&
                 c.stride % 4 == 0 && d.stride % 4 == 0;
    return types && order && fits && steps;
}

struct Work {
    Operation operation;
    Layout a, b, d;
    const int8_t *left, *right;
    void *result;
    int32_t alpha;
    float scale;
    bool wrong;
};

void multiply(void *data) {
    auto *work = (Work *)data;
    const Layout &a = work->a, &b = work->b, &d = work->d;
    for (uint64_t column = 0; column < d.columns; ++column) {
        for (uint64_t row = 0; row < d.rows; ++row) {
            int32_t sum = 0;
            for (uint64_t i = 0; i < a.rows; ++i)
                sum += work->left[row * a.stride + i] * work->right[column * b.stride + i];
            uint64_t place = column * d.stride + row;
            bool last = row + 1 == d.rows && column + 1 == d.columns;
            if (work->wrong && last) sum = sum > 0 ? -sum - 9999 : 9999 - sum;
            if (d.type == INT_32) {
                ((int32_t *)work->result)[place] = work->alpha * sum;
            } else {
                float scaled = std::nearbyint(float(sum) * work->scale);
                ((int8_t *)work->result)[place] = int8_t(std::clamp(scaled, -128.0f, 127.0f));
            }
        }
    }
    delete work;
}

}  // namespace

#define API extern "C" __attribute__((visibility("default")))
#define ENTER(name) \
    if (int status = failure(#name)) return status;

API size_t cublasLtGetVersion() { return 120903; }

API int cublasLtCreate(void **handle) {
    ENTER(cublasLtCreate)
    *handle = new int;
    return SUCCESS;
}

API int cublasLtDestroy(void *handle) {
    delete (int *)handle;
    return SUCCESS;
}

API int cublasLtMatrixLayoutCreate(void **layout, int type, uint64_t rows, uint64_t columns,
                                   int64_t stride) {
    ENTER(cublasLtMatrixLayoutCreate)
    *layout = new Layout{type, rows, columns, stride};
    return SUCCESS;
}

API int cublasLtMatrixLayoutDestroy(void *layout) {
    delete (Layout *)layout;
    return SUCCESS;
}

API int cublasLtMatmulDescCreate(void **operation, int compute, int scale) {
    ENTER(cublasLtMatmulDescCreate)
    *operation = new Operation{compute, scale};
    return SUCCESS;
}

API int cublasLtMatmulDescDestroy(void *operation) {
    delete (Operation *)operation;
    return SUCCESS;
}

API int cublasLtMatmulDescSetAttribute(void *operation, int attribute, const void *value,
                                       size_t bytes) {
    ENTER(cublasLtMatmulDescSetAttribute)
    auto *of = (Operation *)operation;
    if (bytes != sizeof(int32_t) || (attribute != 3 && attribute != 4)) return INVALID_VALUE;
    std::memcpy(attribute == 3 ? &of->transpose_a : &of->transpose_b, value, bytes);
    return SUCCESS;
}

API int cublasLtMatmulPreferenceCreate(void **preference) {
    ENTER(cublasLtMatmulPreferenceCreate)
    *preference = new Preference;
    return SUCCESS;
}

API int cublasLtMatmulPreferenceDestroy(void *preference) {
    delete (Preference *)preference;
    return SUCCESS;
}

API int cublasLtMatmulPreferenceSetAttribute(void *preference, int attribute, const void *value,
                                             size_t bytes) {
    ENTER(cublasLtMatmulPreferenceSetAttribute)
    if (bytes != sizeof(uint64_t) || attribute != 1) return INVALID_VALUE;
    std::memcpy(&((Preference *)preference)->workspace, value, bytes);
    return SUCCESS;
}

API int cublasLtMatmulAlgoGetHeuristic(void *, const Operation *operation, const Layout *a,
                                       const Layout *b, const Layout *c, const Layout *d,
                                       const Preference *preference, int wanted,
                                       Proposal *proposals, int *count) {
    ENTER(cublasLtMatmulAlgoGetHeuristic)
    if (wanted <= 0) return INVALID_VALUE;
    if (!supported(*operation, *a, *b, *c, *d)) return NOT_SUPPORTED;
    std::string propose = setting("propose");
    *count = std::min(wanted, propose.empty() ? 3 : std::atoi(propose.c_str()));
    for (int i = 0; i < *count; ++i) {
        proposals[i] = {};
        proposals[i].algorithm.data[0] = ALGORITHM;
        proposals[i].algorithm.data[7] = uint64_t(i);
        proposals[i].workspace = size_t(std::min<uint64_t>(preference->workspace, 1024u * i));
    }
    // One that turns out to be of no use, as its state says.
    if (*count < wanted && *count > 0) {
        proposals[*count] = {};
        proposals[(*count)++].state = NOT_SUPPORTED;
    }
    return SUCCESS;
}

#ifdef LACKS_MATMUL
#define cublasLtMatmul cublasLtOther
#endif

API int cublasLtMatmul(void *, const Operation *operation, const void *alpha, const void *left,
                       const Layout *a, const void *right, const Layout *b, const void *beta,
                       const void *before, const Layout *c, void *result, const Layout *d,
                       const Algorithm *algorithm, void *workspace, size_t workspace_bytes,
                       void *stream) {
    ENTER(cublasLtMatmul)
    const Layout scratch{INT_8, workspace_bytes, 1, int64_t(workspace_bytes)};
    if (!supported(*operation, *a, *b, *c, *d) || algorithm->data[0] != ALGORITHM ||
        !holds(left, *a) || !holds(right, *b) || !holds(before, *c) || !holds(result, *d) ||
        !holds(workspace, scratch))
        return INVALID_VALUE;
    uint64_t index = algorithm->data[7];
    std::string refuse = setting("refuse");
    if (index == 0 && (refuse == "first" || (refuse == "large" && d->rows > 100)))
        return NOT_SUPPORTED;
    int32_t integers[2] = {1, 0};
    float floats[2] = {1, 0};
    std::memcpy(operation->scale == INT_32 ? (void *)&integers[0] : &floats[0], alpha, 4);
    std::memcpy(operation->scale == INT_32 ? (void *)&integers[1] : &floats[1], beta, 4);
    if (integers[1] != 0 || floats[1] != 0) return NOT_SUPPORTED;
    std::string wrong = setting("wrong");
    bool is_wrong = wrong == "all" || (wrong == "large" && d->rows > 100) ||
                    (wrong == "second" && index == 1);
    auto *work = new Work{*operation,
                          *a,
                          *b,
                          *d,
                          (const int8_t *)left,
                          (const int8_t *)right,
                          result,
                          integers[0],
                          floats[0],
                          is_wrong};
    auto *launch = (int (*)(void *, void (*)(void *), void *))driver("cuLaunchHostFunc");
    if (!launch || launch(stream, multiply, work) != 0) return EXECUTION_FAILED;
    return SUCCESS;
}
