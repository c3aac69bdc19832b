// The golden vectors of primitives/tensor/vectors, which every executor runs; the fields of a line
// are explained in primitives/tensor/src/vectors.rs.

#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "linear.hpp"

namespace {

typedef std::map<std::string, std::string> Fields;

u64 number(const Fields &fields, const char *name) {
    return u64(std::stoll(fields.at(name)));
}

// The bytes of `const:V` or `lcg:SEED`.
std::unique_ptr<Buffer> tensor(const std::string &kind, u64 count) {
    auto buffer = std::make_unique<Buffer>(count);
    const size_t colon = kind.find(':');
    const std::string value = kind.substr(colon + 1);
    if (kind.substr(0, colon) == "const") {
        std::memset(buffer->data, std::stoi(value), count);
        return buffer;
    }
    u64 state = std::stoull(value);
    for (u64 i = 0; i < count; ++i) {
        state = state * 6364136223846793005 + 1442695040888963407;
        buffer->data[i] = u8(state >> 56);
    }
    return buffer;
}

std::unique_ptr<Buffer> from_digits(const std::string &digits) {
    auto buffer = std::make_unique<Buffer>(digits.size() / 2);
    for (size_t i = 0; i < buffer->size; ++i) {
        buffer->data[i] = u8(std::stoi(digits.substr(2 * i, 2), nullptr, 16));
    }
    return buffer;
}

void expect(const Buffer &y, const Buffer &out, const std::string &kernel, const std::string &line) {
    ++cases;
    if (y.size == out.size && std::memcmp(y.data, out.data, y.size) == 0) return;
    fail(kernel + ": differs from the vector: " + line.substr(0, 200));
}

void run_linear(const Fields &fields, const u8 *table, const Buffer &out, const std::string &line) {
    const u64 m = number(fields, "batch");
    const u32 n = u32(number(fields, "n")), k = u32(number(fields, "k"));
    const auto x = tensor(fields.at("x"), m * k), w = tensor(fields.at("w"), u64(n) * k);
    const auto channels = from_digits(fields.at("channels"));
    for (const LinearKernel &kernel : LINEAR_KERNELS) {
        // Whole tiles of long rows take seconds here; what follows the sums is the same.
        if (k > 4096 && kernel.rows > 4) continue;
        Buffer y(m * n);
        launch(kernel.name, divide_up(m, kernel.rows) * divide_up(n, kernel.columns),
               kernel.threads, kernel.shared_bytes, x->data, w->data, channels->data, table, y.data,
               m, n, k, (i32 *)nullptr, (u64 *)nullptr, u32(1), (i32 *)nullptr,
               (u32 *)nullptr);
        expect(y, out, kernel.name, line);
    }
}

void run_add(const Fields &fields, const u8 *table, const Buffer &out, const std::string &line) {
    const u64 count = number(fields, "batch") * number(fields, "n");
    const auto a = tensor(fields.at("a"), count), b = tensor(fields.at("b"), count);
    Buffer y(count);
    launch("add", 2, 256, 0, a->data, b->data, table, y.data, count, i32(number(fields, "ma")),
           i32(number(fields, "mb")), u32(number(fields, "shift")));
    expect(y, out, "add", line);
}

void run(const std::string &line) {
    std::istringstream words(line);
    std::string operation, word;
    Fields fields;
    words >> operation;
    while (words >> word) {
        const size_t equals = word.find('=');
        fields[word.substr(0, equals)] = word.substr(equals + 1);
    }
    const std::string &kind = fields.at("table");
    const auto table = kind == "none" ? nullptr : tensor(kind, 256);
    const auto out = from_digits(fields.at("out"));
    (operation == "add" ? run_add : run_linear)(fields, table ? table->data : nullptr, *out, line);
}

}  // namespace

void test_vectors(const char *path) {
    std::ifstream file(path);
    std::string line;
    u32 lines = 0;
    while (std::getline(file, line)) {
        if (line[0] == '#') continue;
        run(line);
        ++lines;
    }
    if (lines == 0) fail(std::string(path) + ": no vectors");
}
