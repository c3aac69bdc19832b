// The add operation, element by element, for sm_61 and later.
//
//   y[i] = table[clamp((a[i] * ma + b[i] * mb + round) >> shift)]
//
// exactly as the program format defines it, in 64-bit arithmetic.
//
//   void add(const i8 *a, const i8 *b, const i8 *table, i8 *y, u64 count,
//            i32 ma, i32 mb, u32 shift)
//
// a, b      count bytes each, any alignment; they may be the same
// table     256 bytes indexed by the result's byte, any alignment; null for none
// y         count bytes, any alignment; overlaps neither a nor b. Fast where a, b and y are
//           aligned to 16 bytes, and faster yet where ma and mb, as many bits larger as shift is
//           less than 16, are of 32 bits, and shift is at most 47
// count     any, 0 included
// shift     the program's byte; above 62 it counts as 62
//
// 256 threads a block, no dynamic shared memory. Any number of blocks is correct: the kernel
// strides over the grid. ceil(count / 4,096), at most some 16 a multiprocessor, is a good one.

#include "add.cuh"

namespace {

SHARED i8 table_copy[256];

struct Store {
    Words *to;

    DEVICE_MEMBER void operator()(u64 index, const Words &piece) const {
        to[index] = piece;
    }
};

}  // namespace

KERNEL(256, 4)
add(const i8 *a, const i8 *b, const i8 *table, i8 *y, u64 count, i32 ma, i32 mb, u32 shift) {
    const Add job = prepare_add(a, b, table, count, ma, mb, shift);
    copy_table(table_copy, table, thread_index(), 256);
    barrier();
    const u64 first = u64(block_index()) * 256 + thread_index(), step = u64(block_count()) * 256;
    const u64 whole = whole_pieces(job, y);
    const AddPieces pieces = {(const Words *)a, (const Words *)b, first, step, whole};
    add_shortest(job, pieces, table_copy, Store{(Words *)y});
    KEEP_LOOP for (u64 i = 16 * whole + first; i < count; i += step) {
        y[i] = add_one(job, table_copy, a[i], b[i]);
    }
}
