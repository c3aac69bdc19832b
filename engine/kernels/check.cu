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
//   sum of r[j] * y[i, j] != sums[2 * i + 1]. 256 threads, ceil(m / 32) blocks.
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

// What one lane adds to the checksums of four rows of bytes, `rows` of which exist: the products
// of every 32nd four columns with `weights`.
template <class Weight>
DEVICE void sum_rows(u64 (&sums)[4], const i8 *bytes, u64 rows, u32 columns,
                     const Weight *weights) {
    const bool aligned = ((u64(bytes) | columns) & 3) == 0;
    KEEP_LOOP for (u64 column = thread_index() % 32 * 4; column < columns; column += 128) {
        const u32 count = columns - column < 4 ? u32(columns - column) : 4;
        u64 weight[4];
        UNROLL for (u32 l = 0; l < 4; ++l) weight[l] = l < count ? u64(weights[column + l]) : 0;
        UNROLL for (u32 i = 0; i < 4; ++i) {
            const i8 *from = bytes + u64(i < rows ? i : 0) * columns + column;
            const u32 word = aligned ? *(const u32 *)from : load_any(from, count).word[0];
            UNROLL for (u32 l = 0; l < 4; ++l) {
                sums[i] += u64(i64(i8(word >> (8 * l)))) * weight[l];
            }
        }
    }
}

KERNEL(256, 3)
check_linear(const i8 *x, const i8 *y, const u64 *u, const i32 *r, const u64 *sums, u32 *faults,
             u64 m, u32 n, u32 k) {
    const u64 first = u64(block_index()) * 32 + thread_index() / 32 * 4;
    if (first >= m) return;
    u64 accumulators[4] = {}, results[4] = {};
    sum_rows(accumulators, x + first * k, m - first, k, u);
    sum_rows(results, y + first * n, m - first, n, r);
    u32 found = 0;
    UNROLL for (u32 i = 0; i < 4; ++i) {
        UNROLL for (u32 mask = 16; mask > 0; mask /= 2) {
            accumulators[i] = add_pairwise(accumulators[i], mask);
            results[i] = add_pairwise(results[i], mask);
        }
        if (first + i < m) {
            const u64 *row = sums + 2 * (first + i);
            found += accumulators[i] != row[0] || results[i] != row[1];
        }
    }
    if (thread_index() % 32 == 0 && found > 0) add_atomic(faults, found);
}

SHARED i8 table_copy[256];

KERNEL(256, 4)
check_add(const i8 *a, const i8 *b, const i8 *table, const i8 *y, u64 count, i32 ma, i32 mb,
          u32 shift, u32 *faults) {
    const Add job = prepare_add(a, b, table, count, ma, mb, shift);
    copy_table(table_copy, table, thread_index(), 256);
    barrier();
    // Not the lane, nor the half of a warp, that evaluated it first.
    const u64 first = u64(block_index()) * 256 + (thread_index() ^ 17);
    const u64 step = u64(block_count()) * 256, pieces = pieces_of(job, y);
    u32 found = 0;
    KEEP_LOOP for (u64 i = first; i < pieces; i += step) {
        const Words again = add_piece(job, table_copy, i), stored = ((const Words *)y)[i];
        UNROLL for (int l = 0; l < 4; ++l) {
            const u32 differing = again.word[l] ^ stored.word[l];
            UNROLL for (int j = 0; j < 4; ++j) found += (differing >> (8 * j) & 255) != 0;
        }
    }
    KEEP_LOOP for (u64 i = 16 * pieces + first; i < count; i += step) {
        found += add_one(job, table_copy, a[i], b[i]) != y[i];
    }
    if (found > 0) add_atomic(faults, found);
}
