// Checks of results by row checksums and second evaluation, for sm_61 and later.
//
//   void check_weights(const i8 *w, const i32 *r, u64 *u, u32 n, u32 k)
//   void check_linear(const i8 *x, const i8 *y, const u64 *u, const i32 *r, const u64 *sums,
//                     u32 *faults, u64 m, u32 n, u32 k)
//   void check_add(const i8 *a, const i8 *b, const i8 *table, const i8 *y, u64 count,
//                  i32 ma, i32 mb, u32 shift, u32 *faults)
//
// Tensors have the shapes and alignments of the checked operation; u and sums are aligned to 8, r
// and faults to 4. faults is a counter, zero before the first check; each check adds to it, and
// what is not zero at the end is a fault. No dynamic shared memory.
//
// check_weights: u[l] += sum over j of r[j] * w[j, l]. u is k words, zero before the launch. Once
//   for each weight tensor and r, best when the weights have just been loaded and hashed: weights
//   that change later are then noticed. 256 threads, ceil(k / 256) * ceil(n / 1024) blocks.
// check_linear: adds the number of rows i with sum of x[i, l] * u[l] != sums[2 * i] or
//   sum of r[j] * y[i, j] != sums[2 * i + 1]. 256 threads, ceil(m / 32) blocks. Fast where x and y
//   are aligned to 4, u and r to 16, and k and n are multiples of 4 (fastest: of 512).
// check_add: adds the number of elements that a second evaluation, in other lanes than the first,
//   finds different. 256 threads, any number of blocks (see add.cu).
//
// What they find. An accumulator that is wrong by d, 0 < |d| < 2^32, moves its row's first sum by
// r[j] * d, which is not 0 modulo 2^64 because 0 < r[j] < 2^31: one wrong accumulator of a row is
// always found. Several wrong ones of a row, whatever they are, cancel for at most one value of
// any one of their r: with r uniform, with probability at most 1 / (2^31 - 1). The same holds for
// the second sum and wrong bytes of y, also of those that went wrong after they were stored. The
// values in the second sum are requantised from the same accumulators by other lanes, between
// storing y and making the first sum. Missed is a fault that hits both evaluations alike.
// check_add evaluates again and compares; it misses the same. Tensors that change between an
// operation and its check are noticed (w: after u was made), so checks run best at the end,
// behind the hashing of what they cover.
//
// What they cost, beside the m * n * k products of the operation: check_linear m * k products of
// a byte and 64 bits, which is 1 / n, and m * n of a byte and 31 bits, which is 1 / k; in the
// matmul a second requantisation and two products of 32 bits for each byte of y, about 1 / k;
// check_weights n * k, once for all jobs; check_add as much as add. All in 32-bit integer
// instructions, each of which takes the time of 4 to 64 products of a fast matmul.

#include "add.cuh"

KERNEL(256, 4)
check_weights(const i8 *w, const i32 *r, u64 *u, u32 n, u32 k) {
    const u32 across = (k + 255) / 256;
    const u32 l = block_index() % across * 256 + thread_index();
    const u64 first = u64(block_index() / across) * 1024;
    if (l >= k) return;
    const u64 end = first + 1024 < n ? first + 1024 : n;
    u64 sum = 0;
    _Pragma("unroll 8") for (u64 j = first; j < end; ++j) {
        sum += u64(i64(r[j]) * w[j * k + l]);
    }
    add_atomic(u + l, sum);
}

namespace {

// A checksum modulo 2^64: `high` counts 2^32 each.
struct Sum {
    u64 low;
    u32 high;
};

DEVICE void add_product(Sum &sum, i32 byte, i32 weight) {
    sum.low += u64(i64(byte) * weight);
}

// The weight is its lower word as a signed number, and the rest: no byte becomes one of 64 bits.
DEVICE void add_product(Sum &sum, i32 byte, u64 weight) {
    const u32 rest = u32(weight >> 32) + (u32(weight) >> 31);
    add_product(sum, byte, i32(weight));
    sum.high += u32(byte) * rest;
}

// Four rows of bytes, `rows` of which exist, and what their columns are multiplied with.
template <class Weight>
struct Rows {
    const i8 *bytes;
    const Weight *weights;
    u32 rows, columns;

    // The first row again for one that does not exist.
    DEVICE_MEMBER const i8 *place(u32 row, u32 column) const {
        return bytes + (u64(row < rows ? row : 0) * columns + column);
    }

    DEVICE_MEMBER bool in_words() const {
        return ((u64(bytes) | columns) & 3) == 0;
    }

    // Whether whole chunks can be loaded as sum_chunk does it.
    DEVICE_MEMBER bool aligned() const {
        return in_words() && (u64(weights) & 15) == 0;
    }
};

// Columns that a warp sums at a time; a lane takes four of each 128.
static const u32 CHUNK = 512;

// One of four weights.
DEVICE u64 weight_of(const Words (&four)[2], u32 index) {
    const u32 *pair = four[index / 2].word + index % 2 * 2;
    return u64(pair[1]) << 32 | pair[0];
}

DEVICE i32 weight_of(const Words (&four)[1], u32 index) {
    return i32(four[0].word[index]);
}

// Adds a lane's part of a whole chunk to the sums: all loads are on their way before the first is
// waited for.
template <class Weight>
DEVICE void sum_chunk(Sum (&sums)[4], const Rows<Weight> &from, u32 column) {
    const u32 WIDE = sizeof(Weight) / 4, STEPS = CHUNK / 128;
    Words weights[STEPS][WIDE];
    u32 words[STEPS][4];
    UNROLL for (u32 step = 0; step < STEPS; ++step) {
        const u32 at = column + 128 * step;
        UNROLL for (u32 i = 0; i < WIDE; ++i) {
            weights[step][i] = load_words((const Words *)(from.weights + at) + i);
        }
        UNROLL for (u32 i = 0; i < 4; ++i) words[step][i] = *(const u32 *)from.place(i, at);
    }
    UNROLL for (u32 step = 0; step < STEPS; ++step) {
        UNROLL for (u32 l = 0; l < 4; ++l) {
            const Weight weight = weight_of(weights[step], l);
            UNROLL for (u32 i = 0; i < 4; ++i) {
                add_product(sums[i], byte_of(words[step][i], l), weight);
            }
        }
    }
}

// The same for a chunk of which only the columns before `end` exist, or that is not aligned.
template <class Weight>
DEVICE void sum_part(Sum (&sums)[4], const Rows<Weight> &from, u64 column, u32 end) {
    const bool in_words = from.in_words();
    KEEP_LOOP for (; column < end; column += 128) {
        const u32 count = end - column < 4 ? u32(end - column) : 4;
        Weight weight[4];
        UNROLL for (u32 l = 0; l < 4; ++l) weight[l] = l < count ? from.weights[column + l] : 0;
        UNROLL for (u32 i = 0; i < 4; ++i) {
            const i8 *place = from.place(i, u32(column));
            const u32 word = in_words ? *(const u32 *)place : load_any(place, count).word[0];
            UNROLL for (u32 l = 0; l < 4; ++l) add_product(sums[i], byte_of(word, l), weight[l]);
        }
    }
}

// The rows of a warp, of the 32 of its block. Four are one warp's, or if the block has so few of them
// two, four or all eight warps', which share the columns. Reckoned anew where it is needed: what is
// loaded takes all the registers.
struct Portion {
    u64 top;
    u32 rows, parts, warp;

    DEVICE_MEMBER explicit Portion(u64 m) {
        top = u64(anew(block_index())) * 32;
        rows = m - top < 32 ? u32(m - top) : 32;
        parts = rows > 16 ? 1 : rows > 8 ? 2 : rows > 4 ? 4 : 8;
        warp = anew(thread_index()) / 32;
    }

    // The first of the warp's rows in the block.
    DEVICE_MEMBER u32 first() const {
        return warp / parts * 4;
    }
};

// Makes what this lane adds to the checksums of its warp's rows of `tensor`.
template <class Weight>
DEVICE void sum_rows(u64 *sums, const i8 *tensor, const Weight *weights, u64 m, u32 columns) {
    const Portion portion(m);
    const Rows<Weight> from = {tensor + (portion.top + portion.first()) * columns, weights,
                               portion.rows - portion.first(), columns};
    Sum found[4] = {};
    const u32 step = portion.parts * CHUNK, first = portion.warp % portion.parts * CHUNK;
    u32 left = first < columns ? columns - first : 0;
    KEEP_LOOP for (; left > 0; left -= left < step ? left : step) {
        const u32 chunk = columns - left, lane = thread_index() % 32;
        if (left >= CHUNK && from.aligned()) {
            sum_chunk(found, from, chunk + lane * 4);
        } else {
            sum_part(found, from, u64(chunk) + lane * 4, chunk + (left < CHUNK ? left : CHUNK));
        }
    }
    UNROLL for (u32 i = 0; i < 4; ++i) sums[i] = found[i].low + (u64(found[i].high) << 32);
}

// The sum of value l / 4 of all lanes, where this is lane l.
DEVICE u64 sum_lanes(u64 (&values)[8]) {
    UNROLL for (u32 half = 4, mask = 16; half > 0; half /= 2, mask /= 2) {
        const bool upper = (thread_index() & mask) != 0;
        UNROLL for (u32 i = 0; i < half; ++i) {
            const u64 low = values[i], high = values[half + i];
            values[i] = (upper ? high : low) + shuffle_xor(upper ? low : high, mask);
        }
    }
    return add_pairwise(add_pairwise(values[0], 2), 1);
}

// Of each warp the sums of x of its four rows, and behind them those of y.
SHARED u64 warp_sums[8][8];

// Thread i compares row i of the block's.
DEVICE void compare_sums(const u64 *sums, u32 *faults, u64 m) {
    const Portion portion(m);
    const u32 thread = thread_index();
    if (thread >= portion.rows) return;
    u64 accumulators = 0, results = 0;
    KEEP_LOOP for (u32 i = 0; i < portion.parts; ++i) {
        const u64 *from = warp_sums[thread / 4 * portion.parts + i] + thread % 4;
        accumulators += from[0];
        results += from[4];
    }
    const u64 *row = sums + 2 * (portion.top + thread);
    if (accumulators != row[0] || results != row[1]) add_atomic(faults, 1);
}

}  // namespace

KERNEL(256, 3)
check_linear(const i8 *x, const i8 *y, const u64 *u, const i32 *r, const u64 *sums, u32 *faults,
             u64 m, u32 n, u32 k) {
    const Portion portion(m);
    if (portion.top >= m) return;
    if (portion.first() < portion.rows) {
        u64 found[8];
        sum_rows(found, x, u, m, k);
        sum_rows(found + 4, y, r, m, n);
        const u64 sum = sum_lanes(found);
        const u32 thread = thread_index();
        if (thread % 4 == 0) warp_sums[thread / 32][thread % 32 / 4] = sum;
    }
    barrier();
    compare_sums(sums, faults, m);
}

namespace {

SHARED i8 table_copy[256];

// Counts the bytes of pieces that are not what is stored.
struct Compare {
    const Words *stored;
    u32 &found;

    DEVICE_MEMBER void operator()(u64 index, const Words &again) const {
        const Words piece = stored[index];
        UNROLL for (int l = 0; l < 4; ++l) {
            const u32 differing = again.word[l] ^ piece.word[l];
            UNROLL for (int j = 0; j < 4; ++j) found += (differing >> (8 * j) & 255) != 0;
        }
    }
};

}  // namespace

KERNEL(256, 4)
check_add(const i8 *a, const i8 *b, const i8 *table, const i8 *y, u64 count, i32 ma, i32 mb,
          u32 shift, u32 *faults) {
    const Add job = prepare_add(a, b, table, count, ma, mb, shift);
    copy_table(table_copy, table, thread_index(), 256);
    barrier();
    // Not the lane, nor the half of a warp, that evaluated it first.
    const u64 first = u64(block_index()) * 256 + (thread_index() ^ 17);
    const u64 step = u64(block_count()) * 256, whole = whole_pieces(job, y);
    u32 found = 0;
    const AddPieces pieces = {(const Words *)a, (const Words *)b, first, step, whole};
    add_shortest(job, pieces, table_copy, Compare{(const Words *)y, found});
    KEEP_LOOP for (u64 i = 16 * whole + first; i < count; i += step) {
        found += add_one(job, table_copy, a[i], b[i]) != y[i];
    }
    if (found > 0) add_atomic(faults, found);
}
